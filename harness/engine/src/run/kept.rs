//! What of the data that were there before the patch is there after it: two looks, one state for each reading. Pure.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Better, Class, Health, Key, Reading, Value};

/// The readings of one look, in canonical form.
pub(super) type Glance = BTreeMap<Key, Reading>;

/// How many lost and changed lines are shown of one reading.
const MOST_LINES: usize = 20;

/// How many characters of a line are shown.
const LONGEST_LINE: usize = 200;

/// What the key of the reading ends with that stands alone where a look was not possible.
const LOOK: &str = "look";

/// How each reading of the first look stands in the second. Facts are left out: they never alarm.
pub(super) fn compared(prefix: &Key, before: &Glance, after: &Glance) -> Glance {
    let blind = after.get(&prefix.child(LOOK));
    let told = before.iter().filter(|(_, was)| was.class != Class::Fact).map(|(key, was)| {
        let reading = ill_before(was).unwrap_or_else(|| match (after.get(key), blind) {
            (Some(now), _) => told(was, now),
            (None, Some(blind)) => bad(shown(blind)).because(blind.evidence.clone()),
            (None, None) => gone(was),
        });
        (key.clone(), reading)
    });
    let new = after.iter().filter(|(key, now)| now.class != Class::Fact && !before.contains_key(*key));
    let new = new.map(|(key, now)| {
        let is_bad = now.health == Some(Health::Bad);
        (key.clone(), if is_bad { now.clone() } else { Reading::state("new", Health::Good) })
    });
    told.chain(new).collect()
}

/// What is said where nothing was there that could be lost, or nobody could see it.
fn ill_before(was: &Reading) -> Option<Reading> {
    let ill = if was.is_unseen() {
        Reading::unseen("not seen before the patch")
    } else if was.health == Some(Health::Bad) {
        bad("not there before the patch")
    } else {
        return None;
    };
    Some(ill.because([shown(was)]).because(was.evidence.clone()))
}

/// What is there on both sides.
fn told(was: &Reading, now: &Reading) -> Reading {
    if now.is_unseen() {
        return Reading::unseen("not seen after the patch").because([shown(now)]);
    }
    let reading = match (&was.value, &now.value) {
        (Value::Number(before), Value::Number(after)) => of_numbers(*before, *after, was.better),
        (Value::Text(_) | Value::Number(_) | Value::List(_), _) => Lines::of(&was.value, &now.value).reading(),
    };
    match now.health {
        Some(Health::Bad) if reading.health == Some(Health::Good) => bad(shown(now)),
        Some(Health::Bad) => reading,
        Some(Health::Good) | None => return reading,
    }
    .because(now.evidence.clone())
}

/// A number that went the way that nobody wants; without a wanted way, one that became less.
fn of_numbers(before: f64, after: f64, better: Option<Better>) -> Reading {
    let kept = match better {
        Some(Better::Lower) => after <= before,
        Some(Better::Higher) | None => after >= before,
    };
    if before.total_cmp(&after).is_eq() {
        Reading::state("kept", Health::Good)
    } else if kept {
        Reading::state(format!("kept, {before} → {after}"), Health::Good)
    } else {
        bad(format!("{before} → {after}"))
    }
}

fn gone(was: &Reading) -> Reading {
    bad("gone").because(Lines::of(&was.value, &Value::List(Vec::new())).evidence())
}

fn bad(value: impl Into<Value>) -> Reading {
    Reading::state(value, Health::Bad)
}

fn shown(reading: &Reading) -> String {
    line(&reading.value.to_string())
}

fn line(text: &str) -> String {
    shorten(&one_line(text), LONGEST_LINE)
}

/// The lines of a value before and after, their order left aside.
#[derive(Debug, PartialEq, Eq)]
struct Lines {
    /// How many there were.
    before: usize,
    /// Those that are gone.
    lost: Vec<String>,
    /// Those that became another.
    changed: Vec<(String, String)>,
    /// How many came.
    more: usize,
}

impl Lines {
    fn of(was: &Value, now: &Value) -> Self {
        let (before, after) = (lines(was), lines(now));
        let lost = without(&before, &after);
        let came = without(&after, &before);
        let one = before.len() == 1 && after.len() == 1;
        let pairs = if one { BTreeMap::from([(0, 0)]) } else { pairs(&lost, &came) };
        let changed = pairs.iter().filter_map(|(lost_at, came_at)| {
            Some(((*lost.get(*lost_at)?).to_owned(), (*came.get(*came_at)?).to_owned()))
        });
        let changed: Vec<(String, String)> = changed.collect();
        let alone = |(at, text): (usize, &&str)| (!pairs.contains_key(&at)).then(|| (*text).to_owned());
        Self {
            before: before.len(),
            more: came.len() - changed.len(),
            lost: if one { Vec::new() } else { lost.iter().enumerate().filter_map(alone).collect() },
            changed,
        }
    }

    fn reading(&self) -> Reading {
        let of = self.before;
        match (self.lost.len(), self.changed.len()) {
            (0, 0) if self.more == 0 => Reading::state("kept", Health::Good),
            (0, 0) => Reading::state(format!("kept, {} more", self.more), Health::Good),
            (0, 1) if of == 1 => bad("changed").because(self.evidence()),
            (0, changed) => bad(format!("{changed} of {of} changed")).because(self.evidence()),
            (lost, 0) => bad(format!("{lost} of {of} lost")).because(self.evidence()),
            (lost, changed) => bad(format!("{lost} of {of} lost, {changed} changed")).because(self.evidence()),
        }
    }

    fn evidence(&self) -> Vec<String> {
        let lost = self.lost.iter().map(|text| format!("lost: {}", line(text)));
        let changed = self.changed.iter().map(|(was, now)| format!("{} → {}", line(was), line(now)));
        let mut all: Vec<String> = lost.chain(changed).collect();
        let count = all.len();
        if count > MOST_LINES {
            all.truncate(MOST_LINES);
            all.push(format!("and {} more", count - MOST_LINES));
        }
        all
    }
}

/// The lines of a text that are not blank, and the items of a list.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
        Value::Number(number) => vec![number.to_string()],
        Value::List(items) => items.clone(),
    }
}

/// What is in `all` and not in `others`; what is there several times is to be there as often.
fn without<'a>(all: &'a [String], others: &[String]) -> Vec<&'a str> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    let mut is_alone = |text: &str| match left.get_mut(text) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    };
    all.iter().map(String::as_str).filter(|text| is_alone(text)).collect()
}

/// Which lost line became which that came, where it is plain: no other lost or new line begins with the same word.
fn pairs(lost: &[&str], came: &[&str]) -> BTreeMap<usize, usize> {
    let (lost, came) = (by_first_word(lost), by_first_word(came));
    lost.into_iter().filter_map(|(word, at)| Some((at, *came.get(word)?))).collect()
}

/// The places of the lines by the words they begin with, where only one line begins so.
fn by_first_word<'a>(lines: &[&'a str]) -> BTreeMap<&'a str, usize> {
    let mut places = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (at, text) in lines.iter().enumerate() {
        let Some((word, _)) = text.split_once([' ', '\t', ',', ';', '|', ':', '=']) else { continue };
        if places.insert(word, at).is_some() {
            twice.insert(word);
        }
    }
    places.retain(|word, _| !word.is_empty() && !twice.contains(word));
    places
}
