//! A world without a kernel: one scenario, its services and patches, and a guest that answers as a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8Path;
use patchbed_kinds::change::{AnyChange, Prepared};
use patchbed_kinds::image::{Image, Store};
use patchbed_model::{Arm, Cause, Digest, Event, Exit, Record};
use patchbed_sandbox::FakeBackend;
use patchbed_sandbox::fake::{Answer, Asked, Happened};
use patchbed_sandbox::message::{End, Failure, FailureKind, Output, Ran, Reply, Request, ServiceState, Usage};

use super::super::begin::run_on;
use super::super::prepare::{Ground, PreparedPatch};
use super::super::{Cancel, Canceller, EventSink, Harness, Options, RunError, SystemClock};
use crate::fixtures::scenario;
use crate::plan::{Plan, PlanCell, Selection, plan};
use crate::scenario::Scenario;
use crate::store::State;

/// What is inside one sandbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside {
    /// Its arm.
    pub(super) arm: Arm,
    /// Whether the patch is in.
    pub(super) patched: bool,
    /// How often the service was started.
    pub(super) starts: u32,
    /// The number of the sandbox among those of its arm, from 0.
    pub(super) number: usize,
}

type Says = dyn Fn(&Inside, &[String]) -> Option<Answer> + Send + Sync;

/// Everything a test needs.
pub(super) struct World {
    pub(super) scenario: Scenario,
    pub(super) options: Options,
    pub(super) backend: FakeBackend,
    pub(super) folder: Arc<tempfile::TempDir>,
    pub(super) cancel: Cancel,
    pub(super) events: Vec<Event>,
}

/// A program's end, with what it printed.
pub(super) fn ran(end: End, text: &str) -> Answer {
    let output = |text: &str| Output {
        text: text.to_owned(),
        total: text.len() as u64,
        digest: Digest::of(text.as_bytes()).hex().to_owned(),
    };
    Answer::Now(Reply::Ran(Ran { end, output: output(text), errors: output(""), microseconds: 1000 }))
}

/// A failure of the guest.
pub(super) fn failed(kind: FailureKind, text: &str) -> Answer {
    Answer::Now(Reply::Failed(Failure { kind, text: text.to_owned() }))
}

impl World {
    /// A world in which all is well and the patch changes nothing. `says` goes first: it is asked with the words of
    /// each program that runs, or the name of each other request, such as `start` or `usage`.
    pub(super) fn new(says: impl Fn(&Inside, &[String]) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        Self {
            scenario: scenario(),
            options: Options::default(),
            backend: backend(Box::new(says)),
            folder,
            cancel: Cancel::never(),
            events: Vec::new(),
        }
    }

    pub(super) fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).expect("the folder's path is UTF-8")
    }

    pub(super) fn plan(&self) -> Plan {
        plan([self.scenario.clone()], &Selection::default()).expect("one scenario makes a plan")
    }

    pub(super) fn state(&self) -> State {
        State::open(&self.root().join("state")).expect("the state folder opens")
    }

    pub(super) fn harness(&self) -> Harness {
        Harness {
            backend: Arc::new(self.backend.clone()),
            store: Arc::new(Store::open(self.root().join("store")).expect("the store opens")),
            state: self.state(),
            clock: Arc::new(SystemClock::new()),
            options: self.options.clone(),
        }
    }

    /// Runs the scenario.
    pub(super) async fn run(&mut self) -> Result<Record, RunError> {
        self.run_with(|cell| Ok(Ok(ground(cell)))).await
    }

    /// Runs the scenario on other grounds.
    pub(super) async fn run_with(
        &mut self,
        ground: impl Fn(&PlanCell) -> Result<Result<Ground, Cause>, RunError>,
    ) -> Result<Record, RunError> {
        let (plan, harness, cancel) = (self.plan(), self.harness(), self.cancel.clone());
        let sink = &mut Listener(&mut self.events);
        run_on(&plan, &harness, (sink, &cancel), async |cell| ground(cell)).await
    }

    /// Runs the scenario where it takes so long to make what each cell stands on.
    pub(super) async fn run_slowly(&mut self, each: Duration) -> Result<Record, RunError> {
        let (plan, harness, cancel) = (self.plan(), self.harness(), self.cancel.clone());
        let sink = &mut Listener(&mut self.events);
        let slow = async |cell: &PlanCell| {
            tokio::time::sleep(each).await;
            Ok(Ok(ground(cell)))
        };
        run_on(&plan, &harness, (sink, &cancel), slow).await
    }

    /// Runs the scenario, interrupts it after so many seconds, and has the next run go on with it. The record of the run that
    /// was cut off; nothing of one that had ended before.
    pub(super) async fn cut_off(&mut self, seconds: u64) -> Option<Record> {
        let (canceller, cancel) = Canceller::new();
        self.cancel = cancel;
        let signal = async {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            canceller.cancel();
        };
        let (cut, ()) = tokio::join!(self.run(), signal);
        let cut = cut.expect("the run ends");
        self.cancel = Cancel::never();
        self.options.resume = Some(cut.run.clone());
        Some(cut).filter(|cut| cut.exit_name == Exit::Interrupted)
    }

    /// How many sandboxes were opened for attempts of this arm.
    pub(super) fn opened(&self, arm: Arm) -> usize {
        let of = |happened: &&Happened| matches!(happened, Happened::Opened(_, spec) if arm_of(&spec.name) == arm);
        self.backend.happened().iter().filter(of).count()
    }
}

struct Listener<'a>(&'a mut Vec<Event>);

impl EventSink for Listener<'_> {
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

/// What attempts stand on, without an image.
pub(super) fn ground(cell: &PlanCell) -> Ground {
    let image = Image { digest: Digest::of(b"image"), lowers: Vec::new(), host_root: false, hidden: Vec::new() };
    let prepared = |changes: &[AnyChange]| -> Vec<Prepared> {
        changes.iter().map(|_| Prepared { digest: Digest::of(b"change"), binds: Vec::new() }).collect()
    };
    let patches = cell.patches().map(|p| PreparedPatch { apply: prepared(&p.apply), revert: prepared(&p.revert) });
    Ground::new(cell, image, Ok(patches.collect()))
}

fn arm_of(name: &str) -> Arm {
    if name.ends_with("patched") { Arm::Patched } else { Arm::Control }
}

/// A backend whose guests follow the words of programs: `patch`, `unpatch`, `look`, `work`.
fn backend(says: Box<Says>) -> FakeBackend {
    let insides: Mutex<BTreeMap<usize, Inside>> = Mutex::default();
    FakeBackend::new(move |asked| {
        let mut insides = insides.lock().expect("no answer panics while it holds the lock");
        let arm = arm_of(&asked.spec.name);
        let number = insides.values().filter(|inside| inside.arm == arm).count();
        let inside = insides.entry(asked.sandbox).or_insert(Inside { arm, patched: false, starts: 0, number });
        let words = words(asked);
        let now = *inside;
        happens(inside, &words);
        drop(insides);
        says(&now, &words).unwrap_or_else(|| answer(asked, &now))
    })
}

fn happens(inside: &mut Inside, words: &[String]) {
    match words.first().map(String::as_str) {
        Some("patch") => inside.patched = true,
        Some("unpatch") => inside.patched = false,
        Some("start") => inside.starts += 1,
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most requests are known by their name alone")]
fn words(asked: &Asked<'_>) -> Vec<String> {
    match asked.request {
        Request::Run(run) => run.program.argv.clone(),
        Request::Start(start) => vec!["start".to_owned(), start.name.clone()],
        Request::Stop { name, .. } => vec!["stop".to_owned(), name.clone()],
        other => {
            let text = format!("{other:?}").to_lowercase();
            vec![text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()]
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "this world holds little")]
fn answer(asked: &Asked<'_>, inside: &Inside) -> Answer {
    match asked.request {
        Request::Run(_) => ran(End::Exited(0), "fine"),
        Request::Mark { .. } => Answer::Now(Reply::Done),
        Request::Start(_) | Request::Stop { .. } => Answer::Now(Reply::Service(running(inside, "web"))),
        Request::Services => Answer::Now(Reply::Services(vec![running(inside, "web")])),
        Request::Sockets => Answer::Now(Reply::Sockets(Vec::new())),
        Request::Usage => Answer::Now(Reply::Usage(Usage::default())),
        _ => failed(FailureKind::Unsupported, "not in this world"),
    }
}

/// A service that runs.
pub(super) fn running(inside: &Inside, name: &str) -> ServiceState {
    ServiceState {
        name: name.to_owned(),
        pid: 7,
        end: None,
        processes: vec![7],
        starts: inside.starts,
        deaths: Vec::new(),
        output: Output::default(),
    }
}
