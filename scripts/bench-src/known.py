"""A known update, a package of PyPI that breaks a program of others, against the same attempts by hand."""
import shutil

from measure import HERE, KEPT, PATCHBED, folder, interleave, record, text, took

WHEELS = ["click==8.0.4", "click==8.1.0", "typer==0.4.0"]


def measure(table, root, rounds):
    wheels, image = KEPT / "wheels", python_image(root)
    for wheel in WHEELS:
        text(["/usr/bin/python3", "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, wheel])
    work = folder()
    (work / "known.yaml").write_text(SCENARIO.format(image=image, wheels=wheels))
    counts = {"control": 0, "patched": 0}

    def ours():
        found, spent = record([PATCHBED, "-C", work, "run", "known.yaml", "--json", "-q", "-j", "1", "-k", "software=typer"], expect=(1,))
        cell = found["scenarios"][0]["cells"][0]
        if cell["verdict"] != "regressed":
            raise SystemExit(f"bench: the known update came out as {cell['verdict']}")
        counts.update(cell["attempts"])
        return spent

    def by_hand():
        return took([HERE / "known.sh", image, work, wheels, counts["control"], counts["patched"]])

    # Once each before: both keep the product, installed, for later runs.
    ours()
    by_hand()
    found = interleave({"ours": ours, "by hand": by_hand}, max(5, rounds // 4))
    what = f"a known update, whole command of {sum(counts.values())} attempts"
    table.against(what, found["ours"], "the same attempts by hand", found["by hand"], 1.3)
    shutil.rmtree(work, ignore_errors=True)


def python_image(root):
    """The root with Python and an environment for packages of PyPI."""
    image = KEPT / "python"
    if not (image / "srv/venv/bin/pip").exists():
        shutil.rmtree(image, ignore_errors=True)
        text(["mmdebstrap", "--mode=root", "--variant=minbase", "--include=python3,python3-venv", "bookworm", image])
        text(["chroot", image, "python3", "-m", "venv", "/srv/venv"])
    return image


SCENARIO = """\
image: {{ directory: {image} }}
software:
  - name: typer
    install:
      - pip: {{ packages: [click==8.0.4, typer==0.4.0], from: {wheels}, python: /srv/venv/bin/python, dependencies: false }}
      - files:
          write:
            /srv/ship.py: |
              import typer
              app = typer.Typer()
              @app.command()
              def ship(order: int): typer.echo(order)
              app()
    probes:
      - {{ name: ship, command: [/srv/venv/bin/python, /srv/ship.py, "7"] }}
patch:
  name: click-8.1.0
  pip: {{ packages: [click==8.1.0], from: {wheels}, python: /srv/venv/bin/python, dependencies: false }}
"""
