#!/bin/sh
# Prints how a file differs between the arms.
case ${1:?"usage: diff-arms PATH"} in /*) ;; *) set -- "$PWD/$1" ;; esac
exec /run/patchbed-shell/ask diff-arms "$1"
