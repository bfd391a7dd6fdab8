"""Run by the interpreter whose distributions matter, with one JSON argument, and answers in JSON.

`{}` asks what this interpreter is. `{"commands": […], "again": […]}` runs command lines of pip and tells which
distributions came and went; those named in `again` came even when their version was there before.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig

PATHS = sysconfig.get_paths()
SITES = [PATHS["purelib"], PATHS["platlib"]]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions():
    """All distributions by where they are, name and version; those that are found first come first."""
    importlib.invalidate_caches()
    found = {}
    for one in importlib.metadata.distributions(path=list(dict.fromkeys(SITES + sys.path))):
        name = one.metadata["Name"]
        if name:
            files = [os.path.normpath(str(one.locate_file(file))) for file in one.files or []]
            key = (str(one.locate_file("")), normal(name), one.version)
            found.setdefault(key, {"name": name, "version": one.version, "files": files})
    return found


def visible(found):
    """The distributions that an import finds, by name."""
    first = {}
    for (_, name, _), one in found.items():
        first.setdefault(name, {"name": one["name"], "version": one["version"]})
    return first


def vanished(files):
    """The folders of these files that are gone with them."""
    folders = {os.path.dirname(file) for file in files}
    while folders:
        gone = {folder for folder in folders if not os.path.lexists(folder)}
        yield from gone
        folders = {os.path.dirname(folder) for folder in gone}


def describe():
    return {
        "sites": SITES,
        "scripts": PATHS["scripts"],
        "venv": sys.prefix if sys.prefix != sys.base_prefix else None,
        "pip": importlib.util.find_spec("pip") is not None,
        "installed": visible(distributions()),
    }


def install(commands, again):
    before = distributions()
    for command in commands:
        status = subprocess.run([sys.executable, "-I", "-B", "-m", "pip", *command], stdout=sys.stderr).returncode
        if status != 0:
            sys.exit(status if status > 0 else 1)
    after = distributions()
    gone = [file for key, one in before.items() if key not in after or key[1] in again for file in one["files"]]
    came = [file for key, one in after.items() if key not in before or key[1] in again for file in one["files"]]
    return {
        "before": visible(before),
        "after": visible(after),
        "paths": sorted({*gone, *came, *vanished(gone)}),
    }


question = json.loads(sys.argv[1])
print(json.dumps(install(**question) if question else describe()))
