//! Attempts that are drawn: the whole course of a cell without a sandbox. What one attempt shows comes from a distribution,
//! the rest is the real thing: what is made first, what is judged, how many more are made, what is judged then.

use std::collections::BTreeMap;

use patchbed_model::{Arm, Judgement, Outcome};

use super::super::course::{Course, Scales};
use crate::fixtures::scenario;
use crate::plan::{PlanCell, Selection, plan};
use crate::scenario::Attempts;

/// Numbers that look as if they were drawn, the same ones each time (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Whether something happens that happens in so many of a hundred cases.
    pub(super) fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number around 0 with the standard deviation 1, about normally distributed.
    pub(super) fn normal(&mut self) -> f64 {
        let drawn: u32 = (0..12).map(|_| u32::try_from(self.below(1_000)).expect("it is below a thousand")).sum();
        f64::from(drawn) / 1_000.0 - 5.994
    }
}

/// The cell of a scenario with so many attempts.
pub(super) fn cell(attempts: Attempts) -> PlanCell {
    let scenario = crate::scenario::Scenario { attempts, ..scenario() };
    let mut plan = plan([scenario], &Selection::default()).expect("one scenario makes a plan");
    plan.cells.remove(0)
}

/// What is said of a cell whose attempts are drawn, and how many were made.
pub(super) fn judged(cell: &PlanCell, mut draw: impl FnMut(Arm) -> Outcome) -> (Judgement, usize) {
    let mut course = Course::new(cell.clone(), BTreeMap::new());
    let mut made = 0;
    loop {
        while let Some(attempt) = course.next() {
            made += 1;
            course.ended(&attempt, draw(attempt.arm));
        }
        if let Some(judgement) = course.judge(&Scales::default()) {
            return (judgement, made);
        }
    }
}
