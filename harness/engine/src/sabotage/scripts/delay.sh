# Halts the service for a fifth of all time, so often that each answer of some milliseconds takes longer.
needs perl
[ -n "$(members)" ] || refuse "the service has no process"
delay() {
	while :; do
		perl -e 'for (1 .. 400) { kill STOP => @ARGV; select undef, undef, undef, 0.0005; kill CONT => @ARGV; select undef, undef, undef, 0.002 }' $(members)
	done
}
delay </dev/null >/dev/null 2>&1 &
for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	for pid in $(members); do
		if grep -q '^State:[[:space:]]*T' "/proc/$pid/status"; then exit; fi
	done
	sleep 0.01$look
done
refuse "the service is never halted"
