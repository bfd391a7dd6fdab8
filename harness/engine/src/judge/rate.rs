//! How often something is bad in each arm, where attempts with the patch disagree: rates, and never a retry until it is
//! green. Pure.
//!
//! A check that fails in some attempts with the patch, and without it in none or in few, is not yet the patch's doing, and
//! does not become fine when later attempts pass. Attempts of both arms are made block by block, and after each block two
//! tests look at all of them. Both must speak before the patch is blamed:
//!
//! * the sequential test of Wald (1945) says whether the failures are those of the control arm or those of a patch that
//!   breaks [`LEAST`] of what was well, with [`ALPHA`] and [`BETA`] as the chances to be wrong;
//! * the exact test of Fisher, one-sided, allows for the control arm's rate being known from few attempts only.
//!
//! A patch under which a check fails no more often than without it is not asked about any more.

/// The chance to blame a patch that changes nothing, in all looks together.
const ALPHA: f64 = 0.01;
/// The chance to stop looking at a patch that breaks [`LEAST`] of what was well.
const BETA: f64 = 0.05;
/// The share of what is well without the patch that a patch worth finding breaks.
const LEAST: f64 = 0.3;
/// The least rate that control attempts are believed to have, however few of them failed.
const FLOOR: f64 = 0.01;
/// The chance of Fisher's test up to which one look does not take rates for equal. The eight looks of a cell with the usual
/// numbers of attempts then blame a patch that changes nothing in at most [`ALPHA`] of all cells, whatever the rate is: of
/// a check that fails in 10 % of attempts in 0.04 % of cells, of one with 50 % in 0.93 % (all outcomes added up).
const RARE: f64 = 0.008;
/// The most attempts of each arm of which it is said that they would decide.
const MOST: u32 = 1000;

/// In how many attempts something was bad, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) bad: u32,
    pub(super) of: u32,
}

/// How often something is bad in each arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) without: Count,
    pub(super) with: Count,
}

/// What two rates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is bad more often with the patch.
    Worse,
    /// More attempts of both arms could tell.
    Open,
    /// Nothing says that it is bad more often, and more attempts would hardly change that.
    NoWorse,
}

impl Count {
    fn share(self) -> f64 {
        f64::from(self.bad) / f64::from(self.of.max(1))
    }
}

impl Rate {
    /// Whether there is a rate to speak of: what is bad in every attempt with the patch and in none without needs none.
    pub(super) const fn is_mixed(&self) -> bool {
        self.with.bad > 0 && (self.with.bad < self.with.of || self.without.bad > 0)
    }

    /// What is to be made of it.
    pub(super) fn finding(&self) -> Finding {
        if self.with.share() <= self.without.share() {
            return Finding::NoWorse;
        }
        let weight = self.weight();
        if weight >= ((1.0 - BETA) / ALPHA).ln() && self.chance() <= RARE {
            Finding::Worse
        } else if weight <= (BETA / (1.0 - ALPHA)).ln() {
            Finding::NoWorse
        } else {
            Finding::Open
        }
    }

    /// The logarithm of how many times as likely the attempts with the patch are when it breaks [`LEAST`] of what was well.
    fn weight(&self) -> f64 {
        let before = self.without.share().max(FLOOR);
        let after = before + (1.0 - before) * LEAST;
        let (bad, good) = (f64::from(self.with.bad), f64::from(self.with.of - self.with.bad));
        bad * (after / before).ln() + good * (1.0 - LEAST).ln()
    }

    /// The chance that so many of the bad attempts, or more, would be among those with the patch if the patch had nothing to
    /// do with it.
    fn chance(&self) -> f64 {
        let (bad, of) = (self.without.bad + self.with.bad, self.without.of + self.with.of);
        let first = self.with.bad;
        let ways = ln_ways(self.with.of, first) + ln_ways(self.without.of, bad - first) - ln_ways(of, bad);
        // How many times as likely one more is than so many.
        let more = |with: u32| {
            let (left, free) = (self.with.of - with, self.without.of - (bad - with) + 1);
            f64::from(left) / f64::from(with + 1) * f64::from(bad - with) / f64::from(free)
        };
        let term = |chance: &mut f64, with: u32| Some(std::mem::replace(chance, *chance * more(with)));
        (first..=bad.min(self.with.of)).scan(ways.exp(), term).sum()
    }

    /// About how many attempts of each arm would decide if both went on like this; `None` when no number that anybody makes
    /// would.
    fn needed(&self) -> Option<u32> {
        let like = |count: Count, of: u32| Count { bad: rounded(count.share() * f64::from(of)).min(of), of };
        let at = |of: u32| Self { without: like(self.without, of), with: like(self.with, of) };
        let longer = |of: &u32| Some(of + of / 10 + 1);
        let numbers = std::iter::successors(Some(self.with.of.max(self.without.of)), longer);
        numbers.take_while(|of| *of <= MOST).find(|of| at(*of).chance() <= RARE)
    }

    /// Both rates and the chance in words.
    pub(super) fn told(&self) -> String {
        let Self { without, with } = self;
        let chance = self.chance() * 100.0;
        format!(
            "in {} of {} attempts with the patch and in {} of {} without: by chance in {chance:.1} % of cases",
            with.bad, with.of, without.bad, without.of
        )
    }

    /// What is to be said when it was not decided. `what` says what is bad, as in "`web.ready` is bad".
    pub(super) fn note(&self, what: &str) -> Option<String> {
        let told = || format!("undecided: {what} {}", self.told());
        let more = |of: u32| format!("; if it went on like this, about {of} attempts of each arm would tell");
        match self.finding() {
            Finding::Worse => None,
            Finding::NoWorse if self.with.share() <= self.without.share() => Some(format!(
                "{what} no more often with the patch: in {} of {} attempts, and in {} of {} without",
                self.with.bad, self.with.of, self.without.bad, self.without.of
            )),
            Finding::Open | Finding::NoWorse => Some(told() + &self.needed().map(more).unwrap_or_default()),
        }
    }
}

/// The logarithm of in how many ways `some` of `of` can be chosen.
fn ln_ways(of: u32, some: u32) -> f64 {
    (1..=some).map(|place| (f64::from(of - some + place) / f64::from(place)).ln()).sum()
}

/// The next whole number; of what is no number, 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of at most a thousand attempts")]
fn rounded(number: f64) -> u32 {
    number.round() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(with: (u32, u32), without: (u32, u32)) -> Rate {
        let count = |(bad, of)| Count { bad, of };
        Rate { with: count(with), without: count(without) }
    }

    #[test]
    fn chances_are_those_of_the_tables() {
        for (with, without, chance) in [
            ((4, 4), (0, 5), 1.0 / 126.0),
            ((4, 11), (0, 12), 330.0 / 8_855.0),
            ((4, 4), (2, 5), 10.0 / 84.0),
            ((3, 3), (1, 3), 3.0 / 15.0),
            ((1, 2), (1, 2), 5.0 / 6.0),
        ] {
            let found = rate(with, without).chance();
            assert!((found - chance).abs() < 1e-9, "{with:?} {without:?}: {found}");
        }
    }

    #[test]
    fn both_tests_must_speak() {
        // The sequential test alone would blame the patch after two failures.
        assert_eq!(rate((2, 4), (0, 5)).finding(), Finding::Open);
        assert_eq!(rate((4, 4), (1, 5)).finding(), Finding::Open);
        assert_eq!(rate((7, 13), (0, 14)).finding(), Finding::Worse);
        assert_eq!(rate((12, 13), (4, 14)).finding(), Finding::Worse);
        // One failure, and then none for long.
        assert_eq!(rate((1, 10), (0, 11)).finding(), Finding::Open);
        assert_eq!(rate((1, 20), (0, 21)).finding(), Finding::NoWorse);
    }

    #[test]
    fn what_fails_no_more_often_is_not_asked_about_any_more() {
        assert_eq!(rate((1, 4), (2, 5)).finding(), Finding::NoWorse);
        let note = rate((1, 4), (2, 5)).note("`k` is bad").expect("it is undecided");
        assert_eq!(note, "`k` is bad no more often with the patch: in 1 of 4 attempts, and in 2 of 5 without");
    }

    #[test]
    fn what_is_undecided_says_what_would_decide() {
        let note = rate((3, 20), (0, 21)).note("`k` is bad").expect("it is undecided");
        let said = "undecided: `k` is bad in 3 of 20 attempts with the patch and in 0 of 21 without: by chance in 10.7 % of \
                    cases; if it went on like this, about 47 attempts of each arm would tell";
        assert_eq!(note, said);
        assert_eq!(rate((7, 13), (0, 14)).note("`k` is bad"), None);
    }

    proptest! {
        #[test]
        fn more_failures_with_the_patch_never_speak_less_against_it(
            (of, more) in (1_u32..30, 1_u32..30),
            (bad, without) in (0_u32..30, 0_u32..30),
        ) {
            let (bad, without) = (bad % of, without % more);
            let (one, other) = (rate((bad, of), (without, more)), rate((bad + 1, of), (without, more)));
            prop_assert!(other.chance() <= one.chance() + 1e-9 && other.weight() > one.weight());
            prop_assert!(one.chance() > 0.0 && one.chance() <= 1.0 + 1e-9);
        }

        #[test]
        fn nothing_is_worse_than_chance_allows(with in 0_u32..40, without in 0_u32..40, of in 40_u32..60) {
            let rate = rate((with, of), (without, of));
            prop_assert!(rate.finding() != Finding::Worse || (rate.chance() <= RARE && with > without));
            prop_assert!(!rate.told().is_empty() && rate.note("`k` is bad").is_none_or(|note| !note.is_empty()));
        }
    }
}
