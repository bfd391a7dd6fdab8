//! Reads the command line: every long flag gets its environment variable, and nothing is printed here.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};
use patchbed_engine::plan::Shard;
use patchbed_kinds::document::Size;

use super::low::Low;
use super::run::WhichShard;

/// The most parts of a plan.
const MOST_SHARDS: usize = 10_000;

/// What came of the command line.
pub(crate) enum Parsed {
    /// A command.
    Command(Box<Low>),
    /// Help or the version was asked for.
    Text(Styled),
    /// It is wrong.
    Wrong(Styled),
}

/// A text with and without colour.
pub(crate) struct Styled {
    /// Without.
    pub(crate) plain: String,
    /// With.
    pub(crate) coloured: String,
}

/// Reads the arguments, the program's name among them.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Parsed {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let low = command().try_get_matches_from(&arguments).and_then(|matches| Low::from_arg_matches(&matches));
    let error = match low {
        Ok(low) => return Parsed::Command(Box::new(low)),
        Err(error) => error,
    };
    let text = error.render();
    let [plain, coloured] = match wrong_variable(&error, &arguments) {
        Some((flag, variable)) => {
            [text.to_string(), text.ansi().to_string()].map(|text| text.replace(&flag, &variable))
        }
        None => [text.to_string(), text.ansi().to_string()],
    };
    let visible = patchbed_model::text::visible(&plain);
    // A word with control characters is only ever shown without colour, where they are visible.
    let coloured = if visible == plain { coloured } else { visible.clone() };
    let styled = Styled { plain: visible, coloured };
    if error.use_stderr() { Parsed::Wrong(styled) } else { Parsed::Text(styled) }
}

/// The flag of a wrong value, and the variable from which that value came: without variables it is not wrong.
fn wrong_variable(error: &clap::Error, arguments: &[OsString]) -> Option<(String, String)> {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return None;
    }
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else { return None };
    let typed = Low::command().try_get_matches_from(arguments);
    if typed.is_err_and(|typed| typed.get(ContextKind::InvalidArg) == error.get(ContextKind::InvalidArg)) {
        return None;
    }
    let long = flag.strip_prefix("--")?.split(' ').next()?;
    Some((flag.clone(), variable_of(long)))
}

/// The command line with an environment variable for every long flag.
pub(crate) fn command() -> Command {
    with_environment(Low::command())
}

fn with_environment(command: Command) -> Command {
    let command = command.mut_args(|arg| match variable(&arg) {
        Some(name) => flag_value(arg).env(name).hide_env(true),
        None => arg,
    });
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_environment))
}

fn variable(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !matches!(*long, "help" | "version"))?;
    Some(variable_of(long))
}

fn variable_of(long: &str) -> String {
    format!("PATCHBED_{}", long.to_uppercase().replace('-', "_"))
}

/// A flag without a value is on unless its variable is empty, `0`, `no`, `off`, `false`, `n` or `f`.
fn flag_value(arg: Arg) -> Arg {
    if matches!(arg.get_action(), ArgAction::SetTrue) { arg.value_parser(FalseyValueParser::new()) } else { arg }
}

/// A duration as scenarios write it: `90s`, `10min`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err("write a number with its unit: ms, s, min, h or d".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is no number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// A size as scenarios write it, in bytes: `512MiB`, `32GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let size = Size::parse(text).ok_or("write a number with its unit, such as 512MiB or 32GiB")?;
    Ok(size.0)
}

/// A part of several, `2/4`, or `auto`.
pub(super) fn shard(text: &str) -> Result<WhichShard, String> {
    if text == "auto" {
        return Ok(WhichShard::Auto);
    }
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number <= MOST_SHARDS);
    let parts = text.split_once('/').and_then(|(index, total)| Shard::new(number(index)?, number(total)?));
    parts.map(WhichShard::Given).ok_or_else(|| format!("write I/N with I from 1 to N and N to {MOST_SHARDS}, or auto"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(shard("auto"), Ok(WhichShard::Auto));
        assert_eq!(shard("2/4").ok(), Shard::new(2, 4).map(WhichShard::Given));
        for wrong in ["0/4", "5/4", "1/0", "1", "a/b", "1/10001", "-1/4", "1/99999999999999999999"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(168)));
        assert!(duration("7").is_err());
        assert!(duration("d").is_err());
        assert!(duration("1e400s").is_err());
    }
}
