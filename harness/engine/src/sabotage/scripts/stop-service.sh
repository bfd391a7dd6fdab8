# Stops the service, and keeps it down.
if [ -n "$unit" ]; then
	settings '[Unit]' 'AssertPathExists=/nonexistent/patchbed'
	systemctl stop -- "$unit"
	! systemctl is-active --quiet -- "$unit" || refuse "the unit is still active"
	exit
fi
echo 'exit 1' >"$hook"
pids=$(members)
[ -n "$pids" ] || refuse "the service has no process"
kill -KILL $pids 2>/dev/null || :
sleep 0.2
for pid in $pids; do
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" 2>/dev/null || refuse "process $pid is still there"
done
