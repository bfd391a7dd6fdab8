//! The journal and its fold under damage, the record, secrets, the committed files.

mod merge;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use jiff::civil::date;
use patchbed_model::event::{AttemptId, PlannedCell, Source};
use patchbed_model::outage::{Closed, Step};
use patchbed_model::{
    Arm, CellId, Class, Digest, Event, Exit, Given, Outage, Outages, Outcome, Reading, Rules, RunId, Snapshot, Stage,
    Value, Verdict,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::journal::parse;
use super::line::{Line, decode, encode};
use super::{Committed, Header, State, StateError, Stored, fold, masked, masked_event};
use crate::judge::judge;
use crate::noise::Baseline;
use crate::plan::CellNames;
use crate::strategies::{outcome, snapshot};

fn cell() -> CellId {
    CellId("c0123456789a".to_owned())
}

fn planned() -> PlannedCell {
    PlannedCell {
        id: cell(),
        scenario: "shop".to_owned(),
        title: "shop".to_owned(),
        file: "shop.yaml".to_owned(),
        image: "box".to_owned(),
        image_digest: None,
        patches: vec!["fix".to_owned()],
        software: Vec::new(),
        given: Given::OneByOne,
        trial_of: None,
    }
}

/// How every run here begins.
fn started() -> Event {
    Event::RunStarted {
        run: RunId("2026-11-23-1a2b".to_owned()),
        at: Timestamp::UNIX_EPOCH,
        version: "0.1.0".to_owned(),
        sources: vec![Source {
            file: "shop.yaml".to_owned(),
            digest: Digest::of(b"shop"),
            lines: BTreeMap::from([("fix".to_owned(), 3)]),
        }],
        arguments: Vec::new(),
        host: None,
    }
}

/// The events of a run of one cell with these outcomes.
fn events(control: &[Outcome], patched: &[Outcome]) -> Vec<Event> {
    let exit = judge(control, patched, &Rules::default()).verdict.exit();
    let mut events = vec![started(), Event::CellPlanned(planned())];
    events.extend(made(&cell(), control, patched));
    events.push(Event::RunFinished { at: Timestamp::UNIX_EPOCH, exit });
    events
}

/// What happens to a cell with these outcomes.
fn made(cell: &CellId, control: &[Outcome], patched: &[Outcome]) -> Vec<Event> {
    let mut events = vec![
        Event::LayerMade {
            cell: cell.clone(),
            layer: Digest::of(b"layer"),
            source: "install files".to_owned(),
            milliseconds: 40,
        },
        Event::CellPrepared { cell: cell.clone(), image_digest: Digest::of(b"image"), inputs: Digest::of(b"inputs") },
    ];
    for (arm, outcomes) in [(Arm::Control, control), (Arm::Patched, patched)] {
        for (number, outcome) in (1..).zip(outcomes) {
            let attempt = AttemptId { cell: cell.clone(), arm, number };
            events.push(Event::AttemptStarted { attempt: attempt.clone(), at: Timestamp::UNIX_EPOCH });
            events.push(Event::StageFinished { attempt: attempt.clone(), stage: Stage::Open, milliseconds: 3 });
            events.push(Event::OutagesSeen { attempt: attempt.clone(), outages: Box::new(outages()) });
            let outcome = Box::new(outcome.clone());
            events.push(Event::AttemptFinished { attempt, outcome, milliseconds: 9, notes: Vec::new() });
        }
    }
    let judgement = Box::new(judge(control, patched, &Rules::default()));
    events.push(Event::CellJudged { cell: cell.clone(), judgement });
    events
}

fn outages() -> Outages {
    let during = vec!["configure of web".to_owned()];
    let closed = vec![Closed { from: 100, to: 300, during }];
    let outage = Outage { service: "web".to_owned(), addresses: vec!["tcp/[::]:80".to_owned()], closed, restarts: 1 };
    let step = Step { from: 50, to: 300, what: "configure of web".to_owned() };
    Outages { milliseconds: 900, steps: vec![step], services: vec![outage] }
}

fn page(text: &str) -> Outcome {
    Outcome::Observed([("probe.page.stdout".into(), Reading::content(text))].into_iter().collect())
}

fn journal(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| (encode(event).expect("events are JSON") + "\n").into_bytes()).collect()
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = Utf8Path::from_path(folder.path()).expect("the folder's path is UTF-8").to_owned();
    (folder, path)
}

#[test]
fn a_journal_cut_off_at_any_byte_keeps_every_whole_line_and_folds() {
    let events = events(&[page("a"), page("a")], &[page("b")]);
    let bytes = journal(&events);
    for end in 0..=bytes.len() {
        let whole = bytes[..end].split(|byte| *byte == b'\n').count() - 1;
        let (read, notes) = parse(&bytes[..end]).expect("it is of this version");
        // The last line may be whole but for its line feed.
        assert!(read.len() == whole || read.len() == whole + 1, "cut off at {end}");
        assert_eq!((read.as_slice(), notes.len()), (&events[..read.len()], 0));
        let record = fold(&read);
        let over = read.len() == events.len();
        assert_eq!(record.exit_name, if over { Exit::Changed } else { Exit::Undecided.max(record.exit_name) });
    }
}

#[test]
fn a_resumed_journal_loses_no_whole_line_wherever_it_was_cut_off() {
    let all = events(&[page("a"), page("a")], &[page("b")]);
    let bytes = journal(&all);
    let (_folder, root) = folder();
    let state = State::open(&root).expect("the state folder opens");
    let run = RunId("2026-11-23-1a2b".to_owned());
    for end in (0..bytes.len()).step_by(7) {
        drop(state.begin(&run, &[]).expect("the run begins"));
        std::fs::write(state.run_folder(&run).join("journal.jsonl"), &bytes[..end]).expect("the journal is cut off");
        let before = state.journal(&run).expect("it can be read").0;
        let mut journal = state.resume(&run).expect("it is resumed");
        let resumed = Event::RunResumed { at: Timestamp::UNIX_EPOCH };
        journal.append(&resumed).expect("it is written");
        let (after, notes) = state.journal(&run).expect("it can be read");
        assert_eq!((&after[..after.len() - 1], after.last(), notes.len()), (before.as_slice(), Some(&resumed), 0));
    }
}

#[test]
fn a_damaged_line_is_left_out_set_aside_and_said() {
    let all = events(&[page("a"), page("a")], &[page("b")]);
    let mut bytes = journal(&all);
    let place = bytes.windows(5).position(|part| part == b"probe").expect("a reading is in it");
    bytes[place] = b'q';
    let (read, notes) = parse(&bytes).expect("it is of this version");
    assert_eq!(
        (read.len(), notes.as_slice()),
        (all.len() - 1, ["1 line of the journal is damaged and was left out".to_owned()].as_slice())
    );
    let (_folder, root) = folder();
    let state = State::open(&root).expect("the state folder opens");
    let run = RunId("2026-11-23-1a2b".to_owned());
    drop(state.begin(&run, &[]).expect("the run begins"));
    std::fs::write(state.run_folder(&run).join("journal.jsonl"), &bytes).expect("the journal is damaged");
    drop(state.resume(&run).expect("it is resumed"));
    assert!(state.run_folder(&run).join("journal.damaged").exists());
    assert!(state.journal(&run).expect("it can be read").1.is_empty());
}

#[test]
fn a_line_of_a_later_version_is_refused_by_name() {
    let line = encode(&Event::RunResumed { at: Timestamp::UNIX_EPOCH }).expect("events are JSON");
    let later = line.replacen("\"v\":1", "\"v\":7", 1);
    assert_eq!(decode(later.as_bytes()), Line::Later(7));
    assert_eq!(parse((later + "\n").as_bytes()), Err(7));
}

#[test]
fn the_last_run_is_found_by_its_link_and_others_by_their_beginning() {
    let (_folder, root) = folder();
    let state = State::open(&root).expect("the state folder opens");
    assert!(matches!(state.find(None), Err(StateError::Empty)));
    let (one, two) = (RunId("2026-11-23-1a2b".to_owned()), RunId("2026-11-24-1a2b".to_owned()));
    drop(state.begin(&one, &[]).expect("the run begins"));
    drop(state.begin(&two, &[]).expect("the run begins"));
    assert_eq!(state.find(None).expect("there is a last one"), two);
    assert_eq!(state.find(Some("2026-11-23")).expect("it is the only one"), one);
    assert!(matches!(state.find(Some("2026")), Err(StateError::Ambiguous { .. })));
    assert!(matches!(state.find(Some("x")), Err(StateError::NoRun(_))));
    state.remove(&two).expect("it is removed");
    assert_eq!(state.find(None).expect("one is left"), one);
}

#[test]
fn secrets_are_masked_and_still_differ() {
    for text in [
        "password=hunter22",
        "\"api_key\": \"abcd1234\"",
        "--token s3cr3ts3cr3t",
        "Authorization: Bearer abcdefghijkl",
        "postgres://shop:hunter22@db/shop",
        "AKIAIOSFODNN7EXAMPLE",
    ] {
        let hidden = masked(text);
        assert!(hidden.contains("⟨masked "), "{text} became {hidden}");
        assert_eq!(masked(&hidden), hidden);
    }
    assert_ne!(masked("password=hunter22"), masked("password=hunter23"));
    for text in ["password=password", "token: token", "--secret secret", "https://shop:shop@db", "secret=\"secret\""] {
        let hidden = masked(text);
        let (name, value) = hidden.split_once('⟨').expect("it is masked");
        assert!(value.starts_with("masked ") && text.starts_with(name), "{text} became {hidden}");
        assert!(name.contains(|c: char| !c.is_alphanumeric()), "{text} became {hidden}");
    }
    for text in ["the password was changed", "tokens: 3", "GET /index.html 200"] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn what_a_log_says_of_a_step_is_masked() {
    let mut seen = outages();
    seen.steps[0].what = "configure of password=hunter22".to_owned();
    seen.services[0].closed[0].during = vec![seen.steps[0].what.clone()];
    let event = Event::OutagesSeen {
        attempt: AttemptId { cell: cell(), arm: Arm::Patched, number: 1 },
        outages: Box::new(seen),
    };
    assert!(!encode(&masked_event(event)).expect("events are JSON").contains("hunter22"));
}

fn names(image: &str) -> CellNames {
    CellNames { scenario: "shop".to_owned(), image: image.to_owned(), patches: Vec::new(), software: Vec::new() }
}

#[test]
fn no_name_leaves_the_folder_and_no_two_share_a_file() {
    let committed = Committed::at(Utf8Path::new("snapshots"));
    let long = "x".repeat(10_000);
    let names = ["box", "../x", "/etc", "a/b", "a%2fb", ".", "..", "", "-rf", "a b", "a+b", "ä", &long].map(names);
    let mut files: Vec<Utf8PathBuf> = names.iter().map(|names| committed.baseline_file(names)).collect();
    for file in &files {
        assert_eq!(file.parent(), Some(Utf8Path::new("snapshots/shop")), "{file}");
        assert_eq!(file.extension(), Some("snap"));
        assert!(file.file_name().is_some_and(|name| name.len() < 256 && !name.starts_with('.')));
    }
    files.sort();
    files.dedup();
    assert_eq!(files.len(), names.len());
    let both = CellNames { software: vec!["bank plugin".to_owned()], ..names[0].clone() };
    assert_eq!(committed.baseline_file(&both), "snapshots/shop/box+bank%20plugin.snap");
}

fn stored(baseline: Baseline) -> Stored {
    let header = Header {
        patchbed: Header::format(),
        scenario: "shop".to_owned(),
        image: "box".to_owned(),
        software: Vec::new(),
        environment: Digest::of(b"environment"),
        attempts: baseline.attempts,
        when: date(2026, 11, 23),
        run: None,
        replaces: None,
    };
    Stored { header, baseline }
}

#[test]
fn a_baseline_reads_like_a_text() {
    let mut one = Snapshot::default();
    one.insert("web.process.state", Reading::state("running", patchbed_model::reading::Health::Good));
    one.insert("probe.page.stdout", Reading::content("line one\nline two\n"));
    one.insert("web.processes", Reading::content(Value::List(vec!["nginx of root".to_owned()])));
    one.insert("packages.nginx.version", Reading::fact("1.22.1"));
    one.insert("web.memory.rss", Reading::metric(1024.0, "bytes"));
    let mut two = one.clone();
    two.insert("probe.page.stdout", Reading::content("line one\nline three\n"));
    insta::assert_snapshot!(stored(Baseline::pool([&one, &two])).write().expect("it can be written"));
}

#[test]
fn any_changed_byte_of_a_baseline_is_noticed() {
    let mut one = Snapshot::default();
    one.insert("web.process.state", Reading::state("running", patchbed_model::reading::Health::Good));
    one.insert("probe.page.stdout", Reading::content("page"));
    let text = stored(Baseline::pool([&one, &one])).write().expect("it can be written");
    let whole = Stored::read(&text).expect("it can be read");
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        // A change of layout alone says the same and is believed.
        assert!(Stored::read(&changed).is_err() || Stored::read(&changed) == Ok(whole.clone()), "byte {place}");
        let cut = Stored::read(&text[..place]);
        assert!(cut.is_err() || text[place..].trim().is_empty(), "cut off at {place}");
    }
}

#[test]
fn a_baseline_of_another_version_is_refused_by_name() {
    let text = stored(Baseline::default()).write().expect("it can be written");
    let later = text.replace("snapshot/1", "snapshot/2");
    assert_eq!(Stored::read(&later), Err("made by another version of patchbed: format `snapshot/2`".to_owned()));
}

/// Metrics may be any number, evidence is not kept.
fn kept(mut snapshot: Snapshot) -> Snapshot {
    for reading in snapshot.readings.values_mut() {
        reading.evidence.clear();
        reading.unit = (reading.class == Class::Metric).then(|| "ms".to_owned());
    }
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_baseline_is_read_back_as_it_was(snapshots in vec(snapshot().prop_map(kept), 0..5)) {
        let stored = stored(Baseline::pool(&snapshots));
        let text = stored.write().expect("it can be written");
        prop_assert_eq!(Stored::read(&text), Ok(stored));
    }

    #[test]
    fn any_prefix_of_a_journal_folds_to_a_record_in_which_nothing_unfinished_is_fine(
        control in vec(outcome(), 0..4),
        patched in vec(outcome(), 0..4),
        share in 0.0_f64..=1.0,
    ) {
        let events = events(&control, &patched);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short list")]
        let end = (share * events.len() as f64) as usize;
        let record = fold(&events[..end]);
        prop_assert_eq!(record.counts.values().sum::<usize>(), record.scenarios.iter().map(|s| s.cells.len()).sum::<usize>());
        if end + 1 < events.len() {
            prop_assert_ne!(record.exit_name, Exit::Ok);
            prop_assert!(record.scenarios.iter().flat_map(|s| &s.cells).all(|cell| cell.verdict == Verdict::Inconclusive));
        }
        let json = serde_json::to_string(&record).expect("a record is JSON");
        prop_assert_eq!(serde_json::from_str::<patchbed_model::Record>(&json).expect("it is read back"), record);
    }

    #[test]
    fn every_event_is_read_back_as_it_was(outcome in outcome()) {
        let events = events(&[outcome], &[]);
        for event in events {
            let line = encode(&event).expect("events are JSON");
            prop_assert_eq!(decode(line.as_bytes()), Line::Event(Box::new(event)));
        }
    }

    #[test]
    fn masking_is_done_once(text in "[a-z=: ]{0,20}(password|token)[=: ]{1,2}[a-zA-Z0-9]{0,12}") {
        let once = masked(&text);
        prop_assert_eq!(masked(&once), once.clone());
    }
}
