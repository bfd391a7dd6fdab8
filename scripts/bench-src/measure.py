"""What all benchmarks share: running a command, rounds that interleave, and the table of results."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
KEPT = PROJECT / "target/bench"
RELEASE = PROJECT / "target/x86_64-unknown-linux-gnu/release"
PATCHBED = RELEASE / "patchbed"


class Table:
    """The rows, each: what, ours, the yardstick, the goal with what was measured, and whether it is met."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, yardstick, goal, met):
        self.rows.append((what, ours, yardstick, goal, "met" if met else "MISSED"))
        print("  " + " | ".join(self.rows[-1]), file=sys.stderr, flush=True)

    def against(self, what, ours, name, theirs, goal):
        """A row of two lists of milliseconds from the same rounds: the median of the ratios of the rounds."""
        times = ratio(ours, theirs)
        self.add(what, milliseconds(ours), f"{name} {milliseconds(theirs)}", f"≤ {goal} ×: {times:.2f} ×", times <= goal)

    def markdown(self):
        head = ["| what | patchbed | yardstick | goal: measured | |", "|---|---|---|---|---|"]
        return "\n".join(head + ["| " + " | ".join(row) + " |" for row in self.rows]) + "\n"


def ratio(ours, theirs):
    """What drifts over the run drifts for both, so rounds are compared one by one."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def milliseconds(values):
    return f"{statistics.median(values):.2f} ms (min {min(values):.2f})"


def interleave(ways, rounds):
    """Measures every way once a round, each round beginning with another one. A way returns a number."""
    found = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(ways[name]())
    return found


def text(argv, expect=(0,), **options):
    """Runs a command and returns what it printed; any other status ends the benchmark."""
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, **options)
    if done.returncode not in expect:
        sys.exit(f"bench: {[str(word) for word in argv]}: status {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def took(argv, expect=(0,), **options):
    """Milliseconds of one command from start to end."""
    begin = time.perf_counter()
    text(argv, expect, **options)
    return (time.perf_counter() - begin) * 1e3


def numbers(argv):
    """Runs a command that prints a number a line."""
    return [float(line) for line in text(argv).split()]


def highest_memory(argv, **options):
    """The most resident memory of the command's own process, in MiB, and its milliseconds."""
    begin = time.perf_counter()
    child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    highest = 0
    while child.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            highest = max(highest, int(re.search(r"VmHWM:\s+(\d+)", status)[1]))
        except (OSError, TypeError):   # it has ended, or is a zombie
            pass
        time.sleep(0.002)
    if child.returncode:
        sys.exit(f"bench: {[str(word) for word in argv]}: status {child.returncode}")
    return highest / 1024, (time.perf_counter() - begin) * 1e3


def folder():
    return pathlib.Path(tempfile.mkdtemp(dir=KEPT))


def record(argv, **options):
    """Runs patchbed with `--json` and returns the record with the milliseconds."""
    begin = time.perf_counter()
    printed = text(argv, **options)
    return json.loads(printed), (time.perf_counter() - begin) * 1e3


def alive(mark):
    """Whether a process `sleep MARK` lives."""
    wanted = f"sleep\0{mark}\0".encode()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if file.read(64) == wanted:
                    return True
        except OSError:
            pass
    return False
