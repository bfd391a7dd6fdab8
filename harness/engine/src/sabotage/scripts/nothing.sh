# Does nothing that matters: what is told of it is told without a reason.
if [ -n "$unit" ]; then
	settings '[Unit]'
	again
fi
