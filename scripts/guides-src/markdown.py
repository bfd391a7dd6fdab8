"""What stands in a Markdown file: fenced blocks, headings and their anchors, links, and code within lines."""
import dataclasses
import re

FENCE = re.compile(r"^(```+|~~~+)(.*)$")
WORDS = re.compile(r'(\w+)="([^"]+)"')
HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$")
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+(?:\([^()]*\))?)(?: +\"[^\"]*\")?\)")


@dataclasses.dataclass
class Block:
    """A fenced block: its language, the file that it is written to, the one that it is a copy of, the number of its first
    line, and its lines."""

    language: str
    title: str
    golden: str
    line: int
    lines: list

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


def parse(text):
    """The fenced blocks of a file, and the rest of its lines with their numbers."""
    blocks, prose, block, fence = [], [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if block is not None:
            if found and found[1].startswith(fence) and not found[2].strip():
                block = None
            else:
                block.lines.append(line)
        elif found:
            fence, words = found[1], found[2].split()
            said = dict(WORDS.findall(found[2]))
            block = Block(words[0] if words else "", said.get("title", ""), said.get("golden", ""), number + 1, [])
            blocks.append(block)
        else:
            prose.append((number, line))
    return blocks, prose


def anchors(prose):
    """The anchors of the headings, made as code hosts make them."""
    found = {}
    for _, line in prose:
        heading = HEADING.match(line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{number}" if number else slug for slug, last in found.items() for number in range(last + 1)}


def links(prose):
    """Line number and target of every link to something in the repository."""
    for number, line in prose:
        for target in LINK.findall(CODE.sub("", line)):
            if not re.match(r"[a-z]+:", target):
                yield number, target


def code(prose):
    """Line number and text of all code within lines."""
    for number, line in prose:
        for text in CODE.findall(line):
            yield number, text
