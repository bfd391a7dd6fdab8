"""What a Markdown file names: links within the repository, commands, flags, scripts, and what only a shell runs."""
import os
import re
import subprocess

import markdown

# Commands that are not run by scripts/guides, and what runs them instead.
ELSEWHERE = {
    "scripts/quickstart": "its set-up, build and run are steps `setup`, `release` and `selftest` of scripts/test",
    "scripts/test": "is what runs scripts/guides",
}


class Names:
    """What exists: the files of a project and the commands of its program."""

    def __init__(self, project, program, files):
        self.project, self.program, self.files, self.helps = project, program, files, {}

    def wrong(self, path):
        """Line number and sentence of each name in a file that stands for nothing."""
        blocks, prose = self.files[path]
        return [*self.broken_links(path, prose), *self.unknown_names(prose), *unknown_shell(blocks)]

    def help_of(self, command):
        """What `patchbed COMMAND --help` prints, or nothing where there is no such command."""
        if command not in self.helps:
            done = subprocess.run([self.program, command, "--help"], capture_output=True, text=True, check=False)
            self.helps[command] = done.stdout if done.returncode == 0 else ""
        return self.helps[command]

    def broken_links(self, path, prose):
        """Links of a file that lead nowhere."""
        for number, target in dict.fromkeys(markdown.links(prose)):
            file, _, anchor = target.partition("#")
            place = (self.project / path).parent / file if file else self.project / path
            name = os.path.relpath(os.path.normpath(place), self.project)
            if not place.exists():
                yield number, f"the link `{target}` leads nowhere"
            elif anchor and anchor not in markdown.anchors(self.files.get(name, ([], []))[1]):
                yield number, f"the link `{target}` leads to a heading that is not there"

    def unknown_names(self, prose):
        """Commands, flags and scripts that a file names and that do not exist."""
        for number, text in markdown.code(prose):
            words = text.split()
            if words[:1] == ["patchbed"] and len(words) > 1 and re.fullmatch("[a-z]+", words[1]):
                said = self.help_of(words[1])
                if not said:
                    yield number, f"`{text}`: there is no such command"
                for flag in (word.split("=")[0].strip("[]") for word in words[2:] if word.startswith(("--", "[--"))):
                    if said and not re.search(rf"{re.escape(flag)}(?![\w-])", said):
                        yield number, f"`{text}`: there is no such flag"
            elif words and re.fullmatch(r"scripts/[a-z-]+", words[0]) and not (self.project / words[0]).exists():
                yield number, f"`{text}`: there is no such script"


def unknown_shell(blocks):
    """Commands in `sh` blocks that nothing runs."""
    for block in blocks:
        if block.language in ("sh", "bash", "shell"):
            for number, line in enumerate(block.lines, block.line):
                if line.strip() and line.strip() not in ELSEWHERE:
                    yield number, f"`{line}` is run by no test"
