"""Memory of the harness, loading, output."""
import shutil

from measure import PATCHBED, folder, highest_memory, interleave, milliseconds, ratio, took

SIZE = 500   # MB of output


def measure(table, root, rounds):
    work = folder()
    mib, _ = highest_memory([PATCHBED, "shell", root, "--", "/bin/sleep", "1"])
    table.add("memory of the harness with one idle sandbox", f"{mib:.1f} MiB", "–", "≤ 20 MiB", mib <= 20)
    loading(table, root, work, rounds)
    running(table, work)
    draining(table, root)
    shutil.rmtree(work, ignore_errors=True)


def loading(table, root, work, rounds):
    many = work / "many"
    many.mkdir()
    for number in range(1000):
        services = "".join(f'  - name: service-{k}\n    run: [/bin/sleep, "1000"]\n    within: 20s\n' for k in range(4))
        probes = "".join(f"  - name: probe-{k}\n    command: [/bin/cat, /etc/motd]\n" for k in range(6))
        (many / f"scenario-{number}.yaml").write_text(
            f"scenario: number {number}\nimage: {{ directory: {root} }}\npatch:\n  name: change-{number}\n"
            f"  files: {{ write: {{ /etc/motd: hello }} }}\nservices:\n{services}probes:\n{probes}")
    most = 0

    def check():
        nonlocal most
        mib, spent = highest_memory([PATCHBED, "check", many])
        most = max(most, mib)
        return spent

    pyyaml = "import pathlib, sys, yaml\nfor path in pathlib.Path(sys.argv[1]).iterdir():\n    yaml.load(path.read_text(), yaml.CSafeLoader)"
    found = interleave({"ours": check, "PyYAML": lambda: took(["/usr/bin/python3", "-c", pyyaml, many])}, max(5, rounds // 4))
    slowest = max(found["ours"])
    table.add("`check` of 1,000 scenarios", f"{milliseconds(found['ours'])}, {most:.0f} MiB", "–", "≤ 1 s, ≤ 50 MiB", slowest <= 1000 and most <= 50)
    table.against("the same", found["ours"], "PyYAML with libyaml, which reads and checks nothing", found["PyYAML"], 0.6)
    mib, _ = highest_memory([PATCHBED, "plan", many])
    table.add("memory of `plan` for 1,000 scenarios", f"{mib:.0f} MiB", "–", "≤ 60 MiB", mib <= 60)


def running(table, work):
    """Memory of a run of 1,000 scenarios, each of three attempts that do little."""
    many = work / "running"
    many.mkdir()
    for number in range(1000):
        (many / f"scenario-{number}.yaml").write_text(
            f"image: host\npatch: {{ name: nothing, command: 'true' }}\nautomatic: false\nprobes:\n  - {{ name: number, command: [echo, '{number}'] }}\n")
    mib, spent = highest_memory([PATCHBED, "-C", work, "run", many, "-q"])
    table.add("memory of a run of 1,000 scenarios", f"{mib:.0f} MiB, {spent / 3000:.1f} ms an attempt", "–", "≤ 60 MiB", mib <= 60)


def draining(table, root):
    most = 0

    def ours():
        nonlocal most
        mib, spent = highest_memory([PATCHBED, "shell", root, "--", "/usr/bin/head", "-c", f"{SIZE}M", "/dev/zero"])
        most = max(most, mib)
        return spent

    found = interleave({"ours": ours, "pipe": lambda: took(["sh", "-c", f"head -c {SIZE}M /dev/zero | cat >/dev/null"])}, 7)
    share = 1 / ratio(found["ours"], found["pipe"])
    rate = {name: SIZE / min(spent) for name, spent in found.items()}
    table.add(f"output drained, {SIZE} MB", f"{rate['ours']:.2f} GB/s, {most:.0f} MiB", f"pipe to cat {rate['pipe']:.2f} GB/s", f"≥ 0.5 ×: {share:.2f} ×", share >= 0.5)
