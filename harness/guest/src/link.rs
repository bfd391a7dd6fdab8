//! Frames on a stream: a little-endian length, then JSON. A marked length is that of a piece of a program's output, which
//! comes as it is. Blocking; the harness's side has its own, on tokio.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{FRAME_LIMIT, Stream};

/// Marks the length of a frame that is a [`Piece`].
pub const PIECE: u32 = 1 << 31;

/// Puts a value into a frame.
///
/// # Errors
/// When it is longer than [`FRAME_LIMIT`].
pub fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, value)?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|length| *length as usize <= FRAME_LIMIT);
    let Some(length) = length else {
        return Err(io::Error::other(format!("a frame of {} bytes is too long", bytes.len())));
    };
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Writes a value as one frame.
///
/// # Errors
/// As the stream's, and see [`frame`].
pub fn write(stream: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    stream.write_all(&frame(value)?)
}

/// A piece of the output of a [`Run`](crate::message::Run) that asked to stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The call's id.
    pub id: u64,
    /// Which output.
    pub stream: Stream,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    const HEAD: usize = 9;

    /// Writes it as one frame.
    ///
    /// # Errors
    /// As the stream's; when it is longer than [`FRAME_LIMIT`].
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(Self::HEAD + self.bytes.len()).ok().filter(|length| *length as usize <= FRAME_LIMIT);
        let length = length.ok_or_else(|| io::Error::other("a piece of output is too long"))?;
        let mut head = [0; 4 + Self::HEAD];
        head[..4].copy_from_slice(&(length | PIECE).to_le_bytes());
        head[4..12].copy_from_slice(&self.id.to_le_bytes());
        head[12] = match self.stream {
            Stream::Out => b'o',
            Stream::Error => b'e',
        };
        stream.write_all(&head)?;
        stream.write_all(self.bytes)
    }

    /// What a frame holds; `None` when it is none.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (id, rest) = body.split_first_chunk::<8>()?;
        let (stream, bytes) = match rest.split_first()? {
            (b'o', bytes) => (Stream::Out, bytes),
            (b'e', bytes) => (Stream::Error, bytes),
            _ => return None,
        };
        Some(Self { id: u64::from_le_bytes(*id), stream, bytes })
    }
}

/// Reads one frame; `None` at the end of the stream.
///
/// # Errors
/// As the stream's; a frame that is cut off, too long or not JSON of this type.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_LIMIT {
        return Err(io::Error::other(format!("a frame of {length} bytes is too long")));
    }
    // Grows as bytes come, so that a length alone does not take memory.
    let mut body = Vec::with_capacity(length.min(64 << 10));
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_comes_back_as_it_was() {
        let piece = Piece { id: 7, stream: Stream::Error, bytes: b"\0\xff not text\n" };
        let mut frame = Vec::new();
        piece.write(&mut frame).expect("memory");
        let (length, body) = frame.split_first_chunk::<4>().expect("a length");
        assert_eq!(u32::from_le_bytes(*length), PIECE | u32::try_from(body.len()).expect("a short one"));
        assert_eq!(Piece::parse(body), Some(piece));
        assert_eq!(Piece::parse(&body[..8]), None);
    }
}
