"""One file's blocks, carried out in order in a folder of their own: files are written, commands run, outputs compared."""
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

# What differs from one run to the next: times and sizes of real runs, days, ids of runs, how numbers spread, and how many
# attempts and trials it takes: a busy machine makes more differ at first.
MOVES = [
    (re.compile(r"· \d+ attempts?\b"), "· ATTEMPTS"),
    (re.compile(r"\b([1-9]\d*) of \1 attempts\b"), "all attempts"),
    (re.compile(r"\b0 of \d+ without\b"), "none without"),
    (re.compile(r"at most [\d.]+ % of runs"), "at most SHARE of runs"),
    (re.compile(r"\(bisect: \d+ runs"), "(bisect: RUNS"),
    (re.compile(r"median [\d.]+ (\w+), [\d.]+ to [\d.]+"), r"median \1"),
    (re.compile(r"\d{4}-\d{2}-\d{2}-\w{4}\b"), "RUN"),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "DAY"),
    (re.compile(r"\d+ min \d+ s\b|\d+m \d+s\b|\d+(?:\.\d+)? (?:ms|s|min)\b"), "TIME"),
    (re.compile(r"\d+(?:\.\d+)? (?:B|KiB|MiB|GiB)(?![\w/])"), "SIZE"),
    (re.compile(r"[ \t]+"), " "),
]
# What a run says of services that were away for longer than without the patch: on a busy machine also where that is chance.
OUTAGE = re.compile(r" +Outage ")
# Seconds that one command may take.
LONGEST = 300
ENDS_WITH = re.compile(r"(?:^|\s)exit (\d+)\s*$")


def steady(line):
    """A line without what differs from one run to the next."""
    for pattern, word in MOVES:
        line = pattern.sub(word, line)
    return line.strip()


def fits(expected, actual):
    """Whether an output is what was expected. `…` stands for anything in a line, and for any lines where it stands alone."""
    pattern = ""
    for line in (line for line in expected if not OUTAGE.match(line)):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\\n]*".join(re.escape(part) for part in steady(line).split("…")) + "\n"
    printed = "".join(f"{steady(line)}\n" for line in actual if not OUTAGE.match(line))
    return re.fullmatch(pattern, printed) is not None


def commands(block):
    """Line number, command and expected output of each command. `> ` goes on with the command of the line before."""
    found = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            found.append((number, [line[2:]], []))
        elif found and line.startswith("> ") and not found[-1][2]:
            found[-1][1].append(line[2:])
        elif found:
            found[-1][2].append(line)
    return found


class Session:
    """The folder in which one file's blocks are carried out, and the exit code of the last command."""

    def __init__(self, project, program):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbed-guide-"))
        self.program, self.code = program, 0
        shutil.copytree(project / "scenarios", self.folder / "project/scenarios")
        (self.folder / "bin").mkdir()
        (self.folder / "bin/patchbed").symlink_to(program)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command):
        """What a command printed. The code of the one before is `$?`, as in a shell."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PATCHBED_") and name not in ("CI", "FORCE_COLOR")}
        own |= {"PATH": f"{self.folder}/bin:{own['PATH']}", "PATCHBED_PROGRESS": "none", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        own |= {"XDG_STATE_HOME": str(self.folder / "state")}
        try:
            done = subprocess.run(["bash", "-c", f"(exit {self.code}); {command}"], cwd=self.folder / "project", env=own, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST, check=False)
        except subprocess.TimeoutExpired:
            self.code = 124
            return [f"it did not end within {LONGEST} s"]
        self.code = done.returncode
        return done.stdout.decode(errors="replace").replace(str(self.folder / "project"), "…").splitlines()

    def write(self, block):
        """Writes the file that a block stands for."""
        path = self.folder / "project" / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    def check(self, block):
        """What `patchbed check` has to say against a whole scenario."""
        path = self.folder / "project" / (block.title or f"scenarios/block-{block.line}.yaml")
        path.write_text(block.text)
        said = self.run(f"patchbed check {path.relative_to(self.folder / 'project')}")
        return said if self.code else []

    def carry_out(self, block):
        """Runs the commands of a block. Gives line number and sentence of what is wrong, and the block as it came out."""
        wrong, came_out, all_of = [], [], commands(block)
        for turn, (number, command, expected) in enumerate(all_of):
            actual = self.run("\n".join(command))
            right = fits(expected, actual)
            came_out += [("> " if part else "$ ") + text for part, text in enumerate(command)] + (expected if right else actual)
            if not right:
                changes = difflib.unified_diff(expected, actual, "expected", "printed", lineterm="", n=2)
                wrong.append((number, f"`{command[0]}` printed something else\n" + "\n".join(f"    {line}" for line in changes)))
            asked = turn + 1 < len(all_of) and all_of[turn + 1][1][0].strip() == "echo $?"
            said = [int(found[1]) for found in map(ENDS_WITH.search, actual[-2:]) if found]
            if self.code and not asked and self.code not in said:
                wrong.append((number, f"`{command[0]}` ended with {self.code}, and `echo $?` does not say so after it"))
        return wrong, came_out
