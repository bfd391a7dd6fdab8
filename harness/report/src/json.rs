//! The record as one JSON document. `patchbed schema --of record` describes it.

use std::io::{self, Write};

use patchbed_model::Record;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::format::Report;

/// Writes the record itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Report for Json {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        write_json(record, out)
    }
}

/// Writes any value as indented JSON in which no character can steer a terminal, and a line feed.
///
/// # Errors
/// Those of `out`.
pub fn write_json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let formatter = Quiet(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// The same on one line.
///
/// # Errors
/// Those of `out`.
pub fn write_json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Quiet(CompactFormatter)))?;
    out.write_all(b"\n")
}

/// With everything escaped that a terminal or a reader could obey: also the control characters above 0x7e and the
/// direction marks, which JSON itself lets through.
struct Quiet<F>(F);

macro_rules! as_inside {
    ($($name:ident($($argument:ident: $type:ty)?);)+) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)?) -> io::Result<()> {
            self.0.$name(writer $(, $argument)?)
        })+
    };
}

impl<F: Formatter> Formatter for Quiet<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices() {
            if !needs_escape(c) {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    as_inside! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }
}

fn needs_escape(c: char) -> bool {
    !matches!(c, ' '..='~')
        && (c.is_control() || patchbed_model::text::visible(c.encode_utf8(&mut [0; 4])).len() > c.len_utf8())
}
