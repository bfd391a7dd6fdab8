#!/bin/sh
# A known update by hand: the product is installed once and kept under SCRATCH; each attempt is a volatile overlay in
# fresh namespaces in which the patch is installed (patched attempts only), the product is asked, and packages and files
# are noted.
# usage: known.sh IMAGE SCRATCH WHEELS CONTROL PATCHED
set -eu
image=$1 scratch=$2 wheels=$3 control=$4 patched=$5
dir=$(mktemp -d "$scratch/known-XXXXXX")

attempt() { # LOWER PLACE COMMAND
	mkdir -p "$2/upper" "$2/work" "$2/root"
	unshare --mount --pid --net --ipc --uts --fork --kill-child sh -eu -c '
		root=$1/root
		mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work,volatile" "$root"
		mount --bind "$3" "$root/mnt"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		chroot "$root" sh -c "$4"
		chroot "$root" dpkg-query -W -f "\${Package} \${Version} \${Status}\n" > "$1/packages"
		(cd "$1/upper" && find . -type f -print0 | sort -z | xargs -0 sha256sum) > "$1/files"
	' sh "$2" "$1" "$wheels" "$3"
}

pip="/srv/venv/bin/pip install -q --no-index --no-deps --disable-pip-version-check --find-links /mnt"
program='import typer
app = typer.Typer()
@app.command()
def ship(order: int): typer.echo(order)
app()'
product=$scratch/product
[ -d "$product" ] || attempt "$image" "$product" "$pip click==8.0.4 typer==0.4.0; echo '$program' > /srv/ship.py"
ask="/srv/venv/bin/python /srv/ship.py 7 >/dev/null 2>&1 || true"
for number in $(seq "$control"); do attempt "$product/upper:$image" "$dir/control-$number" "$ask"; done
for number in $(seq "$patched"); do attempt "$product/upper:$image" "$dir/patched-$number" "$pip click==8.1.0; $ask"; done
rm -rf "$dir"
