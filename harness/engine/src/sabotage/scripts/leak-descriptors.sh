# Starts the service with 200 open files that nobody closes.
needs bash
leak=/run/patchbed-leak-$name
cat >"$leak" <<'LEAK'
for number in {300..499}; do
	eval "exec $number</dev/null"
done
exec "$@"
LEAK
chmod 644 "$leak"
if [ -z "$unit" ]; then
	echo "set -- bash $leak \"\$@\"" >"$hook"
	exit
fi
line=$(systemctl cat -- "$unit" | sed -e ':again' -e '/\\$/N' -e 's/\\\n//' -e 't again' |
	sed -n 's/^ExecStart=//p' | tail -n 1)
case $line in
/*) ;;
*) refuse "unfit: the unit's command line is not plain: $line" ;;
esac
# A unit that may run nothing but its own program could not run the shell.
settings '[Service]' 'NoExecPaths=' 'ExecStart=' "ExecStart=/bin/bash $leak $line"
again
for pid in $(members); do
	if [ "$(ls "/proc/$pid/fd" | wc -l)" -ge 200 ]; then exit; fi
done
refuse "the service closed the files"
