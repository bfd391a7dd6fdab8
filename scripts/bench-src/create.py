"""One sandbox: create, run /bin/true, take down."""
import json
import statistics
import subprocess
import sys

from measure import HERE, KEPT, PATCHBED, PROJECT, RELEASE, folder, interleave, numbers, text, took

EXAMPLE = RELEASE / "examples/create"


def measure(table, root, rounds):
    text(["gcc", "-O2", "-o", KEPT / "floor", HERE / "floor.c"])
    scratch = folder()
    # A round is the median of some sandboxes in a row, so that one slow moment of the disk does not count.
    ways = {
        "floor": lambda: statistics.median(numbers([KEPT / "floor", root, scratch, 10, "/bin/true"])),
        "patchbed": lambda: statistics.median(numbers([EXAMPLE, root, 10])),
        "command": lambda: times([PATCHBED, "shell", root, "--", "/bin/true"], 3),
        "bwrap": lambda: times(["bwrap", "--unshare-all", "--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"], 5),
    }
    crun = crun_argv(root)
    if subprocess.run(crun, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0:
        ways["crun"] = lambda: times(crun, 3)
    else:
        print("  crun cannot run on this host and is left out", file=sys.stderr)
    found = interleave(ways, rounds)
    what = "sandbox: create, `/bin/true`, take down"
    table.against(what, found["patchbed"], "C floor", found["floor"], 1.5)
    table.against(what, found["patchbed"], "bwrap --unshare-all", found["bwrap"], 0.8)
    table.against("`patchbed shell IMAGE -- /bin/true`", found["command"], "C floor", found["floor"], 2.0)
    if "crun" in found:
        table.against("`patchbed shell IMAGE -- /bin/true`", found["command"], "crun run", found["crun"], 1.3)
    mounts(table, root, scratch, rounds)
    at_once(table, root)
    as_user(table, rounds)


def times(argv, count):
    return statistics.median(took(argv) for _ in range(count))


def crun_argv(root):
    bundle = KEPT / "crun"
    bundle.mkdir(exist_ok=True)
    config = {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "cwd": "/", "env": ["PATH=/usr/bin:/bin"]},
        "root": {"path": str(root), "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
    }
    (bundle / "config.json").write_text(json.dumps(config))
    return ["crun", "--cgroup-manager=disabled", "run", "--bundle", str(bundle), "bench-crun"]


def mounts(table, root, scratch, rounds):
    """The same on a host with 300 more mounts, which a new mount namespace copies."""
    def with_mounts(count):
        script = 'i=0; while [ $i -lt "$1" ]; do mkdir -p "$2/$i"; mount -t tmpfs none "$2/$i"; i=$((i + 1)); done; shift 2; exec "$@"'
        argv = ["unshare", "--mount", "sh", "-euc", script, "sh", count, scratch / "mounts", EXAMPLE, root, 10]
        return statistics.median(numbers(argv))

    found = interleave({"many": lambda: with_mounts(300), "few": lambda: with_mounts(0)}, max(5, rounds // 4))
    table.against("the sandbox with 300 more mounts on the host", found["many"], "without them", found["few"], 1.3)


def at_once(table, root):
    rates = [400 / numbers([EXAMPLE, root, 400, 8])[0] * 1e3 for _ in range(5)]
    rate = statistics.median(rates)
    table.add("sandboxes a second, 8 at once", f"{rate:.0f}/s (most {max(rates):.0f}/s)", "–", "≥ 500/s", rate >= 500)


def as_user(table, rounds):
    """The command line as an ordinary user, against bwrap as the same user, on the root of a tarball."""
    tar = KEPT / "root.tar"
    if not tar.exists():
        text(["tar", "-C", KEPT / "root", "-cf", tar, "--exclude=./dev/*", "."])
    script = PROJECT / "scripts/ordinary-user"
    argv = [script, "python3", "scripts/bench-src/rootless.py", max(5, rounds // 2)]
    with tar.open("rb") as archive:
        done = subprocess.run([str(word) for word in argv], stdin=archive, capture_output=True, text=True, cwd=PROJECT, check=False)
    if done.returncode:
        raise SystemExit(f"bench: as an ordinary user: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    table.against("`patchbed shell IMAGE -- /bin/true`, ordinary user", found["patchbed"], "bwrap, the same user", found["bwrap"], 1.5)
