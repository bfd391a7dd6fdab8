//! Runs in the store of a project that nobody made: for commands that only read.

use patchbed_engine::store::State;
use patchbed_model::event::PlannedCell;
use patchbed_model::{CellId, Digest, Event, Exit, Given, Judgement, RunId, Verdict};

use crate::project::Project;

/// Stores a run with one cell of this verdict, on an image of its own.
pub(crate) fn run(project: &Project, id: &str, verdict: Verdict) {
    let at = "2026-11-23T10:00:00Z".parse().expect("a time stamp");
    let cell = CellId("c7f220000000".to_owned());
    let planned = PlannedCell {
        id: cell.clone(),
        scenario: "shop".to_owned(),
        title: "the shop keeps working".to_owned(),
        file: "scenarios/shop.yaml".to_owned(),
        image: "debian-web".to_owned(),
        image_digest: Some(Digest::of(id.as_bytes())),
        patches: vec!["april-2026".to_owned()],
        software: vec!["bank-plugin".to_owned()],
        given: Given::OneByOne,
        trial_of: None,
    };
    let judgement = Judgement {
        verdict,
        reason: format!("it is {verdict}"),
        broken_before: false,
        temporary: false,
        differences: Vec::new(),
        causes: Vec::new(),
        ill: Vec::new(),
        volatile: Vec::new(),
        metrics: Vec::new(),
        notes: Vec::new(),
        noise_bound: 0.5,
    };
    let run = RunId(id.to_owned());
    let started = Event::RunStarted {
        run: run.clone(),
        at,
        version: "0.1.0".to_owned(),
        sources: Vec::new(),
        arguments: Vec::new(),
        host: None,
    };
    let events = [
        started,
        Event::CellPlanned(planned),
        Event::CellJudged { cell, judgement: Box::new(judgement) },
        Event::RunFinished { at, exit: Exit::Ok },
    ];
    let state = State::open(&project.path().join(".patchbed")).expect("a state folder");
    drop(state.begin(&run, &events).expect("a journal"));
    state.write_record(&state.record(&run).expect("a record")).expect("written");
}
