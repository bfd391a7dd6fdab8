//! `run`: load, plan, run, report.

use std::sync::Arc;

use camino::Utf8Path;
use patchbed_engine::plan::{Plan, PlanCell};
use patchbed_engine::run::{
    BaselineChoice, Candidates, Clock, EventSink, FailOn, Harness, Keep, Options, RunError, Searching, SystemClock, run,
};
use patchbed_engine::scenario::Scenario;
use patchbed_engine::store::State;
use patchbed_model::{CellId, Exit, Record};
use patchbed_report::{Report as _, Terminal};
use patchbed_sandbox::{Backend as _, LackWeight, NamespacesBackend};

use super::resume::{self, Resumed};
use super::{loading, plan, review, sandboxes, share, shell};
use crate::arguments::{self, Baseline, Files, How, Means, RunArguments, ShellArguments};
use crate::clock::EpochClock;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Sinks;
use crate::reports::{self, Wanted};
use crate::signals::Signals;

pub(super) fn execute(context: &Context, arguments: RunArguments) -> Result<Exit, Failure> {
    let Resumed { arguments, run } = resume::arguments(context, arguments)?;
    one_document_on_standard_output(&arguments)?;
    somebody_for_a_shell(context, &arguments.how)?;
    let mut reports = reports::all(&arguments.result.report)?;
    let mut scenarios = loading::scenarios(context, &arguments.files)?;
    for scenario in &mut scenarios {
        overrule(scenario, &arguments.how);
    }
    let plan = loading::planned(context, scenarios, &arguments.selection)?;
    loading::not_empty(&plan)?;
    let plan = share::of(plan, &arguments.share)?;
    reports.extend(share::blob(&plan, &arguments.share)?);
    if arguments.budget.is_some() {
        with_a_bundle(&plan)?;
    }
    if arguments.how.dry_run {
        plan::print(context, &plan, arguments.result.json)?;
        return Ok(Exit::Ok);
    }
    sandboxes::sweep_leftovers(context);
    let kept = share::Kept::new(context, &arguments.share)?;
    let mut harness = harness(context, options(context, &arguments), kept.path())?;
    harness.options.resume = run;
    if arguments.how.no_cache {
        harness.store = Arc::new(sandboxes::fresh_store(context)?);
    }
    let mut sinks = Sinks::new(context, &arguments.result, &harness.state)?;
    let made = make(context, &plan, &harness, &mut sinks);
    sinks.finish();
    if arguments.how.no_cache {
        sandboxes::remove_fresh_store(context)?;
    }
    sandboxes::shrink(context, arguments.how.means.cache_size)?;
    let (record, seen) = made?;
    let worse = if arguments.how.shell_fail { first_worse(&record) } else { None };
    let kept = keeps(&arguments.how, &record);
    let exit = report(context, &harness.state, record, seen, (&reports, arguments.result.json))?;
    if kept {
        context.output.say("disks are kept for 24 h: `patchbed shell --kept CELL`");
    }
    if let Some(cell) = worse.filter(|_| seen.is_none()) {
        context.output.say(&format!("a shell in cell {cell}, with the patch in:"));
        shell::execute(context, &ShellArguments::patched(cell.0))?;
    }
    Ok(exit)
}

/// Whether there may be disks to look at.
fn keeps(how: &How, record: &Record) -> bool {
    match how.keep {
        arguments::Keep::Never => false,
        arguments::Keep::Failed => record.verdict.exit() != Exit::Ok,
        arguments::Keep::All => true,
    }
}

/// A search needs several patches.
fn with_a_bundle(plan: &Plan) -> Result<(), Failure> {
    match plan.cells.iter().find(|cell| cell.patches().count() < 2) {
        None => Ok(()),
        Some(cell) => {
            let text = format!("cell {} has no bundle: there is nothing to search in one patch", cell.id);
            Err(Failure::say(Exit::Usage, text).help("`patchbed plan` lists the cells with their patches"))
        }
    }
}

/// The first cell that the patch made worse.
fn first_worse(record: &Record) -> Option<CellId> {
    let mut cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    cells.find(|cell| cell.verdict.exit() == Exit::Regressed).map(|cell| cell.id.clone())
}

/// A shell is for a person.
fn somebody_for_a_shell(context: &Context, how: &How) -> Result<(), Failure> {
    if how.shell_fail && !context.interactive {
        let failure = Failure::say(Exit::Usage, "`--shell-fail` needs a terminal");
        return Err(failure.help("`patchbed shell CELL -c TEXT` runs one command without a terminal"));
    }
    Ok(())
}

/// The record and the events on one stream could be read by nobody.
fn one_document_on_standard_output(arguments: &RunArguments) -> Result<(), Failure> {
    if arguments.result.json && arguments.result.events.as_deref().is_some_and(|path| path == "-") {
        let failure = Failure::say(Exit::Usage, "`--json` and `--events -` both write to standard output");
        return Err(failure.help("write the events to a file: `--events FILE`"));
    }
    Ok(())
}

/// What flags say instead of the scenario.
fn overrule(scenario: &mut Scenario, how: &How) {
    if let Some(attempts) = how.attempts {
        scenario.attempts.control = attempts;
        scenario.attempts.patched = attempts;
    }
    if let Some(time) = how.means.timeout {
        scenario.limits.time = time;
    }
}

/// How the run is run, as its arguments say.
fn options(context: &Context, arguments: &RunArguments) -> Options {
    let how = &arguments.how;
    Options {
        baseline: match how.baseline {
            Baseline::Control => BaselineChoice::Control,
            Baseline::Stored => BaselineChoice::Stored,
            Baseline::Both => BaselineChoice::Both,
        },
        fail_on: match arguments.result.fail_on {
            arguments::FailOn::Regressed => FailOn::Regressed,
            arguments::FailOn::Changed => FailOn::Changed,
        },
        keep: match how.keep {
            arguments::Keep::Never => Keep::Never,
            arguments::Keep::Failed => Keep::Failed,
            arguments::Keep::All => Keep::All,
        },
        first_failure_ends: how.exit_first,
        searching: arguments.budget.map_or(Searching::Automatic, Searching::Asked),
        cached: how.cached,
        ..ordinary(context, &how.means)
    }
}

/// What holds for every run of a scenario.
pub(super) fn ordinary(context: &Context, means: &Means) -> Options {
    Options {
        jobs: means.jobs.map_or_else(jobs, usize::from),
        snapshots: Some(review::SNAPSHOTS.into()),
        candidates: if context.environment.ci { Candidates::Skip } else { Candidates::Write },
        offline: means.offline,
        arguments: std::env::args().skip(1).collect(),
        host: Some(crate::host::host()),
        ..Options::default()
    }
}

/// What the run works with. The runner is started here, while this program is still small.
pub(super) fn harness(context: &Context, options: Options, kept: &Utf8Path) -> Result<Harness, Failure> {
    let backend = able_backend(context)?;
    let clock: Arc<dyn Clock> = match context.epoch {
        Some(epoch) => Arc::new(EpochClock::new(epoch)),
        None => Arc::new(SystemClock::new()),
    };
    let (store, state) = (Arc::new(sandboxes::store(context)?), State::open(kept)?);
    Ok(Harness { backend: Arc::new(backend), store, state, clock, options })
}

/// The backend, when this machine can make sandboxes at all.
fn able_backend(context: &Context) -> Result<NamespacesBackend, Failure> {
    let backend = sandboxes::backend(context);
    let mut lacks = backend.check();
    lacks.retain(|lack| lack.weight == LackWeight::Fatal);
    if !lacks.is_empty() {
        return Err(Failure::from(RunError::Unable(lacks)).help("`patchbed doctor` tells more"));
    }
    backend.warm()?;
    Ok(backend)
}

/// What one reopened cell is made with.
pub(super) fn harness_for_one(context: &Context) -> Result<Harness, Failure> {
    let backend = Arc::new(able_backend(context)?);
    let store = Arc::new(sandboxes::store(context)?);
    let state = State::open(&context.folders.kept)?;
    let options = Options { snapshots: Some(review::SNAPSHOTS.into()), ..Options::default() };
    Ok(Harness { backend, store, state, clock: Arc::new(SystemClock::new()), options })
}

/// The cell of the last run whose id begins so, planned again from its file; `None` when that run has none.
pub(super) fn cell_of_last_run(context: &Context, prefix: &str) -> Result<Option<PlanCell>, Failure> {
    if !context.folders.kept.is_dir() {
        return Ok(None);
    }
    let state = State::open(&context.folders.kept)?;
    let Ok(run) = state.find(None) else { return Ok(None) };
    let record = state.record(&run)?;
    let has = |id: &str| id.starts_with(prefix);
    let Some(scenario) = record.scenarios.iter().find(|s| s.cells.iter().any(|cell| has(&cell.id.0))) else {
        return Ok(None);
    };
    let id = super::show::find_cell(&record, prefix)?;
    let Resumed { mut arguments, .. } = resume::of_run(&state, &run)?;
    let set = resume::known(arguments.files.set, Vec::new())
        .map_err(|failure| failure.help("run it again with the value in the scenario's `variables:`"))?;
    arguments.files = Files { files: vec![scenario.file.clone().into()], set };
    let mut scenarios = loading::scenarios(context, &arguments.files)?;
    for scenario in &mut scenarios {
        overrule(scenario, &arguments.how);
    }
    let plan = loading::planned(context, scenarios, &resume::everything())?;
    let cells = scenario.cells.iter().filter(|cell| cell.id == id);
    let products = cells.flat_map(|cell| cell.software.iter().cloned()).collect();
    // A cell that the run added is one of the plan with other products.
    let cell = plan.cells.iter().map(|cell| cell.with_products(&products)).find(|cell| cell.id == id);
    cell.map(Some).ok_or_else(|| {
        let failure = Failure::say(Exit::Usage, format!("`{}` changed since the run", scenario.file));
        failure.help("run it again: a cell is what its scenario says, and that is another one now")
    })
}

/// Runs the plan. Gives back the record, and the signal that ended it, if one did.
pub(super) fn make(
    context: &Context,
    plan: &Plan,
    harness: &Harness,
    sink: &mut dyn EventSink,
) -> Result<(Record, Option<Exit>), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (record, seen) = runtime.block_on(async {
        let (signals, cancel) = Signals::listen(Arc::clone(&context.output))?;
        let record = run(plan, harness, sink, &cancel).await;
        Ok::<_, Failure>((record, signals.seen()))
    })?;
    // What still runs is a wait that nobody needs any more.
    runtime.shutdown_background();
    Ok((record?, seen))
}

/// How the run ended: which signal it was is known here, that it was cut off also in the record.
pub(super) const fn ended(recorded: Exit, seen: Option<Exit>) -> Exit {
    match (recorded, seen) {
        (recorded, None) => recorded,
        (Exit::Interrupted | Exit::Terminated, Some(seen)) => seen,
        (recorded, Some(seen)) => recorded.max(seen),
    }
}

/// Prints and writes the result.
pub(super) fn report(
    context: &Context,
    state: &State,
    mut record: Record,
    seen: Option<Exit>,
    (reports, json): (&[Wanted], bool),
) -> Result<Exit, Failure> {
    let exit = ended(record.exit_name, seen);
    record.exit_name = exit;
    record.exit = exit.code();
    let folder = state.run_folder(&record.run);
    let own = Wanted { format: patchbed_report::Format::Json, path: None };
    let written: Vec<Result<(), Failure>> =
        std::iter::once(&own).chain(reports).map(|report| report.write(&record, &folder, &context.output)).collect();
    if json {
        context.output.json(&record)?;
    } else {
        let mut bytes = Vec::new();
        let screen = Terminal::new(context.output.look().clone()).kept_at(context.folders.kept("last").as_str());
        screen.write(&record, &mut bytes)?;
        context.output.result(&bytes);
        if matches!(exit, Exit::Undecided | Exit::BrokenBefore | Exit::Temporary) {
            context.output.say(&format!(
                "`patchbed explain {}` tells what exit code {} means",
                exit.code(),
                exit.code()
            ));
        }
    }
    Ok(written.into_iter().filter_map(Result::err).fold(exit, |exit, failure| {
        context.fail(&failure);
        exit.max(failure.exit())
    }))
}

/// One attempt for each processor, as long as each may have a gigabyte of the free memory.
fn jobs() -> usize {
    const GIGABYTE: u64 = 1 << 20;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let fitting = available.map_or(processors, |kilobytes| usize::try_from(kilobytes / GIGABYTE).unwrap_or(processors));
    processors.min(fitting.max(1))
}
