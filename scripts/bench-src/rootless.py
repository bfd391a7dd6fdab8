"""Run by an ordinary user: reads the tarball of an image from standard input, measures, prints JSON."""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

from measure import PATCHBED, interleave, took

home = pathlib.Path.home()
with (home / "root.tar").open("wb") as archive:
    shutil.copyfileobj(sys.stdin.buffer, archive)
root = home / "root"
root.mkdir()
subprocess.run(["tar", "-C", root, "-xf", home / "root.tar", "--no-same-owner"], check=False)
image = home / "root.tar"


def times(argv):
    return statistics.median(took(argv) for _ in range(3))


ways = {
    "patchbed": lambda: times([PATCHBED, "shell", image, "--", "/bin/true"]),
    "bwrap": lambda: times(["bwrap", "--unshare-all", "--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]),
}
took([PATCHBED, "shell", image, "--", "/bin/true"])   # imports it once
print(json.dumps(interleave(ways, int(sys.argv[1]))))
