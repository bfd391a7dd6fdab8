"""Turns neutral descriptions of known updates into scenarios, one file each under scenarios/known-updates/.

usage: scripts/known-updates-src/generate.py CORPUS

CORPUS holds cases/*.yaml and locks/*.yaml. What a check expects is left out on purpose: the difference has to be found
against the control arm. The expected verdicts stand apart, in scenarios/known-updates/expected.tsv."""
import pathlib
import re
import sys

import yaml

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
SCENARIOS = PROJECT / "scenarios/known-updates"
PACKAGES = "${packages}"
DEBIAN = {
    "suite": "bookworm",
    "variant": "minbase",
    "packages": ["python3", "python3-venv", "python3-pip", "nodejs", "ca-certificates", "procps", "iproute2", "curl", "openssl", "locales"],
}
VENV = "/srv/venv"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a service needs in a folder that is new at every start, which an installation can not leave there.
NEW_FOLDERS = re.compile(r"/run/\w+|/var/lock/\w+")


class Case:
    """One case with its lock."""

    def __init__(self, corpus, path):
        self.data = yaml.safe_load(path.read_text())
        self.id = self.data["id"]
        self.lock = yaml.safe_load((corpus / "locks" / path.name).read_text())
        self.venv = self.data["env"] == "python3 venv"

    def part(self, name):
        return self.data.get(name) or {}

    def environment(self):
        return {"environment": {"PATH": f"{VENV}/bin:{PATH}"}} if self.venv else {}

    def scenario(self):
        base, software = self.part("base"), self.part("software")
        patches = [{"name": patch["id"], "apply": self.patch(patch)} for patch in self.data["patch"]]
        for patch in patches:
            if len(patch["apply"]) == 1:
                patch.update(patch.pop("apply")[0])
        product = {
            "name": self.product(),
            "install": self.changes(software, "software"),
            "services": self.services(software),
            "workloads": self.workloads(software),
            "probes": self.probes(software),
        }
        scenario = {
            "scenario": self.data["title"],
            "variables": {"packages": "../../target/known-updates"},
            "image": {"debian": DEBIAN, "install": self.first() + self.changes(base, "base")},
            "software": [{key: value for key, value in product.items() if value}],
            "patch" if len(patches) == 1 else "bundle": patches[0] if len(patches) == 1 else patches,
            "services": self.services(base),
            "workloads": self.workloads(base),
            "probes": self.probes(base),
        }
        return {key: value for key, value in scenario.items() if value}

    def product(self):
        """A name for what is not the vendor's: its first package, else its first service."""
        software = self.part("software")
        pins = [*software.get("pypi", []), *software.get("npm", []), *software.get("deb", []), *software.get("sdists", [])]
        if pins:
            return re.split(r"==|(?<=.)@|=", pins[0])[0].lower()
        services = software.get("services", [])
        return services[0]["name"] if services else software["checks"][0]["id"]

    def first(self):
        made = [{"command": ["python3", "-m", "venv", VENV]}] if self.venv else []
        if self.lock.get("npm"):
            made.append({"command": ["mkdir", "-p", "/srv/node"]})
        return made

    def changes(self, part, role):
        """What is installed, in the order packages, commands, files."""
        changes = []
        if debs := [*self.locked_debs(role), *map(deb_name, part.get("composed_debs", []))]:
            changes.append({"deb": {"files": [f"{PACKAGES}/deb/{name}" for name in debs]}})
        if pins := [*part.get("pypi", []), *map(pin, part.get("composed_wheels", []))]:
            changes.append(self.pip(pins))
        changes += self.npm(role)
        if part.get("sdists"):
            changes.append({"files": {"from": f"{PACKAGES}/sdist/{self.id}", "to": "/corpus/sdist"}})
        if part.get("files"):
            changes.append({"files": {"write": {path: file(text) for path, text in part["files"].items()}}})
        changes += [{"command": run} for run in part.get("run", [])]
        return changes

    def locked_debs(self, role):
        debs = self.lock.get("deb", {}).get(role, [])
        return [deb["file"] for deb in debs]

    def patch(self, patch):
        changes = []
        locked = self.lock.get("deb", {}).get("patch", {}).get(patch["id"], [])
        if debs := [*(deb["file"] for deb in locked), *map(deb_name, patch.get("composed_debs", []))]:
            changes.append({"deb": {"files": [f"{PACKAGES}/deb/{name}" for name in debs]}})
        if pins := [*patch.get("pypi", []), *map(pin, patch.get("composed_wheels", []))]:
            changes.append(self.pip(pins))
        if "npm" in patch:
            changes += self.npm_patch(patch)
        changes += [{"command": run} for run in patch.get("run", [])]
        return changes

    def pip(self, pins):
        return {"pip": {"packages": pins, "from": f"{PACKAGES}/pypi", "python": f"{VENV}/bin/python", "dependencies": False}}

    def npm(self, role):
        cells = self.lock.get("npm", {}).get("cells", {})
        return layout(cells.get({"base": "base", "software": "software_only"}[role], {}))

    def npm_patch(self, patch):
        """A bundle's patches have cells of their own; a single patch is what `both` changes."""
        cells = self.lock["npm"]["cells"]
        return layout(cells.get(f"only:{patch['id']}", cells["both"]))

    def services(self, part):
        services = []
        for service in part.get("services", []):
            folders = sorted(set(NEW_FOLDERS.findall(" ".join(part.get("run", [])))))
            run = service["run"]
            if folders:
                run = f"mkdir -p {' '.join(folders)}; exec {run}"
            ready = {"tcp": f"127.0.0.1:{service['port']}"}
            if any(name.startswith("postgresql-") for name in part.get("deb", [])):
                run = f"install -d -o postgres -g postgres /run/postgresql; exec {run}"
                # Its port is open before it takes queries.
                ready = {"command": f"pg_isready -q -h 127.0.0.1 -p {service['port']}"}
            one = {"name": service["name"], "run": run, "ready": ready, "within": "30s"}
            if "ready_s" in service:
                one["within"] = f"{max(service['ready_s'], 30)}s"
            if "pg_ctl" in service.get("stop", ""):
                one["stop"] = {"signal": "INT", "within": "20s"}
            services.append(one | self.environment())
        return services

    def workloads(self, part):
        runs = part.get("seed", {}).get("run", [])
        return [{"name": f"seed {number}", "run": run} | self.environment() for number, run in enumerate(runs, 1)]

    def probes(self, part):
        return [probe for check in part.get("checks", []) if (probe := self.probe(check))]

    def probe(self, check):
        name = {"name": check["id"]}
        match check["type"]:
            case "http":
                http = {"url": check["url"], "method": check.get("method"), "headers": check.get("headers"), "body": check.get("data")}
                return name | {"http": {key: value for key, value in http.items() if value is not None}}
            case "cmd":
                return name | {"command": {"run": check["run"]} | self.environment()}
            case "port":
                return name | {"tcp": f"127.0.0.1:{check['port']}"}
            case "metric":
                return name | {"metric": {"run": check["run"], "unit": check["unit"]} | self.environment()}
            case "alive":
                return None   # every service is watched without asking
        raise SystemExit(f"{self.id}: no probe for a check of type {check['type']}")


def file(text):
    return text if isinstance(text, str) else {"text": text["text"], "mode": str(text["mode"]).zfill(4)}


def pin(composed):
    return f"{composed['name']}=={composed['version']}"


def deb_name(composed):
    return f"{composed['name']}_{composed['version']}_all.deb"


def layout(cell):
    """Packages where the lock has them: one change for each folder that holds a `node_modules`."""
    by_prefix = {}
    for place, package in cell.get("set", {}).items():
        prefix = f"/srv/node/{place}".rpartition("/node_modules/")[0]
        by_prefix.setdefault(prefix, []).append(package)
    # Outer folders first: a package that is replaced takes with it what lay inside.
    changes = [
        {"npm": {"packages": packages, "from": f"{PACKAGES}/npm", "prefix": prefix, "dependencies": False}}
        for prefix, packages in sorted(by_prefix.items())
    ]
    if gone := cell.get("del"):
        changes.append({"remove": {"paths": [f"/srv/node/{place}" for place in gone]}})
    return changes


def expected(case):
    both = "worse" if case.data["expect"]["both"] == "broken" else "same"
    guilty = case.data.get("guilty", [])
    sets = "+".join(case.data["guilty_jointly"]) if case.data.get("guilty_jointly") else ",".join(guilty)
    return "\t".join([case.id, case.data["class"], both, case.product() if both == "worse" else "", sets]).rstrip()


class Packages:
    """What has to be fetched or built for all cases, each once: packages.yaml beside this."""

    def __init__(self):
        self.wheels, self.built, self.npm, self.debs, self.sdists = {}, {}, set(), set(), {}
        self.composed_wheels, self.composed_debs = {}, {}

    def take(self, case):
        pypi, deb = case.lock.get("pypi", {}), case.lock.get("deb", {})
        for pins in [pypi.get("base", []), pypi.get("software", []), *pypi.get("patch", {}).values()]:
            for one in pins:
                of = self.built if one.get("built_from_sdist") else self.wheels
                of[one["file"]] = f"{one['name']}=={one['version']}"
        for cell in case.lock.get("npm", {}).get("cells", {}).values():
            self.npm |= set(cell.get("set", {}).values())
        for debs in [deb.get("base", []), deb.get("software", []), *deb.get("patch", {}).values()]:
            self.debs |= {one["file"] for one in debs}
        if case.lock.get("sdists"):
            self.sdists[case.id] = [one["file"] for one in case.lock["sdists"]]
        for part in [case.part("base"), case.part("software"), *case.data["patch"]]:
            self.composed_wheels |= {pin(one): one for one in part.get("composed_wheels", [])}
            self.composed_debs |= {deb_name(one): one for one in part.get("composed_debs", [])}

    def listed(self):
        fetched = {name: pin for name, pin in sorted(self.wheels.items()) if pin not in self.composed_wheels}
        built = {name: pin for name, pin in sorted(self.built.items()) if pin not in self.composed_wheels}
        return {
            "wheels": fetched,
            "built_wheels": built,
            "npm": sorted(self.npm),
            "debs": sorted(self.debs - set(self.composed_debs)),
            "sdists": self.sdists,
            "composed_wheels": [self.composed_wheels[name] for name in sorted(self.composed_wheels)],
            "composed_debs": [self.composed_debs[name] for name in sorted(self.composed_debs)],
        }


class Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def text(dumper, value):
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)
Dumper.ignore_aliases = lambda *_: True


def main():
    corpus = pathlib.Path(sys.argv[1])
    if not (corpus / "cases").is_dir():
        sys.exit(f"generate.py: {corpus} has no folder `cases`")
    SCENARIOS.mkdir(exist_ok=True)
    cases = [Case(corpus, path) for path in sorted((corpus / "cases").glob("*.yaml"))]
    for case in cases:
        body = yaml.dump(case.scenario(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=140)
        reference = case.data["reference"]
        (SCENARIOS / f"{case.id}.yaml").write_text(f"# {reference}\n{body}")
    packages = Packages()
    for case in cases:
        packages.take(case)
    listed = yaml.dump(packages.listed(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=140)
    (pathlib.Path(__file__).with_name("packages.yaml")).write_text(f"# What scripts/known-updates fetches by the ordinary clients, or builds.\n{listed}")
    head = "# Known updates and what is to be said of them: case, class, verdict with the product on (worse, same), only with,\n# guilty patches of a bundle (`a,b`: each by itself; `a+b`: only together).\n" \
           "# Without the product every patch here is harmless: the verdict of that cell is `same`.\n"
    (SCENARIOS / "expected.tsv").write_text(head + "\n".join(map(expected, cases)) + "\n")


if __name__ == "__main__":
    main()
