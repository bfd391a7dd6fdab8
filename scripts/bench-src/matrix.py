"""A matrix of images, patches and products: planning it, and how well a run of it fills the processors."""
import json
import os
import shutil

from measure import PATCHBED, folder, highest_memory, milliseconds

# A server in Perl, which is in every Debian root.
SERVER = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5) or die; while (my $c = $s->accept) { print $c "hi\\n"; close $c }'


def measure(table, root, rounds):
    work = folder()
    planning(table, root, work / "planning", max(5, rounds // 4))
    running(table, root, work / "running")
    shutil.rmtree(work, ignore_errors=True)


def matrix(root, project, patches):
    """A project with two images, five products of which any two meet, and so many patches, each for itself."""
    (project / "scenarios/images").mkdir(parents=True)
    for image in ["one", "two"]:
        (project / f"scenarios/images/{image}.yaml").write_text(
            f"directory: {root}\ninstall: [{{ files: {{ write: {{ /etc/image: {image} }} }} }}]\n")
    bundle = "".join(f"  - {{ name: patch-{n}, files: {{ write: {{ /opt/patch-{n}: x }} }} }}\n" for n in range(patches))
    software = "".join(f"  - {{ name: product-{n}, install: [{{ files: {{ write: {{ /opt/product-{n}: x }} }} }}], "
                       f"probes: [{{ name: looks at {n}, command: [/bin/cat, /opt/product-{n}] }}] }}\n" for n in range(5))
    (project / "scenarios/matrix.yaml").write_text(
        f"matrix: {{ image: [one, two], patch: each, software: pairs }}\nbundle:\n{bundle}software:\n{software}"
        f"services:\n  - name: web\n    run: [/usr/bin/perl, -e, {json.dumps(SERVER)}]\n    ready: {{ tcp: 'localhost:8080' }}\n"
        "probes:\n  - { name: version, command: [/bin/cat, /etc/debian_version] }\n")


def planning(table, root, project, rounds):
    matrix(root, project, 84)
    found = [highest_memory([PATCHBED, "-C", project, "plan"]) for _ in range(rounds)]
    mib, spent = max(mib for mib, _ in found), [spent for _, spent in found]
    table.add("`plan` of a matrix of 1,008 cells", f"{milliseconds(spent)}, {mib:.0f} MiB", "–", "≤ 1 s, ≤ 100 MiB", max(spent) <= 1000 and mib <= 100)


def running(table, root, project):
    """One run with nothing in the cache, so that all layers are made."""
    matrix(root, project, 9)
    cores = min(2, os.cpu_count())
    mib, spent = highest_memory([PATCHBED, "-C", project, "run", "-q", "-j", cores], env={**os.environ, "XDG_CACHE_HOME": str(project / "cache")})
    record = json.loads((project / ".patchbed/last/record.json").read_text())
    cells = [cell for scenario in record["scenarios"] for cell in scenario["cells"]]
    attempts = [[attempt["milliseconds"] for attempt in cell["timeline"]] for cell in cells]
    floor = max(sum(map(sum, attempts)) / cores, max(map(max, attempts)))
    ratio = spent / floor
    table.add(f"a run of {len(cells)} cells, {record['layers_made']} layers made", f"{spent / 1e3:.1f} s, {mib:.0f} MiB",
              f"its attempts, on {cores} cores without a gap {floor / 1e3:.1f} s", f"≤ 1.15 ×: {ratio:.2f} ×, ≤ 100 MiB", ratio <= 1.15 and mib <= 100)
