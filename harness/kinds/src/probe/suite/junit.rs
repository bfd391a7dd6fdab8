//! Reports in the XML that JUnit began and many write.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::report::{Outcome, Report, Test};

/// Reads every `testcase`. A test is called by its class and its name.
pub(super) fn read(text: &str) -> Report {
    let mut reader = Reader::from_str(text);
    let mut cases = Cases::default();
    let trouble = loop {
        match reader.read_event() {
            Ok(Event::Eof) if cases.depth == 0 => break None,
            Ok(Event::Eof) => break Some("its report breaks off".to_owned()),
            Ok(event) => cases.take(event),
            Err(error) => break Some(format!("its report is no XML: {error}")),
        }
    };
    cases.close();
    Report { tests: cases.tests, trouble }
}

#[derive(Debug, Default)]
struct Cases {
    tests: Vec<Test>,
    open: Option<Test>,
    depth: usize,
}

impl Cases {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(element) => {
                self.depth += 1;
                self.open(&element);
            }
            Event::Empty(element) => {
                self.open(&element);
                if element.local_name().as_ref() == b"testcase" {
                    self.close();
                }
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                if element.local_name().as_ref() == b"testcase" {
                    self.close();
                }
            }
            Event::Text(text) => self.explain(text.decode().unwrap_or_default().lines()),
            Event::CData(text) => self.explain(text.decode().unwrap_or_default().lines()),
            Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_)
            | Event::Eof => {}
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        let outcome = match element.local_name().as_ref() {
            b"testcase" => {
                self.close();
                self.open = Some(case(element));
                return;
            }
            b"failure" | b"error" => Outcome::Failed,
            b"skipped" => Outcome::Skipped,
            _ => return,
        };
        if let Some(test) = &mut self.open {
            // One that has failed cannot be made well by what follows.
            test.outcome = if test.outcome == Outcome::Failed { Outcome::Failed } else { outcome };
            test.evidence.extend(attribute(element, "message"));
        }
    }

    fn explain<'t>(&mut self, lines: impl Iterator<Item = &'t str>) {
        if let Some(test) = self.open.as_mut().filter(|test| test.outcome != Outcome::Ok) {
            test.evidence.extend(lines.map(str::to_owned));
        }
    }

    fn close(&mut self) {
        self.tests.extend(self.open.take());
    }
}

fn case(element: &BytesStart<'_>) -> Test {
    let name = attribute(element, "name").unwrap_or_default();
    let name = match attribute(element, "classname").filter(|class| !class.is_empty()) {
        Some(class) => format!("{class}.{name}"),
        None => name,
    };
    // Google's tests and CTest say so of those that are disabled.
    let is_off = matches!(attribute(element, "status").as_deref(), Some("notrun" | "disabled"));
    Test::new(name, if is_off { Outcome::Skipped } else { Outcome::Ok })
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}
