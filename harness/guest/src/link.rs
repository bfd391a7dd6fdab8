//! Frames on a stream: a little-endian length, then JSON. Blocking; the harness's side has its own, on tokio.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::FRAME_LIMIT;

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
