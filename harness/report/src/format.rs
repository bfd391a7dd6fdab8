//! The formats, in one table. To add one: a file beside this one, and a line at its end.

use std::io::{self, Write};

use patchbed_model::Record;

use crate::{Ctrf, Github, Html, Json, Junit, Look, Markdown, Tap, Terminal};

/// Writes a record in one format.
pub trait Report {
    /// Writes the whole report.
    ///
    /// # Errors
    /// Only those of `out`.
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()>;
}

macro_rules! formats {
    ($($(#[$doc:meta])+ $name:ident = $word:literal, $file:literal, $make:expr;)+) => {
        /// The formats of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Format { $($(#[$doc])+ $name,)+ }

        impl Format {
            /// All formats, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word by which it is asked for.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The name of its file when none is given.
            #[must_use]
            pub const fn file_name(self) -> &'static str {
                match self { $(Self::$name => $file,)+ }
            }

            /// What writes it.
            #[must_use]
            pub fn report(self, look: &Look) -> Box<dyn Report> {
                match self { $(Self::$name => Box::new(($make)(look)),)+ }
            }
        }
    };
}

formats! {
    /// What a person reads on a terminal.
    Terminal = "terminal", "report.txt", |look: &Look| Terminal::new(look.clone());
    /// The record itself.
    Json = "json", "report.json", |_: &Look| Json;
    /// What continuous integration reads.
    Junit = "junit", "report.xml", |_: &Look| Junit;
    /// The Test Anything Protocol.
    Tap = "tap", "report.tap", |_: &Look| Tap;
    /// The Common Test Report Format.
    Ctrf = "ctrf", "report.ctrf.json", |_: &Look| Ctrf;
    /// What a person reads in a comment on a change or in the summary of a pipeline.
    Markdown = "markdown", "report.md", |_: &Look| Markdown;
    /// Annotations of GitHub, to be printed by a step of a workflow.
    Github = "github", "annotations.log", |_: &Look| Github;
    /// A page for a browser.
    Html = "html", "report.html", |_: &Look| Html;
}
