//! What systemd says of units, through its own programs in the image: `systemctl show` and `journalctl -o json`.

use std::collections::BTreeMap;

use patchbed_model::{Health, Reading};
use patchbed_sandbox::message::End;
use serde_json::Value as Json;

use super::{Look, ProbeError};

/// The properties that are asked for.
const PROPERTIES: &str =
    "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts,ConditionTimestampMonotonic,ConsistsOf,ExecStart";

/// A unit as systemd sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnitState {
    /// Its full name.
    pub(super) name: String,
    /// Whether it is there at all: `loaded`, `not-found`, `masked`.
    load: String,
    /// `active`, `failed` …
    pub(super) active: String,
    /// `running`, `exited` …
    pub(super) sub: String,
    /// `success`, or why it failed.
    pub(super) result: String,
    /// How often systemd started it again by itself.
    pub(super) restarts: u64,
    /// When it last began to start, in microseconds since the boot: when its conditions were tested. What systemd calls the
    /// end of being inactive comes after its program was started, which may have spoken by then.
    started: u64,
    /// Units that are started and stopped with it, such as `postgresql@15-main.service`.
    pub(super) consists_of: Vec<String>,
    /// The programs that it starts.
    pub(super) programs: Vec<String>,
}

impl UnitState {
    /// `active (running)`, `failed (signal)`, `not found`: what `systemctl status` says in its third line.
    pub(super) fn reading(&self) -> Reading {
        if self.load != "loaded" {
            return Reading::state(self.load.replace('-', " "), Health::Bad);
        }
        let fine = self.active == "active";
        let why = if self.active == "failed" { &self.result } else { &self.sub };
        Reading::state(format!("{} ({why})", self.active), if fine { Health::Good } else { Health::Bad })
    }

    fn of(block: &str) -> Option<Self> {
        let fields: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
        let field = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
        Some(Self {
            name: (*fields.get("Id")?).to_owned(),
            load: field("LoadState"),
            active: field("ActiveState"),
            sub: field("SubState"),
            result: field("Result"),
            restarts: field("NRestarts").parse().unwrap_or_default(),
            started: field("ConditionTimestampMonotonic").parse().unwrap_or_default(),
            consists_of: sorted(field("ConsistsOf").split_whitespace()),
            programs: sorted(block.lines().filter_map(program)),
        })
    }
}

/// The states of these units, in the order asked for.
pub(super) async fn units(look: &Look<'_>, names: &[String]) -> Result<Vec<UnitState>, ProbeError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut argv = vec!["systemctl", "show", "--no-pager", PROPERTIES, "--"];
    argv.extend(names.iter().map(String::as_str));
    let text = said(look, &argv).await?;
    let states: Vec<UnitState> = text.split("\n\n").filter_map(UnitState::of).collect();
    if states.len() == names.len() {
        return Ok(states);
    }
    Err(ProbeError::Blind(format!("ask systemd about {}: {} answers", names.join(", "), states.len())))
}

/// The names of all units that failed.
pub(super) async fn failed(look: &Look<'_>) -> Result<Vec<String>, ProbeError> {
    let text = said(look, &["systemctl", "list-units", "--state=failed", "--all", "--plain", "--no-legend"]).await?;
    Ok(sorted(text.lines().filter_map(|line| line.split_whitespace().next())))
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The message.
    pub(super) message: String,
    /// The priority of syslog: 3 and less are errors, 4 is a warning.
    pub(super) priority: Option<u8>,
}

/// What the journal holds of a unit since it last began to start; of all its starts since the boot when systemd had to
/// start it again. The moment decides and not the id of the run: what a program says that ends at once comes without
/// one.
pub(super) async fn journal(look: &Look<'_>, unit: &UnitState) -> Result<Vec<Entry>, ProbeError> {
    let argv = ["journalctl", "--quiet", "--no-pager", "--boot", "--output=json", "--output-fields=MESSAGE,PRIORITY"];
    let text = said(look, &[&argv[..], &["--unit", unit.name.as_str()]].concat()).await?;
    let since = if unit.restarts > 0 { 0 } else { unit.started };
    Ok(text.lines().filter_map(|line| entry(line, since)).collect())
}

fn entry(line: &str, since: u64) -> Option<Entry> {
    let json: Json = serde_json::from_str(line).ok()?;
    let number = |field: &str| json.get(field).and_then(Json::as_str).and_then(|text| text.parse::<u64>().ok());
    let is_new = number("__MONOTONIC_TIMESTAMP").is_none_or(|moment| moment >= since);
    let priority = number("PRIORITY").and_then(|number| u8::try_from(number).ok());
    Some(Entry { message: message(json.get("MESSAGE")?)?, priority }).filter(|_| is_new)
}

/// A message is a text, or a list of bytes when it is not UTF-8.
fn message(json: &Json) -> Option<String> {
    if let Some(text) = json.as_str() {
        return Some(text.to_owned());
    }
    let bytes: Option<Vec<u8>> =
        json.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

/// What a tool printed; blind when there is no systemd, or when it did not end well.
async fn said(look: &Look<'_>, argv: &[&str]) -> Result<String, ProbeError> {
    if !look.systemd {
        return Err(ProbeError::Blind("ask about units: systemd is not process 1 here".to_owned()));
    }
    let ran = look.tool(argv).await?;
    if ran.end == End::Exited(0) {
        return Ok(ran.output.text);
    }
    let last = patchbed_model::text::last_lines(&ran.errors.text, 1).concat();
    Err(ProbeError::Blind(format!("run `{}`: {} {last}", argv[0], ran.end)))
}

/// The path in `ExecStart={ path=/usr/sbin/nginx ; argv[]=… }`, of which there may be several.
fn program(line: &str) -> Option<&str> {
    let (path, _) = line.strip_prefix("ExecStart={ path=")?.split_once(" ;")?;
    Some(path)
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_as_systemctl_tells_it() {
        let block =
            "Id=nginx.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nNRestarts=2";
        let unit = UnitState::of(block).unwrap();
        assert_eq!(unit.reading(), Reading::state("failed (exit-code)", Health::Bad));
        assert_eq!(unit.restarts, 2);
        let starts = UnitState::of("Id=a\nExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g x ; }").unwrap();
        assert_eq!(starts.programs, ["/usr/sbin/nginx"]);
        let missing = UnitState::of("Id=x.service\nLoadState=not-found\nActiveState=inactive").unwrap();
        assert_eq!(missing.reading(), Reading::state("not found", Health::Bad));
        assert_eq!(UnitState::of(""), None);
    }

    #[test]
    fn a_message_that_is_not_utf8_comes_as_bytes() {
        let line = r#"{"MESSAGE":[104,105,255],"PRIORITY":"3","__MONOTONIC_TIMESTAMP":"77"}"#;
        let found = entry(line, 77).unwrap();
        assert_eq!(found, Entry { message: "hi\u{fffd}".to_owned(), priority: Some(3) });
        assert_eq!((entry(line, 78), entry("no json", 0)), (None, None));
    }
}
