# Halts the service for a fifth of all time, again and again.
cat >"/run/patchbed-delay-$name" <<'DELAY'
while :; do
	pids=$(members)
	turn=0
	while [ $turn -lt 40 ]; do
		kill -STOP $pids 2>/dev/null || :
		sleep 0.005
		kill -CONT $pids 2>/dev/null || :
		sleep 0.02
		turn=$((turn + 1))
	done
done
DELAY
[ -n "$(members)" ] || refuse "the service has no process"
needs setsid
(. "/run/patchbed-delay-$name") </dev/null >/dev/null 2>&1 &
sleep 0.1
kill -0 $! || refuse "what halts the service is gone"
