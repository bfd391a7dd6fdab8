# Empties a library that the service has loaded and nothing of the system itself needs.
libraries() {
	grep -hoE '/[^ ]+\.so[^ ]*$' "$@" | sort -u
}
library=
systemctl=$(command -v systemctl || :)
for file in $(libraries "/proc/$(main)/maps"); do
	case ${file##*/} in
	libc.so* | libm.so* | libdl.so* | libpthread* | librt.so* | ld-linux* | ld-musl*) continue ;;
	esac
	! libraries "/proc/$$/maps" /proc/1/maps | grep -qxF "$file" || continue
	if [ -n "$systemctl" ] && ldd "$systemctl" 2>/dev/null | grep -qF "/${file##*/}"; then continue; fi
	library=$file && break
done
[ -n "$library" ] || refuse "unfit: the service loads no library of its own"
: >"$library.empty"
chmod 644 "$library.empty"
mv "$library.empty" "$library"
[ ! -s "$library" ] || refuse "$library is not empty"
