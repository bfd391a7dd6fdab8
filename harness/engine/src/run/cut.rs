//! Where what applies patches is killed: at points that are drawn, spread over the whole of it, and the same ones
//! whenever the cell is run.

use std::time::Duration;

use patchbed_kinds::change::{AnyChange, deb};
use patchbed_model::{Arm, Blame, CellId, Stage};
use patchbed_sandbox::message::LogSource;
use patchbed_sandbox::{AskError, Sandbox};

use super::clock::Clock;
use super::delivery::Part;
use super::halt::{Halt, Place, of_change};

/// Where dpkg says what it does.
const LOG: &str = "/var/log/dpkg.log";

/// The mark since which its lines count.
const MARK: &str = "cut";

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(3);

/// Into how many parts the whole is divided: so many attempts, one after another, are cut off each in another one.
const PARTS: u32 = 3;

/// The longest time after which changes are cut off that write no log.
const LONGEST: Duration = Duration::from_millis(600);

/// The longest time after a line of the log, so that it also meets scripts half done.
const WITHIN_STEP: Duration = Duration::from_millis(30);

/// By what the point is drawn.
#[derive(Debug)]
pub(super) struct Cut<'a> {
    /// The cell.
    pub(super) cell: &'a CellId,
    /// The number of the attempt.
    pub(super) number: u32,
}

/// A point at which it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// After so many lines of dpkg's log, and then so long.
    Line(usize, Duration),
    /// After so long.
    Time(Duration),
}

impl Cut<'_> {
    /// The point of these parts.
    pub(super) fn of(&self, parts: &[Part<'_>]) -> Result<Point, Halt> {
        let place = Place { arm: Arm::Patched, stage: Stage::Apply };
        let mut lines = 0;
        for part in parts {
            for (change, prepared) in &part.apply {
                if matches!(change, AnyChange::Deb(_)) {
                    lines += deb::steps(prepared)
                        .map_err(|error| of_change(error, place, Blame::Environment, &part.name))?;
                }
            }
        }
        Ok(self.draw(lines))
    }

    fn draw(&self, lines: usize) -> Point {
        let seed = self
            .cell
            .0
            .bytes()
            .fold(u64::from(self.number), |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut random = fastrand::Rng::with_seed(seed);
        let part = f64::from((self.number.max(1) - 1) % PARTS);
        let share = (part + random.f64()) / f64::from(PARTS);
        if lines == 0 {
            return Point::Time(LONGEST.mul_f64(share));
        }
        let after = WITHIN_STEP.mul_f64(random.f64());
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small count is between 0 and it"
        )]
        let line = (lines as f64 * share) as usize;
        Point::Line(line.max(1), after)
    }
}

impl Point {
    /// Waits until it is reached, and says where it is.
    pub(super) async fn reached(self, sandbox: &dyn Sandbox, clock: &dyn Clock) -> Result<String, AskError> {
        match self {
            Self::Time(after) => {
                clock.sleep(after).await;
                Ok(format!("{} ms after the beginning", after.as_millis()))
            }
            Self::Line(line, after) => {
                sandbox.mark(MARK, vec![LOG.to_owned()]).await?;
                loop {
                    let lines = sandbox.lines(LogSource::Files(LOG.to_owned()), Some(MARK.to_owned())).await?;
                    if let Some(last) = lines.get(line - 1) {
                        clock.sleep(after).await;
                        return Ok(format!("{} ms after dpkg's \"{}\"", after.as_millis(), step(last)));
                    }
                    clock.sleep(LOOK).await;
                }
            }
        }
    }
}

/// A line of the log without its date.
fn step(line: &str) -> &str {
    line.splitn(3, ' ').nth(2).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_all_over_the_transaction_and_are_the_same_each_time() {
        let cell = CellId("c0123456789a".to_owned());
        let draw = |number| Cut { cell: &cell, number }.draw(90);
        let lines: Vec<usize> = (1..=3)
            .map(|number| match draw(number) {
                Point::Line(line, after) => {
                    assert!(after <= WITHIN_STEP);
                    line
                }
                Point::Time(_) => unreachable!("dpkg writes lines"),
            })
            .collect();
        assert!(lines[0] <= 30 && (30..=60).contains(&lines[1]) && (60..=90).contains(&lines[2]), "{lines:?}");
        assert_eq!(draw(2), draw(2));
        assert_ne!(draw(1), draw(4), "further attempts are cut off elsewhere");
        assert!(matches!(Cut { cell: &cell, number: 1 }.draw(0), Point::Time(after) if after <= LONGEST / 3));
    }

    #[test]
    fn a_line_is_told_without_its_date() {
        assert_eq!(
            step("2026-11-26 03:00:00 configure nginx:amd64 1.22.1-9 <none>"),
            "configure nginx:amd64 1.22.1-9 <none>"
        );
        assert_eq!(step("cut"), "cut");
    }
}
