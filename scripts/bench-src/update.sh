#!/bin/sh
# The package-update scenario by hand: for each of three attempts (control, patched, control) a volatile overlay in
# fresh namespaces; install the product, start it, update it (patched only), restart, take a snapshot, stop. Then compare.
# usage: update.sh IMAGE SCRATCH DEBS
set -eu
image=$1 scratch=$2 debs=$3

attempt() { # NAME [UPDATE]
	dir=$(mktemp -d "$scratch/attempt-XXXXXX")
	mkdir "$dir/upper" "$dir/work" "$dir/root" "$dir/debs"
	unshare --mount --pid --net --ipc --uts --fork --kill-child sh -eu -c '
		image=$1 dir=$2 debs=$3 update=$4
		mount -t overlay overlay -o "lowerdir=$image,upperdir=$dir/upper,workdir=$dir/work,volatile" "$dir/root"
		root=$dir/root
		mount --bind "$debs" "$root/mnt"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		ip link set lo up 2>/dev/null || true
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C
		printf "#!/bin/sh\nexit 101\n" > "$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
		apt="apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 install"
		chroot "$root" $apt /mnt/benchdemo_1_all.deb >/dev/null 2>&1 </dev/null
		chroot "$root" benchdemo-start
		chroot "$root" benchdemo-ask > /dev/null
		[ -z "$update" ] || chroot "$root" $apt /mnt/benchdemo_2_all.deb >/dev/null 2>&1 </dev/null
		chroot "$root" benchdemo-stop
		chroot "$root" benchdemo-start
		chroot "$root" benchdemo-ask > "$dir/answer"
		chroot "$root" dpkg-query -W -f "\${Package} \${Version} \${Status}\n" > "$dir/packages"
		(cd "$dir/upper" && find . -type f -print0 | sort -z | xargs -0 sha256sum) > "$dir/files"
		for pid in "$root"/proc/[0-9]*; do tr "\0" " " < "$pid/cmdline" 2>/dev/null || true; echo; done > "$dir/processes"
		chroot "$root" benchdemo-stop
	' sh "$image" "$dir" "$debs" "${2:-}"
	eval "$1=\$dir"
}

attempt first; attempt patched update; attempt second
diff "$first/answer" "$patched/answer" > /dev/null
diff "$first/packages" "$patched/packages" > "$patched/changed" || true
diff "$first/files" "$patched/files" >> "$patched/changed" || true
rm -rf "$first" "$patched" "$second"
