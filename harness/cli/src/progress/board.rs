//! What runs, what is done, what is left: a fold over ticks, with the time from outside.

use std::collections::BTreeMap;
use std::time::Instant;

use patchbed_engine::plan::{CellNames, Durations};
use patchbed_model::{AttemptId, CellId, Stage};
use patchbed_report::{Look, safe, words};

use super::tick::Tick;

/// The state of the run, as it is shown.
#[derive(Debug)]
pub(super) struct Board {
    look: Look,
    began: Instant,
    estimates: Durations,
    cells: BTreeMap<CellId, CellNames>,
    short: BTreeMap<CellId, String>,
    running: BTreeMap<AttemptId, Running>,
    attempts: usize,
    judged: usize,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    last: Option<Stage>,
}

impl Board {
    /// An empty board. The durations of earlier runs give estimates.
    pub(super) fn new(look: Look, estimates: Durations, now: Instant) -> Self {
        Self {
            look,
            began: now,
            estimates,
            cells: BTreeMap::new(),
            short: BTreeMap::new(),
            running: BTreeMap::new(),
            attempts: 0,
            judged: 0,
        }
    }

    /// Takes a tick in. Gives back the line that is said about it where there is no region.
    pub(super) fn take(&mut self, tick: Tick, now: Instant) -> Option<String> {
        match tick {
            Tick::Planned(id, names) => {
                self.cells.insert(id, names);
                self.short = words::shortest(self.cells.keys());
                None
            }
            Tick::Started(attempt) => {
                self.running.insert(attempt, Running { since: now, last: None });
                None
            }
            Tick::Stage(attempt, stage) => {
                self.running.entry(attempt).and_modify(|running| running.last = Some(stage));
                None
            }
            Tick::Finished(attempt, said, milliseconds) => {
                self.running.remove(&attempt);
                self.attempts += 1;
                let said = safe::shown(&said, &self.look);
                Some(format!("{}  {said}, {}", self.name(&attempt), words::duration(milliseconds)))
            }
            Tick::Judged => {
                self.judged += 1;
                None
            }
            Tick::Note(text) => Some(format!("note: {}", safe::shown(&text, &self.look))),
        }
    }

    /// What runs, in one line; `None` when nothing does.
    pub(super) fn heartbeat(&self, now: Instant) -> Option<String> {
        if self.running.is_empty() {
            return None;
        }
        let one = |(attempt, running): (&AttemptId, &Running)| {
            format!("{} ({}{})", self.name(attempt), stage(running), elapsed(running.since, now))
        };
        let all: Vec<String> = self.running.iter().map(one).collect();
        Some(format!("running since {}: {}", elapsed(self.began, now), all.join(", ")))
    }

    /// The line above the running attempts.
    pub(super) fn summary(&self, now: Instant) -> String {
        let dot = self.look.own(" · ");
        let parts = [
            format!("{} of {}", self.judged, words::count(self.cells.len(), "cell")),
            words::count(self.attempts, "attempt"),
            elapsed(self.began, now),
        ];
        parts.join(&dot)
    }

    /// One line for each running attempt, at most `limit`; the rest is counted.
    pub(super) fn rows(&self, limit: usize, now: Instant) -> Vec<String> {
        let mut rows: Vec<String> = self.running.iter().take(limit).map(|(a, r)| self.row(a, r, now)).collect();
        let rest = self.running.len() - rows.len();
        if rest > 0 {
            rows.push(format!("  and {rest} more"));
        }
        rows
    }

    fn row(&self, attempt: &AttemptId, running: &Running, now: Instant) -> String {
        let names = self.cells.get(&attempt.cell);
        let estimate = names.and_then(|names| self.estimates.get(names));
        let estimate = estimate.map(|took| format!(" of about {}", words::duration(*took))).unwrap_or_default();
        let what = names.map(|names| safe::name(&names.scenario, &self.look)).unwrap_or_default();
        let name = self.name(attempt);
        format!("  {name:<18}  {}{}{estimate}  {what}", stage(running), elapsed(running.since, now))
    }

    /// `c7f2 patched 1`.
    fn name(&self, attempt: &AttemptId) -> String {
        let id = self.short.get(&attempt.cell).cloned().unwrap_or_else(|| safe::line(attempt.cell.short()));
        format!("{id} {} {}", attempt.arm, attempt.number)
    }
}

/// How far an attempt is: only what events say.
fn stage(running: &Running) -> String {
    running.last.map_or_else(String::new, |stage| format!("{stage} done, "))
}

fn elapsed(since: Instant, now: Instant) -> String {
    let seconds = now.saturating_duration_since(since).as_secs();
    if seconds < 60 { format!("{seconds} s") } else { words::duration(seconds.saturating_mul(1000)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use patchbed_model::Arm;

    use super::*;

    fn attempt(number: u32) -> AttemptId {
        AttemptId { cell: CellId("c7f220000000".into()), arm: Arm::Patched, number }
    }

    fn names() -> CellNames {
        CellNames { scenario: "shop".into(), image: "debian".into(), patches: vec!["fix".into()], software: Vec::new() }
    }

    #[test]
    fn a_row_tells_stage_elapsed_time_and_what_it_took_before() {
        let start = Instant::now();
        let mut board = Board::new(Look::default(), Durations::from([(names(), 6_500)]), start);
        board.take(Tick::Planned(attempt(1).cell, names()), start);
        board.take(Tick::Started(attempt(1)), start);
        let rows = |board: &Board, seconds| board.rows(8, start + Duration::from_secs(seconds));
        assert_eq!(rows(&board, 1), ["  c7f2 patched 1      1 s of about 6.5 s  shop"]);
        board.take(Tick::Stage(attempt(1), Stage::Apply), start);
        assert_eq!(rows(&board, 4), ["  c7f2 patched 1      apply done, 4 s of about 6.5 s  shop"]);
    }

    #[test]
    fn of_many_attempts_eight_are_shown_and_the_rest_is_counted() {
        let start = Instant::now();
        let mut board = Board::new(Look::default(), Durations::new(), start);
        for number in 1..=10 {
            board.take(Tick::Started(attempt(number)), start);
        }
        let rows = board.rows(8, start);
        assert_eq!((rows.len(), rows[8].as_str()), (9, "  and 2 more"));
    }

    #[test]
    fn the_heartbeat_names_what_runs() {
        let start = Instant::now();
        let mut board = Board::new(Look::default(), Durations::new(), start);
        assert_eq!(board.heartbeat(start), None);
        assert_eq!(board.take(Tick::Planned(attempt(1).cell, names()), start), None);
        board.take(Tick::Started(attempt(1)), start + Duration::from_secs(2));
        board.take(Tick::Stage(attempt(1), Stage::Start), start + Duration::from_secs(5));
        let now = start + Duration::from_secs(62);
        assert_eq!(board.heartbeat(now).as_deref(), Some("running since 1m 02s: c7f2 patched 1 (start done, 1m 00s)"));
        assert_eq!(board.rows(8, now).len(), 1);
        let line = board.take(Tick::Finished(attempt(1), "observed".into(), 61_000), now);
        assert_eq!(line.as_deref(), Some("c7f2 patched 1  observed, 1m 01s"));
        assert_eq!(board.summary(now), "0 of 1 cell · 1 attempt · 1m 02s");
    }
}
