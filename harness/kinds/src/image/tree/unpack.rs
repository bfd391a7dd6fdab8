//! Unpacks a tarball: finds out how it is packed by its content, bounds how much it may grow, and plants its entries.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use camino::Utf8Path;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;

use super::entry::{EntryPath, shown};
use super::header::{Blocks, Head, What};
use super::plant::{Planter, refused};
use super::{Limits, Planted, TreeError};

/// A tarball may be this large before the ratio to its packed size matters.
const RATIO_FROM: u64 = 64 << 20;
/// The most memory that a decompressor may ask for, as a power of two: 128 MiB.
const WINDOW_LOG: u32 = 27;

/// The most bytes of a file that [`scan`] gives back.
const WANTED_LIMIT: u64 = 4 << 20;

/// Unpacks the tarball into an empty folder. The whole stream is read, and must have the expected digest.
pub(super) fn unpack(
    input: &mut dyn Read,
    into: &Utf8Path,
    expected: &Digest,
    limits: Limits,
) -> Result<Planted, TreeError> {
    let count = Rc::new(Cell::new(0));
    let hasher = Rc::new(RefCell::new(Hasher::new()));
    let packed = Packed { inner: input, count: Rc::clone(&count), hasher: Rc::clone(&hasher) };
    let mut packed = BufReader::with_capacity(64 << 10, packed);
    let mut planter = Planter::new(into, limits)?;
    plant_all(&mut packed, &mut planter, &count, limits)?;
    io::copy(&mut packed, &mut io::sink()).map_err(|error| TreeError::Unfit(format!("read the archive: {error}")))?;
    drop(packed);
    let read = Rc::into_inner(hasher).map(RefCell::into_inner).unwrap_or_default().finish();
    if read != *expected {
        return Err(TreeError::Unavailable("the archive was changed while it was read".to_owned()));
    }
    let made = planter.finish()?;
    if made.entries == 0 {
        return Err(TreeError::Unfit("the archive holds no files".to_owned()));
    }
    Ok(made)
}

/// Plants every entry and reads the unpacked stream to its end, so that its checksums are checked too.
fn plant_all(
    packed: &mut dyn io::BufRead,
    planter: &mut Planter,
    count: &Rc<Cell<u64>>,
    limits: Limits,
) -> Result<(), TreeError> {
    let mut stream = Bounded { inner: unpacked(packed)?, packed: Rc::clone(count), grown: 0, ratio: limits.ratio };
    let mut blocks = Blocks::new(&mut stream);
    while let Some(head) = blocks.next()? {
        plant(head, &mut blocks, planter)?;
    }
    io::copy(&mut stream, &mut io::sink())
        .map(|_| ())
        .map_err(|error| TreeError::Unfit(format!("read the archive: {error}")))
}

fn plant(head: Head, blocks: &mut Blocks<'_>, planter: &mut Planter) -> Result<(), TreeError> {
    let Head { path, what, meta, left } = head;
    if path.as_bytes().split(|byte| *byte == b'/').any(|name| name.starts_with(b".wh.")) {
        return Err(refused(&path, "is a whiteout: this is a layer of a container image, no root file system"));
    }
    if !left.is_empty() {
        planter.note(format!("`{}`: left out attributes: {}", shown(path.as_bytes()), left.join(", ")));
    }
    match what {
        What::File { size } => {
            planter.file(&path, &meta, size, &mut blocks.content(size))?;
            blocks.pad(size)
        }
        What::Folder => planter.folder(&path, meta),
        What::Symlink(target) => planter.symlink(&path, &target, &meta),
        What::HardLink(target) => planter.hard_link(&path, &target),
        What::Special(word) => {
            if !expected_device(&path) {
                planter.note(format!("`{}`: left out, it is {word}", shown(path.as_bytes())));
            }
            Ok(())
        }
    }
}

/// Devices that every image holds and every sandbox makes anew: leaving them out is no news.
fn expected_device(path: &EntryPath) -> bool {
    matches!(
        path.as_bytes(),
        b"dev/console"
            | b"dev/full"
            | b"dev/null"
            | b"dev/ptmx"
            | b"dev/random"
            | b"dev/tty"
            | b"dev/urandom"
            | b"dev/zero"
    )
}

/// The stream inside, by the first bytes of the file and never by its name.
fn unpacked<'a>(packed: &'a mut dyn io::BufRead) -> Result<Box<dyn Read + 'a>, TreeError> {
    let failed = |error: io::Error| TreeError::Unfit(format!("read the archive: {error}"));
    let start = packed.fill_buf().map_err(failed)?;
    Ok(match start {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(failed)?;
            decoder.window_log_max(WINDOW_LOG).map_err(failed)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, 1 << (WINDOW_LOG - 10)))
        }
        [b'B', b'Z', b'h', ..] => {
            let text = "the file is packed with bzip2, which is not supported: pack it with zstd, xz or gzip";
            return Err(TreeError::Unfit(text.to_owned()));
        }
        _ => Box::new(packed),
    })
}

/// Reads an archive to its end without unpacking it: every header is checked, and the wanted files are given back.
pub(crate) fn scan(
    archive: &mut dyn Read,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, TreeError> {
    let count = Rc::new(Cell::new(0));
    let packed = Packed { inner: archive, count: Rc::clone(&count), hasher: Rc::default() };
    let mut packed = BufReader::with_capacity(64 << 10, packed);
    let ratio = Limits::default().ratio;
    let mut stream = Bounded { inner: unpacked(&mut packed)?, packed: count, grown: 0, ratio };
    let mut blocks = Blocks::new(&mut stream);
    let mut found = BTreeMap::new();
    while let Some(head) = blocks.next()? {
        let What::File { size } = head.what else { continue };
        let name = std::str::from_utf8(head.path.as_bytes()).ok().filter(|name| wanted(name));
        let cut = || refused(&head.path, "is cut off: the archive is truncated");
        if let Some(name) = name.filter(|_| size <= WANTED_LIMIT) {
            let mut content = Vec::new();
            blocks.content(size).read_to_end(&mut content).map_err(|_| cut())?;
            if content.len() as u64 != size {
                return Err(cut());
            }
            found.insert(name.to_owned(), content);
        } else {
            let read = io::copy(&mut blocks.content(size), &mut io::sink()).map_err(|_| cut())?;
            if read != size {
                return Err(cut());
            }
        }
        blocks.pad(size)?;
    }
    Ok(found)
}

/// The file's own bytes, counted and hashed as they are read.
struct Packed<'a> {
    inner: &'a mut dyn Read,
    count: Rc<Cell<u64>>,
    hasher: Rc<RefCell<Hasher>>,
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.borrow_mut().update(&buffer[..count]);
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// The unpacked bytes, which may not become too many for the packed ones.
struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    packed: Rc<Cell<u64>>,
    grown: u64,
    ratio: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.grown += count as u64;
        if self.grown > RATIO_FROM && self.grown / self.ratio > self.packed.get() {
            let text = format!("it grows to more than {} times its packed size", self.ratio);
            return Err(io::Error::other(text));
        }
        Ok(count)
    }
}
