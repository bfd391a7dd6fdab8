//! Opens files that a person named: only regular ones, never waiting, never more than the limit.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use camino::Utf8Path;
use patchbed_model::Code;
use rustix::fs::{FileType, Mode, OFlags};

/// The largest scenario file.
pub(super) const LIMIT: usize = 1 << 20;

/// Why there is no text.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Which message it is.
    pub(super) code: Code,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
}

impl Unreadable {
    fn new(message: impl Into<String>, help: Option<&str>) -> Self {
        Self { code: Code::UnreadableFile, message: message.into(), help: help.map(str::to_owned) }
    }
}

/// The bytes of the file at `path`.
pub(super) fn bytes(path: &Utf8Path) -> Result<Vec<u8>, Unreadable> {
    if path == "-" {
        let help = "write the scenario to a file: the names in it are looked up beside it";
        return Err(Unreadable::new("a scenario is not read from standard input", Some(help)));
    }
    // Opening a device can do something, so its type is asked first; it is asked again of what was opened.
    let status = rustix::fs::stat(path.as_str()).map_err(|errno| failed(path, errno))?;
    regular(FileType::from_raw_mode(status.st_mode))?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file: OwnedFd = rustix::fs::open(path.as_str(), flags, Mode::empty()).map_err(|errno| failed(path, errno))?;
    let status = rustix::fs::fstat(&file).map_err(|errno| failed(path, errno))?;
    regular(FileType::from_raw_mode(status.st_mode))?;
    let size = usize::try_from(status.st_size).unwrap_or(usize::MAX);
    if size > LIMIT {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size);
    File::from(file)
        .take(LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Unreadable::new(format!("cannot be read: {error}"), None))?;
    if bytes.len() > LIMIT { Err(too_large(bytes.len())) } else { Ok(bytes) }
}

fn regular(kind: FileType) -> Result<(), Unreadable> {
    let what = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "a folder",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink | FileType::Unknown => "something else",
    };
    Err(Unreadable::new(format!("this is {what}, not a file"), Some("name a file that holds a scenario")))
}

fn failed(path: &Utf8Path, errno: rustix::io::Errno) -> Unreadable {
    use rustix::io::Errno;
    if errno == Errno::NOENT && path.is_relative() && std::env::current_dir().is_err() {
        return Unreadable::new("the current directory is gone", Some("change to a directory that exists"));
    }
    match errno {
        Errno::NOENT => Unreadable::new("there is no such file", Some("check its name and folder")),
        Errno::ACCESS => Unreadable::new("this user may not read it", Some("change its mode or its owner")),
        Errno::LOOP => Unreadable::new("its symbolic links go round in a circle", None),
        _ => Unreadable::new(format!("cannot be opened: {}", std::io::Error::from(errno)), None),
    }
}

fn too_large(size: usize) -> Unreadable {
    Unreadable {
        code: Code::FileTooLarge,
        message: format!("the file has {size} bytes or more; at most {LIMIT} are read"),
        help: Some("a scenario names large things by path and does not hold them".to_owned()),
    }
}

/// The text of a file, without the byte order mark.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Unreadable> {
    let unreadable =
        |message: String, help: &str| Unreadable { code: Code::NotUtf8, message, help: Some(help.to_owned()) };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(unreadable("the file is UTF-16, from byte 0 on".to_owned(), "save it as UTF-8"));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        unreadable(format!("the file is not UTF-8: byte {at}, in line {line}, is 0x{byte:02x}"), "save it as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}
