"""Scenario files that a careless reader would hang, crash or run on. Each has a class:

  bad    must be refused: exit code 2, the file named
  ok     must be accepted
  any    may be either, but must not crash: a good scenario with one value replaced by a hostile one

and, where a key is misspelt, the key that was meant: the refusal must suggest it.

All of them must be dealt with in a second and 200 MB."""
import copy
import json
import pathlib

# A good scenario that uses most of the language. JSON is YAML, so no YAML library is needed to write it.
BASE = {
    "version": 1,
    "scenario": "base",
    "image": {"host": {"exclude": ["/opt"]}, "install": [{"command": "true"}, {"files": {"write": {"/etc/motd": "hello"}}}]},
    "bundle": [
        {"name": "first", "weight": 1, "command": {"run": ["true"], "user": "nobody", "within": "5s", "environment": {"A": "b"}, "revert": ["true"]}},
        {"name": "second", "after": ["first"], "apply": [{"remove": {"paths": ["/etc/motd"]}}, {"diff": {"text": "--- a/etc/motd\n+++ b/etc/motd\n@@ -0,0 +1 @@\n+x\n", "strip": 1}}]},
    ],
    "services": [
        {"name": "web", "run": ["sleep", "60"], "user": "nobody", "directory": "/", "environment": {"A": "b"},
         "ready": {"tcp": "localhost:80"}, "within": "5s", "stop": {"signal": "TERM", "within": "2s"}, "restart": "after-patch", "optional": True},
        {"name": "next", "run": "sleep 60", "after": ["web"]},
    ],
    "workloads": [{"name": "orders", "run": ["true"], "when": "before"}],
    "probes": [
        {"name": "page", "service": "web", "within": "5s", "repeat": 2, "http": {"url": "http://localhost/", "method": "GET", "expect": 200}},
        {"name": "who", "command": {"run": ["id"], "user": "nobody", "output": "lines"}},
        {"name": "sockets", "listening": ["tcp/80"]},
        {"name": "settings", "files": {"paths": ["/etc/motd"], "text": True}},
    ],
    "rules": [{"key": "*.memory.rss", "allow": {"at-most": "20%"}, "reason": "caches", "owner": "web team", "until": "2099-01-31"}],
    "matrix": {"patch": "all"},
    "attempts": {"control": 2, "patched": 1, "confirm": 3},
    "rollback": True,
    "network": "none",
    "limits": {"time": "10min", "memory": "1GiB", "disk": "1GiB", "processes": 128},
}
GOOD = "image: host\npatch: { command: 'true' }\nprobes: [{ command: id }]\n"


def documents():
    """Files written by hand as (name, class, content)."""
    # Few bytes that mean many.
    lists = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    yield "laughs", "bad", "l0: &l0 [ha, ha, ha]\n" + lists
    maps = "".join(f"m{n}: &m{n} {{{', '.join(f'k{k}: *m{n - 1}' for k in range(9))}}}\n" for n in range(1, 10))
    yield "laughs-of-maps", "bad", "m0: &m0 {k: v}\n" + maps
    merges = "".join(f"g{n}: &g{n}\n  <<: [{', '.join([f'*g{n - 1}'] * 9)}]\n  k{n}: v\n" for n in range(1, 21))
    yield "merges", "bad", "g0: &g0 {k0: v}\n" + merges
    yield "quadratic", "bad", f'a: &a "{"x" * 100_000}"\nb: [{", ".join(["*a"] * 20_000)}]\n'
    yield "alias-of-itself", "bad", "a: &a [*a]\n"
    yield "merge-of-itself", "bad", "a: &a\n  <<: *a\n"
    yield "alias-of-nothing", "bad", "a: *nothing\n"

    # Depth and size.
    yield "deep-flow", "bad", "a: " + "[" * 100_000 + "]" * 100_000 + "\n"
    yield "deep-and-open", "bad", "[" * 1_000_000
    yield "deep-map", "bad", "".join(" " * n + "k:\n" for n in range(5000))
    yield "deep-dashes", "bad", "- " * 50_000 + "x\n"
    yield "many-keys", "bad", "".join(f"k{n}: v\n" for n in range(300_000))
    yield "many-documents", "bad", "--- a\n" * 50_000
    yield "long-value", "bad", "scenario: " + "a" * (32 << 20) + "\n"
    yield "long-key", "bad", "? " + "a" * (8 << 20) + "\n: v\n"
    yield "long-comment", "bad", "# " + "c" * (8 << 20) + "\n" + GOOD   # over 1 MiB, whatever it says
    yield "thousand-comments", "ok", "# why\n" * 1000 + GOOD

    # Shape.
    yield "two-keys", "bad", GOOD + "image: host\n"
    yield "two-keys-inside", "bad", GOOD + "limits:\n  time: 1s\n  time: 2s\n"
    yield "two-keys-by-escape", "bad", GOOD + '"im\\x61ge": host\n'
    yield "empty", "bad", ""
    yield "only-a-comment", "bad", "# nothing\n"
    for name, text in {"null": "~\n", "text": "hello\n", "list": "- a\n", "number": "7\n"}.items():
        yield f"a-{name}", "bad", text
    yield "two-documents", "bad", GOOD + "---\n" + GOOD
    yield "tab", "bad", "image:\n\thost: {}\n"
    yield "indent", "bad", "image:\n   host: {}\n  tar: x\n"
    yield "open-quote", "bad", 'image: "host\npatch: x\n'
    yield "tag-of-a-language", "bad", 'patch: !!python/object/apply:os.system ["touch {mark}"]\nimage: host\n'
    yield "tag-binary", "bad", GOOD + 'scenario: !!binary "/w=="\n'
    yield "tag-unknown", "bad", GOOD + "scenario: !mine x\n"

    # Bytes.
    yield "program", "bad", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8
    yield "utf-16", "bad", GOOD.encode("utf-16")
    yield "latin-1", "bad", GOOD.encode() + b"scenario: caf\xe9\n"
    yield "nul", "bad", GOOD.encode() + b"scenario: a\0b\n"
    yield "escape-byte", "bad", GOOD.encode() + b'scenario: "a\x1b[31mb"\n'
    yield "escape-escaped", "bad", GOOD + 'scenario: "a\\e[31mb\\x07"\n'
    yield "byte-order-mark", "ok", b"\xef\xbb\xbf" + GOOD.encode()
    yield "carriage-returns", "ok", GOOD.replace("\n", "\r\n")

    # Types.
    yield "yaml-1.1", "bad", GOOD + "scenario: no\nrollback: on\nlimits: { time: 1:30, processes: 017 }\n"
    yield "version-without-quotes", "bad", GOOD + "software: [{ name: a, version: 4.10 }]\n"
    for name, value in {"negative": "-1", "zero": "0", "huge": "9" * 20, "float": "1.5", "infinite": ".inf", "nan": ".nan", "overflow": "1e400",
                        "word": "ten", "list": "[1s]", "map": "{ a: 1s }", "null": "~", "unit": "10parsecs"}.items():
        yield f"time-{name}", "bad", GOOD + f"limits: {{ time: {value} }}\n"
    yield "unknown-key", "bad", GOOD + "tiemout: 5s\n"
    yield "cycle", "bad", GOOD + "services: [{ name: a, run: b, after: [b] }, { name: b, run: c, after: [a] }]\n"


def hostile(mark):
    """Values that must never do more than be read."""
    return {
        "up": "../../../../etc", "absolute": "/etc/passwd", "slash": "a/b", "dash": "-rf", "option": "--help", "shell": f"$(touch {mark})",
        "backquotes": f"`touch {mark}`", "semicolon": f"; touch {mark}", "newline": "a\nb", "escape": "\x1b[31mred", "nul": "a\0b",
        "long": "n" * 10_000, "empty": "", "space": " ", "dot": ".", "dots": "..", "html": "<script>alert(1)</script>", "quotes": "\"'",
        "bidi": "\u202egpj", "picture": "\U0001f4a3", "combining": "e\u0301", "percent": "%s%n", "pipe": "|x", "colon": "a: b", "star": "*",
        "home": "~", "endless": "/dev/zero", "descriptor": "/proc/self/fd/7", "number": 7, "negative": -1, "truth": True, "nothing": None,
        "list": ["a"], "map": {"a": 1}, "wide": 2**64, "float": 1e308,
    }


def places(value, path=()):
    """The paths of all values below `value`, itself included."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def with_value(path, value):
    document = copy.deepcopy(BASE)
    if not path:
        return value
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return document


def misspelt(path):
    """The base with the last key of `path` doubled in its last letter, or None when it is no key of the language."""
    document = copy.deepcopy(BASE)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    free = {"environment", "write"}   # what stands below these are names that people choose
    if not isinstance(parent, dict) or (len(path) > 1 and path[-2] in free):
        return None
    parent[path[-1] + path[-1][-1]] = parent.pop(path[-1])
    return document


def make(target, mark):
    """Writes all files into `target` and returns [(path, class, key that was meant)]. `mark` is a file that must never appear."""
    target = pathlib.Path(target)
    made = []

    def write(name, kind, content, meant=None):
        path = target / f"{name}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        made.append((path, kind, meant))

    for name, kind, content in documents():
        write(name, kind, content.replace("{mark}", str(mark)) if isinstance(content, str) else content)
    write("base", "ok", json.dumps(BASE, indent=1))
    for path in places(BASE):
        label = "-".join(str(part).strip("/").replace("/", ".") for part in path) or "all"
        for name, value in hostile(mark).items():
            write(f"value-{label}-{name}", "any", json.dumps(with_value(path, value), ensure_ascii=False))
        if path and isinstance(path[-1], str):
            document = misspelt(path)
            if document:
                write(f"key-{label}", "bad", json.dumps(document), path[-1])
    return made
