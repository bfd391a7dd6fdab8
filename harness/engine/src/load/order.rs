//! Names that must be unique, names that must be known, and orders that must not go round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_kinds::document::{At, Place, Problems};
use patchbed_model::Code;
use patchbed_model::text::{nearest, one_line, shorten};

/// Something with a name that wants to come after others.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Its name.
    pub(super) name: String,
    /// Where its name is written.
    pub(super) place: Place,
    /// The names that must come before it, and where that is written.
    pub(super) after: Vec<(String, Place)>,
}

/// Reports every name that is there twice. `nouns` says of what.
pub(super) fn unique(nouns: &str, things: &[Wish], problems: &mut Problems) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for thing in things {
        if let Some(first) = seen.get(thing.name.as_str()) {
            let message = format!("two {nouns} are named `{}`", shown(&thing.name));
            problems
                .error(Code::DuplicateName, thing.place, At::Value, message)
                .label("the second one")
                .also(*first, At::Value, "the first one")
                .help("give one of them another name");
        } else {
            seen.insert(&thing.name, thing.place);
        }
    }
}

/// Reports every `after` of a patch that names none.
pub(super) fn known_patches(things: &[Wish], problems: &mut Problems) {
    for (name, place) in things.iter().flat_map(|thing| &thing.after) {
        if !things.iter().any(|thing| thing.name == *name) {
            let message = "`after` names a patch that is not in the scenario".to_owned();
            let what = Unknown { code: Code::UnknownName, noun: "patch", name, place: *place, at: At::Value, message };
            unknown(what, things.iter().map(|thing| (thing.name.as_str(), thing.place)), problems);
        }
    }
}

/// Reports every `after` of a service that names none of the services `known`.
pub(super) fn known_among(things: &[Wish], known: &[Wish], problems: &mut Problems) {
    for (name, place) in things.iter().flat_map(|thing| &thing.after) {
        if !known.iter().any(|thing| thing.name == *name) {
            let message = "`after` names a service that is not in the scenario".to_owned();
            let what =
                Unknown { code: Code::UnknownService, noun: "service", name, place: *place, at: At::Value, message };
            unknown(what, known.iter().map(|thing| (thing.name.as_str(), thing.place)), problems);
        }
    }
}

/// A name that names nothing.
pub(super) struct Unknown<'a> {
    /// Which message it is.
    pub(super) code: Code,
    /// What was looked for.
    pub(super) noun: &'a str,
    /// The name.
    pub(super) name: &'a str,
    /// Where it is written.
    pub(super) place: Place,
    /// Which part of that.
    pub(super) at: At,
    /// What is wrong.
    pub(super) message: String,
}

/// Reports a name that names nothing, with the one that was meant.
pub(super) fn unknown<'a>(
    unknown: Unknown<'_>,
    names: impl Iterator<Item = (&'a str, Place)>,
    problems: &mut Problems,
) {
    let names: Vec<(&str, Place)> = names.collect();
    let near = nearest(unknown.name, names.iter().map(|(name, _)| *name));
    let problem = problems.error(unknown.code, unknown.place, unknown.at, unknown.message).label(format!(
        "no {} is named `{}`",
        unknown.noun,
        shown(unknown.name)
    ));
    if let Some((name, place)) = near.and_then(|near| names.iter().find(|(name, _)| *name == near)) {
        problem.also(*place, At::Value, format!("`{name}` is named here")).help(format!("write `{name}`"));
    } else if names.is_empty() {
        problem.help(format!("there is no {} in this scenario", unknown.noun));
    } else {
        let list: Vec<&str> = names.iter().take(20).map(|(name, _)| *name).collect();
        problem.help(format!("known here: {}", list.join(", ")));
    }
}

/// The indices of `things` in an order that respects `after`, and otherwise as written. Circles are reported, and
/// what hangs on them stays in the order written.
pub(super) fn in_order(things: &[Wish], problems: &mut Problems) -> Vec<usize> {
    let index: BTreeMap<&str, usize> =
        things.iter().enumerate().rev().map(|(index, thing)| (thing.name.as_str(), index)).collect();
    let needs: Vec<Vec<usize>> = things
        .iter()
        .map(|thing| thing.after.iter().filter_map(|(name, _)| index.get(name.as_str()).copied()).collect())
        .collect();
    let mut waits: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); things.len()];
    for (thing, needed) in needs.iter().enumerate().flat_map(|(thing, needs)| needs.iter().map(move |n| (thing, *n))) {
        followers[needed].push(thing);
    }
    let mut ready: BTreeSet<usize> = (0..things.len()).filter(|thing| waits[*thing] == 0).collect();
    let mut order = Vec::new();
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for follower in &followers[next] {
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
    if order.len() < things.len() {
        let left: BTreeSet<usize> = (0..things.len()).filter(|thing| waits[*thing] > 0).collect();
        for circle in circles(&needs, &left) {
            report(things, &circle, problems);
        }
        order.extend(left);
    }
    order
}

/// Circles among the things that are `left`, none of which share a thing.
fn circles(needs: &[Vec<usize>], left: &BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut circles = Vec::new();
    let mut open = left.clone();
    for start in left {
        let mut way: Vec<usize> = open.iter().copied().filter(|thing| thing == start).collect();
        while let Some(last) = way.last() {
            let next = needs[*last].iter().find(|need| open.contains(need));
            let met = next.and_then(|next| way.iter().position(|thing| thing == next));
            match (next, met) {
                (Some(_), Some(at)) => {
                    let circle = way.split_off(at);
                    open.retain(|thing| !circle.contains(thing));
                    circles.push(circle);
                }
                (Some(next), None) => way.push(*next),
                // Everything that it waits for is in a circle already, or leads nowhere.
                (None, _) => {
                    open.remove(last);
                    way.pop();
                }
            }
        }
    }
    circles
}

/// Reports one circle.
fn report(things: &[Wish], circle: &[usize], problems: &mut Problems) {
    let mut names: Vec<String> = circle.iter().map(|thing| format!("`{}`", shown(&things[*thing].name))).collect();
    names.extend(names.first().cloned());
    let edge = |at: usize| {
        let next = &things[circle[(at + 1) % circle.len()]].name;
        let wish = things[circle[at]].after.iter().find(|(name, _)| name == next);
        wish.map_or(things[circle[at]].place, |(_, place)| *place)
    };
    let problem = problems
        .error(
            Code::Cycle,
            edge(0),
            At::Value,
            format!("`after` goes round in a circle: {}", names.join(" waits for ")),
        )
        .label(format!("{} waits for {}", names[0], names[1]))
        .help("take one of these out");
    for at in 1..circle.len().min(10) {
        problem.also(edge(at), At::Value, format!("{} waits for {}", names[at], names[at + 1]));
    }
}

/// Names that are still free.
#[derive(Debug, Default)]
pub(super) struct Free(BTreeSet<String>);

impl Free {
    /// Notes that `name` is in use.
    pub(super) fn take(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// `name`, or `name-2` and so on; it is in use from now on.
    pub(super) fn name(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.0.contains(name));
        let free = free.unwrap_or_default();
        self.take(&free);
        free
    }
}

fn shown(name: &str) -> String {
    shorten(&one_line(name), 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish(name: &str, after: &[&str]) -> Wish {
        let after = after.iter().map(|name| ((*name).to_owned(), Place::default())).collect();
        Wish { name: name.to_owned(), place: Place::default(), after }
    }

    #[test]
    fn a_circle_is_named_link_by_link() {
        let mut problems = Problems::default();
        let things = [wish("a", &["c"]), wish("b", &["a"]), wish("c", &["b"]), wish("d", &["a"])];
        assert_eq!(in_order(&things, &mut problems).len(), 4);
        assert_eq!(problems.list.len(), 1);
        let message = "`after` goes round in a circle: `a` waits for `c` waits for `b` waits for `a`";
        assert_eq!(problems.list[0].message, message);
    }

    #[test]
    fn every_circle_is_named_once() {
        let mut problems = Problems::default();
        let things = [
            wish("a", &["x", "b"]),
            wish("b", &["a"]),
            wish("c", &["d", "b", "c2"]),
            wish("c2", &["c"]),
            wish("d", &["d"]),
            wish("x", &["b"]),
        ];
        assert_eq!(in_order(&things, &mut problems).len(), 6);
        let messages: Vec<&str> = problems.list.iter().map(|problem| problem.message.as_str()).collect();
        let circle = |way: &str| format!("`after` goes round in a circle: {way}");
        let ways =
            ["`a` waits for `x` waits for `b` waits for `a`", "`d` waits for `d`", "`c` waits for `c2` waits for `c`"];
        assert_eq!(messages, ways.map(circle));
    }

    proptest! {
        #[test]
        fn an_order_holds_everything_once_and_respects_every_wish(edges in prop::collection::vec((0usize..12, 0usize..12), 0..40)) {
            let names: Vec<String> = (0..12).map(|n| format!("s{n}")).collect();
            let things: Vec<Wish> = names.iter().enumerate().map(|(n, name)| {
                let after: Vec<&str> = edges.iter().filter(|(a, b)| *a == n && b < a).map(|(_, b)| names[*b].as_str()).collect();
                wish(name, &after)
            }).collect();
            let mut problems = Problems::default();
            let order = in_order(&things, &mut problems);
            prop_assert!(problems.list.is_empty());
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..12).collect::<Vec<_>>());
            for (a, b) in edges.iter().filter(|(a, b)| b < a) {
                let at = |thing: usize| order.iter().position(|other| *other == thing);
                prop_assert!(at(*b) < at(*a));
            }
        }
    }
}
