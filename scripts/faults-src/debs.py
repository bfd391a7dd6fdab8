"""Debian packages that break, hang or attack while they are installed.

`good_1` is in the image; every other package is one patch on top of it. Written member by member with the standard
library, so that broken archives can be made too. Every maintainer script refuses to run in the host's own process
namespace: these packages are for sandboxes only.

EXPECTED says of each the exit codes that are right, words that the report must say, and words that it may not say.
Exit 0: same. 1: regressed or not applied. 2: bad input. 3: different, somebody must look."""
import io
import pathlib
import tarfile
import typing

GUARD = '#!/bin/sh\nif [ "$(readlink /proc/self/ns/pid)" = "pid:[4026531836]" ]; then echo "not on a host" >&2; exit 99; fi\n'
PACKAGE = "fault"
PROGRAM = "/usr/bin/fault"

# Post-install scripts by name.
SCRIPTS = {
    "postinst-hang": "exec sleep 100000",
    "postinst-hang-term": "trap '' TERM INT HUP QUIT\nwhile :; do sleep 1; done",
    "postinst-stdin": 'printf "go on? "; read answer || echo "nobody answers"\n[ -n "$answer" ] || exit 3',
    "postinst-tty": "exec </dev/tty\nread answer",
    "postinst-exit1": 'echo "disk check failed" >&2\nexit 1',
    "postinst-killparent": "kill -9 $PPID\nsleep 5",
    "postinst-killall": "kill -9 -1\nsleep 5",
    "postinst-daemon": "(setsid sleep 600 >/proc/self/fd/1 2>&1 &)\nexit 0",
    # It ends by itself after some seconds, should nothing stop it.
    "postinst-forkbomb": "bomb() { bomb | bomb & }\n(sleep 10; kill -9 -1) &\nbomb\nsleep 10",
    "postinst-fill": "dd if=/dev/zero of=/var/fault-fill bs=1M count=4096",
    "postinst-flood": 'yes "$(head -c 1000 /dev/zero | tr "\\0" x)" | head -c 300000000',
    "postinst-ansi": "printf '\\033[2J\\033]0;owned\\007<script>alert(1)</script>\\n::error::x\\n'",
    "postinst-brick-sh": "rm -f /bin/sh /bin/dash /bin/bash",
    "postinst-brick-ld": "rm -f /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6",
    "postinst-brick-dpkg": "rm -rf /var/lib/dpkg",
    "postinst-chmod-etc": "chmod 000 /etc /usr/bin",
    "postinst-clock": 'date -s "2038-01-19 03:14:08" && echo "clock set"\nexit 0',
    "postinst-sysctl": 'echo "|/tmp/x" > /proc/sys/kernel/core_pattern\necho 3 > /proc/sys/vm/overcommit_memory\necho h > /proc/sysrq-trigger\nexit 0',
    "postinst-mount": "mount -t tmpfs none /mnt && touch /mnt/x\nmount --bind / /opt\nmknod /dev/fault b 254 0 && dd if=/dev/fault of=/var/fault-disk bs=1 count=1\nexit 0",
    "postinst-reboot": "kill -TERM 1; kill -INT 1; kill -9 1\necho alive",
    "postinst-symlink-out": "rm -rf /var/log /etc/hostname\nln -s /proc/1/root/ /var/log\nln -s ../../../../../../etc/hostname /etc/hostname",
    "postinst-fifo": "rm -f /etc/os-release\nmkfifo /etc/os-release",
    "postinst-sparse": "truncate -s 8T /var/fault-sparse || truncate -s 1T /var/fault-sparse || true",
    "postinst-immutable": "touch /etc/fault-immutable\nchattr +i /etc/fault-immutable || true",
    "postinst-deep": "cd /var\nperl -e 'for (1 .. 4000) { mkdir \"d\" x 50; chdir \"d\" x 50 }'",
    "postinst-setuid": "cp /bin/sh /usr/bin/fault-suid\nchmod 4755 /usr/bin/fault-suid\necho 'fault::0:0::/:/bin/sh' >> /etc/passwd",
    "postinst-slow": "for second in 1 2 3 4 5 6; do echo tick $second; sleep 1; done",
}



class Expected(typing.NamedTuple):
    """What a run must come to."""
    codes: set
    says: tuple = ()
    never: tuple = ()


def invalid(why):
    return Expected({2}, ("not a valid package: " + why,))


EXPECTED = {
    "good_2": Expected({0}),
    "noop": Expected({0}),
    "postinst-hang": Expected({1}, ("did not end within",)),
    "postinst-hang-term": Expected({1}, ("did not end within",)),
    "postinst-stdin": Expected({1}, ("half-configured",)),
    "postinst-tty": Expected({1}, ("/dev/tty",)),
    "postinst-exit1": Expected({1}, ("disk check failed", "half-configured")),
    "preinst-exit1": Expected({1}, ("pre-installation script",)),
    "postinst-killparent": Expected({1}, ("half-configured",)),
    "postinst-killall": Expected({1}, ("killed by",)),
    "postinst-daemon": Expected({0}),
    "postinst-forkbomb": Expected({1}, ("limit of processes",)),
    "postinst-fill": Expected({1}, ("No space left on device",)),
    "postinst-flood": Expected({0}),
    "postinst-ansi": Expected({0}),
    "postinst-brick-sh": Expected({1}, ("files./usr/bin/sh",)),
    "postinst-brick-ld": Expected({1}, ("ld-linux-x86-64.so.2", "libc.so.6")),
    "postinst-brick-dpkg": Expected({1}, ("unable to install updated status",)),
    "postinst-chmod-etc": Expected({3}, ("mode: folder 0000 root:root",)),
    "postinst-clock": Expected({0}, never=("clock set",)),
    "postinst-sysctl": Expected({0, 1}),
    "postinst-mount": Expected({0, 1}, never=("fault-disk",)),
    "postinst-net": Expected({0}),
    "postinst-reboot": Expected({0}),
    "postinst-symlink-out": Expected({3}, ("files./etc/hostname",)),
    "postinst-fifo": Expected({3}, ("files./etc/os-release", "kind: fifo")),
    "postinst-sparse": Expected({3}, ("-sparse", "too large")),
    "postinst-immutable": Expected({3}, ("files./etc/",)),
    "postinst-deep": Expected({3}, ("files./var/",)),
    "postinst-setuid": Expected({1}, ("security.set-id", "security.uid-0")),
    "postinst-slow": Expected({0}),
    "depends-missing": Expected({1}, ("no-such-package (>= 9)",)),
    "downgrade": Expected({0}, ("(downgrade)",)),
    "same-version": Expected({0}, ("the same version again",)),
    "overwrites": Expected({1}, ("trying to overwrite",)),
    "conffile_2": Expected({0}, ("kept as it was",)),
    "service-broken_2": Expected({1}, ("probe.program.exit",)),
    "raw-dotdot": invalid("data: the entry"),
    # It is up to dpkg what becomes of a file below a link. Nothing outside may, and that is looked at.
    "raw-symlink": Expected({0, 1, 3}),
    "raw-nocontrol": invalid("it has no control member"),
    "raw-badversion": invalid("its format is `9.9`"),
    "raw-truncated": invalid("data: the entry `x` is cut off"),
    "raw-notar": invalid("control: the archive is truncated"),
    "raw-badmagic": invalid("the file is no ar archive"),
    "raw-empty": invalid("the file is too short"),
    "raw-control-esc": Expected({1}, ("probe.program.exit",)),
    "raw-name": invalid("its name `../../x`"),
}

# What an image is made of, so that no run has it as its patch.
IN_THE_IMAGE = {"good_1", "conffile_1"}


def tar(entries):
    """A tar of (name, content, mode) files; folders end in a slash, symbolic links have a `>` in the name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content, mode in entries:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = mode, 1_700_000_000
            if ">" in name:
                entry.type, (entry.name, entry.linkname) = tarfile.SYMTYPE, name.split(">")
            elif name.endswith("/"):
                entry.type = tarfile.DIRTYPE
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tree(files):
    """The entries of a data archive: every folder once, before what is in it."""
    entries, seen = [("./", b"", 0o755)], set()
    for path, (content, mode) in sorted(files.items()):
        for parent in reversed(pathlib.PurePosixPath(path).parents):
            if str(parent) != "/" and parent not in seen:
                seen.add(parent)
                entries.append((f".{parent}/", b"", 0o755))
        entries.append((f".{path}", content.encode(), mode))
    return entries


def archive(*members, magic=b"!<arch>\n"):
    """An `ar` archive, as a .deb is one."""
    parts = [magic]
    for name, content in members:
        parts.append(f"{name:16}{1_700_000_000:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def control(name=PACKAGE, version="2", more=""):
    return f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: fault <fault@localhost>\n{more}Description: fault\n".encode()


def package(name=PACKAGE, version="2", scripts=None, files=None, conffiles="", more=""):
    entries = [("./", b"", 0o755), ("./control", control(name, version, more), 0o644)]
    if conffiles:
        entries.append(("./conffiles", conffiles.encode(), 0o644))
    for script, text in (scripts or {}).items():
        entries.append((f"./{script}", f"{GUARD}{text}\n".encode(), 0o755))
    return archive(FORMAT, ("control.tar", tar(entries)), ("data.tar", tar(tree(files or {}))))


FORMAT = ("debian-binary", b"2.0\n")


def program(text):
    return {PROGRAM: (f"#!/bin/sh\n{text}\n", 0o755)}


def packages(port):
    """All packages as (name, bytes). On `port` of the host's loopback somebody listens who must not be reached."""
    good = program("echo fault works")
    yield "good_1", package(version="1", files=good)
    yield "good_2", package(files=good | {"/usr/share/fault/new": ("2\n", 0o644)})
    yield "noop", package(files=good)
    for name, text in SCRIPTS.items():
        yield name, package(scripts={"postinst": text}, files=good)
    yield "preinst-exit1", package(scripts={"preinst": "exit 1"}, files=good)
    connect = f'perl -MIO::Socket::INET -e "exit !IO::Socket::INET->new(PeerAddr => q(127.0.0.1:{port}), Timeout => 2)" && echo reached\nexit 0'
    yield "postinst-net", package(scripts={"postinst": connect}, files=good)

    yield "depends-missing", package(files=good, more="Depends: no-such-package (>= 9)\n")
    yield "downgrade", package(version="0.5", files=good)
    yield "same-version", package(version="1", files=program("echo fault works differently"))
    yield "overwrites", package("fault-other", "1", files={"/usr/bin/dpkg": ("#!/bin/sh\n", 0o755)})
    for version in "12":
        yield f"conffile_{version}", package("fault-conf", version, files={"/etc/fault.conf": (f"a={version}\n", 0o644)}, conffiles="/etc/fault.conf\n")
    yield "service-broken_2", package(files=program("exit 3"))

    # Archives that are none.
    plain = ("control.tar", tar([("./control", control(), 0o644)]))
    nothing = ("data.tar", tar([("./", b"", 0o755)]))
    yield "raw-dotdot", archive(FORMAT, plain, ("data.tar", tar([("./../../../../../../tmp/fault-escape", b"out", 0o644)])))
    yield "raw-symlink", archive(FORMAT, plain, ("data.tar", tar([("./l>/proc/1/root/tmp", b"", 0o777), ("./l/fault-escape", b"out", 0o644)])))
    yield "raw-nocontrol", archive(FORMAT, nothing)
    yield "raw-badversion", archive(("debian-binary", b"9.9\n"), plain, nothing)
    yield "raw-truncated", archive(FORMAT, plain, ("data.tar", tar([("./x", b"y" * 5000, 0o644)])[:700]))
    yield "raw-notar", archive(FORMAT, ("control.tar", bytes(100)), ("data.tar", b"noise"))
    yield "raw-badmagic", archive(FORMAT, magic=b"!<arxx>\n")
    yield "raw-empty", b""
    hostile = "Homepage: \x1b[31m<script>alert(1)</script> \u202e ]]>\n"
    yield "raw-control-esc", archive(FORMAT, ("control.tar", tar([("./control", control(more=hostile), 0o644)])), nothing)
    yield "raw-name", archive(FORMAT, ("control.tar", tar([("./control", control("../../x", "$(id)"), 0o644)])), nothing)


def make(target, port):
    """Writes all packages into `target` and returns {name: path}."""
    made = {}
    for name, content in packages(port):
        made[name] = pathlib.Path(target) / f"{name}.deb"
        made[name].write_bytes(content)
    return made
