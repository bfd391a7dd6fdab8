"""How long anything lives: of a killed harness, of a hostile service, of a hundred dirty sandboxes."""
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

from measure import PATCHBED, RELEASE, alive, folder, interleave, milliseconds, numbers, took

CROWD = 380


def measure(table, root, rounds):
    killed = [kill(root, number) for number in range(max(5, rounds // 2))]
    table.add(f"all of a killed harness gone, {CROWD} processes", milliseconds(killed), "–", "≤ 100 ms", statistics.median(killed) <= 100)
    stopped = numbers([RELEASE / "examples/stop", root, CROWD, max(5, rounds // 4)])
    table.add(f"a service of {CROWD} processes deaf to TERM, after its time", milliseconds(stopped), "–", "≤ 200 ms", statistics.median(stopped) <= 200)
    neighbours(table, root, rounds)
    sweep(table, root)


def crowd(mark):
    return f"trap '' TERM; for i in $(seq {CROWD}); do sleep {mark} & done; echo started; wait"


def kill(root, number):
    """Kills the harness and returns the milliseconds until the last process of its sandbox is gone."""
    mark = f"{7_000_000 + os.getpid() % 100_000 * 10 + number}"
    argv = [PATCHBED, "shell", root, "--", "/bin/sh", "-c", crowd(mark)]
    child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.readline()
    begin = time.perf_counter()
    os.kill(child.pid, signal.SIGKILL)
    while alive(mark):
        if time.perf_counter() - begin > 10:
            sys.exit("bench: processes of a killed harness still live after 10 s")
    spent = (time.perf_counter() - begin) * 1e3
    child.wait()
    return spent


def neighbours(table, root, rounds):
    """What the host's own programs feel of a fork bomb in a sandbox."""
    def spawn():
        return statistics.median(took(["/bin/true"]) for _ in range(20))

    def beside():
        bomb = "trap '' TERM; bomb() { bomb | bomb & }; echo started; bomb; while :; do :; done"
        argv = [PATCHBED, "shell", root, "--", "/bin/sh", "-c", bomb]
        child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.readline()
        try:
            return spawn()
        finally:
            child.kill()
            child.wait()

    found = interleave({"quiet": spawn, "beside": beside}, max(5, rounds // 4))
    table.against("fork + exec on the host beside a fork bomb", found["beside"], "on a quiet host", found["quiet"], 2.0)


def sweep(table, root):
    """Kills a hundred sandboxes of one store at once; then the next start removes what they left."""
    store = folder()
    environment = {**os.environ, "XDG_CACHE_HOME": str(store), "XDG_STATE_HOME": str(store)}
    argv = [str(PATCHBED), "shell", str(root), "--", "/bin/sh", "-c", "touch /var/dirty; echo started; sleep 1000"]
    took([PATCHBED, "shell", root, "--", "/bin/true"], env=environment, cwd=store)
    children = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=store) for _ in range(100)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.kill()
    for child in children:
        child.wait()
    dirty = took([PATCHBED, "shell", root, "--", "/bin/true"], env=environment, cwd=store)
    clean = took([PATCHBED, "shell", root, "--", "/bin/true"], env=environment, cwd=store)
    table.add("next start after 100 killed harnesses", f"{dirty:.0f} ms", f"a start after none {clean:.0f} ms", "≤ 2 s", dirty <= 2000)
    shutil.rmtree(store, ignore_errors=True)
