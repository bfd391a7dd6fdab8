#!/bin/sh
# Asks the probes that differed in the run once more, or the one that is named.
exec /run/patchbed-shell/ask again "$*"
