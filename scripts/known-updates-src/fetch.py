"""Fetches the packages of the known updates by the ordinary clients, once, into a folder; builds the few that are composed.

What is there already is not fetched again. A version that no registry has any more is told by name."""
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import tempfile

# Of the image: wheels must fit its Python.
PYTHON = "/usr/bin/python3"


def fetch(wanted, into):
    """Fetches what packages.yaml lists; gives back what cannot be had, by file name."""
    for folder in ("pypi", "npm", "deb", "sdist"):
        (into / folder).mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(job, wanted, into) for job in (wheels, tarballs, debs, sdists, composed)]
        return sorted(name for job in jobs for name in job.result())


def run(argv, folder):
    return subprocess.run([str(word) for word in argv], cwd=folder, capture_output=True, text=True, check=False)


def wheels(wanted, into):
    folder = into / "pypi"

    def missing(kind):
        there = {normal(path.name) for path in folder.iterdir()}
        return {name: pin for name, pin in wanted[kind].items() if normal(name) not in there}

    for kind, command in (("wheels", ["download", "--only-binary=:all:", "-d"]), ("built_wheels", ["wheel", "-w"])):
        left = missing(kind)
        # One command takes one version of a name: as many rounds as there are versions.
        while left:
            some = {pin.split("==")[0]: (name, pin) for name, pin in left.items()}
            pip([pin for _, pin in some.values()], command, folder)
            left = {name: pin for name, pin in left.items() if (name, pin) not in some.values()}
    return [*missing("wheels"), *missing("built_wheels")]


def pip(pins, command, folder):
    """Fetches these, together or, where one of them fails, each alone."""
    argv = [PYTHON, "-m", "pip", command[0], "-q", "--disable-pip-version-check", "--no-deps", *command[1:], "."]
    if run([*argv, *pins], folder).returncode:
        for pin in pins:
            run([*argv, pin], folder)


def normal(name):
    """A wheel's file name as far as it says which package and version it is."""
    return re.sub(r"[-_.]+", "-", "-".join(name.split("-")[:2])).lower()


def tarballs(wanted, into):
    folder = into / "npm"

    def name(package):
        scope, _, version = package.rpartition("@")
        return f"{scope.removeprefix('@').replace('/', '-')}-{version}.tgz"

    missing = [package for package in wanted["npm"] if not (folder / name(package)).exists()]
    for at in range(0, len(missing), 40):
        if run(["npm", "pack", "--silent", *missing[at:at + 40]], folder).returncode:
            for package in missing[at:at + 40]:
                run(["npm", "pack", "--silent", package], folder)
    return [name(package) for package in wanted["npm"] if not (folder / name(package)).exists()]


def debs(wanted, into):
    folder = into / "deb"

    def pin(name):
        package, version, _ = name.removesuffix(".deb").split("_")
        return f"{package}={version.replace('%3a', ':')}"

    missing = [name for name in wanted["debs"] if not (folder / name).exists()]
    if missing and run(["apt-get", "download", "-q", *map(pin, missing)], folder).returncode:
        for name in missing:
            if not (folder / name).exists():
                run(["apt-get", "download", "-q", pin(name)], folder)
    return [name for name in wanted["debs"] if not (folder / name).exists()]


def sdists(wanted, into):
    """Source packages. pip reads their metadata by running them, for which old ones take an old setuptools."""
    missing = []
    for case, names in wanted["sdists"].items():
        folder = into / "sdist" / case
        folder.mkdir(exist_ok=True)
        left = [name for name in names if not (folder / name).exists()]
        if left:
            with tempfile.TemporaryDirectory() as venv:
                run([PYTHON, "-m", "venv", venv], folder)
                old = [f"{venv}/bin/python", "-m", "pip", "--disable-pip-version-check", "-q"]
                run([*old, "install", "setuptools==57.5.0", "wheel==0.37.1"], folder)
                for name in left:
                    project, _, version = name.removesuffix(".tar.gz").rpartition("-")
                    flags = ["--no-deps", "--no-build-isolation", "--no-binary=:all:", "-d", "."]
                    run([*old, "download", *flags, f"{project}=={version}"], folder)
        missing += [name for name in names if not (folder / name).exists()]
    return missing


def composed(wanted, into):
    for wheel in wanted["composed_wheels"]:
        build_wheel(wheel, into / "pypi")
    for deb in wanted["composed_debs"]:
        build_deb(deb, into / "deb")
    return []


def build_wheel(wheel, folder):
    module = wheel["name"].replace("-", "_")
    stem = f"{module}-{wheel['version']}"
    path = folder / f"{stem}-py3-none-any.whl"
    if path.exists():
        return
    with tempfile.TemporaryDirectory() as tree:
        info = pathlib.Path(tree) / f"{stem}.dist-info"
        info.mkdir()
        for name, text in wheel["files"].items():
            (pathlib.Path(tree) / name).write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {wheel['name']}\nVersion: {wheel['version']}\n")
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: patchbed\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [*wheel["files"], *(f"{info.name}/{name}" for name in ("METADATA", "WHEEL", "RECORD"))]
        (info / "RECORD").write_text("".join(f"{name},,\n" for name in names))
        shutil.make_archive(str(path.with_suffix("")), "zip", tree)
        path.with_suffix(".zip").rename(path)


def build_deb(deb, folder):
    path = folder / f"{deb['name']}_{deb['version']}_all.deb"
    if path.exists():
        return
    with tempfile.TemporaryDirectory() as tree:
        root = pathlib.Path(tree)
        root.chmod(0o755)
        control = {"Package": deb["name"], "Version": deb["version"], "Architecture": "all", "Maintainer": "Acme <acme@localhost>",
                   "Depends": deb.get("depends"), "Description": "composed for a known update"}
        files = {"DEBIAN/control": "".join(f"{key}: {value}\n" for key, value in control.items() if value)}
        for script in ("preinst", "postinst", "prerm", "postrm"):
            if script in deb:
                files[f"DEBIAN/{script}"] = f"#!/bin/sh\nset -e\n{deb[script]}\n"
        for name, text in (files | deb["files"]).items():
            target = root / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text if isinstance(text, str) else text["text"])
            mode = 0o755 if name.startswith("DEBIAN/p") else int(str(text["mode"]), 8) if isinstance(text, dict) else 0o644
            target.chmod(mode)
        done = run(["dpkg-deb", "--root-owner-group", "-b", root, path.resolve()], folder)
        if done.returncode:
            raise SystemExit(f"build {path.name}: {done.stderr}")
