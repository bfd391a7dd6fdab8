//! Results of several machines: together they are the run that was not cut, and nothing gets better by merging.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use patchbed_model::event::PlannedCell;
use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::{CellId, Digest, Event, Exit, Given, Outcome, Record, RunId, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{folder, made, page, planned, started};
use crate::plan::{CellNames, PlanDocument, PlannedAttempts, PlannedLimits, SCHEMA};
use crate::store::{DocumentError, MergeError, Part, PartError, State, exit, fold, merge, parts};
use crate::strategies::outcome;

/// What is found in the control arm and in the patched arm of a cell.
type Found = (Vec<Outcome>, Vec<Outcome>);

/// The cell of this number. Two follow each other on each set of patches.
fn numbered(number: usize) -> PlannedCell {
    PlannedCell {
        id: CellId(format!("c{number:011}")),
        patches: vec![format!("fix{}", number / 2)],
        software: vec!["bank".to_owned(); number % 2],
        ..planned()
    }
}

/// The record of a run of some of the cells.
fn recorded(cells: &[Found], is_mine: impl Fn(usize) -> bool) -> Record {
    let mine = || (0..cells.len()).filter(|number| is_mine(*number));
    let mut events = vec![started()];
    events.extend(mine().map(|number| Event::CellPlanned(numbered(number))));
    events.extend(mine().flat_map(|number| made(&numbered(number).id, &cells[number].0, &cells[number].1)));
    let exit = exit(fold(&events).scenarios.iter().flat_map(|scenario| &scenario.cells));
    events.push(Event::RunFinished { at: Timestamp::UNIX_EPOCH, exit });
    fold(&events)
}

/// The part of one machine, as it comes from a file.
fn part(record: &Record) -> Part {
    let json = serde_json::to_vec(record).expect("records are JSON");
    Part { path: "part.json".into(), record: serde_json::from_slice(&json).expect("it was just written") }
}

/// The plan of so many cells.
fn plan(cells: usize) -> PlanDocument {
    let cell = |index| {
        let PlannedCell { id, scenario, image, patches, software, file, given, .. } = numbered(index);
        PlannedAttempts {
            index,
            id,
            names: CellNames { scenario, image, patches, software },
            file,
            given,
            attempts: Vec::new(),
            confirm: 3,
            layers: Vec::new(),
            steps: BTreeMap::new(),
            sandbox: Vec::new(),
            limits: PlannedLimits { time: 1, memory: 1, disk: 1, processes: 1 },
            systemd: false,
            estimate: None,
        }
    };
    PlanDocument { schema: SCHEMA.to_owned(), digest: Digest::of(b"plan"), cells: (0..cells).map(cell).collect() }
}

/// The record of these parts together.
fn merged(parts: &[Part], plan: Option<&PlanDocument>) -> Result<Record, MergeError> {
    let merged = merge(parts, plan)?;
    let exit = merged.exit();
    let run = RunId("2026-11-24-0000".to_owned());
    Ok(fold(&merged.events((run, Timestamp::UNIX_EPOCH), exit, Vec::new())))
}

/// The part of a machine that ran one cell, and saw this page with the patch.
fn one(patched: &str) -> Part {
    part(&recorded(&[(vec![page("a"); 2], vec![page(patched)])], |_| true))
}

fn same() -> Part {
    one("a")
}

fn skipped() -> Part {
    let events = [started(), Event::CellPlanned(numbered(0))];
    let end = Event::RunFinished { at: Timestamp::UNIX_EPOCH, exit: Exit::Interrupted };
    part(&fold(events.iter().chain([&end])))
}

fn cell(part: &mut Part) -> &mut CellRecord {
    &mut part.record.scenarios[0].cells[0]
}

/// What is compared: all that is said of scenarios, and what follows from it.
fn said(record: &Record) -> (&[ScenarioRecord], &BTreeMap<Verdict, usize>, Verdict, Exit, usize) {
    (&record.scenarios, &record.counts, record.verdict, record.exit_name, record.layers_made)
}

fn found() -> impl Strategy<Value = Found> {
    (vec(outcome(), 2..4), vec(outcome(), 1..3))
}

proptest! {
    #[test]
    fn shards_together_are_the_run_that_was_not_cut(cells in vec((found(), 0_usize..3), 1..6)) {
        let (cells, shards): (Vec<Found>, Vec<usize>) = cells.into_iter().unzip();
        let whole = recorded(&cells, |_| true);
        let cut = |shard| part(&recorded(&cells, |number| shards[number] == shard));
        let mut parts: Vec<Part> = (0..3).filter(|shard| shards.contains(shard)).map(cut).collect();
        let plan = plan(cells.len());
        let together = merged(&parts, Some(&plan)).expect("they fit together");
        prop_assert_eq!(said(&together), said(&whole));
        parts.reverse();
        let turned = merged(&parts, Some(&plan)).expect("in any order");
        prop_assert_eq!(said(&turned), said(&whole));
        let unplanned = merged(&parts, None).expect("without a plan");
        prop_assert_eq!((&unplanned.counts, unplanned.exit_name), (&whole.counts, whole.exit_name));
    }

    #[test]
    fn a_result_that_comes_twice_counts_once(cells in vec(found(), 1..4)) {
        let whole = recorded(&cells, |_| true);
        let twice = merged(&[part(&whole), part(&whole)], Some(&plan(cells.len()))).expect("they fit together");
        prop_assert_eq!((&twice.scenarios, twice.exit_name), (&whole.scenarios, whole.exit_name));
    }
}

#[test]
fn results_of_one_cell_that_disagree_are_undecided_in_any_order() {
    let parts = [same(), one("b")];
    let turned = [parts[1].clone(), parts[0].clone()];
    for parts in [&parts, &turned] {
        let record = merged(parts, None).expect("they fit together");
        let cell = &record.scenarios[0].cells[0];
        assert_eq!((cell.verdict, record.exit_name), (Verdict::Unstable, Exit::Undecided));
        assert_eq!(cell.reason, "results disagree: changed, same");
        assert_eq!(cell.differences.len(), 1, "what was found is not hidden");
    }
}

#[test]
fn a_result_that_says_nothing_gives_way_to_one_that_does() {
    let mut temporary = same();
    let stopped = cell(&mut temporary);
    (stopped.verdict, stopped.temporary) = (Verdict::Inconclusive, true);
    for void in [skipped(), temporary.clone()] {
        let record = merged(&[void, same()], None).expect("they fit together");
        assert_eq!((record.verdict, record.exit_name), (Verdict::Same, Exit::Ok));
    }
    assert_eq!(merged(&[temporary], None).expect("it is one").exit_name, Exit::Temporary);
}

#[test]
fn what_the_environment_is_ill_of_does_not_give_way() {
    let mut ill = same();
    let broken = cell(&mut ill);
    (broken.verdict, broken.broken_before) = (Verdict::Inconclusive, true);
    let record = merged(&[ill, same()], None).expect("they fit together");
    assert_eq!(record.scenarios[0].cells[0].reason, "results disagree: ill without the patch, same");
    assert_eq!(record.exit_name, Exit::Undecided);
}

#[test]
fn a_cell_without_a_result_is_counted_and_undecided() {
    let merged = merge(&[same()], Some(&plan(2))).expect("it fits");
    let missing: Vec<&CellId> = merged.missing().collect();
    assert_eq!((missing, merged.exit()), (vec![&numbered(1).id], Exit::Undecided));
    let record = fold(&merged.events((RunId("r".to_owned()), Timestamp::UNIX_EPOCH), Exit::Undecided, Vec::new()));
    assert_eq!((record.counts[&Verdict::Same], record.counts[&Verdict::Skipped]), (1, 1));
    let never_run = merge(&[skipped()], None).expect("it is a result");
    assert_eq!((never_run.missing().count(), never_run.exit()), (1, Exit::Undecided));
    assert_eq!(merge(&[], Some(&plan(2))).expect("a plan is enough").exit(), Exit::Undecided);
    assert_eq!(merge(&[], None), Err(MergeError::Nothing));
}

#[test]
fn a_cell_that_the_run_added_is_taken_and_one_of_another_plan_is_not() {
    let added = recorded(&vec![(vec![page("a"); 2], vec![page("a")]); 2], |_| true);
    let mut of_one = plan(2);
    of_one.cells.truncate(1);
    assert_eq!(merged(&[part(&added)], Some(&of_one)).expect("it differs in products").counts[&Verdict::Same], 2);
    let mut changed = same();
    cell(&mut changed).id = CellId("c9".to_owned());
    let mut foreign = changed.clone();
    cell(&mut foreign).patches = vec!["other".to_owned()];
    let mut cut_off = changed.clone();
    cell(&mut cut_off).given = Given::CutOff;
    for (part, names) in [(changed, "fix0"), (foreign, "other"), (cut_off, "fix0")] {
        let refused = MergeError::OtherPlan {
            path: "part.json".into(),
            cell: CellId("c9".to_owned()),
            names: format!("shop · box · {names}"),
        };
        assert_eq!(merged(&[part], Some(&plan(1))), Err(refused));
    }
}

#[test]
fn results_of_different_versions_of_a_scenario_are_refused() {
    let mut other = same();
    other.record.scenarios[0].digest = Some(Digest::of(b"edited"));
    other.path = "other.json".into();
    let refused =
        MergeError::OtherScenario { one: "part.json".into(), other: "other.json".into(), file: "shop.yaml".to_owned() };
    assert_eq!(merge(&[same(), other], None), Err(refused));
}

fn written(root: &Utf8Path, name: &str, bytes: &[u8]) -> Utf8PathBuf {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn records_are_found_in_folders_and_in_the_folders_of_runs() {
    let (_folder, root) = folder();
    let record = same().record;
    let json = serde_json::to_vec(&record).expect("records are JSON");
    written(&root, "b/part-2.json", &json);
    written(&root, "a/part-1.json", &json);
    written(&root, "plan.json", &serde_json::to_vec(&plan(1)).expect("plans are JSON"));
    written(&root, "junit.xml", b"<testsuites/>");
    let state = State::open(&root.join("state")).expect("the state folder opens");
    let run = RunId("2026-11-23-1a2b".to_owned());
    let events = super::events(&[page("a"), page("a")], &[page("a")]);
    state.keep(&run, &events).expect("it is kept");
    let found = parts(std::slice::from_ref(&root)).expect("all can be read");
    let names: Vec<&str> = found.iter().map(|part| part.path.strip_prefix(&root).expect("below it").as_str()).collect();
    assert_eq!(names, ["a/part-1.json", "b/part-2.json", "state/runs/2026-11-23-1a2b"]);
    assert_eq!((&found[0].record, found[2].record.verdict), (&record, Verdict::Same));
}

#[test]
fn a_record_that_ends_anywhere_too_early_is_told_as_such() {
    let (_folder, root) = folder();
    let json = serde_json::to_vec(&same().record).expect("records are JSON");
    for end in 0..json.len() {
        let path = written(&root, "part.json", &json[..end]);
        let Err(PartError::Document(error @ DocumentError::Broken { .. })) = parts(&[path]) else {
            panic!("cut off at {end} it was taken");
        };
        assert!(error.remedy().starts_with("it ends too early"), "cut off at {end}: {error:?}");
    }
}

#[test]
fn what_is_no_record_is_told_by_what_it_is() {
    let (_folder, root) = folder();
    let told = |bytes: &[u8]| match parts(&[written(&root, "part.json", bytes)]) {
        Err(error) => error.to_string().replace(root.as_str(), ""),
        Ok(_) => "taken".to_owned(),
    };
    assert_eq!(told(b"[1]"), "`/part.json` is no record");
    assert_eq!(
        told(b"{\"schema\": \"patchbed/plan/1\"}"),
        "`/part.json` is no record: its schema is `patchbed/plan/1`"
    );
    let later = "`/part.json` was made by another version of patchbed: its schema is `patchbed/record/2`, \
                 this one knows `patchbed/record/1`";
    assert_eq!(told(b"{\"schema\": \"patchbed/record/2\"}"), later);
    assert_eq!(told(b"{\"schema\": \"patchbed/record/1\"}"), "read `/part.json`");
    assert_eq!(told(b"<xml/>"), "read `/part.json`");
    assert_eq!(
        parts(&[root.join("nowhere.json")]).expect_err("it is not there").to_string(),
        format!("read `{root}/nowhere.json`")
    );
}
