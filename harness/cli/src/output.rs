//! The one object through which everything is said: results to standard output, all else to standard error.
//!
//! A reader that goes away is no error. Any other failure to write results is kept and told at the end; nothing panics.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::MultiProgress;
use patchbed_report::{Colour, Glyphs, Look, Tone, safe};

/// Standard output and standard error, and how they look.
#[derive(Debug)]
pub(crate) struct Output {
    result: Look,
    speech: Look,
    quiet: u8,
    reader_gone: AtomicBool,
    lost: Mutex<Option<io::Error>>,
    region: Mutex<Option<MultiProgress>>,
}

impl Output {
    /// An output whose results and whose speech look like this.
    pub(crate) fn new(result: Look, speech: Look, quiet: u8) -> Self {
        Self {
            result,
            speech,
            quiet,
            reader_gone: AtomicBool::new(false),
            lost: Mutex::new(None),
            region: Mutex::new(None),
        }
    }

    /// How results look.
    pub(crate) fn look(&self) -> &Look {
        &self.result
    }

    /// How what is said beside them looks.
    pub(crate) fn speech_look(&self) -> &Look {
        &self.speech
    }

    /// Writes a result for people to standard output, unless only errors are wanted.
    pub(crate) fn result(&self, bytes: &[u8]) {
        if self.quiet < 2 {
            self.document(bytes);
        }
    }

    /// Writes a result for programs as JSON: it was asked for by name, so that it is never left out.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> io::Result<()> {
        let mut bytes = Vec::new();
        patchbed_report::write_json(value, &mut bytes)?;
        self.document(&bytes);
        Ok(())
    }

    /// Writes what was asked for by name to standard output.
    pub(crate) fn document(&self, bytes: &[u8]) {
        if self.reader_gone.load(Ordering::Relaxed) {
            return;
        }
        let mut out = io::stdout().lock();
        let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) else {
            return;
        };
        self.reader_gone.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// Writes a line of a result.
    pub(crate) fn line(&self, text: &str) {
        self.result(format!("{text}\n").as_bytes());
    }

    /// Says something beside the result, unless only results are wanted.
    pub(crate) fn say(&self, text: &str) {
        if self.quiet == 0 {
            self.write_speech(&format!("{text}\n"));
        }
    }

    /// A warning: said unless only errors are wanted.
    pub(crate) fn warn(&self, text: &str) {
        if self.quiet < 2 {
            let head = self.speech.paint(Tone::Warn, "warning:");
            self.write_speech(&format!("{head} {}\n", safe::shown(text, &self.speech)));
        }
    }

    /// An error, in words that are complete: said always.
    pub(crate) fn error(&self, text: &str) {
        self.write_speech(text);
    }

    /// Whether progress may be shown.
    pub(crate) fn talks(&self) -> bool {
        self.quiet == 0
    }

    /// Why results were lost, if they were.
    pub(crate) fn lost(&self) -> Option<io::Error> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// From now on speech stands above this region of the terminal, or nowhere special.
    pub(crate) fn write_above(&self, region: Option<MultiProgress>) {
        *self.region.lock().unwrap_or_else(PoisonError::into_inner) = region;
    }

    fn write_speech(&self, text: &str) {
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // When standard error is gone there is nobody left to tell.
        let write = || io::stderr().lock().write_all(text.as_bytes());
        let _ = region.map_or_else(write, |region| region.suspend(write));
    }
}

/// How a stream looks, from its terminal and the environment.
pub(crate) fn look(terminal: &console::Term, when: crate::arguments::When, environment: Environment) -> Look {
    use crate::arguments::When;
    let is_terminal = terminal.is_term();
    let colour = match when {
        When::Always => true,
        When::Never => false,
        When::Auto if environment.no_color => false,
        When::Auto if environment.force_color => true,
        When::Auto => is_terminal && !environment.dumb,
    };
    let width = if is_terminal { usize::from(terminal.size().1).clamp(60, 120) } else { 100 };
    Look {
        width,
        colour: if colour { Colour::Always } else { Colour::Never },
        glyphs: if environment.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
    }
}

/// What the environment says about how things look.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one variable of the environment")]
pub(crate) struct Environment {
    /// `CI` is set.
    pub(crate) ci: bool,
    /// `NO_COLOR` is set.
    pub(crate) no_color: bool,
    /// `FORCE_COLOR` is set and not 0.
    pub(crate) force_color: bool,
    /// `TERM` is `dumb`.
    pub(crate) dumb: bool,
    /// The locale knows ASCII only, and says so.
    pub(crate) ascii: bool,
}

impl Environment {
    /// Reads the variables.
    pub(crate) fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let force = std::env::var_os("FORCE_COLOR").is_some_and(|value| !value.is_empty() && value != "0");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
        let ascii = locale.is_some_and(|locale| locale == "C" || locale == "POSIX");
        let ci = set("CI") && std::env::var_os("CI").is_some_and(|value| value != "false" && value != "0");
        Self { ci, no_color: set("NO_COLOR"), force_color: force, dumb, ascii: ascii || dumb }
    }
}
