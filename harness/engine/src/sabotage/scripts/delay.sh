# Halts the service for a fifth of all time, so often that each answer of some milliseconds takes longer.
needs perl
[ -n "$(members)" ] || refuse "the service has no process"
halts='for (1 .. 400) {
	kill STOP => @ARGV;
	select undef, undef, undef, 0.0005;
	kill CONT => @ARGV;
	select undef, undef, undef, 0.002;
}'
delay() {
	while :; do
		perl -e "$halts" $(members)
	done
}
delay </dev/null >/dev/null 2>&1 &
for look in 1 3 7 9 11 13 17 19 23 29 31 37 41 43 47; do
	for pid in $(members); do
		if grep -q '^State:[[:space:]]*T' "/proc/$pid/status"; then exit; fi
	done
	sleep 0.01$look
done
refuse "the service is never halted"
