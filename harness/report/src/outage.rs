//! For how long services could not be reached with the patch, where that is longer than without it.

use patchbed_model::record::CellRecord;
use patchbed_model::{Arm, Outage};

use crate::look::Look;
use crate::{safe, words};

/// How many milliseconds longer than in the longest attempt without the patch: less may come from how busy the machine was.
const LONGER: u64 = 100;

/// One text for each service of the cell: `web closed 1.4 s during configure of nginx (control 120 ms); restarted 2x`.
pub(crate) fn texts(cell: &CellRecord, look: &Look) -> Vec<String> {
    let mut services: Vec<&str> = of(cell, Arm::Patched).map(|outage| outage.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let text = |service| {
        let (control, patched) = (by_length(cell, Arm::Control, service), by_length(cell, Arm::Patched, service));
        let (longest, without, with) = (control.last()?, middle(&control)?, middle(&patched)?);
        (with.milliseconds() > longest.milliseconds() + LONGER).then(|| told(without, with, look))
    };
    services.into_iter().filter_map(text).collect()
}

/// What attempts of an arm saw of services.
fn of(cell: &CellRecord, arm: Arm) -> impl Iterator<Item = &Outage> {
    let attempts = cell.timeline.iter().filter(move |attempt| attempt.arm == arm);
    attempts.filter_map(|attempt| attempt.outages.as_ref()).flat_map(|outages| &outages.services)
}

/// What attempts of an arm saw of a service, the shortest outage first.
fn by_length<'a>(cell: &'a CellRecord, arm: Arm, service: &str) -> Vec<&'a Outage> {
    let mut all: Vec<&Outage> = of(cell, arm).filter(|outage| outage.service == service).collect();
    all.sort_by_key(|outage| outage.milliseconds());
    all
}

/// The one in the middle.
fn middle<'a>(all: &[&'a Outage]) -> Option<&'a Outage> {
    all.get(all.len().checked_sub(1)? / 2).copied()
}

fn told(control: &Outage, patched: &Outage, look: &Look) -> String {
    let service = safe::name(&patched.service, look);
    let closed = words::duration(patched.milliseconds());
    let without = words::duration(control.milliseconds());
    let (times, before) = (patched.restarts, control.restarts);
    let restarted = if times > before { format!("; restarted {times}x (control {before}x)") } else { String::new() };
    format!("{service} closed {closed}{} (control {without}){restarted}", during(patched, look))
}

/// The steps of the longest time at which it was closed.
fn during(outage: &Outage, look: &Look) -> String {
    let longest = outage.closed.iter().max_by_key(|closed| closed.to.saturating_sub(closed.from));
    match longest.map_or(&[][..], |closed| &closed.during) {
        [] => String::new(),
        [one] => format!(" during {}", safe::shown(one, look)),
        [first, .., last] => format!(" from {} to {}", safe::shown(first, look), safe::shown(last, look)),
    }
}
