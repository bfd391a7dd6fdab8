//! `log`: new kinds of log lines.
//!
//! A line is compared by its template, and only when it is an error: each template is a content of its own, under a
//! key that is a digest of the template. How often it came is not compared, because that is a matter of load and time.
//! Warnings count where a person asked for the log; where it is read without asking they are facts. All other lines
//! are only counted.

use patchbed_model::{Key, Reading, text};
use patchbed_sandbox::message::LogSource;

use super::members::members;
use super::severity::{Severity, severity, severity_of_entry};
use super::systemd::{UnitState, journal, units};
use super::templates::{Template, mine};
use super::{Look, Probe, ProbeError, Service};
use crate::document::OneOrMany;

crate::document! {
    /// Log lines of files, the journal or a service's output.
    pub struct Log, "files, or a mapping" {
        /// Files, by glob.
        files: Option<OneOrMany<String>>, optional;
        /// Units whose journal is read.
        journal: Option<OneOrMany<String>>, optional;
    }
    short files;
    check {
        files => inside_path,
        journal => word,
    }
}

/// The most kinds of lines that one log can add to a snapshot.
const MOST_KINDS: usize = 200;

impl Probe for Log {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        Ok(self.lines(look).await?.readings(&look.prefix, Warnings::Compared))
    }
}

impl Log {
    /// The lines as they are.
    ///
    /// # Errors
    /// [`ProbeError`] when they cannot be read.
    pub async fn said(&self, look: &Look<'_>) -> Result<Vec<String>, ProbeError> {
        Ok(self.lines(look).await?.0.into_iter().map(|(_, text)| text).collect())
    }

    async fn lines(&self, look: &Look<'_>) -> Result<Lines, ProbeError> {
        let mut lines = Lines::default();
        for glob in self.files.iter().flat_map(|globs| &globs.0) {
            lines.add_texts(&read(look, LogSource::Files(glob.clone())).await?);
        }
        if let Some(names) = &self.journal {
            lines.add_journals(look, &units(look, &names.0).await?).await?;
        }
        if self.files.is_none() && self.journal.is_none() {
            let service = look.service.ok_or_else(|| {
                ProbeError::Blind("read a log: neither files, a journal nor a service is given".to_owned())
            })?;
            let units = if service.unit.is_some() { members(look, service).await?.units } else { Vec::new() };
            lines = of_service(look, service, &units).await?;
        }
        Ok(lines)
    }
}

/// What a service said since the mark: its output, or the journal of its units.
pub(super) async fn of_service(look: &Look<'_>, service: &Service, units: &[UnitState]) -> Result<Lines, ProbeError> {
    let mut lines = Lines::default();
    if service.unit.is_some() {
        lines.add_journals(look, units).await?;
    } else {
        lines.add_texts(&read(look, LogSource::Service(service.name.clone())).await?);
    }
    Ok(lines)
}

/// New lines since the mark.
pub(super) async fn read(look: &Look<'_>, source: LogSource) -> Result<Vec<String>, ProbeError> {
    Ok(look.sandbox.lines(source, look.since.map(str::to_owned)).await?)
}

/// What becomes of warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warnings {
    /// A new kind is a difference.
    Compared,
    /// They are shown as facts.
    Shown,
}

/// Lines with their severities.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<(Severity, String)>);

impl Lines {
    pub(super) fn add_texts(&mut self, texts: &[String]) {
        self.0.extend(texts.iter().map(|text| (severity(text), text.clone())));
    }

    async fn add_journals(&mut self, look: &Look<'_>, units: &[UnitState]) -> Result<(), ProbeError> {
        for unit in units {
            let entries = journal(look, unit).await?;
            let graded = |message: &str, priority| (severity_of_entry(message, priority), message.to_owned());
            self.0.extend(entries.iter().map(|entry| graded(&entry.message, entry.priority)));
        }
        Ok(())
    }

    /// The last lines as they are, for evidence.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let texts: Vec<&str> = self.0.iter().map(|(_, text)| text.as_str()).collect();
        text::last_lines(&texts.join("\n"), count)
    }

    /// A reading for each kind of error and warning, and how many lines there were.
    pub(super) fn readings(&self, prefix: &Key, warnings: Warnings) -> Vec<(Key, Reading)> {
        let mut readings = self.kinds(prefix, "error", Severity::Error, Reading::content);
        readings.extend(match warnings {
            Warnings::Compared => self.kinds(prefix, "warning", Severity::Warning, Reading::content),
            Warnings::Shown => self.kinds(prefix, "warning", Severity::Warning, Reading::fact),
        });
        readings.push((prefix.child("lines"), Reading::fact(self.0.len().to_string())));
        readings
    }

    fn kinds(&self, prefix: &Key, word: &str, wanted: Severity, reading: fn(String) -> Reading) -> Vec<(Key, Reading)> {
        let lines = self.0.iter().filter(|(severity, _)| *severity == wanted).map(|(_, text)| text.as_str());
        let templates = mine(lines);
        let key = prefix.child(word);
        let one = |template: &Template| {
            let examples = template.examples.iter().map(|line| text::shorten(&text::visible(line), 300));
            let value = text::shorten(&text::visible(&template.text), 500);
            (key.child(&template.id()), reading(value).because(examples))
        };
        let mut readings: Vec<(Key, Reading)> = templates.iter().take(MOST_KINDS).map(one).collect();
        if templates.len() > MOST_KINDS {
            readings.push((key.child("more"), reading(format!("more than {MOST_KINDS} kinds"))));
        }
        readings
    }
}
