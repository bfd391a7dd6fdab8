//! Record in, bytes out: terminal text, JSON, JUnit, TAP, CTRF, Markdown, GitHub, HTML.
//!
//! A [`Record`](patchbed_model::Record) and a [`Look`] go in, bytes come out of [`Report::write`]; the same record gives
//! the same bytes. Nothing here knows the engine, a sandbox, files, the network or the time. All text of a record is
//! hostile and passes through [`safe`] before it is shown.

mod case;
mod ctrf;
pub mod diagnostic;
mod format;
mod github;
mod html;
mod json;
mod junit;
mod layout;
mod look;
mod markdown;
mod outage;
pub mod safe;
mod tap;
mod telling;
mod terminal;
pub mod words;

pub use ctrf::Ctrf;
pub use format::{Format, Report};
pub use github::Github;
pub use html::Html;
pub use json::{Json, write_json, write_json_line};
pub use junit::Junit;
pub use look::{Colour, Glyphs, Look, Tone};
pub use markdown::Markdown;
pub use tap::Tap;
pub use terminal::{Compared, Depth, Detail, Sides, Terminal};
