//! Names of files as parts of keys. A key must be the same in every attempt: what it holds cannot be learned to move by
//! itself as a value can, because each attempt would have a key of its own. So more becomes a token than in values, and
//! files that have one name then are told under one key.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use patchbed_model::{Class, Health, Key, Reading, Value};
use regex::{Captures, Regex};

use super::canonical::canonical;

/// The canonical form of a path, in which digests are tokens too: what is kept under its digest may be of any content.
pub(super) fn canonical_name(path: &str) -> String {
    static DIGEST: LazyLock<Regex> = LazyLock::new(|| pattern("(^|[^0-9A-Za-z])[0-9A-Fa-f]{32,128}([^0-9A-Za-z]|$)"));
    static WORD: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9A-Za-z]{20,}"));
    let path = DIGEST.replace_all(&canonical(path), "$1⟨hex⟩$2").into_owned();
    WORD.replace_all(
        &path,
        |found: &Captures<'_>| if is_made_up(&found[0]) { "⟨id⟩".to_owned() } else { found[0].to_owned() },
    )
    .into_owned()
}

/// Whether a long word was drawn by lot, as the names of sessions are: digits stand in the midst of letters again and again.
fn is_made_up(word: &str) -> bool {
    let kinds: Vec<bool> = word.chars().map(|c| c.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 5
}

/// The same for a log file, of which the numbers count or are process ids: `worker-4711.log`, `access.log.2`.
pub(super) fn log_name(path: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern("([._-])[0-9]+(?-u:\\b)"));
    let path = canonical_name(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    format!("{folder}/{}", NUMBER.replace_all(name, "$1⟨number⟩"))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is valid")
}

/// One reading for each key. Several of one key become a reading that holds all their different values.
pub(super) fn merged(readings: Vec<(Key, Reading)>) -> Vec<(Key, Reading)> {
    let mut by_key: BTreeMap<Key, Vec<Reading>> = BTreeMap::new();
    for (key, reading) in readings {
        by_key.entry(key).or_default().push(reading);
    }
    by_key.into_iter().filter_map(|(key, readings)| Some((key, one_of(readings)?))).collect()
}

/// States count before contents, and contents before facts, which alarm nobody.
fn one_of(mut readings: Vec<Reading>) -> Option<Reading> {
    let heaviest = readings.iter().map(|reading| reading.class).min()?;
    readings.retain(|reading| reading.class == heaviest);
    readings.sort_by_cached_key(|reading| reading.value.to_string());
    readings.dedup_by(|next, before| next.value == before.value && next.health == before.health);
    let mut one = readings.first()?.clone();
    if readings.len() == 1 {
        return Some(one);
    }
    one.evidence = readings.iter().flat_map(|reading| reading.evidence.clone()).collect();
    one.health = readings.iter().filter_map(|reading| reading.health).max_by_key(|health| *health == Health::Bad);
    let values = readings.iter().map(|reading| reading.value.to_string());
    one.value = match heaviest {
        Class::State => Value::Text(values.collect::<Vec<_>>().join(", ")),
        Class::Content | Class::Metric | Class::Fact => Value::List(values.collect()),
    };
    Some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_what_an_attempt_made_up_are_one() {
        let digest = |digit: char| format!("/srv/cache/{}.bin", digit.to_string().repeat(40));
        assert_eq!(canonical_name(&digest('a')), canonical_name(&digest('7')));
        assert_eq!(log_name("/var/log/app/worker-4711.log"), "/var/log/app/worker-⟨number⟩.log");
        assert_eq!(log_name("/var/log/app2/app.log"), "/var/log/app2/app.log");
        assert_eq!(canonical_name("/etc/rc2.d/S01x"), "/etc/rc2.d/S01x");
        let session = |id: &str| canonical_name(&format!("/var/lib/php/sessions/sess_{id}"));
        assert_eq!(session("c8s5iq0gvalbuunqj819svq6df"), session("e5rvs24l2f5pkfkgfqqthdcjdc"));
        let plain = "/etc/ssl/certs/AffirmTrust_Premium_ECC2048.pem";
        assert_eq!(canonical_name(plain), plain);
    }

    #[test]
    fn readings_of_one_key_become_one_with_all_values() {
        let key = Key::from("k");
        let merge = |readings: &[Reading]| {
            let all = readings.iter().map(|reading| (key.clone(), reading.clone())).collect();
            let mut merged = merged(all);
            assert_eq!(merged.len(), 1);
            merged.remove(0).1
        };
        let (a, b) = (Reading::content("a"), Reading::content("b"));
        assert_eq!(merge(&[b.clone(), a.clone(), b]), Reading::content(Value::List(vec!["a".into(), "b".into()])));
        assert_eq!(merge(&[a.clone(), a.clone(), Reading::fact("c")]), a);
        let (good, bad) = (Reading::state("x", Health::Good), Reading::state("y", Health::Bad));
        assert_eq!(merge(&[good, bad, a]), Reading::state("x, y", Health::Bad));
    }
}
