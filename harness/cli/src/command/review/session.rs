//! `review` on a terminal: goes through what waits, and writes every decision at once, as `accept` and `reject` do.

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use patchbed_engine::review::{self, Decision, Pending};
use patchbed_engine::store::State;
use patchbed_model::{Exit, Key};
use patchbed_report::{safe, words};

use super::item::{Item, Subject};
use super::keys::{Keys, Stop};
use super::{SNAPSHOTS, decide, list, screen, waiting};
use crate::arguments::ReviewArguments;
use crate::command::{sandboxes, show};
use crate::context::Context;
use crate::failure::Failure;

/// `review`: asks where somebody sits, and lists elsewhere.
pub(in crate::command) fn review(context: &Context, arguments: &ReviewArguments) -> Result<Exit, Failure> {
    let waiting = waiting::waiting(context, &arguments.waiting)?;
    let asks = context.interactive && context.output.talks() && rustix::termios::isatty(rustix::stdio::stdout());
    if arguments.json {
        list::json(context, &waiting)?;
    } else if waiting.is_empty() || !asks {
        list::list(context, &waiting);
    } else {
        return hold(context, &waiting);
    }
    Ok(Exit::Ok)
}

/// Asks about everything that waits. The terminal is as before when this ends.
fn hold(context: &Context, waiting: &[Pending]) -> Result<Exit, Failure> {
    let items = Item::all(waiting);
    let fates = vec![Fate::Waits; items.len()];
    let mut session = Session { context, items, fates, reason: None };
    let ended = sandboxes::block_on(async {
        let mut keys = Keys::listen(&context.output, context.environment.dumb)?;
        std::io::Result::Ok(session.go(&mut keys).await)
    })??;
    session.sum_up();
    Ok(match ended {
        Ok(()) | Err(Stop::Quit) => Exit::Ok,
        Err(Stop::Signal(exit)) => exit,
    })
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waits,
    Skipped,
    Accepted,
    Known,
    Rejected,
}

/// Where to go after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Stay,
    Next,
    Back,
}

struct Session<'a> {
    context: &'a Context,
    items: Vec<Item>,
    /// One for each item.
    fates: Vec<Fate>,
    /// The last reason that was given.
    reason: Option<String>,
}

impl Session<'_> {
    async fn go(&mut self, keys: &mut Keys<'_>) -> Result<(), Stop> {
        let mut next = Some(0);
        while let Some(at) = next {
            self.show(at);
            next = loop {
                match self.turn(at, keys).await? {
                    Turn::Stay => {}
                    Turn::Next => break self.waiting(at + 1..self.items.len()).next(),
                    Turn::Back => match self.waiting(0..at).last() {
                        Some(before) => break Some(before),
                        None => self.line("nothing before this one waits"),
                    },
                }
            };
        }
        Ok(())
    }

    /// The items of this range about which nothing is decided.
    fn waiting(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        range.filter(|at| matches!(self.fates[*at], Fate::Waits | Fate::Skipped))
    }

    fn show(&self, at: usize) {
        let (item, look) = (&self.items[at], self.context.output.look());
        self.lines(&screen::head(item, (at + 1, self.items.len()), look));
        self.lines(&screen::changed(item, look));
    }

    /// Asks for one key and does what it says.
    async fn turn(&mut self, at: usize, keys: &mut Keys<'_>) -> Result<Turn, Stop> {
        let key = keys.key(&screen::prompt(&self.items[at])).await?;
        Ok(match key {
            'q' => return Err(Stop::Quit),
            'a' | 'k' => self.accept(at, key, keys).await?,
            'r' => self.reject(at),
            's' => self.decided(at, Fate::Skipped),
            'b' => Turn::Back,
            'd' => self.stay(|session| {
                session.lines(&screen::whole(&session.items[at], session.context.output.look()));
            }),
            'l' => self.stay(|session| session.log(at)),
            '?' => self.stay(|session| session.line(screen::HELP)),
            _ => self.stay(|session| session.line("no key of this list")),
        })
    }

    fn stay(&self, act: impl FnOnce(&Self)) -> Turn {
        act(self);
        Turn::Stay
    }

    fn decided(&mut self, at: usize, fate: Fate) -> Turn {
        self.fates[at] = fate;
        Turn::Next
    }

    /// Accepts an item, as a known issue where it is worse: the key must say the same.
    async fn accept(&mut self, at: usize, key: char, keys: &mut Keys<'_>) -> Result<Turn, Stop> {
        let known_issue = self.items[at].regressed();
        match (known_issue, key) {
            (true, 'a') => return Ok(self.stay(|session| session.line("it is worse: `k` lives with it for a while"))),
            (false, 'k') => return Ok(self.stay(|session| session.line("it is not worse: `a` accepts it"))),
            (true | false, _) => {}
        }
        let Some(decision) = self.decision(at, keys).await? else {
            return Ok(self.stay(|session| session.line("nothing is accepted without a reason")));
        };
        Ok(match review::accept(Utf8Path::new(SNAPSHOTS), &self.items[at].cells, &decision) {
            Ok(written) => {
                self.files("written", &written);
                self.decided(at, if known_issue { Fate::Known } else { Fate::Accepted })
            }
            Err(error) => self.failed(error),
        })
    }

    /// Asks why and for how long. Nothing is asked about a baseline: its file holds no answer. `None` without a reason.
    async fn decision(&mut self, at: usize, keys: &mut Keys<'_>) -> Result<Option<Decision>, Stop> {
        let (by, date, known_issue) = (decide::user(), self.context.today(), self.items[at].regressed());
        let mut decision = Decision { by, date, because: None, until: None, known_issue };
        if let Subject::Difference(_) = &self.items[at].subject {
            let Some(because) = self.because(keys).await? else {
                return Ok(None);
            };
            decision.because = Some(because.clone());
            self.reason = Some(because);
            decision.until = self.until(known_issue.then(|| words::known_until(date)), keys).await?;
        }
        Ok(Some(decision))
    }

    fn reject(&mut self, at: usize) -> Turn {
        match review::reject(Utf8Path::new(SNAPSHOTS), &self.items[at].cells) {
            Ok(removed) => {
                self.files("removed", &removed);
                if removed.is_empty() {
                    self.line("it goes on to count: the next run says it again");
                }
                self.decided(at, Fate::Rejected)
            }
            Err(error) => self.failed(error),
        }
    }

    /// Says why a decision could not be taken: the item waits on.
    fn failed(&self, error: impl Into<Failure>) -> Turn {
        self.context.fail(&error.into());
        Turn::Stay
    }

    /// Asks why. `None` when nothing is said.
    async fn because(&self, keys: &mut Keys<'_>) -> Result<Option<String>, Stop> {
        let look = self.context.output.look();
        let again = self.reason.as_ref().map(|last| format!(" (`.` is: {})", safe::shown(last, look)));
        let line = keys.line(&format!("because{}: ", again.unwrap_or_default())).await?;
        Ok(match line.trim() {
            "" => None,
            "." => self.reason.clone(),
            text => Some(text.chars().filter(|c| !c.is_control()).collect()),
        })
    }

    /// Asks for the last day, until it is one. Nothing said is what is usual.
    async fn until(&self, usual: Option<Date>, keys: &mut Keys<'_>) -> Result<Option<Date>, Stop> {
        let today = self.context.today();
        let nothing = usual.map_or_else(|| "no end".to_owned(), |usual| usual.to_string());
        loop {
            let line = keys.line(&format!("until (YYYY-MM-DD; Enter: {nothing}): ")).await?;
            match line.trim().parse::<Date>() {
                _ if line.trim().is_empty() => return Ok(usual),
                Ok(until) if until < today => self.line(&format!("{until} is over: today is {today}")),
                Ok(until) => return Ok(Some(until)),
                Err(_) => self.line(&format!("no date: write it as {today}")),
            }
        }
    }

    /// Prints what was read in the first cell of an item.
    fn log(&self, at: usize) {
        let item = &self.items[at];
        let keys: Vec<&Key> = match &item.subject {
            Subject::Difference(difference) => vec![&difference.key],
            Subject::Baseline(candidate) => candidate.moved.iter().map(|moved| &moved.key).collect(),
        };
        let cell = &item.cells[0];
        let is_meant = |name: &str| keys.iter().any(|key| key.as_str() == name);
        let print = || {
            let state = State::open(&self.context.folders.kept)?;
            show::readings(self.context, (&state, &cell.run), Some(&cell.cell), is_meant)
        };
        match print() {
            Ok(true) => {}
            Ok(false) => self.line("nothing was read under this key"),
            Err(failure) => _ = self.context.fail(&failure),
        }
    }

    /// How many met which fate.
    fn sum_up(&self) {
        let of = |fate| self.fates.iter().filter(|one| **one == fate).count();
        let waiting = self.waiting(0..self.items.len()).count();
        self.line(&format!(
            "{} accepted, {}, {} rejected, {} skipped: {waiting} still {}",
            of(Fate::Accepted),
            words::count(of(Fate::Known), "known issue"),
            of(Fate::Rejected),
            of(Fate::Skipped),
            if waiting == 1 { "waits" } else { "wait" },
        ));
        if of(Fate::Accepted) + of(Fate::Known) > 0 {
            self.context.output.say(decide::COMMIT);
        }
    }

    fn files(&self, what: &str, files: &[Utf8PathBuf]) {
        for file in files {
            self.line(&format!("{what}: {}", safe::shown(file.as_str(), self.context.output.look())));
        }
    }

    fn lines(&self, lines: &[String]) {
        for line in lines {
            self.line(line);
        }
    }

    fn line(&self, text: &str) {
        self.context.output.line(text);
    }
}
