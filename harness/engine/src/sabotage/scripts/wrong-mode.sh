# Takes the right to run it from the service's program; where an interpreter runs it, from the script.
pid=$(main)
file=$(readlink "/proc/$pid/exe")
case ${file##*/} in
python* | perl* | ruby* | php* | node | nodejs | java)
	file=$(words "$pid" | sed 1d | while read -r word; do
		word=$(path "$pid" "$word")
		if [ -f "$word" ]; then echo "$word" && break; fi
	done)
	[ -n "$file" ] || refuse "unfit: the interpreter was given no file"
	;;
esac
if [ -x "$file" ]; then
	chmod a-x "$file"
	[ ! -x "$file" ] || refuse "$file can still be run"
	exit
fi
! grep -q '^Uid:[[:space:]]*0[[:space:]]' "/proc/$pid/status" || refuse "unfit: root reads $file all the same"
chown root "$file"
chmod 600 "$file"
