//! The headers of a tar archive, one entry at a time: ustar fields, PAX records, GNU long names.
//!
//! Everything that could be read in two ways is refused, because two readers that disagree see two archives.

use std::io::{self, Read};

use super::TreeError;
use super::entry::{Attribute, EntryPath, Meta, Pair, attribute, shown};

const BLOCK: usize = 512;
/// The most bytes of a PAX header or long name.
const EXTENSION_LIMIT: u64 = 1 << 20;
/// The most bytes of all extended attributes of one entry.
const ATTRIBUTE_LIMIT: usize = 256 << 10;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    File {
        size: u64,
    },
    Folder,
    Symlink(Vec<u8>),
    HardLink(EntryPath),
    /// A device or FIFO, with the word for it.
    Special(&'static str),
}

/// An entry's header.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) path: EntryPath,
    pub(super) what: What,
    pub(super) meta: Meta,
    /// Attributes that are left out.
    pub(super) left: Vec<String>,
}

/// A stream of tar blocks that knows where it stands.
pub(super) struct Blocks<'a> {
    stream: &'a mut dyn Read,
    offset: u64,
}

/// What the extension headers before an entry say about it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<(i64, u32)>,
    attributes: Vec<Pair>,
    left: Vec<String>,
    /// The first record that cannot be accepted; told with the entry's name, which may come later.
    wrong: Option<String>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(stream: &'a mut dyn Read) -> Self {
        Self { stream, offset: 0 }
    }

    /// The next entry's header; `None` at the archive's end.
    pub(super) fn next(&mut self) -> Result<Option<Head>, TreeError> {
        let mut extensions = Extensions::default();
        loop {
            let at = self.offset;
            let Some(header) = self.header()? else { return Ok(None) };
            match header.as_bytes()[156] {
                kind @ (b'x' | b'g' | b'L' | b'K') => {
                    let size = number(&header.as_bytes()[124..136]).map_err(|why| bad(at, &why))?;
                    let body = self.extension(at, size)?;
                    extensions.take(kind, body).map_err(|why| bad(at, &why))?;
                }
                _ => return extensions.head(&header).map(Some).map_err(|why| self.named(&why)),
            }
        }
    }

    /// The content of an entry, to be read to its end.
    pub(super) fn content(&mut self, size: u64) -> io::Take<&mut Self> {
        self.take(size)
    }

    /// Skips the padding after an entry's content.
    pub(super) fn pad(&mut self, size: u64) -> Result<(), TreeError> {
        let rest = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        let mut padding = [0; BLOCK];
        let padding = &mut padding[..if rest == 0 { 0 } else { BLOCK - rest }];
        self.read_exact(padding).map_err(|error| self.read_failed(&error))
    }

    /// A block that is a header; `None` at the end marker.
    fn header(&mut self) -> Result<Option<tar::Header>, TreeError> {
        let at = self.offset;
        let mut header = tar::Header::new_old();
        self.read_exact(header.as_mut_bytes()).map_err(|error| self.read_failed(&error))?;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let bytes = header.as_bytes();
        let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
        let field: u64 = bytes[148..156].iter().map(|byte| u64::from(*byte)).sum();
        let right = number(&bytes[148..156]).is_ok_and(|stored| stored == sum - field + 8 * u64::from(b' '));
        match (right, at) {
            (true, _) => Ok(Some(header)),
            (false, 0) => Err(TreeError::Unfit("the file is no tar archive".to_owned())),
            (false, at) => Err(bad(at, "has a wrong checksum")),
        }
    }

    fn extension(&mut self, at: u64, size: u64) -> Result<Vec<u8>, TreeError> {
        if size > EXTENSION_LIMIT {
            return Err(bad(at, &format!("has {size} bytes, more than the limit of {EXTENSION_LIMIT}")));
        }
        let mut body = vec![0; usize::try_from(size).unwrap_or_default()];
        self.read_exact(&mut body).map_err(|error| self.read_failed(&error))?;
        self.pad(size)?;
        Ok(body)
    }

    fn read_failed(&self, error: &io::Error) -> TreeError {
        match (error.kind() == io::ErrorKind::UnexpectedEof, self.offset) {
            (true, 0) => TreeError::Unfit("the file is empty".to_owned()),
            (true, at) => TreeError::Unfit(format!("the archive is truncated at byte {at}")),
            (false, at) => TreeError::Unfit(format!("read the archive at byte {at}: {error}")),
        }
    }

    fn named(&self, why: &str) -> TreeError {
        TreeError::Unfit(format!("the entry {why} (its header ends at byte {})", self.offset))
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

fn bad(at: u64, why: &str) -> TreeError {
    TreeError::Unfit(format!("the header at byte {at} {why}"))
}

impl Extensions {
    fn take(&mut self, kind: u8, body: Vec<u8>) -> Result<(), String> {
        match kind {
            b'x' => {
                let told = records(&body)?.into_iter().try_for_each(|(key, value)| self.record(&key, value));
                self.wrong = self.wrong.take().or(told.err());
                Ok(())
            }
            b'g' => records(&body)?.into_iter().try_for_each(|(key, _)| global(&key)),
            b'L' => long_name(body).map(|name| self.path = Some(name)),
            _ => long_name(body).map(|name| self.link = Some(name)),
        }
    }

    fn record(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), String> {
        let whole = |value: &[u8]| {
            std::str::from_utf8(value)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| format!("has the PAX record `{}={}`, which is no number", shown(key), shown(value)))
        };
        match key {
            b"path" => self.path = Some(value),
            b"linkpath" => self.link = Some(value),
            b"size" => self.size = Some(whole(&value)?),
            b"uid" => self.uid = Some(whole(&value)?),
            b"gid" => self.gid = Some(whole(&value)?),
            b"mtime" => self.mtime = Some(time(&value).ok_or("has a PAX time that is none")?),
            key if key.starts_with(b"GNU.sparse.") => {
                return Err("is stored as a sparse file: pack it without `--sparse`".to_owned());
            }
            key => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.attribute(name, value)?;
                }
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), String> {
        match attribute(name) {
            Attribute::Overlay => Err(format!("has the attribute `{}`, which would steer the overlay", shown(name))),
            Attribute::Left => {
                self.left.push(shown(name));
                Ok(())
            }
            Attribute::Kept => {
                self.attributes.push((name.to_vec(), value));
                let total: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
                if total > ATTRIBUTE_LIMIT { Err("has too many extended attributes".to_owned()) } else { Ok(()) }
            }
        }
    }

    fn head(self, header: &tar::Header) -> Result<Head, String> {
        let bytes = header.as_bytes();
        let raw = match &self.path {
            Some(path) => path.clone(),
            None => header.path_bytes().into_owned(),
        };
        let path = EntryPath::parse(&raw).map_err(|why| format!("`{}` {why}", shown(&raw)))?;
        let named = |why: String| format!("`{}` {why}", shown(&raw));
        if let Some(why) = self.wrong {
            return Err(named(why));
        }
        let size = match self.size {
            Some(size) => size,
            None => number(&bytes[124..136]).map_err(named)?,
        };
        if size > i64::MAX as u64 - (1 << 20) {
            return Err(named(format!("has the impossible size {size}")));
        }
        let link = || match &self.link {
            Some(link) => link.clone(),
            None => header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default(),
        };
        let what = what(bytes[156], &raw, size, link).map_err(named)?;
        let meta = Meta {
            mode: u32::try_from(number(&bytes[100..108]).map_err(named)? & 0o7777).unwrap_or_default(),
            uid: id(self.uid, &bytes[108..116]).map_err(named)?,
            gid: id(self.gid, &bytes[116..124]).map_err(named)?,
            mtime: match self.mtime {
                Some(time) => time,
                None => (signed(&bytes[136..148]).map_err(named)?, 0),
            },
            attributes: self.attributes,
        };
        Ok(Head { path, what, meta, left: self.left })
    }
}

fn what(kind: u8, raw: &[u8], size: u64, link: impl Fn() -> Vec<u8>) -> Result<What, String> {
    let what = match kind {
        b'0' | 0 | b'7' if raw.ends_with(b"/") && size == 0 => What::Folder,
        b'0' | 0 | b'7' => return Ok(What::File { size }),
        b'5' => What::Folder,
        b'2' => What::Symlink(link()),
        b'1' => {
            let target = link();
            What::HardLink(
                EntryPath::parse(&target)
                    .map_err(|why| format!("is a hard link to `{}`, which {why}", shown(&target)))?,
            )
        }
        b'3' => What::Special("a character device"),
        b'4' => What::Special("a block device"),
        b'6' => What::Special("a FIFO"),
        b'S' => return Err("is stored as a sparse file: pack it without `--sparse`".to_owned()),
        kind => return Err(format!("is of the unknown type `{}`", shown(&[kind]))),
    };
    if size > 0 {
        return Err("has content although it is no file".to_owned());
    }
    Ok(what)
}

/// Global PAX records that only comment are fine; those that would rename or resize every later entry are not.
fn global(key: &[u8]) -> Result<(), String> {
    if matches!(key, b"path" | b"linkpath" | b"size" | b"uid" | b"gid") || key.starts_with(b"GNU.sparse.") {
        return Err(format!("sets `{}` for all later entries", shown(key)));
    }
    Ok(())
}

/// The `length key=value` records of a PAX header.
fn records(mut body: &[u8]) -> Result<Vec<Pair>, String> {
    let mut records = Vec::new();
    let lies = || "has a PAX record whose length is wrong".to_owned();
    while !body.is_empty() {
        let space = body.iter().take(20).position(|byte| *byte == b' ').ok_or_else(lies)?;
        let digits = std::str::from_utf8(&body[..space]).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let length: usize = digits.and_then(|text| text.parse().ok()).ok_or_else(lies)?;
        let record = body.get(space + 1..length).ok_or_else(lies)?;
        let record = record.strip_suffix(b"\n").ok_or_else(lies)?;
        let equals = record.iter().position(|byte| *byte == b'=').filter(|at| *at > 0).ok_or_else(lies)?;
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        body = &body[length..];
    }
    Ok(records)
}

fn long_name(mut body: Vec<u8>) -> Result<Vec<u8>, String> {
    if body.last() == Some(&0) {
        body.pop();
    }
    if body.is_empty() || body.contains(&0) {
        return Err("is a long name that holds none".to_owned());
    }
    Ok(body)
}

/// An owner's id. The greatest number means "no change" to the kernel, so it can be nobody's id.
fn id(extended: Option<u64>, field: &[u8]) -> Result<u32, String> {
    let number = extended.map_or_else(|| number(field), Ok)?;
    u32::try_from(number)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or_else(|| format!("belongs to the impossible id {number}"))
}

/// A number in octal digits or base 256, not negative.
fn number(field: &[u8]) -> Result<u64, String> {
    u64::try_from(signed(field)?).map_err(|_| "has a negative number in its header".to_owned())
}

fn signed(field: &[u8]) -> Result<i64, String> {
    let wrong = || "has a number in its header that is none".to_owned();
    if field[0] & 0x80 != 0 {
        let negative = field[0] & 0x40 != 0;
        let mut value: i128 = if negative { -1 } else { 0 };
        for (index, byte) in field.iter().enumerate() {
            let byte = if index == 0 && !negative { byte & 0x7f } else { *byte };
            value = (value << 8) | i128::from(byte);
        }
        return i64::try_from(value).map_err(|_| wrong());
    }
    let text = std::str::from_utf8(field).map_err(|_| wrong())?;
    let text = text.trim_matches(|c: char| c == '\0' || c == ' ');
    if text.is_empty() {
        return Ok(0);
    }
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        return Err(wrong());
    }
    i64::from_str_radix(text, 8).map_err(|_| wrong())
}

/// A PAX time: seconds with an optional fraction, negative before 1970.
fn time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        (true, nanoseconds) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}
