//! Small programs and libraries are made with the compiler driver that also links this crate.

use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::observe::processes::Surroundings;
use crate::observe::tests::NoServices;
use crate::observe::users::Users;
use crate::plan::InitKind;

/// An image with the program `/bin/app`, which needs `libtwo.so` in `/opt/lib`, which needs `libone.so` in `/usr/lib`.
struct Image(tempfile::TempDir);

const ONE: &str = "int one(void) { return 1; } int other(void) { return 2; }";
const TWO: &str = "int one(void); int two(void) { return one(); }";
const APP: &str = "int two(void); void _start(void) { two(); }";
const VERSION: &str = "V1 { global: one; other; local: *; };";

impl Image {
    fn new() -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        image.library("usr/lib/libone.so", ONE, Some(VERSION), &[]);
        image.library("opt/lib/libtwo.so", TWO, None, &["usr/lib/libone.so"]);
        image.library("lib/ld.so", "int loader;", None, &[]);
        image.program(&["-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/../opt/lib"]);
        image
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn library(&self, path: &str, source: &str, versions: Option<&str>, needs: &[&str]) {
        let mut flags = vec![String::from("-shared")];
        if let Some(versions) = versions {
            let script = self.path("versions");
            fs::write(&script, versions).unwrap();
            flags.push(format!("-Wl,--version-script={}", script.display()));
        }
        self.compile(path, source, &flags, needs);
    }

    fn program(&self, flags: &[&str]) {
        let mut all = vec![String::from("-pie"), "-Wl,--dynamic-linker=/lib/ld.so".into()];
        all.extend(flags.iter().map(ToString::to_string));
        self.compile("bin/app", APP, &all, &["opt/lib/libtwo.so"]);
    }

    fn compile(&self, path: &str, source: &str, flags: &[String], needs: &[&str]) {
        let file = self.path("source.c");
        fs::write(&file, source).unwrap();
        let output = self.path(path);
        let name = output.file_name().unwrap().to_string_lossy().into_owned();
        let mut command = Command::new("cc");
        command.args(["-fPIC", "-nostdlib", "-nostartfiles", "-Wl,--allow-shlib-undefined", "-o"]).arg(&output);
        command.arg(file).args(flags).arg(format!("-Wl,-soname,{name}"));
        // The libraries are looked for while linking as they are named, and recorded by their own names.
        command.args(needs.iter().map(|need| self.path(need)));
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    fn told(&self, paths: &[&str]) -> Vec<String> {
        let root = fs::File::open(self.0.path()).unwrap();
        let surroundings = Surroundings {
            root: root.as_fd(),
            users: &Users::default(),
            services: &NoServices,
            init: InitKind::Guest,
            opened: Duration::ZERO,
        };
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        let tell = |one: crate::message::Unresolved| {
            format!("{} {} {}", one.object, one.library.unwrap_or_default(), one.symbol.unwrap_or_default())
        };
        match linkage(&surroundings, &paths, &[]) {
            Ok(unresolved) => unresolved.into_iter().map(tell).collect(),
            Err(failure) => vec![failure.text],
        }
    }

    fn of_app(&self) -> Vec<String> {
        self.told(&["/bin/app"])
    }
}

#[test]
fn a_program_that_gets_everything_is_not_told() {
    let image = Image::new();
    assert_eq!(image.told(&["/bin/app", "/opt/lib/*", "/usr/lib/**", "/lib/ld.so"]), [""; 0]);
}

#[test]
fn missing_libraries_are_told_without_their_symbols() {
    let image = Image::new();
    fs::remove_file(image.path("usr/lib/libone.so")).unwrap();
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so "]);
    fs::remove_file(image.path("opt/lib/libtwo.so")).unwrap();
    assert_eq!(image.of_app(), ["/bin/app libtwo.so "]);
}

#[test]
fn a_symbol_that_lost_its_definition_is_told_with_its_version() {
    let image = Image::new();
    image.library("usr/lib/libone.so", "int other(void) { return 2; }", Some(VERSION), &[]);
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so one@V1"]);
    assert_eq!(image.told(&["/opt/lib/libtwo.so"]), ["/opt/lib/libtwo.so libone.so one@V1"]);
}

#[test]
fn a_version_that_is_no_longer_defined_is_told_once() {
    let image = Image::new();
    image.library("usr/lib/libone.so", ONE, Some("V2 { global: one; other; local: *; };"), &[]);
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so @V1"]);
}

#[test]
fn a_library_without_versions_serves_every_version() {
    let image = Image::new();
    image.library("usr/lib/libone.so", ONE, None, &[]);
    assert_eq!(image.of_app(), [""; 0]);
    image.library("usr/lib/libone.so", "int other(void) { return 2; }", None, &[]);
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so one@V1"]);
}

#[test]
fn a_plug_in_may_leave_symbols_without_version_to_its_loader() {
    let image = Image::new();
    image.library("opt/lib/libtwo.so", "int three(void); int four(void) { return three(); }", None, &[]);
    assert_eq!(image.told(&["/opt/lib/libtwo.so"]), [""; 0]);
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so  three", "/bin/app  two"]);
}

#[test]
fn weak_symbols_may_be_missing() {
    let image = Image::new();
    let weak = "int one(void) __attribute__((weak)); int two(void) { return one ? one() : 0; }";
    image.library("opt/lib/libtwo.so", weak, None, &[]);
    assert_eq!(image.of_app(), [""; 0]);
}

#[test]
fn the_old_kind_of_folder_is_handed_down_and_the_new_is_not() {
    let image = Image::new();
    fs::rename(image.path("usr/lib/libone.so"), image.path("opt/lib/libone.so")).unwrap();
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so "]);
    image.library("usr/lib/libone.so", ONE, Some(VERSION), &[]);
    image.program(&["-Wl,--disable-new-dtags", "-Wl,-rpath,/opt/lib"]);
    fs::remove_file(image.path("usr/lib/libone.so")).unwrap();
    assert_eq!(image.of_app(), [""; 0]);
    // A library by path counts what lies beside it as found.
    assert_eq!(image.told(&["/opt/lib/libtwo.so"]), [""; 0]);
}

#[test]
fn the_loader_that_a_program_names_must_be_there() {
    let image = Image::new();
    fs::remove_file(image.path("lib/ld.so")).unwrap();
    assert_eq!(image.of_app(), ["/bin/app /lib/ld.so "]);
}

#[test]
fn libraries_that_can_not_be_loaded_are_missing() {
    for broken in [&b""[..], b"\x7fELF", b"#!/bin/sh\n"] {
        let image = Image::new();
        fs::write(image.path("usr/lib/libone.so"), broken).unwrap();
        assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so "], "{broken:?}");
    }
    let image = Image::new();
    let whole = fs::read(image.path("usr/lib/libone.so")).unwrap();
    fs::write(image.path("usr/lib/libone.so"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(image.of_app(), ["/bin/../opt/lib/libtwo.so libone.so "]);
}

#[test]
fn a_library_for_another_machine_is_passed_over() {
    let image = Image::new();
    let mut other = fs::read(image.path("usr/lib/libone.so")).unwrap();
    other[18] = 243;
    other[19] = 0;
    fs::write(image.path("lib/libone.so"), other).unwrap();
    assert_eq!(image.of_app(), [""; 0]);
}

#[test]
fn preloaded_libraries_must_be_there_and_may_give_symbols() {
    let image = Image::new();
    image.library("opt/lib/libtwo.so", "int three(void); int two(void) { return three(); }", None, &[]);
    image.library("opt/scan/libscan.so", "int three(void) { return 3; }", None, &[]);
    fs::write(image.path("etc/ld.so.preload"), "/opt/scan/libscan.so # scanner\n").unwrap();
    assert_eq!(image.of_app(), [""; 0]);
    fs::remove_file(image.path("opt/scan/libscan.so")).unwrap();
    assert_eq!(image.of_app(), ["/etc/ld.so.preload /opt/scan/libscan.so "]);
}

#[test]
fn scripts_need_nothing_and_what_is_gone_is_a_failure() {
    let image = Image::new();
    fs::write(image.path("bin/script"), "#!/bin/sh\n").unwrap();
    assert_eq!(image.told(&["/bin/script", "/nothing/*"]), [""; 0]);
    assert_eq!(image.told(&["/bin/gone"]), ["look at `/bin/gone`: no such program or library"]);
}

#[test]
fn the_programs_of_this_machine_get_everything() {
    let root = fs::File::open("/").unwrap();
    let surroundings = Surroundings {
        root: root.as_fd(),
        users: &Users::default(),
        services: &NoServices,
        init: InitKind::Guest,
        opened: Duration::ZERO,
    };
    let paths = ["/bin/sh", "/usr/bin/env", "/usr/bin/cc"].map(String::from);
    assert_eq!(linkage(&surroundings, &paths, &[]).unwrap(), []);
}

mod laws {
    use proptest::prelude::*;

    use super::*;
    use crate::observe::linkage::elf;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_file_makes_it_panic(changes in prop::collection::vec((0_usize..16 << 10, any::<u8>()), 0..40), cut in 0_usize..16 << 10) {
            static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let whole = WHOLE.get_or_init(|| fs::read(Image::new().path("opt/lib/libtwo.so")).unwrap());
            let mut bytes = whole.clone();
            for (place, byte) in changes {
                let length = bytes.len();
                bytes[place % length] = byte;
            }
            bytes.truncate(bytes.len() - cut % bytes.len() / 8);
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, &bytes).unwrap();
            let stat = rustix::fs::fstat(&file).unwrap();
            let _ = elf::read(file.as_fd(), &stat);
        }
    }
}
