"""A whole package-update scenario, by the attempt, against the same steps by hand."""
import os
import pathlib
import shutil
import statistics
import sys

from measure import HERE, KEPT, PATCHBED, folder, interleave, milliseconds, ratio, record, text, took

# The stages in which the scenario's own work is done; the others are ours.
WORK = ("install", "start", "exercise", "apply", "restart")
WATCH = 300   # milliseconds for which services are watched at least, so that one that dies late is seen


def measure(table, root, rounds):
    debs, work = packages(), folder()
    (work / "update.yaml").write_text(SCENARIO.format(root=root, debs=debs))
    tree = autopkgtest_tree(work)
    argv = command(work)
    overheads = []

    def ours():
        spent, steps = each(argv)
        overheads.append(spent - steps - WATCH)
        return spent

    ours()   # imports the image, and freezes the layer with the product
    overheads.clear()
    ways = {
        "ours": ours,
        "shell": lambda: took([HERE / "update.sh", root, work, debs]) / 3,
        "in memory": lambda: in_memory(root, debs),
    }
    try:
        autopkgtest(root, debs, work, tree)
        ways["autopkgtest"] = lambda: autopkgtest(root, debs, work, tree)
    except SystemExit as refusal:
        print(f"  autopkgtest cannot run here and is left out: {str(refusal)[-200:]}", file=sys.stderr)
    found = interleave(ways, max(5, rounds // 4))
    what = "package update, each attempt"
    spent, shell = found["ours"], found["shell"]
    goal = statistics.median(shell) * 1.10 + 50
    table.add(what, milliseconds(spent), f"shell script {milliseconds(shell)}", f"≤ 1.10 × + 50 ms: {ratio(spent, shell):.2f} ×", statistics.median(spent) <= goal)
    if "autopkgtest" in found:
        table.against(what, spent, "autopkgtest, chroot server, one attempt", found["autopkgtest"], 0.7)
    table.add(f"of that, all but the scenario's own steps and the {WATCH} ms for which services are watched", milliseconds(overheads), "–", "≤ 60 ms", statistics.median(overheads) <= 60)
    table.against("the same, results on the disk", spent, "results on a tmpfs", found["in memory"], 1.02)
    shutil.rmtree(work, ignore_errors=True)


def command(work):
    """The cell with the product: that without it has no service to start."""
    return [PATCHBED, "-C", work, "run", "update.yaml", "-q", "-j", "1", "-k", "software=benchdemo"]


def each(argv):
    """Milliseconds of an attempt of the whole command, and of the scenario's own steps in it."""
    found, spent = record([*argv, "--json"])
    attempts = [attempt for scenario in found["scenarios"] for cell in scenario["cells"] for attempt in cell["timeline"]]
    if found["verdict"] != "same":
        raise SystemExit(f"bench: the update came out as {found['verdict']}")
    steps = sum(attempt["stages"].get(stage, 0) for attempt in attempts for stage in WORK)
    return spent / len(attempts), steps / len(attempts)


def in_memory(root, debs):
    """The whole command with everything that it keeps of a run on a tmpfs, where to flush costs nothing."""
    work = pathlib.Path("/dev/shm") / f"patchbed-bench-{os.getpid()}"
    work.mkdir(exist_ok=True)
    try:
        (work / "update.yaml").write_text(SCENARIO.format(root=root, debs=debs))
        return each(command(work))[0]
    finally:
        shutil.rmtree(work)


SCENARIO = """\
image: {{ directory: {root} }}
software:
  - name: benchdemo
    install:
      - deb: {{ files: [{debs}/benchdemo_1_all.deb] }}
    services:
      - name: demo
        run: [benchdemo-serve]
        ready: {{ tcp: "127.0.0.1:7070" }}
    probes:
      - {{ name: ask, command: [benchdemo-ask] }}
patch:
  name: update
  deb: {{ files: [{debs}/benchdemo_2_all.deb] }}
"""

DEMO = {
    "benchdemo-serve": "#!/usr/bin/perl\nuse IO::Socket::INET;\nmy $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 7070,"
                       " Listen => 5, ReuseAddr => 1) or die;\nwhile (my $c = $s->accept) { print $c \"ready\\n\"; close $c; }\n",
    "benchdemo-start": "#!/bin/sh\nsetsid benchdemo-serve >/dev/null 2>&1 </dev/null &\necho $! > /run/benchdemo.pid\n"
                       "until benchdemo-ask >/dev/null 2>&1; do sleep 0.01; done\n",
    "benchdemo-stop": "#!/bin/sh\nkill $(cat /run/benchdemo.pid)\n",
    "benchdemo-ask": "#!/usr/bin/perl\nuse IO::Socket::INET;\nmy $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:7070', Timeout => 2)"
                     " or exit 1;\nprint scalar <$s>;\n",
}


def packages():
    """Two versions of a package of 203 files with a service."""
    debs = KEPT / "debs"
    if (debs / "benchdemo_2_all.deb").exists():
        return debs
    debs.mkdir(exist_ok=True)
    for version in "12":
        tree = folder()
        control = f"Package: benchdemo\nVersion: {version}\nArchitecture: all\nMaintainer: bench <bench@localhost>\nDescription: a package to update\n"
        data = {f"usr/share/benchdemo/data-{number}": f"version {version} file {number}\n" * 40 for number in range(199)}
        write(tree, {"DEBIAN/control": control} | data, 0o644)
        write(tree, {f"usr/bin/{name}": script for name, script in DEMO.items()}, 0o755)
        tree.chmod(0o755)
        text(["dpkg-deb", "--root-owner-group", "-b", tree, debs / f"benchdemo_{version}_all.deb"])
        shutil.rmtree(tree)
    return debs


def write(tree, files, mode):
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)


def autopkgtest_tree(work):
    """The same update as a source package with one test."""
    tree = work / "autopkgtest"
    write(tree / "debian", {
        "control": "Source: benchdemo\nMaintainer: bench <bench@localhost>\n\nPackage: benchdemo\nArchitecture: all\nDescription: a package to update\n",
        "changelog": "benchdemo (2) unstable; urgency=low\n\n  * Update.\n\n -- bench <bench@localhost>  Mon, 01 Jan 2024 00:00:00 +0000\n",
        "tests/control": "Tests: update\nDepends:\nRestrictions: needs-root\n",
    }, 0o644)
    install = "apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 install"
    write(tree / "debian", {"tests/update": f"""\
#!/bin/sh
set -e
exec 2>&1
{install} /mnt/benchdemo_1_all.deb
benchdemo-start
benchdemo-ask
{install} /mnt/benchdemo_2_all.deb
benchdemo-stop
benchdemo-start
benchdemo-ask
dpkg-query -W >/dev/null
benchdemo-stop
"""}, 0o755)
    return tree


def autopkgtest(root, debs, work, tree):
    """One attempt by autopkgtest on a tmpfs overlay with its chroot server."""
    script = """
        mount -t tmpfs tmpfs "$2"; mkdir "$2/u" "$2/w" "$2/r"
        mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/u,workdir=$2/w" "$2/r"
        mount --bind "$3" "$2/r/mnt"
        mount -t proc proc "$2/r/proc"
        mount --rbind /dev "$2/r/dev"
        exec autopkgtest --no-built-binaries "$4" -- chroot "$2/r"
    """
    place = work / "testbed"
    place.mkdir(exist_ok=True)
    return took(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script, "sh", root, place, debs, tree])
