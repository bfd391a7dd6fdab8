//! `sabotage`: scenarios with known faults in place of their patches: which would they have noticed?

use std::collections::BTreeMap;

use patchbed_engine::plan::Plan;
use patchbed_engine::run::{BaselineChoice, Candidates, Options, Searching};
use patchbed_engine::sabotage::{Fault, FaultKind, Finding, Findings, Told, faults, sabotaged};
use patchbed_engine::scenario::Scenario;
use patchbed_engine::store::exit;
use patchbed_model::text::one_line;
use patchbed_model::{Exit, Record, Verdict};
use patchbed_report::{Look, Tone, safe, words};

use super::{loading, run, sandboxes};
use crate::arguments::{FailOn, Outputs, SabotageArguments, Selection};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Sinks;

/// The folder of these runs below that of the others: they are nobody's last run.
pub(super) const KEPT: &str = "sabotage";

pub(super) fn execute(context: &Context, arguments: &SabotageArguments) -> Result<Exit, Failure> {
    let scenarios = scenarios(context, arguments)?;
    let wanted = wanted(arguments);
    let known: BTreeMap<String, Vec<Fault>> =
        scenarios.iter().map(|scenario| (scenario.id.clone(), faults(scenario, &wanted))).collect();
    let plan = planned(context, scenarios, &known, arguments)?;
    sandboxes::sweep_leftovers(context);
    let options = options(context, arguments);
    let harness = run::harness(context, options, &context.folders.kept(KEPT))?;
    let mut sinks = Sinks::new(context, &outputs(arguments), &harness.state)?;
    let made = run::make(context, &plan, &harness, &mut sinks);
    sinks.finish();
    let (record, seen) = made?;
    // Its cells are in no file, so that nobody could look at one again.
    harness.state.remove(&record.run)?;
    let sabotage = Sabotage::of(&record, &known, seen);
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
        scenario.limits.time = arguments.timeout.unwrap_or(scenario.limits.time);
    }
    Ok(scenarios)
}

/// The kinds that are asked for; all where none is.
fn wanted(arguments: &SabotageArguments) -> Vec<FaultKind> {
    let named: Vec<FaultKind> = arguments.fault.iter().filter_map(|name| FaultKind::named(name)).collect();
    if named.is_empty() { FaultKind::ALL.to_vec() } else { named }
}

/// The cells of the scenarios with their faults. A scenario that no fault fits has none.
fn planned(
    context: &Context,
    scenarios: Vec<Scenario>,
    known: &BTreeMap<String, Vec<Fault>>,
    arguments: &SabotageArguments,
) -> Result<Plan, Failure> {
    let with_faults = |scenario: Scenario| {
        let faults = known.get(&scenario.id).filter(|faults| !faults.is_empty())?;
        Some(sabotaged(scenario, faults))
    };
    let scenarios: Vec<Scenario> = scenarios.into_iter().filter_map(with_faults).collect();
    if scenarios.is_empty() {
        let failure = Failure::say(Exit::Nothing, "no fault of these kinds fits the scenarios");
        return Err(failure.help("faults are done to services, products, `data:`, and to files that patches write"));
    }
    let selection = Selection { select: arguments.select.clone(), cell: Vec::new(), last_failed: false };
    let plan = loading::planned(context, scenarios, &selection)?;
    loading::not_empty(&plan)?;
    Ok(plan)
}

/// Faults are compared with attempts of the same day, and teach nobody anything.
fn options(context: &Context, arguments: &SabotageArguments) -> Options {
    Options {
        baseline: BaselineChoice::Control,
        candidates: Candidates::Skip,
        searching: Searching::Never,
        ..run::ordinary(context, arguments.jobs, arguments.offline)
    }
}

fn outputs(arguments: &SabotageArguments) -> Outputs {
    Outputs {
        fail_on: FailOn::Changed,
        report: Vec::new(),
        progress: arguments.progress,
        json: arguments.json,
        events: None,
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
    fn of(record: &Record, known: &BTreeMap<String, Vec<Fault>>, seen: Option<Exit>) -> Self {
        let faults = |id: &String| known.get(id).map(Vec::as_slice).unwrap_or_default();
        let scenarios: Vec<Findings> =
            record.scenarios.iter().map(|scenario| Findings::of(scenario, faults(&scenario.id))).collect();
        let found = found(record, &scenarios);
        Self { schema: "patchbed/sabotage/1", exit: run::ended(found, seen), scenarios }
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
        let text = format!("`{}` notices none of {}{others}", first.file, words::count(injected(first), "fault"));
        Err(Failure::say(Exit::Usage, text).help("probes say what must go on working: `patchbed explain sabotage`"))
    }
}

fn injected(findings: &Findings) -> usize {
    usize::try_from(findings.injected).unwrap_or(usize::MAX)
}

/// What the findings mean for the exit code.
fn found(record: &Record, scenarios: &[Findings]) -> Exit {
    if matches!(record.exit_name, Exit::Interrupted | Exit::Terminated) {
        return record.exit_name;
    }
    let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let undecided: Vec<_> = cells
        .filter(|cell| matches!(cell.verdict, Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped))
        .collect();
    let undecided = if undecided.is_empty() { Exit::Ok } else { exit(undecided) };
    let each = scenarios.iter().map(|findings| match findings {
        blind if blind.is_blind() => Exit::Usage,
        moving if moving.moves.is_some() => Exit::Undecided,
        none if none.injected == 0 => Exit::Nothing,
        _ => Exit::Ok,
    });
    each.fold(undecided, Exit::max)
}

/// What is said of one scenario.
fn lines(findings: &Findings, look: &Look) -> Vec<String> {
    let shown = |text: &str| safe::shown(&one_line(text), look);
    let told = |wanted: Told| findings.faults.iter().filter(move |one| one.told == wanted);
    let mut lines = vec![shown(&format!(
        "{} · {} in its patches' place",
        findings.scenario,
        words::count(findings.faults.len(), "fault")
    ))];
    let widest = |of: fn(&Finding) -> &str| {
        findings.faults.iter().map(|one| console::measure_text_width(of(one))).max().unwrap_or_default()
    };
    let (kinds, subjects) = (widest(|one| one.kind.name()), widest(|one| &one.subject));
    for one in findings.faults.iter().filter(|one| one.told != Told::Unfit) {
        lines.push(line(one, (kinds, subjects), look));
    }
    lines.extend(counted(findings));
    let missed: Vec<&Finding> = told(Told::Missed).collect();
    if !missed.is_empty() {
        lines.push("Blind spots".to_owned());
        lines.extend(
            missed.iter().map(|one| shown(&format!("  {} {}: {}", one.kind.name(), one.subject, one.kind.remedy()))),
        );
    }
    let unfit: Vec<&Finding> = told(Told::Unfit).collect();
    if !unfit.is_empty() {
        lines.push("Does not fit".to_owned());
        let why = |one: &&Finding| one.reason.clone().unwrap_or_default();
        lines.extend(unfit.iter().map(|one| shown(&format!("  {} {}: {}", one.kind.name(), one.subject, why(one)))));
    }
    lines.extend(findings.moves.iter().map(|why| shown(&format!("Nothing is proved: {why}, where no fault is"))));
    lines
}

fn line(one: &Finding, (kinds, subjects): (usize, usize), look: &Look) -> String {
    let (glyph, tone) = match one.told {
        Told::Noticed => (look.pick("✓", "+"), Tone::Good),
        Told::Missed => (look.pick("✗", "x"), Tone::Bad),
        Told::NotInjected | Told::Unfit | Told::Undecided => (look.pick("?", "?"), Tone::Dim),
    };
    let said = match (&one.told, &one.shows, &one.reason) {
        (Told::Noticed, Some(key), _) => format!("{} {key}", one.verdict),
        (Told::NotInjected, _, Some(why)) => format!("not injected: {why}"),
        (Told::Undecided, _, Some(why)) => format!("{}: {why}", one.verdict),
        (_, _, _) => one.verdict.to_string(),
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
