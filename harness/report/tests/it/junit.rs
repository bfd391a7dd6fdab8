//! JUnit as engines read it: by the schema to which Jenkins' xUnit plugin holds reports, and by what GitLab takes out of one.

use std::collections::BTreeSet;

use patchbed_model::{Record, Verdict};
use patchbed_report::{Format, Look};
use patchbed_testkit::records;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Of every element the one in which it stands, and its attributes, in the schema of Jenkins (`junit-10.xsd`).
const SCHEMA: [(&str, &str, &str); 9] = [
    ("testsuites", "", "name time tests failures errors"),
    ("testsuite", "testsuites", "name tests failures errors skipped time timestamp hostname id package file log url"),
    ("properties", "testsuite", ""),
    ("property", "properties", "name value"),
    ("testcase", "testsuite", "name time classname group"),
    ("skipped", "testcase", "type message"),
    ("error", "testcase", "type message"),
    ("failure", "testcase", "type message"),
    ("system-out", "testcase", ""),
];

/// What GitLab's reader makes of an element of such a type: anything but its text.
const TYPES: &str = " symbol date datetime duration integer float double decimal boolean string yaml base64Binary \
    binary file dateTime array hash ";

fn text(record: &Record) -> String {
    let mut out = Vec::new();
    Format::Junit.report(&Look::default()).write(record, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("reports are UTF-8")
}

/// An element with the names of those around it.
struct Element {
    path: Vec<String>,
    attributes: Vec<(String, String)>,
}

impl Element {
    fn of(start: &BytesStart<'_>, around: &[String]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let attributes = start.attributes().map(|attribute| attribute.expect("well-formed"));
        let attributes = attributes.map(|one| (text(one.key.as_ref()), text(&one.value))).collect();
        Self { path: around.iter().cloned().chain([text(start.name().as_ref())]).collect(), attributes }
    }

    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

fn elements(text: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut found) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                let element = Element::of(&start, &path);
                path.clone_from(&element.path);
                found.push(element);
            }
            Event::Empty(start) => found.push(Element::of(&start, &path)),
            Event::End(_) => _ = path.pop(),
            Event::Eof => return found,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

fn all_records() -> [Record; 5] {
    let mut noted = records::shop();
    noted.scenarios[0].cells[0].notes = vec!["a note".to_owned()];
    [noted, records::one_of_each(), records::closed_for_a_while(), records::record(Vec::new()), records::all_texts("a")]
}

#[test]
fn every_element_and_attribute_is_one_of_the_schema_of_jenkins() {
    for element in all_records().iter().flat_map(|record| elements(&text(record))) {
        let (_, parent, attributes) =
            SCHEMA.iter().find(|(name, ..)| *name == element.name()).expect("a known element");
        assert_eq!(element.path.iter().nth_back(1).map_or("", String::as_str), *parent);
        for (name, _) in &element.attributes {
            assert!(attributes.split(' ').any(|known| known == name), "{name} of {}", element.name());
        }
    }
}

#[test]
fn what_the_schema_of_jenkins_asks_for_is_there() {
    for element in all_records().iter().flat_map(|record| elements(&text(record))) {
        let asked: &[&str] = match element.name() {
            "testsuite" => &["name", "tests", "failures", "errors"],
            "testcase" => &["name"],
            "property" => &["name", "value"],
            _ => &[],
        };
        let has = |name: &str| element.attributes.iter().any(|(key, _)| key == name);
        assert!(asked.iter().all(|name| has(name)), "{:?}", element.path);
        let time = element.attribute("time");
        assert!(time.chars().all(|c| c.is_ascii_digit() || c == '.') && time.matches('.').count() <= 1, "{time}");
    }
}

/// GitLab tells cases apart by suite, class and name, and takes the first of failure, error and skipped.
#[test]
fn gitlab_finds_every_cell_once_and_as_it_stands() {
    for record in all_records() {
        let elements = elements(&text(&record));
        let cases = || elements.iter().filter(|element| element.name() == "testcase");
        let names: BTreeSet<(&str, &str)> =
            cases().map(|one| (one.attribute("classname"), one.attribute("name"))).collect();
        let of = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| record.counts[verdict]).sum::<usize>();
        let count = |name: &str| elements.iter().filter(|element| element.name() == name).count();
        assert_eq!((names.len(), cases().count()), (of(&Verdict::ALL), of(&Verdict::ALL)));
        assert_eq!(count("failure"), of(&[Verdict::Regressed, Verdict::Changed, Verdict::Ineffective]));
        assert_eq!(count("error"), of(&[Verdict::Unstable, Verdict::Inconclusive]));
        assert_eq!(count("skipped"), of(&[Verdict::Skipped]));
    }
}

#[test]
fn gitlab_takes_no_verdict_for_a_type_of_data() {
    for verdict in Verdict::ALL {
        assert!(!TYPES.contains(&format!(" {verdict} ")));
    }
}
