//! Record in, bytes out: terminal text, JSON, JUnit, HTML.
//!
//! A [`Record`](patchbed_model::Record) and a [`Look`] go in, bytes come out of [`Report::write`]; the same record gives
//! the same bytes. Nothing here knows the engine, a sandbox, files, the network or the time. All text of a record is
//! hostile and passes through [`safe`] before it is shown.

mod claims;
pub mod diagnostic;
mod format;
mod html;
mod json;
mod junit;
mod layout;
mod look;
mod outage;
pub mod safe;
mod terminal;
pub mod words;

pub use format::{Format, Report};
pub use html::Html;
pub use json::{Json, write_json, write_json_line};
pub use junit::Junit;
pub use look::{Colour, Glyphs, Look, Tone};
pub use terminal::{Depth, Detail, Sides, Terminal};
