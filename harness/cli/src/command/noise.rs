//! `noise`: scenarios without their patches, run again and again: how much they move by themselves.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_engine::judge::{Moves, Moving, Scatter, Shown};
use patchbed_engine::plan::{CellNames, Plan};
use patchbed_engine::run::{EventSink, Options};
use patchbed_engine::scenario::Scenario;
use patchbed_engine::store::exit;
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{CellId, Event, Exit, Health, Key, Outcome, Record, Snapshot, Verdict};
use patchbed_report::{safe, words};

use super::{loading, run, sandboxes};
use crate::arguments::{NoiseArguments, Outputs, Progress, Selection};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Sinks;

/// What the attempts of each cell showed.
type Snapshots = BTreeMap<CellId, Vec<Snapshot>>;

/// The folder of these runs below that of the others: they are nobody's last run.
pub(super) const KEPT: &str = "noise";

/// How many values of a reading are shown, and how many characters of each.
const VALUES: usize = 4;
const LONGEST: usize = 40;

pub(super) fn execute(context: &Context, arguments: &NoiseArguments) -> Result<Exit, Failure> {
    let plan = planned(context, arguments)?;
    sandboxes::sweep_leftovers(context);
    let options = run::ordinary(context, &arguments.means);
    let (noise, _) = made(context, &plan, options, &Outputs::plain(arguments.progress, arguments.json))?;
    sandboxes::shrink(context, arguments.means.cache_size)?;
    if arguments.json {
        context.output.json(&noise)?;
    } else {
        let look = context.output.look();
        noise.lines().iter().for_each(|line| context.output.line(&safe::shown(line, look)));
    }
    Ok(noise.exit)
}

/// Makes the attempts, and gives back what each of them showed beside what is said of all.
fn made(context: &Context, plan: &Plan, options: Options, outputs: &Outputs) -> Result<(Noise, Snapshots), Failure> {
    let harness = run::harness(context, options, &context.folders.kept(KEPT))?;
    let mut sinks = Sinks::new(context, outputs, &harness.state)?;
    let mut listener = Listener { sinks: &mut sinks, snapshots: BTreeMap::new() };
    let made = run::make(context, plan, &harness, &mut listener);
    let snapshots = listener.snapshots;
    sinks.finish();
    let (record, seen) = made?;
    // The attempts were all that counted; what they taught waits for review.
    harness.state.remove(&record.run)?;
    Ok((Noise::of(plan, &record, &snapshots, run::ended(measured(&record), seen)), snapshots))
}

/// What a scenario shows without its patch.
pub(super) struct Still {
    /// How the attempts ended.
    pub(super) exit: Exit,
    /// Why the environment is ill, or nothing could be seen, where that is so.
    pub(super) reason: Option<String>,
    /// What is ill.
    pub(super) ill: BTreeSet<Key>,
    /// What moves, one line each.
    pub(super) moves: Vec<String>,
}

/// Makes so many attempts of a scenario without its patch.
pub(super) fn still(context: &Context, scenario: Scenario, attempts: u32, options: Options) -> Result<Still, Failure> {
    let selection = Selection { select: None, cell: Vec::new(), last_failed: false };
    let plan = loading::planned(context, vec![scenario.without_patch(attempts)], &selection)?;
    let (noise, snapshots) = made(context, &plan, options, &Outputs::plain(Progress::Auto, false))?;
    let readings = snapshots.values().flatten().flat_map(|snapshot| &snapshot.readings);
    let ill = readings.filter(|(_, reading)| reading.health == Some(Health::Bad)).map(|(key, _)| key.clone()).collect();
    let moves = noise.cells.iter().flat_map(|cell| &cell.moves.moving).map(|one| one.key.to_string()).collect();
    let reason = noise.cells.into_iter().find_map(|cell| cell.reason);
    Ok(Still { exit: noise.exit, reason, ill, moves })
}

/// The cells of the scenarios without patches: those that differ only in these are one.
fn planned(context: &Context, arguments: &NoiseArguments) -> Result<Plan, Failure> {
    let mut scenarios = loading::scenarios(context, &arguments.files)?;
    for scenario in &mut scenarios {
        scenario.limits.time = arguments.means.timeout.unwrap_or(scenario.limits.time);
    }
    let alone = scenarios.into_iter().map(|scenario| scenario.without_patch(arguments.attempts)).collect();
    let selection = Selection { select: arguments.select.clone(), cell: Vec::new(), last_failed: false };
    let plan = loading::planned(context, alone, &selection)?;
    loading::not_empty(&plan)?;
    Ok(plan)
}

/// How the command ends: that attempts disagree is what was to be found out.
fn measured(record: &Record) -> Exit {
    if matches!(record.exit_name, Exit::Interrupted | Exit::Terminated) {
        return record.exit_name;
    }
    let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let undecided: Vec<_> = cells.filter(|cell| cell.verdict != Verdict::Unstable).collect();
    if undecided.is_empty() { Exit::Ok } else { exit(undecided) }
}

/// Hears what each attempt showed.
struct Listener<'a> {
    sinks: &'a mut Sinks,
    snapshots: Snapshots,
}

impl EventSink for Listener<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::AttemptFinished { attempt, outcome, .. } = event
            && let Outcome::Observed(snapshot) = &**outcome
        {
            self.snapshots.entry(attempt.cell.clone()).or_default().push(snapshot.clone());
        }
        self.sinks.event(event);
    }
}

/// What was found out, as it is printed.
#[derive(serde::Serialize)]
struct Noise {
    schema: &'static str,
    #[serde(rename = "exit_name")]
    exit: Exit,
    cells: Vec<Cell>,
}

/// What was found out of one cell.
#[derive(serde::Serialize)]
struct Cell {
    names: CellNames,
    /// Why nothing or little was measured, when that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    moves: Moves,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl Noise {
    fn of(plan: &Plan, record: &Record, snapshots: &Snapshots, exit: Exit) -> Self {
        let cell = |cell: &patchbed_engine::plan::PlanCell| {
            let mut recorded = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
            let recorded = recorded.find(|other| other.id == cell.id);
            let ill = recorded.filter(|one| one.verdict != Verdict::Same);
            Cell {
                names: cell.names(),
                reason: ill.map(|one| one.reason.clone()),
                moves: Moves::of(snapshots.get(&cell.id).map(Vec::as_slice).unwrap_or_default()),
                notes: recorded.map(|one| one.notes.clone()).unwrap_or_default(),
            }
        };
        Self { schema: "patchbed/noise/1", exit, cells: plan.cells.iter().map(cell).collect() }
    }

    fn lines(&self) -> Vec<String> {
        self.cells.iter().flat_map(Cell::lines).collect()
    }
}

impl Cell {
    fn lines(&self) -> Vec<String> {
        let Moves { attempts, still, bound, moving, metrics } = &self.moves;
        let on = self.names.software.iter().fold(String::new(), |on, product| format!("{on} + {product}"));
        let made = words::count(usize::try_from(*attempts).unwrap_or(usize::MAX), "attempt");
        let mut lines = vec![format!("{} · {}{on} · {made}", self.names.scenario, self.names.image)];
        lines.extend(self.reason.iter().map(|reason| format!("  {}", one_line(reason))));
        let widest = moving.iter().map(|one| one.key.as_str()).chain(metrics.iter().map(|one| one.key.as_str()));
        let widest = widest.map(str::len).max().unwrap_or_default();
        lines.extend(moving.iter().map(|one| moves(one, *attempts, widest)));
        lines.extend(metrics.iter().map(|one| scatters(one, widest)));
        if *attempts > 0 {
            let percent = bound * 100.0;
            lines.push(format!(
                "  {} still; each moves in at most {percent:.0} % of attempts, at 95 % confidence",
                if *still == 1 { "1 reading stands".to_owned() } else { format!("{still} readings stand") }
            ));
        }
        lines.extend(self.notes.iter().map(|note| format!("  {}", one_line(note))));
        lines
    }
}

fn moves(one: &Moving, attempts: u32, widest: usize) -> String {
    let value = |shown: &Shown| {
        let value = shorten(&one_line(&shown.value), LONGEST);
        if shown.times == 1 { format!("`{value}`") } else { format!("`{value}` {} times", shown.times) }
    };
    let mut shown: Vec<String> = one.values.iter().take(VALUES).map(value).collect();
    if one.values.len() > VALUES {
        shown.push(format!("{} more", one.values.len() - VALUES));
    }
    let gone = attempts.saturating_sub(one.present);
    shown.extend((gone > 0).then(|| format!("not there in {gone} of {attempts}")));
    format!("  {:<10}  {:<widest$}  {}", one.how, one.key.as_str(), shown.join(", "))
}

fn scatters(one: &Scatter, widest: usize) -> String {
    let unit = one.unit.as_deref().unwrap_or_default();
    let told = match one.told_from {
        _ if !one.compared => String::new(),
        None => "; too few attempts to tell any change".to_owned(),
        Some(from) if one.median > 0.0 => format!("; from {:.0} % on a change can be told", from / one.median * 100.0),
        Some(from) => format!("; from {} {unit} on a change can be told", number(from)),
    };
    let range = format!("median {} {unit}, {} to {}", number(one.median), number(one.least), number(one.most));
    format!("  {:<10}  {:<widest$}  {range}{told}", "metric", one.key.as_str())
}

/// A number with as many digits as mean something.
fn number(number: f64) -> String {
    if number.abs() >= 100.0 || number.fract().abs() < f64::EPSILON {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}
