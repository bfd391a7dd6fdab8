//! Report files: asked for by `KIND[=PATH]`, tried before the run, written whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::{Exit, Record, text::nearest};
use patchbed_report::{Format, Look};

use crate::failure::Failure;
use crate::output::Output;

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The format.
    pub(crate) format: Format,
    /// Where it goes; into the run's folder when nothing is said, to standard output when `-`.
    pub(crate) path: Option<Utf8PathBuf>,
}

/// Reads `KIND[=PATH]`.
pub(crate) fn wanted(text: &str) -> Result<Wanted, Failure> {
    let (kind, path) = text.split_once('=').map_or((text, None), |(kind, path)| (kind, Some(path)));
    let format = format(kind)?;
    match path {
        Some("") => Err(Failure::say(Exit::Usage, format!("`--report {kind}=` names no file"))),
        path => Ok(Wanted { format, path: path.map(Utf8PathBuf::from) }),
    }
}

/// Reads all that are asked for, and makes sure that they can be written.
pub(crate) fn all(texts: &[String]) -> Result<Vec<Wanted>, Failure> {
    let all: Vec<Wanted> = texts.iter().map(|text| wanted(text)).collect::<Result<_, _>>()?;
    all.iter().try_for_each(Wanted::attempt)?;
    Ok(all)
}

/// Reads the word of a format.
pub(crate) fn format(word: &str) -> Result<Format, Failure> {
    let words = || Format::ALL.iter().map(|format| format.as_str());
    if let Some(format) = Format::ALL.iter().find(|format| format.as_str() == word) {
        return Ok(*format);
    }
    let failure = Failure::say(Exit::Usage, format!("there is no report `{word}`"));
    let known = words().collect::<Vec<_>>().join(", ");
    Err(match nearest(word, words()) {
        Some(meant) => failure.help(format!("did you mean `{meant}`? There are: {known}")),
        None => failure.help(format!("there are: {known}")),
    })
}

impl Wanted {
    /// Makes sure, before the run, that the report can be written after it.
    pub(crate) fn attempt(&self) -> Result<(), Failure> {
        match self.path.as_deref() {
            None => Ok(()),
            Some(path) if is_output(path) => Ok(()),
            Some(path) => attempt(path).map_err(|error| refused(path, error)),
        }
    }

    /// Writes the report.
    pub(crate) fn write(&self, record: &Record, folder: &Utf8Path, output: &Output) -> Result<(), Failure> {
        let file_look = Look::default();
        let to_output = self.path.as_deref().is_some_and(is_output);
        let look = if to_output { output.look() } else { &file_look };
        let mut bytes = Vec::new();
        self.format.report(look).write(record, &mut bytes)?;
        if to_output {
            output.document(&bytes);
            return Ok(());
        }
        let path = self.path.clone().unwrap_or_else(|| folder.join(self.format.file_name()));
        write_file(&path, &bytes)
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Utf8Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, bytes).map_err(|error| refused(path, error))
}

fn is_output(path: &Utf8Path) -> bool {
    path == "-" || path == "/dev/stdout"
}

fn refused(path: &Utf8Path, error: io::Error) -> Failure {
    let exit = if crate::failure::exhausted(&error) { Exit::Temporary } else { Exit::Usage };
    Failure::new(exit, anyhow::Error::new(error).context(format!("write `{path}`")))
}

fn attempt(path: &Utf8Path) -> io::Result<()> {
    match special(path)? {
        Some(_) => Ok(()),
        None => beside(path).map(drop),
    }
}

/// Writes a file so that nobody ever sees half of it: beside it, then by rename. A symbolic link to a file is refused;
/// a pipe or a device is written to as it is.
pub(crate) fn write_whole(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(mut file) = special(path)? {
        return file.write_all(bytes);
    }
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A new file in the folder of another. The folder is asked first: an error then does not name a passing file.
fn beside(path: &Utf8Path) -> io::Result<tempfile::NamedTempFile> {
    use rustix::fs::Access;
    rustix::fs::access(folder_of(path).as_std_path(), Access::WRITE_OK | Access::EXEC_OK)?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    tempfile::Builder::new().prefix(".patchbed-").permissions(readable).tempfile_in(folder_of(path))
}

/// An open pipe or device, when that is what stands there. A pipe that nobody reads is an error, not a wait.
fn special(path: &Utf8Path) -> io::Result<Option<fs::File>> {
    let Ok(link) = fs::symlink_metadata(path) else {
        return Ok(None);
    };
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if kind.is_fifo() || kind.is_char_device() {
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        return fs::OpenOptions::new().write(true).custom_flags(nonblocking).open(path).map(Some);
    }
    if link.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
    }
    Ok(None)
}

fn folder_of(path: &Utf8Path) -> &Utf8Path {
    match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_kind_and_perhaps_a_path() {
        let junit = wanted("junit=out/a=b.xml").expect("a report");
        assert_eq!(junit, Wanted { format: Format::Junit, path: Some("out/a=b.xml".into()) });
        assert_eq!(wanted("json").expect("a report").path, None);
        assert!(wanted("jnuit").is_err());
        assert!(wanted("json=").is_err());
    }

    #[test]
    fn a_symbolic_link_is_refused_and_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
        fs::write(folder.join("kept"), "kept").expect("written");
        std::os::unix::fs::symlink("kept", folder.join("link")).expect("linked");
        assert!(write_whole(&folder.join("link"), b"new").is_err());
        assert_eq!(fs::read_to_string(folder.join("kept")).expect("read"), "kept");
    }

    #[test]
    fn a_folder_and_a_missing_folder_are_refused_at_once() {
        let wanted = |path: &str| Wanted { format: Format::Json, path: Some(path.into()) };
        assert!(wanted("/").attempt().is_err());
        assert!(wanted("/nowhere/at/all.json").attempt().is_err());
        assert!(wanted("/dev/null").attempt().is_ok());
    }
}
