# Has the service listen on other ports: it lives, and nobody reaches it where it was.
addresses=$(listens)
[ -n "$addresses" ] || refuse "unfit: the service listens on no TCP port"
pid=$(main)
files=$(configs 2>/dev/null) || :
scripts=$(for word in $(words "$pid" | sed 1d); do path "$pid" "$word"; done)
moved=
for hex in $(echo "$addresses" | sed 's/.*://' | sort -u); do
	port=$((0x$hex))
	change="s/(^|[^0-9.])$port([^0-9]|\$)/\1$(((port + 20000) % 65536))\2/g"
	for file in $files $scripts; do
		if [ -f "$file" ] && grep -Iqw "$port" "$file"; then
			case " $scripts " in
			*"$file"*) sed -i -E "$change" "$file" ;;
			*) sed -i -E "/listen|port|bind|virtualhost/I$change" "$file" ;;
			esac
			moved="$moved $port"
		fi
	done
	if [ -z "$unit" ] && words "$pid" | grep -qw "$port"; then
		echo "for word; do shift; set -- \"\$@\" \"\$(printf %s \"\$word\" | sed -E '$change')\"; done" >>"$hook"
		moved="$moved $port"
	fi
done
[ -n "$moved" ] || refuse "unfit: nothing tells where the port of the service is set"
if [ -n "$unit" ]; then
	again
	for address in $addresses; do
		! listens | grep -qx "$address" || refuse "the service still listens on $address"
	done
	[ -n "$(listens)" ] || refuse "the service listens nowhere: that would be another fault"
fi
