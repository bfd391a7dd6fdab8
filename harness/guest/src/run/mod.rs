//! Programs that are run to their end.

mod flow;
mod kill;
mod wires;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) use flow::Order;
use kill::Hunt;
pub(crate) use wires::{pipe, unblock};

use crate::guest::Guest;
use crate::message::{End, Failure, Ran, Reply, Run};
use crate::program::Prepared;
use crate::reaper::{Wake, lock};

/// How long a program has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// The longest time limit, where a caller gives none that makes sense.
const LONGEST: Duration = Duration::from_hours(24 * 30);

/// The programs that run now, by the call that runs them.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<HashMap<u64, Arc<Order>>>);

impl Runs {
    /// Makes a run known, before its program starts, so that input can come for it.
    pub(crate) fn announce(&self, id: u64) -> std::io::Result<Arc<Order>> {
        let order = Arc::new(Order::new(Wake::new()?));
        lock(&self.0).insert(id, Arc::clone(&order));
        Ok(order)
    }

    /// Gives an order to a run; one that has ended does not mind.
    pub(crate) fn tell(&self, id: u64, tell: impl FnOnce(&Order)) {
        if let Some(order) = lock(&self.0).get(&id) {
            tell(order);
        }
    }

    /// The process ids of all runs but this one.
    pub(crate) fn others(&self, id: u64) -> Vec<i32> {
        let runs = lock(&self.0);
        runs.iter().filter(|(other, _)| **other != id).filter_map(|(_, order)| order.pid()).collect()
    }

    fn forget(&self, id: u64) {
        lock(&self.0).remove(&id);
    }
}

/// Runs a program to its end.
pub(crate) fn answer(guest: &Arc<Guest>, id: u64, run: &Run, order: &Arc<Order>) -> Reply {
    let ran = go(guest, id, run, order);
    guest.runs.forget(id);
    match ran {
        Ok(ran) => Reply::Ran(ran),
        Err(failure) => Reply::Failed(failure),
    }
}

fn go(guest: &Arc<Guest>, id: u64, run: &Run, order: &Arc<Order>) -> Result<Ran, Failure> {
    let begun = Instant::now();
    let mut program = run.program.clone();
    if run.terminal.is_some() {
        program.environment.entry("TERM".into()).or_insert_with(|| "xterm".into());
    }
    let prepared = Prepared::new(&program, &guest.settings.environment, &guest.settings.dropped)?;
    let (streams, wires) =
        wires::connect(run).map_err(|error| crate::failure::failed("connect", &program.argv[0], &error))?;
    let child = prepared.launch(streams.numbers(), |launch| guest.reaper.launch(launch, Arc::clone(order.wake())));
    // The program's ends are its own from here on.
    drop(streams);
    let child = child.inspect_err(|failure| guest.note_limit(failure))?;
    order.started(child.pid);
    let within = Duration::from_millis(run.within).min(LONGEST);
    let hunt = Hunt::new(guest, id, child.pid);
    let flow = flow::Flow { guest, id, run, order, child: &child, hunt, deadline: begun + within };
    let finished = flow.follow(wires);
    Ok(Ran {
        end: finished.end.unwrap_or(End::TimedOut),
        output: finished.output.output(),
        errors: finished.errors.output(),
        microseconds: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}
