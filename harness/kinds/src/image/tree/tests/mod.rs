//! Laws of trees: nothing climbs out, what is legal comes out exactly.

mod forge;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use patchbed_model::Digest;
use proptest::prelude::*;

use super::entry::EntryPath;
use super::*;
use forge::{Forge, Header};

/// A place with a folder to unpack into and one that must stay as it is.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::create_dir(place.folder.path().join("root")).expect("the root is made");
        std::fs::create_dir(place.canary()).expect("the canary is made");
        std::fs::write(place.canary().join("target"), "CANARY").expect("the canary is written");
        std::fs::set_permissions(place.canary(), std::fs::Permissions::from_mode(0o700)).expect("its mode is set");
        place
    }

    fn root(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join("root")).expect("the path is UTF-8")
    }

    fn canary(&self) -> std::path::PathBuf {
        self.folder.path().join("canary")
    }

    fn outside(&self) -> Vec<u8> {
        self.canary().as_os_str().as_encoded_bytes().to_vec()
    }

    /// Unpacks as whoever runs the tests; only root can give files away, so owners are root's own then.
    fn unpack(&self, archive: &[u8]) -> Result<Planted, TreeError> {
        let limits = Limits { bytes: 1 << 20, entries: 200, ratio: 200 };
        unpack::unpack(&mut &archive[..], &self.root(), &Digest::of(archive), limits)
    }

    fn canary_is_whole(&self) -> bool {
        let names = std::fs::read_dir(self.canary()).expect("the canary is there").count();
        let mode = std::fs::metadata(self.canary()).expect("the canary is there").mode() & 0o777;
        let target = std::fs::read_to_string(self.canary().join("target")).unwrap_or_default();
        let beside = std::fs::read_dir(self.folder.path()).expect("the place is there").count();
        names == 1 && mode == 0o700 && target == "CANARY" && beside == 2
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Archives of one fault each, and a word of the message.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let start = || {
        let mut forge = Forge::default();
        forge.folder(b"etc/", 0o755).file(b"etc/os-release", b"ID=ok\n");
        forge
    };
    let with = |change: &dyn Fn(&mut Forge) -> &mut Forge| change(&mut start()).end();
    let header = |change: &dyn Fn(&mut Header<'_>)| {
        let mut header = Header::new(b"h", b'0', 0);
        change(&mut header);
        start().header(&header).end()
    };
    vec![
        ("climbing name", with(&|f| f.file(b"../../x", b"x")), "../../x"),
        ("climbing hard link", with(&|f| f.link(b'1', b"h", b"../../etc/hostname")), "hard link"),
        ("absolute hard link", with(&|f| f.link(b'1', b"h", b"/etc/hostname")), "no file before it"),
        ("hard link to itself", with(&|f| f.link(b'1', b"h", b"h")), "no file before it"),
        (
            "overlay attribute",
            with(&|f| f.pax(&[("SCHILY.xattr.user.overlay.opaque", b"y")]).folder(b"usr/", 0o755)),
            "`usr/`",
        ),
        ("root that is a link", with(&|f| f.link(b'2', b"./", b"/tmp")), "root folder"),
        ("long name", with(&|f| f.pax(&[("path", &[b'n'; 256])]).file(b"x", b"")), "255"),
        ("deep path", with(&|f| f.pax(&[("path", "d/".repeat(300).as_bytes())]).file(b"x", b"")), "deeper"),
        ("NUL in a name", with(&|f| f.pax(&[("path", b"etc/ok\0/../x")]).file(b"x", b"")), "NUL"),
        ("global name", with(&|f| f.header(&Header::new(b"g", b'g', 12)).bytes(b"12 path=../\n")), "later entries"),
        ("lying record", with(&|f| f.header(&Header::new(b"p", b'x', 14)).bytes(b"999999 path=a\n")), "length"),
        ("sparse file", with(&|f| f.pax(&[("GNU.sparse.major", b"1")]).file(b"x", b"")), "sparse"),
        ("unknown type", with(&|f| f.header(&Header::new(b"z", b'Z', 0))), "unknown type"),
        ("whiteout", with(&|f| f.file(b"etc/.wh.passwd", b"")), "layer"),
        ("long extension", with(&|f| f.header(&Header::new(b"p", b'x', 2 << 20))), "limit"),
        ("too many bytes", with(&|f| f.file(b"x", &vec![1; (1 << 20) + 1])), "limit"),
        ("too many entries", with(&|f| (0..200).fold(f, |f, i| f.file(format!("f{i}").as_bytes(), b""))), "limit"),
        ("nobody's id", with(&|f| f.pax(&[("uid", b"4294967295")]).file(b"x", b"")), "impossible id"),
        ("size beyond all", with(&|f| f.pax(&[("size", b"18446744073709551615")]).file(b"x", b"")), "size"),
        ("negative record", with(&|f| f.pax(&[("size", b"-1")]).file(b"x", b"")), "no number"),
        ("negative size", header(&|h| h.size = vec![0xff; 12]), "negative"),
        ("size without data", header(&|h| h.size = b"77777777777\0".to_vec()), "`h`"),
        ("wrong checksum", header(&|h| h.skew = 1), "checksum"),
        ("cut file", start().header(&Header::new(b"big", b'0', 10_000)).bytes(b"x").cut(), "truncated"),
        ("no end", start().cut(), "truncated"),
        ("nothing", Vec::new(), "empty"),
        ("only an end", Forge::default().end(), "no files"),
        ("garbage", (0..4096_u32).map(|i| i.wrapping_mul(1_103_515_245).to_le_bytes()[2]).collect(), "no tar archive"),
        ("file in a link", with(&|f| f.link(b'2', b"a", b"..").file(b"a/x", b"x")), "`a/x`"),
        ("file in a file", with(&|f| f.file(b"etc/os-release/x", b"x")), "os-release/x"),
        ("full folder replaced", with(&|f| f.file(b"etc", b"x")), "not empty"),
    ]
}

#[test]
fn a_faulty_archive_is_refused_by_name_and_nothing_outside_changes() {
    for (fault, archive, word) in refused() {
        let place = Place::new();
        match place.unpack(&archive) {
            Err(TreeError::Unfit(text)) => assert!(text.contains(word), "{fault}: {text}"),
            other => panic!("{fault}: {other:?}"),
        }
        assert!(place.canary_is_whole(), "{fault}");
    }
}

#[test]
fn links_out_of_the_tree_are_never_followed() {
    let place = Place::new();
    let outside = place.outside();
    let target = [&outside[..], b"/target"].concat();
    let mut forge = Forge::default();
    forge
        .link(b'2', b"foo", &outside)
        .folder(b"foo/", 0o777)
        .link(b'2', b"link", &target)
        .link(b'1', b"hard", b"link")
        .file(b"hard", b"pwned")
        .file(&[b"/", &outside[1..], b"/inside"].concat(), b"x")
        .file(b"twice", b"1")
        .link(b'2', b"twice", &target)
        .file(b"twice", b"2");
    place.unpack(&forge.end()).expect("it is odd but legal");
    assert!(place.canary_is_whole());
    assert_eq!(std::fs::read_to_string(place.root().join("twice")).expect("it is a file"), "2");
    let inside =
        Path::new(place.root().as_str()).join(std::str::from_utf8(&outside[1..]).expect("UTF-8")).join("inside");
    assert!(inside.is_file());
}

#[test]
fn a_legal_archive_comes_out_exactly() {
    let place = Place::new();
    let owner =
        if is_root() { (1000, 42) } else { (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()) };
    let own = |header: Header<'static>| Header { owner, ..header };
    let mut forge = Forge::default();
    forge
        .header(&own(Header { mode: 0o750, ..Header::new(b"locked/", b'5', 0) }))
        .pax(&[("mtime", b"-86400.5"), ("SCHILY.xattr.user.note", b"kept"), ("SCHILY.xattr.security.selinux", b"left")])
        .header(&own(Header { mode: 0o4751, ..Header::new(b"locked/file", b'0', 3) }))
        .bytes(b"abc")
        .header(&own(Header::new(b"locked/odd\xff\n\x1b[31m", b'0', 0)))
        .header(&own(Header { link: b"locked/file", ..Header::new(b"hard", b'1', 0) }))
        .header(&own(Header { link: b"/nowhere", ..Header::new(b"soft", b'2', 0) }))
        .header(&own(Header::new(b"dev/mem", b'3', 0)))
        .header(&own(Header { mode: 0o000, ..Header::new(b"locked/", b'5', 0) }));
    let made = match place.unpack(&forge.end()) {
        // The folders that nobody names belong to root.
        Err(_) if !is_root() => return,
        made => made.expect("it is legal"),
    };
    assert_eq!(
        made.notes,
        ["`locked/file`: left out attributes: security.selinux", "`dev/mem`: left out, it is a character device"]
    );
    let root = place.root();
    let folder = std::fs::metadata(root.join("locked")).expect("it is there");
    assert_eq!((folder.mode() & 0o7777, folder.uid(), folder.gid()), (0, owner.0, owner.1));
    let file = std::fs::metadata(root.join("locked/file")).expect("it is there");
    assert_eq!((file.mode() & 0o7777, file.uid(), file.gid(), file.nlink()), (0o4751, owner.0, owner.1, 2));
    assert_eq!((file.mtime(), file.mtime_nsec()), (-86_401, 500_000_000));
    assert_eq!(std::fs::read(root.join("hard")).expect("it is there"), b"abc");
    let mut value = [0; 10];
    let length =
        rustix::fs::getxattr(root.join("locked/file").as_std_path(), "user.note", &mut value).expect("it is kept");
    assert_eq!(&value[..length], b"kept");
    assert_eq!(std::fs::read_link(root.join("soft")).expect("it is a link"), Path::new("/nowhere"));
}

#[test]
fn a_packed_archive_may_not_grow_without_end() {
    let place = Place::new();
    let mut forge = Forge::default();
    forge.header(&Header::new(b"zeros", b'0', 100 << 20));
    let mut archive = forge.cut();
    archive.resize(archive.len() + (100 << 20) + 1024, 0);
    let packed = zstd::encode_all(&archive[..], 3).expect("it packs");
    let limits = Limits::default();
    let made = unpack::unpack(&mut &packed[..], &place.root(), &Digest::of(&packed), limits);
    assert!(matches!(&made, Err(TreeError::Unfit(text)) if text.contains("packed size")), "{made:?}");
}

/// A folder `etc` with a file `os-release`, as `tar` and `xz` write it.
const XZ: &str = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AIldADKdCIYQ5JSzSsi80f5CS2Mz1B2L3104j/JQC1t+pFGs4xP3HRKTui6wg+CJ+V++vbVjKL1Dfo4Hb5NuJKIqa9nF6iVzZYvge4fnwnYCslUO81JDfE2zh3IVrjzQMjYPOb9cUsvwnObZR91HeE7QosxnQKCkJ496O6yeY1bmwqKMTvM+HPjE4RMAAAAAAMOQIL+zjf84AAGlAYBQAAC75QE2scRn+wIAAAAABFla";

#[test]
fn an_archive_packed_with_xz_is_known_by_its_content() {
    use base64::Engine as _;
    let packed = base64::engine::general_purpose::STANDARD.decode(XZ).expect("it is base64");
    let place = Place::new();
    let made = place.unpack(&packed);
    if is_root() {
        assert_eq!(made.expect("it is legal").entries, 2);
        assert_eq!(std::fs::read_to_string(place.root().join("etc/os-release")).expect("it is there"), "ID=xz\n");
    }
    let cut = Place::new().unpack(&packed[..packed.len() - 40]);
    assert!(matches!(cut, Err(TreeError::Unfit(_))), "{cut:?}");
}

#[test]
fn another_file_than_was_promised_is_not_used() {
    let place = Place::new();
    let archive = Forge::default().file(b"x", b"x").end();
    let made = unpack::unpack(&mut &archive[..], &place.root(), &Digest::of(b"else"), Limits::default());
    assert!(matches!(made, Err(TreeError::Unavailable(_))), "{made:?}");
}

#[test]
fn a_deep_and_locked_tree_is_removed_and_links_out_of_it_are_not_followed() {
    let place = Place::new();
    let mut folder = openat_root(&place);
    for _ in 0..3000 {
        rustix::fs::mkdirat(&folder, "d", rustix::fs::Mode::RWXU).expect("it is made");
        rustix::fs::symlinkat(place.canary(), &folder, "out").expect("it is made");
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
        folder = rustix::fs::openat(&folder, "d", flags, rustix::fs::Mode::empty()).expect("it opens");
    }
    let closed = place.root().join("closed");
    std::fs::create_dir_all(closed.join("in")).expect("it is made");
    for locked in [closed.join("in"), closed.clone()] {
        std::fs::set_permissions(locked, std::fs::Permissions::from_mode(0o000)).expect("its mode is set");
    }
    remove_tree(place.root().as_std_path()).expect("it is removed");
    remove_tree(place.root().as_std_path()).expect("nothing is there to remove");
    std::fs::create_dir(place.root()).expect("its name is free");
    assert!(place.canary_is_whole());
    symlink(place.canary(), place.root().join("link")).expect("it is made");
    remove_tree(place.root().join("link").as_std_path()).expect("the link is removed");
    assert!(place.canary_is_whole());
}

fn openat_root(place: &Place) -> std::os::fd::OwnedFd {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
    rustix::fs::open(place.root().as_std_path(), flags, rustix::fs::Mode::empty()).expect("the root opens")
}

#[test]
fn a_copy_has_the_digest_of_its_source_and_every_change_shows() {
    let (first, second) = (Place::new(), Place::new());
    let archive = Forge::default().folder(b"a/", 0o711).file(b"a/f", b"text").link(b'2', b"l", b"a/f").end();
    if first.unpack(&archive).is_err() {
        return;
    }
    let import =
        |from: &Place, into: &Place| import::import(&from.root(), &into.root(), Owners::Kept, Limits::default());
    let digest = import(&first, &second).expect("it is copied").digest;
    let third = Place::new();
    assert_eq!(import(&second, &third).expect("it is copied").digest, digest);
    let print = |place: &Place| import::fingerprint(&place.root(), Limits::default()).expect("it is read").digest;
    let before = print(&second);
    assert_eq!(print(&second), before);
    std::fs::set_permissions(second.root().join("a/f"), std::fs::Permissions::from_mode(0o600))
        .expect("its mode is set");
    assert_ne!(print(&second), before);
    assert_ne!(import(&second, &Place::new()).expect("it is copied").digest, digest);
}

proptest! {
    #[test]
    fn a_path_never_climbs(raw in proptest::collection::vec(prop_oneof![Just(b'/'), Just(b'.'), Just(b'a'), any::<u8>()], 0..40)) {
        if let Ok(path) = EntryPath::parse(&raw) {
            prop_assert!(!path.as_bytes().starts_with(b"/") && !path.as_bytes().contains(&0));
            let clean = path.is_root() || path.as_bytes().split(|b| *b == b'/').all(|name| !matches!(name, b"" | b"." | b".."));
            prop_assert!(clean);
            prop_assert_eq!(EntryPath::parse(path.as_bytes()).ok(), (!path.is_root()).then_some(path));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_write_outside(mut noise in proptest::collection::vec(any::<(u16, u8)>(), 0..12)) {
        let place = Place::new();
        let outside = place.outside();
        let mut forge = Forge::default();
        forge.link(b'2', b"s", &outside).pax(&[("path", b"long/name")]).file(b"x", b"text").file(b"s/y", b"z").link(b'1', b"h", b"x");
        let mut archive = forge.end();
        noise.retain(|(at, _)| usize::from(*at) < archive.len());
        for (at, byte) in noise {
            archive[usize::from(at)] = byte;
        }
        let _ = place.unpack(&archive);
        prop_assert!(place.canary_is_whole());
    }

    #[test]
    fn the_entries_are_those_that_the_tar_crate_sees(names in proptest::collection::btree_set("[a-z]{1,12}(/[a-z]{1,12}){0,3}", 1..12)) {
        let place = Place::new();
        // A name that is a folder of another cannot be a file too.
        let files: Vec<&String> = names.iter().filter(|name| !names.iter().any(|other| other.starts_with(&format!("{name}/")))).collect();
        let mut builder = ::tar::Builder::new(Vec::new());
        for name in &files {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(3);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, name, &b"abc"[..]).expect("it is written");
        }
        let archive = builder.into_inner().expect("it is written");
        if is_root() {
            place.unpack(&archive).expect("it is legal");
            let listed = import::list(&place.root(), Limits::default(), Strange::Refused).expect("it is read").paths;
            let found: Vec<String> = listed.into_iter().filter(|path| !path.ends_with('/')).collect();
            let mut wanted: Vec<String> = files.into_iter().cloned().collect();
            let mut found = found;
            wanted.sort();
            found.sort();
            prop_assert_eq!(found, wanted);
        }
    }
}
