"""Tar archives that a careless importer would fall for, and odd ones that are legal.

Every header is written byte by byte: a tar library would mend what is meant to be broken. Each archive has a class:

  accept   legal: must be imported
  reject   bad input: exit code 2, and nothing of it may stay in the store
  contain  may be imported or refused, but nothing outside the store may be made, read or changed
  limit    must end in bounded time and memory, imported or refused

REFUSALS says of each archive that must be refused what the refusal has to name: the entry, or the header or what the file
is where there is no entry.

The canary folder stands for the host. Archives that try to climb out aim at it."""
import gzip
import pathlib

BLOCK = 512
END = bytes(2 * BLOCK)
FILE, HARD, SOFT, CHARACTER, DEVICE, FOLDER, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
MEBIBYTE = 1 << 20


HEADER, ENTRY = "the header at byte", "the entry `%s`"
REFUSALS = {
    "dotdot.tar": ENTRY % "../../fault-escape", "hard-link-outside.tar": ENTRY % "name", "root-is-a-link.tar": ENTRY % "/",
    "overlay-attributes.tar": ENTRY % "home/", "long-names.tar": "the entry `nnn", "nul-in-name.tar": "the entry `etc/ok",
    "owner-minus-one.tar": ENTRY % "m", "size-too-large.tar": ENTRY % "h", "size-below-zero.tar": ENTRY % "h",
    "extended-size-overflow.tar": ENTRY % "h", "extended-lengths-lie.tar": HEADER, "hard-link-to-nothing.tar": ENTRY % "s",
    "cut.tar": ENTRY % "big", "wrong-checksum.tar": HEADER, "noise.tar": "no tar archive", "no-bytes.tar": "the file is empty",
    "only-the-end.tar": "holds no files", "cut.tar.gz": "truncated",
    "bomb-2-gib.tar.gz": "`zeros`", "huge-extended-header.tar": HEADER, "huge-long-name.tar": HEADER,
    # Those of the folder of further faults.
    "01-dotdot.tar": ENTRY % "../../pp-escape", "06-hardlink-outside.tar": ENTRY % "passwd", "14-overlay-xattrs.tar": ENTRY % "home/",
    "16-root-symlink.tar": ENTRY % "/", "19-name-256.tar": "the entry `nnn", "21-nul-in-pax-path.tar": "the entry `etc/ok",
    "26-truncated.tar": ENTRY % "big", "27-bad-checksum.tar": HEADER, "28-garbage.tar": "no tar archive", "29-empty.tar": "the file is empty",
    "30-only-end.tar": "holds no files", "32-size-huge.tar": ENTRY % "h", "33-size-negative.tar": ENTRY % "h", "34-pax-size-u64.tar": ENTRY % "h",
    "36-uid-minus1.tar": ENTRY % "m1", "38-pax-bad-length.tar": HEADER, "42-hardlink-self.tar": ENTRY % "s", "46-gz-cut.tar.gz": "truncated",
    "24-bomb-2g.tar.gz": "`zeros`", "39-pax-64m.tar": HEADER, "40-longname-16m.tar": HEADER,
}


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def header(name, size=0, kind=FILE, mode=0o644, target=b"", device=(0, 0), size_field=None, checksum=None, gnu=False):
    """One header block. `size_field` and `checksum` replace what would be right."""
    name, target = (part if isinstance(part, bytes) else part.encode() for part in (name, target))
    block = bytearray(BLOCK)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:124] = octal(mode, 8) + octal(0, 8) + octal(0, 8)
    block[124:136] = size_field or octal(size, 12)
    block[136:148] = octal(1_700_000_000, 12)
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:257] = target[:100].ljust(100, b"\0")
    block[257:265] = b"ustar  \0" if gnu else b"ustar\x0000"
    block[329:345] = octal(device[0], 8) + octal(device[1], 8)
    block[148:156] = b"%06o\0 " % (sum(block) if checksum is None else checksum)
    return bytes(block)


def file(name, data=b"x\n", **options):
    data = data if isinstance(data, bytes) else data.encode()
    return header(name, len(data), **options) + padded(data)


def folder(name, mode=0o755):
    return header(name, 0, FOLDER, mode)


def soft(name, target):
    return header(name, 0, SOFT, 0o777, target)


def hard(name, target):
    return header(name, 0, HARD, 0o644, target)


def record(key, value):
    """One record of an extended header. Its length counts its own digits."""
    body = b" %s=%s\n" % tuple(part if isinstance(part, bytes) else part.encode() for part in (key, value))
    length = len(body)
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def extended(*records, kind=b"x", raw=None):
    body = b"".join(record(key, value) for key, value in records) if raw is None else raw
    return header("PaxHeaders/x", len(body), kind) + padded(body)


def long_name(name):
    body = name.encode() + b"\0"
    return header("././@LongLink", len(body), b"L", gnu=True) + padded(body)


def archives(canary):
    """All archives as (file name, class, bytes or an iterator of bytes)."""
    outside = str(canary)
    climb = "../" * 12 + outside.lstrip("/")
    root = folder("etc/") + file("etc/os-release", "ID=fault\n") + folder("usr/") + folder("usr/bin/")

    def tar(*parts):
        return b"".join(parts) + END

    yield "control.tar", "accept", tar(root)

    # Ways out.
    yield "dotdot.tar", "reject", tar(root, file("../../fault-escape", "out"))
    yield "absolute.tar", "contain", tar(root, file(outside + "/absolute", "out"))
    yield "link-then-file.tar", "contain", tar(root, soft("var", outside), file("var/out", "out"))
    yield "climbing-link-then-file.tar", "contain", tar(root, soft("var", climb), file("var/out", "out"))
    yield "link-chain.tar", "contain", tar(root, soft("a", "."), soft("b", "a/.."), soft("c", "b/.." + outside), file("c/out", "out"))
    yield "hard-link-outside.tar", "reject", tar(root, hard("name", "../" * 12 + "etc/hostname"), hard("name2", "/etc/hostname"))
    yield "hard-link-to-link.tar", "contain", tar(root, soft("s", outside + "/target"), hard("h", "s"), file("h", "out"))
    yield "folder-over-link.tar", "contain", tar(root, soft("d", outside), folder("d/", 0o777), folder("d/.", 0o777))
    yield "name-changes-kind.tar", "contain", tar(
        root, file("p", "1"), folder("p/"), soft("p", outside + "/target"), file("p", "out"),
        folder("q/"), soft("q", outside), file("q/out", "out"))
    yield "root-is-a-link.tar", "reject", tar(soft("./.", outside), soft(".", outside), soft("/", outside), file("out", "out"))
    for place in ("dev", "proc", "sys", "etc", "tmp", "run", "usr/sbin", "dev/pts", "proc/self", "var/lib/dpkg",
                  "dev/null", "dev/console", "etc/resolv.conf", "etc/passwd", "etc/hosts", "etc/hostname"):
        is_file = place.startswith(("etc/", "dev/null", "dev/console"))
        base = b"" if place == "etc" else root
        parents = folder(place.rsplit("/", 1)[0] + "/") if "/" in place else b""
        yield f"link-at-{place.replace('/', '-')}.tar", "contain", tar(
            base, parents, soft(place, outside + ("/target" if is_file else "")))

    # Two readers, two meanings: the inner headers are data of the outer file.
    inner = file("smuggled", "SMUGGLED") + END
    yield "size-only-in-extended.tar", "contain", tar(
        root, extended(("size", str(len(inner)))), header("outer", 0, size_field=b"00000000000\0"), padded(inner), file("after"))
    yield "two-sizes.tar", "contain", tar(root, extended(("size", "1024")), header("outer", 8), padded(b"12345678"), header("smuggled"), file("after"))
    yield "size-before-long-name.tar", "contain", tar(root, extended(("size", "2048")), long_name("long"), file("one", "1" * 16), file("two", "2" * 16))
    yield "global-name.tar", "contain", tar(root, extended(("path", "../g"), kind=b"g"), file("a"), file("b"))
    yield "after-the-end.tar", "contain", tar(root, END, file("hidden"))

    # Things that an image must not bring along.
    yield "devices.tar", "contain", tar(
        root, folder("dev/"), header("dev/mem", 0, CHARACTER, 0o666, device=(1, 1)), header("dev/sda", 0, DEVICE, 0o666, device=(8, 0)),
        header("dev/vda", 0, DEVICE, 0o666, device=(254, 0)), header("dev/fifo", 0, FIFO, 0o666))
    yield "fifo-as-os-release.tar", "contain", tar(folder("etc/"), header("etc/os-release", 0, FIFO), header("etc/passwd", 0, FIFO), folder("usr/"))
    capability = b"\x01\0\0\x02\x00\x20" + bytes(14)
    yield "setuid-and-capability.tar", "contain", tar(
        root, file("usr/bin/suid", "x", mode=0o4755), extended(("SCHILY.xattr.security.capability", capability)), file("usr/bin/cap", "x", mode=0o755))
    yield "overlay-attributes.tar", "reject", tar(
        root, extended(("SCHILY.xattr.trusted.overlay.redirect", "/etc"), ("SCHILY.xattr.user.overlay.redirect", "/etc")), folder("home/"),
        extended(("SCHILY.xattr.trusted.overlay.opaque", "y"), ("SCHILY.xattr.user.overlay.opaque", "y")), folder("usr/"))
    yield "whiteouts.tar", "contain", tar(root, *(file(name, "") for name in (".wh..", ".wh...", "etc/.wh..wh..opq", ".wh..wh..opq", "etc/.wh.../x")))

    # Names.
    yield "long-names.tar", "reject", tar(root, extended(("path", "n" * 256)), file("x", ""), extended(("path", "p/" * 2600)), file("x", ""))
    yield "nul-in-name.tar", "reject", tar(root, extended(("path", b"etc/ok\0/../../out")), file("x", ""))
    yield "empty-names.tar", "contain", tar(root, header(""), header("."), header("./", 0, FOLDER), file("a//b"), file("a/./c"), header("dir/"))
    odd = (b"\xff\xfe", b"new\nline", b"tab\t", b"\x1b[31mred\x1b[0m", b"\"quote's", b" front", b"back ", b"$(id)", b";reboot", b"%s%n", b"=cmd",
           "\U0001f4a3".encode(), "\u202egpj.exe".encode(), b"<b onload=x>")
    yield "odd-names.tar", "accept", tar(root, *(file(b"etc/" + name, "odd") for name in odd), file("-rf"), file("--help"))
    yield "two-spellings.tar", "accept", tar(root, file("etc/e\u0301", "1"), file("etc/\u00e9", "2"))
    yield "deep-name.tar", "limit", tar(root, extended(("path", "d/" * 3000 + "f")), file("x", "deep"))
    yield "closed-folders.tar", "accept", tar(root, folder("locked/"), file("locked/f"), folder("locked/in/", 0), folder("locked/", 0))

    # Numbers and lengths.
    yield "times-and-owners.tar", "accept", tar(
        root, extended(("mtime", "-86400.5"), ("uid", "65533"), ("gid", "65533")), file("old"), extended(("mtime", "16725225600.123456789")), file("new"))
    yield "owner-outside-the-map.tar", "contain", tar(root, extended(("uid", str(2**32 - 2)), ("gid", str(2**32 - 2))), file("far"))
    yield "owner-minus-one.tar", "reject", tar(root, extended(("uid", str(2**32 - 1)), ("gid", str(2**32 - 1))), file("m"))
    yield "size-too-large.tar", "reject", tar(root, header("h", 0, size_field=b"77777777777\0"))
    yield "size-below-zero.tar", "reject", tar(root, header("h", 0, size_field=b"\xff" * 12))
    yield "extended-size-overflow.tar", "reject", tar(root, extended(("size", str(2**64 - 1))), header("h"), extended(("size", "-1")), header("i"))
    yield "extended-lengths-lie.tar", "reject", tar(
        root, extended(raw=b"999999 path=a\n"), file("x", ""), extended(raw=b"0 =\n"), file("y", ""), extended(raw=b"path=a\n"), file("z", ""))
    yield "hard-link-to-nothing.tar", "reject", tar(root, hard("s", "s"), hard("m", "missing"))
    yield "unknown-kinds.tar", "contain", tar(*(header("t" + kind, 0, kind.encode()) for kind in "Z7VMN"), root)
    yield "huge-extended-header.tar", "limit", tar(
        root, header("PaxHeaders/x", 64 * MEBIBYTE, b"x"), record("comment", b"c" * (64 * MEBIBYTE - 20))[: 64 * MEBIBYTE].ljust(64 * MEBIBYTE, b"c"), file("x", ""))
    yield "huge-long-name.tar", "limit", tar(root, header("././@LongLink", 16 * MEBIBYTE, b"L", gnu=True), b"n" * (16 * MEBIBYTE), file("x", ""))
    sparse = (("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "big"), ("GNU.sparse.realsize", str(8 << 40)))
    yield "sparse-8-tib.tar", "limit", tar(root, extended(*sparse), file("GNUSparseFile.0/big", b"1\n0\n0\n".ljust(BLOCK, b"\0")))

    # Broken from the start.
    yield "cut.tar", "reject", root + header("big", 100_000) + b"x" * 700
    yield "wrong-checksum.tar", "reject", tar(root, header("x", checksum=1))
    yield "noise.tar", "reject", bytes((number * 1103515245 + 12345) >> 7 & 255 for number in range(65536))
    yield "no-bytes.tar", "reject", b""
    yield "only-the-end.tar", "reject", END

    # Compression.
    yield "plain.tar.gz", "contain", tar(root)
    yield "cut.tar.gz", "reject", gzip.compress(tar(root), mtime=0)[:-20]
    yield "two-members.tar.gz", "accept", gzip.compress(root, mtime=0) + gzip.compress(file("second") + END, mtime=0)
    yield "bomb-2-gib.tar.gz", "limit", Compressed([root, header("zeros", 2 << 30)], [bytes(MEBIBYTE)] * 2048, [END])
    yield "many-entries.tar.gz", "limit", Compressed([root], (header(f"n/{number}") for number in range(200_000)), [END])


class Compressed:
    """An archive too large to be held, written through gzip piece by piece."""

    def __init__(self, *pieces):
        self.pieces = pieces

    def write(self, path):
        with gzip.GzipFile(path, "wb", compresslevel=6, mtime=0) as target:
            for group in self.pieces:
                for piece in group:
                    target.write(piece)


def make(target, canary):
    """Writes all archives into `target` and returns [(path, class)]."""
    target = pathlib.Path(target)
    made = []
    for name, kind, content in archives(canary):
        path = target / name
        if isinstance(content, Compressed):
            content.write(path)
        else:
            path.write_bytes(content)
        made.append((path, kind))
    return made
