# What every fault begins with. Before it stand `name`, the service as part of a file's name, and `unit`, which is empty
# where the service is a program. What begins with `unfit:` says that there is nothing here that could be broken so.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
hook=/run/patchbed-$name

refuse() {
	echo "$1" >&2
	exit 1
}

needs() {
	command -v "$1" >/dev/null || refuse "the image has no $1"
}

descendants() {
	for pid; do
		echo "$pid"
		descendants $(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
	done
}

# The processes of the service.
members() {
	if [ -n "$unit" ]; then
		cat "/sys/fs/cgroup$(systemctl show --property=ControlGroup --value -- "$unit")/cgroup.procs" 2>/dev/null || :
	else
		descendants $(cat "/tmp/.patchbed-$name" 2>/dev/null)
	fi
}

# The first of them that is no shell.
main() {
	for pid in $(members); do
		case $(readlink "/proc/$pid/exe" || :) in
		'' | */sh | */dash | */bash | */busybox) ;;
		*) echo "$pid" && return ;;
		esac
	done
	refuse "the service has no process"
}

# The command line of a process, one word on a line.
words() {
	tr '\0' '\n' <"/proc/$1/cmdline"
}

# A word as a path: what follows the equals sign, from the folder of the process on.
path() {
	case ${2#*=} in
	/*) echo "${2#*=}" ;;
	*) echo "$(readlink "/proc/$1/cwd")/${2#*=}" ;;
	esac
}

# The addresses on which the service listens in this network.
listens() {
	links=$(for pid in $(members); do ls -l "/proc/$pid/fd" 2>/dev/null || :; done)
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ local _ state _ _ _ _ _ inode _; do
		[ "$state" = 0A ] || continue
		case $links in *"socket:[$inode]"*) echo "$local" ;; esac
	done
}

# The file that configures the service: one that its command line names, else one below /etc that is called alike.
config() {
	pid=$(main)
	for word in $(words "$pid"); do
		file=$(path "$pid" "$word")
		case $file in
		/etc/* | *.conf | *.cfg | *.cnf | *.ini | *.json | *.toml | *.yml | *.yaml) ;;
		*) continue ;;
		esac
		if [ -f "$file" ]; then echo "$file" && return; fi
	done
	stems="$(basename "$(readlink "/proc/$pid/exe")") ${unit%%[.@]*}"
	for stem in $stems; do
		for place in /etc/???*; do
			short=${place##*/}
			short=${short%.c*}
			case $stem in "$short"*) ;; *) continue ;; esac
			for like in "$stem" "$short"; do
				file=$(find "$place" -type f \( -name "$like*.conf" -o -name "$like*.cfg" -o -name "$like*_config" \) |
					sort | head -n 1)
				if [ -n "$file" ]; then echo "$file" && return; fi
			done
		done
	done
	refuse "unfit: no file is known that configures the service"
}

# All files beside that one, where they have a folder of their own.
configs() {
	file=$(config)
	case ${file%/*} in
	/etc | '') echo "$file" ;;
	*) find -L "${file%/*}" -type f ;;
	esac
}

# Adds lines to the unit's file, and has systemd read it.
settings() {
	mkdir -p "/etc/systemd/system/$unit.d"
	printf '%s\n' "$@" >"/etc/systemd/system/$unit.d/zzz-patchbed.conf"
	systemctl daemon-reload
}

# Has the unit, which is restarted, take up what was changed. A program takes it up when it is started again.
again() {
	[ -z "$unit" ] || systemctl restart -- "$unit" || refuse "the unit does not start: that would be another fault"
}
