//! The one place of the store that names the YAML library.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest file that is read: a baseline of a large environment has some thousand lines.
const LARGEST: usize = 16 << 20;

/// Reads a document; the error says what is wrong, with the line where it is known.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.len() > LARGEST {
        return Err(format!("larger than {} MiB", LARGEST >> 20));
    }
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Writes a document.
pub(super) fn write(value: &impl Serialize) -> Result<String, String> {
    serde_yaml::to_string(value).map_err(|error| error.to_string())
}
