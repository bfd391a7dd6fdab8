//! The commands that repeat a run and a cell, where every word of them can be copied.

use std::io::{self, Write};
use std::iter;

use patchbed_model::record::ScenarioRecord;
use patchbed_model::{CellId, Record};

use super::page::Page;
use super::tags;

/// The flags, each with a value, on which the files of a run depend.
const FLAGS: [&str; 3] = ["-C", "--directory", "--set"];

/// The command that repeats the run: as it was given, else with the same files.
pub(super) fn run(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let files = record.scenarios.iter().map(|scenario| tags::argument(&scenario.file));
    let words: Option<Vec<String>> = match record.arguments.as_slice() {
        [] => iter::once(Some("run".to_owned())).chain(files).collect(),
        given => given.iter().map(|word| tags::word(word)).collect(),
    };
    entry(words.filter(|words| words.len() > 1), out)
}

/// The command that repeats a cell.
pub(super) fn cell(page: &Page<'_>, scenario: &ScenarioRecord, cell: &CellId, out: &mut dyn Write) -> io::Result<()> {
    let id = page.id(cell);
    let words =
        [Some("run".to_owned()), tags::argument(&scenario.file), Some("--cell".to_owned()), tags::argument(&id)];
    let given = sets(&page.record.arguments).into_iter().map(tags::word);
    entry(words.into_iter().chain(given).collect(), out)
}

/// The words of a command that say what the files of a run are made with.
fn sets(arguments: &[String]) -> Vec<&str> {
    let mut words = arguments.iter().map(String::as_str);
    let mut sets = Vec::new();
    while let Some(word) = words.next() {
        if FLAGS.contains(&word) {
            sets.extend(iter::once(word).chain(words.next()));
        } else if word.split_once('=').is_some_and(|(flag, _)| FLAGS.contains(&flag)) {
            sets.push(word);
        }
    }
    sets
}

fn entry(words: Option<Vec<String>>, out: &mut dyn Write) -> io::Result<()> {
    let Some(words) = words else { return Ok(()) };
    let command = format!("patchbed {}", words.join(" "));
    tags::entry(out, "Repeat", &format!("<code>{}</code>", tags::escape(&command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_are_made_with_is_repeated() {
        let given = ["run", "-C", "a", "x.yaml", "--set", "old=1", "-j", "2", "--set=new=2"];
        let given: Vec<String> = given.map(ToOwned::to_owned).into();
        assert_eq!(sets(&given), ["-C", "a", "--set", "old=1", "--set=new=2"]);
    }
}
