//! Whether a rule allows a value, given what the baseline showed.

use std::collections::BTreeSet;

use patchbed_model::rule::Amount;
use patchbed_model::{Allow, Class, Reading, Value};

use crate::expression::expression;
use crate::noise::{Entry, alike, number};

/// What a rule says about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It may be so.
    Yes,
    /// It may not, and the rule does not say that this is worse.
    No,
    /// It may not: it passed the bound in the direction that the rule calls worse.
    Worse,
}

/// Whether `allow` lets `now` stand where the baseline showed `before`. A reading that is new or gone is allowed by
/// `ignore`, and a new one by what speaks of the value alone (`matches`, `one-of`).
#[must_use]
pub fn allows(allow: &Allow, before: Option<&Entry>, now: Option<&Reading>) -> Allowed {
    let is_state = now.is_some_and(|now| now.class == Class::State);
    match allow {
        Allow::Ignore => Allowed::Yes,
        // A state has no shape: one that is allowed to move is named by its values.
        Allow::Shape | Allow::Set if is_state => any(before, now, |was, now| was == now),
        Allow::Matches(pattern) => yes(now.is_some_and(|now| matches(pattern, &now.value))),
        Allow::OneOf(values) => yes(now.is_some_and(|now| values.contains(&now.value.to_string()))),
        Allow::Exact => any(before, now, |was, now| was == now),
        Allow::Shape => any(before, now, alike),
        Allow::Set => any(before, now, |was, now| as_set(was) == as_set(now)),
        Allow::Within(share) => bounded(before, now, |was, now| (now - was).abs() <= was.abs() * share, Allowed::No),
        Allow::AtMost(share) => bounded(before, now, |was, now| now - was <= was.abs() * share, Allowed::Worse),
        Allow::AtLeast(share) => bounded(before, now, |was, now| was - now <= was.abs() * share, Allowed::Worse),
        Allow::WithinNumber(amount) => match amount.in_unit(unit(now)) {
            Some(most) => bounded(before, now, |was, now| (now - was).abs() <= most, Allowed::No),
            None => Allowed::No,
        },
        Allow::AtMostMore(amount) => match amount.in_unit(unit(now)) {
            Some(most) => bounded(before, now, |was, now| now - was <= most, Allowed::Worse),
            None => Allowed::No,
        },
        Allow::AtMostNumber(amount) => held(*amount, now, |now, most| now <= most),
        Allow::AtLeastNumber(amount) => held(*amount, now, |now, least| now >= least),
    }
}

fn unit(reading: Option<&Reading>) -> Option<&str> {
    reading.and_then(|reading| reading.unit.as_deref())
}

/// Whether a number is held to an amount, whatever the baseline is.
fn held(amount: Amount, now: Option<&Reading>, holds: impl Fn(f64, f64) -> bool) -> Allowed {
    match (now.and_then(|now| number(&now.value)), amount.in_unit(unit(now))) {
        (Some(now), Some(bound)) if holds(now, bound) => Allowed::Yes,
        (Some(_), Some(_)) => Allowed::Worse,
        (None, _) | (_, None) => Allowed::No,
    }
}

const fn yes(allowed: bool) -> Allowed {
    if allowed { Allowed::Yes } else { Allowed::No }
}

/// Whether some value of the baseline and the value now satisfy `same`.
fn any(before: Option<&Entry>, now: Option<&Reading>, same: impl Fn(&Value, &Value) -> bool) -> Allowed {
    let (Some(before), Some(now)) = (before, now) else {
        return Allowed::No;
    };
    yes(before.seen.iter().any(|seen| same(&seen.reading.value, &now.value)))
}

/// A bound on a number: against the middle value of the baseline, so that one odd attempt does not move it.
fn bounded(
    before: Option<&Entry>,
    now: Option<&Reading>,
    holds: impl Fn(f64, f64) -> bool,
    broken: Allowed,
) -> Allowed {
    let was = before.and_then(Entry::middle);
    let (Some(was), Some(now)) = (was, now.and_then(|now| number(&now.value))) else {
        return Allowed::No;
    };
    if holds(was, now) { Allowed::Yes } else { broken }
}

/// Whether the whole text fits the expression. One that cannot be read fits nothing; `load` refuses those.
fn matches(pattern: &str, value: &Value) -> bool {
    expression(pattern).is_ok_and(|regex| regex.is_match(value.to_string().trim_end_matches('\n')))
}

fn as_set(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Text(text) => text.lines().map(str::to_owned).collect(),
        Value::Number(number) => [number.to_string()].into(),
        Value::List(items) => items.iter().cloned().collect(),
    }
}
