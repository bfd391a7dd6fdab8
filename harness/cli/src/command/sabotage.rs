//! `sabotage`: scenarios with known faults in place of their patches: which would they have noticed?

use std::collections::BTreeMap;

use patchbed_engine::plan::Plan;
use patchbed_engine::run::{BaselineChoice, Candidates, Harness, Options, Searching};
use patchbed_engine::sabotage::{Care, Fault, FaultKind, Finding, Findings, Told, faults, sabotaged};
use patchbed_engine::scenario::Scenario;
use patchbed_engine::store::exit;
use patchbed_model::record::CellRecord;
use patchbed_model::{Exit, Key, Record, Verdict};
use patchbed_report::{Look, Tone, safe, words};

use super::{loading, run, sandboxes};
use crate::arguments::{Outputs, SabotageArguments, Selection};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Sinks;

/// The folder of these runs below that of the others: they are nobody's last run.
pub(super) const KEPT: &str = "sabotage";

/// The faults of each scenario, by its id.
type Known = BTreeMap<String, Vec<Fault>>;

pub(super) fn execute(context: &Context, arguments: &SabotageArguments) -> Result<Exit, Failure> {
    let scenarios = scenarios(context, arguments)?;
    let wanted = wanted(arguments);
    let mut known: Known = scenarios.iter().map(|scenario| (scenario.id.clone(), faults(scenario, &wanted))).collect();
    known.retain(|_, faults| !faults.is_empty());
    if known.is_empty() {
        let failure = Failure::say(Exit::Nothing, "no fault of these kinds fits the scenarios");
        return Err(failure.help("faults are done to services, products, `data:`, and to files that patches write"));
    }
    let rounds = Rounds { context, arguments, scenarios, wanted };
    let plan = rounds.planned(&known, Care::Quick)?;
    loading::not_empty(&plan)?;
    sandboxes::sweep_leftovers(context);
    let harness = run::harness(context, options(context, arguments), &context.folders.kept(KEPT))?;
    let sabotage = rounds.made(&plan, &known, &harness)?;
    sandboxes::shrink(context, arguments.means.cache_size)?;
    if arguments.json {
        context.output.json(&sabotage)?;
    } else {
        let look = context.output.look();
        sabotage.lines(look).iter().for_each(|line| context.output.line(line));
    }
    sabotage.end()
}

fn scenarios(context: &Context, arguments: &SabotageArguments) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios = loading::scenarios(context, &arguments.files)?;
    for scenario in &mut scenarios {
        scenario.limits.time = arguments.means.timeout.unwrap_or(scenario.limits.time);
    }
    Ok(scenarios)
}

/// The kinds that are asked for; all where none is.
fn wanted(arguments: &SabotageArguments) -> Vec<FaultKind> {
    let named: Vec<FaultKind> = arguments.fault.iter().filter_map(|name| FaultKind::named(name)).collect();
    if named.is_empty() { FaultKind::ALL.to_vec() } else { named }
}

/// Two runs: all faults are tried quickly, and what that leaves open as closely as `run` would.
struct Rounds<'a> {
    context: &'a Context,
    arguments: &'a SabotageArguments,
    scenarios: Vec<Scenario>,
    wanted: Vec<FaultKind>,
}

impl Rounds<'_> {
    /// The cells of the scenarios with these faults.
    fn planned(&self, known: &Known, care: Care) -> Result<Plan, Failure> {
        let with_faults = |scenario: &Scenario| Some(sabotaged(scenario.clone(), known.get(&scenario.id)?, care));
        let scenarios = self.scenarios.iter().filter_map(with_faults).collect();
        let selection = Selection { select: self.arguments.select.clone(), cell: Vec::new(), last_failed: false };
        loading::planned(self.context, scenarios, &selection)
    }

    fn made(&self, plan: &Plan, known: &Known, harness: &Harness) -> Result<Sabotage, Failure> {
        let first = self.round(plan, known, harness)?;
        let open = first.open(known);
        let plan = self.planned(&open, Care::Full)?;
        if matches!(first.exit, Exit::Interrupted | Exit::Terminated) || plan.cells.is_empty() {
            return Ok(first);
        }
        Ok(first.then(&self.round(&plan, &open, harness)?))
    }

    fn round(&self, plan: &Plan, known: &Known, harness: &Harness) -> Result<Sabotage, Failure> {
        let mut sinks =
            Sinks::new(self.context, &Outputs::plain(self.arguments.progress, self.arguments.json), &harness.state)?;
        let made = run::make(self.context, plan, harness, &mut sinks);
        sinks.finish();
        let (record, seen) = made?;
        // Its cells are in no file, so that nobody could look at one again.
        harness.state.remove(&record.run)?;
        Ok(Sabotage::of(&record, (known, &self.wanted), seen))
    }
}

/// Faults are compared with attempts of the same day, and teach nobody anything.
fn options(context: &Context, arguments: &SabotageArguments) -> Options {
    Options {
        baseline: BaselineChoice::Control,
        candidates: Candidates::Skip,
        searching: Searching::Never,
        ..run::ordinary(context, &arguments.means)
    }
}

/// What was found out, as it is printed.
#[derive(serde::Serialize)]
struct Sabotage {
    schema: &'static str,
    #[serde(rename = "exit_name")]
    exit: Exit,
    scenarios: Vec<Findings>,
}

impl Sabotage {
    fn of(record: &Record, (known, wanted): (&Known, &[FaultKind]), seen: Option<Exit>) -> Self {
        let faults = |id: &String| known.get(id).map(Vec::as_slice).unwrap_or_default();
        let scenarios: Vec<Findings> =
            record.scenarios.iter().map(|scenario| Findings::of(scenario, faults(&scenario.id), wanted)).collect();
        let exit = run::ended(decided(record), seen);
        Self { schema: "patchbed/sabotage/1", exit, scenarios }
    }

    /// The faults of which more attempts could say something else.
    fn open(&self, known: &Known) -> Known {
        let is_settled = |id: &String, fault: &Fault| {
            let mut faults = self.scenarios.iter().filter(|one| one.scenario == *id).flat_map(|one| &one.faults);
            let same: Vec<&Finding> = faults.by_ref().filter(|one| one.is_of(fault)).collect();
            !same.is_empty() && same.into_iter().all(Finding::is_settled)
        };
        let open = |(id, faults): (&String, &Vec<Fault>)| {
            let open = faults.iter().filter(|fault| !is_settled(id, fault)).cloned().collect();
            (id.clone(), open)
        };
        known.iter().map(open).collect()
    }

    /// These, but for what was found later. How it ends is decided by what was open.
    fn then(self, later: &Self) -> Self {
        let newest = |one: Findings| match later.scenarios.iter().find(|other| other.scenario == one.scenario) {
            Some(other) => one.then(other),
            None => one,
        };
        let scenarios: Vec<Findings> = self.scenarios.into_iter().map(newest).collect();
        let exit = scenarios.iter().map(exit_of).fold(later.exit, Exit::max);
        Self { exit, scenarios, schema: later.schema }
    }

    fn lines(&self, look: &Look) -> Vec<String> {
        self.scenarios.iter().flat_map(|findings| lines(findings, look)).collect()
    }

    /// How the command ends. A scenario that notices nothing is wrong.
    fn end(&self) -> Result<Exit, Failure> {
        let blind: Vec<&Findings> = self.scenarios.iter().filter(|findings| findings.is_blind()).collect();
        let Some(first) = blind.first().filter(|_| self.exit == Exit::Usage) else {
            return Ok(self.exit);
        };
        let others =
            if blind.len() > 1 { format!(", and {} more do the same", blind.len() - 1) } else { String::new() };
        let faults = words::count(usize::try_from(first.injected).unwrap_or(usize::MAX), "fault");
        let failure = Failure::say(Exit::Usage, format!("`{}` notices none of {faults}{others}", first.file));
        Err(failure.help("write probes that say what must go on working"))
    }
}

/// What the findings of a scenario mean for the exit code.
const fn exit_of(findings: &Findings) -> Exit {
    if findings.is_blind() {
        Exit::Usage
    } else if findings.moves.is_some() {
        Exit::Undecided
    } else if findings.injected == 0 {
        Exit::Nothing
    } else {
        Exit::Ok
    }
}

/// How the run of a round ends: that faults are noticed is what was to be found out.
fn decided(record: &Record) -> Exit {
    if matches!(record.exit_name, Exit::Interrupted | Exit::Terminated) {
        return record.exit_name;
    }
    let is_open =
        |cell: &&CellRecord| matches!(cell.verdict, Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped);
    let undecided: Vec<_> = record.scenarios.iter().flat_map(|scenario| &scenario.cells).filter(is_open).collect();
    if undecided.is_empty() { Exit::Ok } else { exit(undecided) }
}

/// What is said of one scenario.
fn lines(findings: &Findings, look: &Look) -> Vec<String> {
    let faults = words::count(findings.faults.len(), "fault");
    let head = safe::shown(&format!("{} · {faults} in place of its patches", findings.scenario), look);
    let rest = said(findings);
    std::iter::once(head).chain(table(findings, look)).chain(rest.iter().map(|line| safe::shown(line, look))).collect()
}

/// One line for each fault, but for those of which nothing is there that could be broken so.
fn table(findings: &Findings, look: &Look) -> Vec<String> {
    let widest = |of: fn(&Finding) -> &str| {
        findings.faults.iter().map(|one| console::measure_text_width(of(one))).max().unwrap_or_default()
    };
    let widths = (widest(|one| one.kind.name()), widest(|one| &one.subject));
    let fitting = findings.faults.iter().filter(|one| one.told != Told::Unfit);
    fitting.map(|one| line(one, widths, look)).collect()
}

/// What the faults say together.
fn said(findings: &Findings) -> Vec<String> {
    let missed = listed(findings, Told::Missed, |one| one.kind.remedy().to_owned());
    let unfit = listed(findings, Told::Unfit, |one| one.reason.clone().unwrap_or_default());
    let idle = findings.idle.iter().map(|key| format!("  {key}")).collect();
    let untried: Vec<&str> = findings.untried.iter().map(|kind| kind.name()).collect();
    let untried =
        (!untried.is_empty()).then(|| format!("Not tried, because nothing is named for it: {}", untried.join(", ")));
    let proof =
        findings.moves.iter().map(|why| format!("Nothing is proved, because of the cell without a fault: {why}"));
    counted(findings)
        .into_iter()
        .chain(section("Blind spots, and what would see them", missed))
        .chain(section("Nothing to break so", unfit))
        .chain(untried)
        .chain(section("No sign of a fault, because it differs without one", idle))
        .chain(proof)
        .collect()
}

/// The faults of which this was told, each with what is to be said of it.
fn listed(findings: &Findings, told: Told, why: fn(&Finding) -> String) -> Vec<String> {
    let told = findings.faults.iter().filter(|one| one.told == told);
    told.map(|one| format!("  {} {}: {}", one.kind.name(), one.subject, why(one))).collect()
}

/// Lines below a heading, if there are any.
fn section(heading: &str, lines: Vec<String>) -> Vec<String> {
    let heading = (!lines.is_empty()).then(|| heading.to_owned());
    heading.into_iter().chain(lines).collect()
}

fn line(one: &Finding, (kinds, subjects): (usize, usize), look: &Look) -> String {
    let (glyph, tone) = match one.told {
        Told::Noticed => (look.pick("✓", "+"), Tone::Good),
        Told::Missed => (look.pick("✗", "x"), Tone::Bad),
        Told::NotInjected | Told::Unfit | Told::Undecided => (look.pick("?", "?"), Tone::Dim),
    };
    let why = one.reason.as_deref().unwrap_or_default();
    let said = match one.told {
        Told::Noticed => format!("{} {}", one.verdict, one.shows.first().map(Key::as_str).unwrap_or_default()),
        Told::Missed => "not noticed".to_owned(),
        Told::NotInjected | Told::Unfit => format!("not injected: {why}"),
        Told::Undecided => format!("{}: {why}", one.verdict),
    };
    let text = format!(" {:<kinds$}  {:<subjects$}  {said}", one.kind.name(), one.subject);
    format!("  {}{}", look.paint(tone, glyph), safe::shown(&text, look))
}

/// How many were noticed, and what that says of other faults of these kinds.
fn counted(findings: &Findings) -> Option<String> {
    let (least, most) = findings.interval?;
    let share = f64::from(findings.noticed) / f64::from(findings.injected) * 100.0;
    Some(format!(
        "noticed {} of {} ({share:.0} %, 95 % interval {:.0} % to {:.0} %)",
        findings.noticed,
        findings.injected,
        least * 100.0,
        most * 100.0
    ))
}
