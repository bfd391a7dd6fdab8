"""Reads a question in JSON and tells which imports of Python programs do not resolve.

`files` are programs and modules of their own, `distributions` the records of installed distributions, `venvs` folders,
`explained` paths of which nothing is told, and `code` is this text: each venv is asked by its own interpreter. Programs
are read and never run; what they import is imported in a process of its own. What stands in a `try` that expects it to
fail, or depends on a version, is optional and passed over.
"""

import ast
import importlib
import importlib.util
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import sysconfig
import time
import traceback
from types import ModuleType

# Seconds for all, and for one import; the most bytes of one file, and of all that are read.
WITHIN, ONE, LARGEST, ALL = 30, 10, 1 << 20, 4 << 20
# How many processes are ended by what they import before the rest is passed over.
ENDED = 20
EXPECTED = {"ImportError", "ModuleNotFoundError", "AttributeError", "NameError", "Exception", "BaseException"}
GUARD = re.compile("(?i)version|type_checking|hasattr|getattr|callable|find_spec|available|^py_?[23]|pypy|platform|"
                   "^(has|have|use|with)_")
IMPORTS = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))", re.M)
# Modules of the standard library that do something when they are imported.
UNTOUCHED = {"__main__", "antigravity", "idlelib", "test", "this", "turtle", "turtledemo"}
INSTALLERS = {"pip", "setuptools", "wheel"}


def content(path):
    """The bytes of a Python program; `None` for anything else."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            return None
        if not path.endswith(".py") and not os.access(path, os.X_OK):
            return None
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        return None
    is_program = path.endswith(".py") or re.match(rb"#![^\n]*\bpython", source)
    return source if is_program else None


def imported(source):
    """The first parts of all names that a text imports, by its lines alone."""
    found = set()
    for one, several in IMPORTS.findall(source):
        for name in [one] if one else several.split(b","):
            first = name.strip().split(b".")[0].split(b" ")[0]
            if first:
                found.add(first.decode("utf-8", "replace"))
    return found


# Which interpreter


def venv_of(path):
    folder = os.path.dirname(path)
    while folder not in ("", "/"):
        if os.path.isfile(folder + "/pyvenv.cfg"):
            return folder
        folder = os.path.dirname(folder)
    return None


def sites(venv):
    lib = venv + "/lib"
    versions = sorted(os.listdir(lib)) if os.path.isdir(lib) else []
    return [f"{lib}/{name}/site-packages" for name in versions if name.startswith("python")]


def brings(venv, names):
    """How many of the modules a venv has."""
    there = set()
    for site in sites(venv):
        if os.path.isdir(site):
            there.update(name.split(".")[0] for name in os.listdir(site))
    return len(names & there)


def interpreter(path, source, venvs):
    """The interpreter that a program belongs to: of its venv, of its first line, of the venv that has most of what it
    imports, else the system's."""
    own = venv_of(path)
    named = re.match(rb"#![ \t]*(/[^\s]*/python[\d.]*)[ \t]*\r?\n", source)
    if own is None and named and venv_of(os.fsdecode(named.group(1))):
        own = venv_of(os.fsdecode(named.group(1)))
    if own is None and venvs:
        names = imported(source)
        best = max(venvs, key=lambda venv: brings(venv, names))
        own = best if brings(best, names) else None
    return own + "/bin/python" if own else sys.executable


def share_out(question):
    """Gives each interpreter what belongs to it."""
    venvs, groups = sorted(question["venvs"]), {}
    for path in question["files"]:
        source = content(path)
        if source is not None and not (imported(source) & {"pip"} and venv_of(path)):
            groups.setdefault(interpreter(path, source, venvs), []).append(["file", path])
    for path in question["distributions"]:
        if os.path.exists(path):
            venv = venv_of(path)
            python = venv + "/bin/python" if venv else sys.executable
            groups.setdefault(python, []).append(["distribution", path])
    answer = {"read": 0, "unread": [], "unresolved": []}
    for python, tasks in sorted(groups.items()):
        part = {"tasks": tasks, "explained": question["explained"]}
        told = work(part) if python == sys.executable else asked(python, part, question["code"])
        answer["read"] += len(tasks)
        answer["unread"] += told["unread"]
        answer["unresolved"] += told["unresolved"]
    return answer


def asked(python, part, code):
    command = [python, "-I", "-B", "-W", "ignore", "-c", code]
    try:
        done = subprocess.run(command, input=json.dumps(part).encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=WITHIN + 5)
        return json.loads(done.stdout.decode())
    except subprocess.TimeoutExpired:
        return {"unread": [python], "unresolved": []}
    except (OSError, ValueError) as error:
        why = done.stderr.decode("utf-8", "replace")[-500:] if isinstance(error, ValueError) else str(error)
        return {"unread": [], "unresolved": [[python, 0, "cannot be run", why]]}


# What a program uses

LEAVES = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def parts(node):
    """The nodes right below a node that can hold names."""
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            yield from (one for one in value if isinstance(one, ast.AST))
        elif isinstance(value, ast.AST) and not isinstance(value, LEAVES):
            yield value


def chain(node):
    """The names of `a.b.c`, or nothing."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id] + names[::-1] if isinstance(node, ast.Name) else []


def mentions(node, found):
    for one in ast.walk(node):
        name = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
        if found(name) or (name == "name" and isinstance(one, ast.Attribute) and chain(one)[:1] == ["os"]):
            return True
    return False


def is_guard(node):
    return mentions(node, lambda name: bool(name and GUARD.search(name)))


def expects(handlers):
    """Whether one of the handlers expects that a name is not there."""
    return any(one.type is None or mentions(one.type, EXPECTED.__contains__) for one in handlers)


def arguments(node):
    """The arguments of a function."""
    every = node.args.args + node.args.kwonlyargs + getattr(node.args, "posonlyargs", [])
    return [one for one in every + [node.args.vararg, node.args.kwarg] if one]


def fields(node, optional, is_annotated):
    """The parts of a node that are of the same scope, each with whether what it uses is optional."""
    if isinstance(node, FUNCTIONS):
        found = node.args.defaults + node.args.kw_defaults
        if not isinstance(node, ast.Lambda):
            found = found + node.decorator_list
            found = found + ([one.annotation for one in arguments(node)] + [node.returns] if is_annotated else [])
        return [(one, optional) for one in found if one]
    if type(node).__name__ in ("Try", "TryStar"):
        inner = optional or expects(node.handlers)
        found = [(one, inner) for one in node.body + node.handlers]
        return found + [(one, optional) for one in node.orelse + node.finalbody]
    if isinstance(node, (ast.If, ast.IfExp)):
        optional = optional or is_guard(node.test)
    elif isinstance(node, ast.BoolOp):
        optional = optional or any(is_guard(one) for one in node.values)
    elif isinstance(node, ast.With):
        named = [chain(one.context_expr.func) for one in node.items if isinstance(one.context_expr, ast.Call)]
        optional = optional or any(names[-1:] in (["suppress"], ["raises"]) for names in named)
    elif isinstance(node, ast.AnnAssign):
        return [(one, optional) for one in (node.target, node.value) if one]
    return [(one, optional) for one in parts(node)]


class Reader:
    """The imports of one text, and what it uses of them: line, module, names within it, whether the first of these may be
    a module, and whether it stands within a function."""

    def __init__(self, tree, package):
        self.package, self.uses, self.chains = package, [], []
        # Names whose presence is asked for or that are set somewhere: they may be missing.
        self.asked = set()
        future = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
        self.is_annotated = not any(name.name == "annotations" for one in future for name in one.names)
        self.scope(tree.body, set(), {}, False, False)
        self.uses += [use for use, names in self.chains if not self.asked.intersection(names)]

    def scope(self, body, names, outer, optional, within):
        nodes, stack = [], [(one, optional) for one in reversed(body)]
        while stack:
            node, optional = stack.pop()
            nodes.append((node, optional))
            stack.extend(reversed(fields(node, optional, self.is_annotated)))
        stored, bound = set(names), {}
        for node, optional in nodes:
            if isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load):
                    stored.add(node.id)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self.bind(node, optional, within, bound)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
                stored.add(node.name)
            elif isinstance(node, ast.Call) and chain(node.func)[-1:] in (["hasattr"], ["getattr"]):
                self.asked.update(getattr(word, "value", getattr(word, "s", None)) for word in node.args[1:2]
                                  if type(word).__name__ in ("Constant", "Str"))
        table = {**outer, **dict.fromkeys(stored)}
        for name, several in bound.items():
            table[name] = several[0] if name not in stored and several.count(several[0]) == len(several) else None
        inner = set()
        for node, optional in nodes:
            if isinstance(node, ast.Attribute):
                if id(node) not in inner:
                    self.attribute(node, optional, table, within, inner)
            elif isinstance(node, FUNCTIONS):
                names = {one.arg for one in arguments(node)}
                inside = [node.body] if isinstance(node, ast.Lambda) else node.body
                self.scope(inside, names, table, optional, True)

    def bind(self, node, optional, within, bound):
        is_from = isinstance(node, ast.ImportFrom)
        module = self.module(node) if is_from else None
        for alias in node.names:
            if is_from:
                name, target = alias.asname or alias.name, (module, (alias.name,))
                use = (module, () if alias.name == "*" else (alias.name,))
            else:
                first = alias.name.split(".")[0]
                name, target = alias.asname or first, (alias.name if alias.asname else first, ())
                use = (alias.name, ())
            is_known = not optional and use[0] is not None
            bound.setdefault(name, []).append(target if is_known else None)
            if is_known:
                self.uses.append((node.lineno, use[0], use[1], is_from, within))

    def module(self, node):
        if not node.level:
            return node.module
        parts = self.package.split(".") if self.package else []
        if len(parts) < node.level:
            return None
        base = parts[:len(parts) - node.level + 1]
        return ".".join(base + ([node.module] if node.module else []))

    def attribute(self, node, optional, table, within, inner):
        part = node
        while isinstance(part, ast.Attribute):
            inner.add(id(part))
            if not isinstance(part.ctx, ast.Load):
                self.asked.add(part.attr)
            part = part.value
        names = chain(node)
        target = table.get(names[0]) if names else None
        if target is not None and not optional:
            use = (node.lineno, target[0], target[1] + tuple(names[1:]), bool(target[1]), within)
            self.chains.append((use, names))


# What is there


class Unknown(Exception):
    """Nothing can be said of a module."""


class Child:
    """Imports what is used, and tells what is not there, in a process that may end at any time."""

    def __init__(self, tell, ended, explained):
        self.tell, self.ended, self.explained = tell, ended, explained
        self.failures, self.owned, self.left = {}, set(), ALL

    def is_explained(self, path):
        return any(path == one or path.startswith(one + "/") for one in self.explained)

    def unresolved(self, path, line, what, why):
        self.tell({"unresolved": [path, line, what, why]})

    def load(self, name):
        """Imports a module; gives back why it cannot be."""
        if name in self.ended:
            if self.ended[name] is None:
                raise Unknown
            return self.ended[name]
        if name in self.failures:
            return self.failures[name]
        if name not in sys.modules:
            self.tell({"load": name})
            try:
                importlib.import_module(name)
                self.failures[name] = None
            except BaseException as error:
                self.failures[name] = reason(error)
            self.tell({"load": None})
        return self.failures.get(name)

    def use(self, module, names, is_from):
        """What is missing of a use, and why; or nothing."""
        why = self.load(module)
        if why is not None:
            return f"{module} cannot be imported", why
        value, path = sys.modules.get(module), module
        for number, name in enumerate(names):
            if not isinstance(value, (ModuleType, type)):
                return None
            try:
                value = getattr(value, name)
            except AttributeError:
                below = f"{value.__name__}.{name}" if isinstance(value, ModuleType) else ""
                if below and has(below):
                    if number or not is_from:
                        return None
                    why = self.load(below)
                    if why is not None:
                        return f"{below} cannot be imported", why
                    value = sys.modules.get(below)
                else:
                    return f"{path} has no {name}", ""
            except Exception:
                return None
            path += "." + name
        return None

    def read(self, path, source, package, matters):
        """Reads a text and tells what of its uses that matter is missing."""
        self.left -= len(source)
        if self.left < 0:
            self.tell({"unread": path})
            return
        try:
            uses = Reader(ast.parse(source), package).uses
        except SyntaxError as error:
            self.unresolved(path, error.lineno or 0, "cannot be read by its interpreter", str(error))
            return
        except (ValueError, RecursionError, MemoryError):
            self.tell({"unread": path})
            return
        seen = set()
        for line, module, names, is_from, within in sorted(uses):
            if (module, names) in seen or not matters(module, names, within):
                continue
            seen.add((module, names))
            try:
                missing = self.use(module, names, is_from)
            except Unknown:
                self.tell({"unread": module})
                continue
            if missing:
                self.unresolved(path, line, *missing)

    def file(self, path):
        """A program, or a module that lies beside one: what lies near it is not imported."""
        source = content(path)
        if source is None:
            return

        def matters(module, _names, _within):
            first = module.split(".")[0]
            return first not in UNTOUCHED and not is_near(path, first)
        self.read(path, source, "", matters)

    def distribution(self, record):
        """The modules of a distribution that stand at its top, and the names of all its files for later."""
        folder, record = os.path.split(record)
        site = os.path.dirname(folder)
        if os.path.realpath(site) not in map(os.path.realpath, sys.path):
            return
        tops = {}
        for name in recorded(folder, site):
            path = os.path.normpath(os.path.join(site, name))
            if path.endswith(".py") and not self.is_explained(path):
                self.owned.add(path)
                first = re.match(r"([A-Za-z]\w*)(?:/__init__)?\.py$", name)
                if first:
                    tops[first.group(1)] = path
        name = re.match(r"[\w.]+", os.path.basename(folder)).group(0).split("-")[0].lower()
        for top, path in sorted(tops.items()):
            if name in INSTALLERS or top in ("setup", "conftest", "test", "tests", "docs", "examples"):
                continue
            try:
                why = self.load(top)
            except Unknown:
                self.tell({"unread": top})
                continue
            if why is not None:
                self.unresolved(path, 1, f"{top} cannot be imported", why)

    def modules(self, _path):
        """The modules of distributions that were loaded meanwhile: what they use of others."""
        for name, module in sorted(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if not isinstance(path, str) or path not in self.owned or name.split(".")[0] in INSTALLERS:
                continue
            source, own = content(path), name.split(".")[0]
            if source is None or not any(is_foreign(first, own) and has(first) for first in imported(source)):
                continue

            def matters(module, names, within):
                first = module.split(".")[0]
                # What stands in a function and is not there at all is not needed for all that a distribution does.
                return is_foreign(first, own) and (within or len(names) > 0) and has(first)
            self.read(path, source, getattr(module, "__package__", None) or "", matters)


def reason(error):
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("/") and "/importlib/" not in frame.filename:
            place = f" ({frame.filename}:{frame.lineno})"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}{place}"


def has(name):
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except Exception:
        return False


def is_near(path, name):
    """Whether a module lies beside a file or beside one of its folders."""
    folder = os.path.dirname(path)
    for _ in range(6):
        if os.path.exists(f"{folder}/{name}.py") or os.path.isdir(f"{folder}/{name}"):
            return os.path.realpath(folder) not in map(os.path.realpath, sys.path)
        if folder in ("", "/"):
            return False
        folder = os.path.dirname(folder)
    return False


STANDARD, LIBRARY = {}, sysconfig.get_paths()["stdlib"] + "/"


def is_foreign(name, own):
    """Whether a module is neither of the same distribution nor of the standard library."""
    if not name or name == own or name in UNTOUCHED or name in INSTALLERS:
        return False
    if name not in STANDARD:
        STANDARD[name] = name in sys.builtin_module_names
        try:
            origin = importlib.util.find_spec(name)
            origin = origin.origin or "" if origin else ""
        except Exception:
            origin = ""
        is_below = origin.startswith(LIBRARY) and "-packages/" not in origin
        STANDARD[name] = STANDARD[name] or is_below or origin in ("built-in", "frozen")
    return not STANDARD[name]


def recorded(folder, site):
    """The files of a distribution, from its site's folder."""
    try:
        with open(folder + "/RECORD", encoding="utf-8", errors="surrogateescape") as file:
            return [line.rsplit(",", 2)[0].strip('"') for line in file]
    except OSError:
        pass
    found = []
    try:
        with open(folder + "/top_level.txt", encoding="utf-8", errors="surrogateescape") as file:
            names = [line.strip() for line in file if line.strip()]
    except OSError:
        return found
    for name in names:
        if os.path.isfile(f"{site}/{name}.py"):
            found.append(name + ".py")
        for at, _, files in os.walk(f"{site}/{name}"):
            found += [os.path.relpath(os.path.join(at, one), site) for one in files]
    return found


# One process after another


def work(part):
    """Does all tasks; a process that ends before is followed by another, which passes over what ended it."""
    tasks = sorted(part["tasks"]) + [["modules", ""]]
    told, unread, ended, end = {}, set(), {}, time.monotonic() + WITHIN
    for _ in range(ENDED):
        at, loading, over = tasks[0], None, ""
        for line in lines(tasks, ended, part["explained"], end):
            at, loading, over = line.get("at", at), line.get("load", loading), line.get("over", over)
            if "unread" in line:
                unread.add(line["unread"])
            if "unresolved" in line:
                path, number, what, why = line["unresolved"]
                told.setdefault((path, what), (number, why))
        if over is None:
            break
        if loading:
            ended[loading] = over or None
        else:
            tasks.remove(at)
            unread.add(at[1])
        if not tasks or time.monotonic() > end:
            unread.update(path for _, path in tasks)
            break
    unresolved = [[path, number, what, why] for (path, what), (number, why) in sorted(told.items())]
    return {"unread": sorted(unread - {""}), "unresolved": unresolved}


def lines(tasks, ended, explained, end):
    """What a process tells, line by line; at last how it ended: `None` when it did all, a text when it ended before, an
    empty one when it took too long."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        perform(tasks, ended, explained, write)
    os.close(write)
    rest, last, is_done, is_late = b"", time.monotonic(), False, False
    while not is_done:
        left = min(last + ONE, end) - time.monotonic()
        is_late = left <= 0 or not select.select([read], [], [], left)[0]
        chunk = b"" if is_late else os.read(read, 1 << 16)
        if not chunk:
            break
        last = time.monotonic()
        *whole, rest = (rest + chunk).split(b"\n")
        for line in map(json.loads, map(bytes.decode, whole)):
            is_done = is_done or "done" in line
            yield line
    os.close(read)
    status = stop(child)
    how = f"status {os.WEXITSTATUS(status)}" if os.WIFEXITED(status) else f"signal {os.WTERMSIG(status)}"
    yield {"over": None if is_done else "" if is_late else f"it ends the process: {how}"}


def stop(child):
    """Ends a process and all that it left; gives back how it ended."""
    for _ in range(20):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.005)
    try:
        os.killpg(child, signal.SIGKILL)
    except OSError:
        pass
    return status if done else os.waitpid(child, 0)[1]


def perform(tasks, ended, explained, write):
    """The life of one process: nothing that it imports is heard, and nothing of it stays."""
    def tell(line):
        os.write(write, json.dumps(line).encode() + b"\n")
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        sys.argv[:] = ["python"]
        child = Child(tell, ended, explained)
        for kind, path in tasks:
            tell({"at": [kind, path]})
            getattr(child, kind)(path)
        tell({"done": True})
        os._exit(0)
    except BaseException:
        os._exit(70)


question = json.load(sys.stdin)
answer = work(question) if "tasks" in question else share_out(question)
sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
