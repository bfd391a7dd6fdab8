//! Systemd units, asked through `systemctl` inside the sandbox.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_model::text::last_lines;
use patchbed_sandbox::message::{End, Program, Ran, Run, signal_name};
use patchbed_sandbox::{AskError, LinkError, Sandbox};

use super::clock::Clock;
use super::pace::milliseconds;
use super::service::NotReady;

/// How long systemd itself may take to come up.
const BOOT: Duration = Duration::from_secs(90);

/// How long a question to systemd may take.
const QUESTION: Duration = Duration::from_secs(20);

/// The pause before systemd is asked again while its bus is not there yet.
const PAUSE: Duration = Duration::from_millis(20);

/// How a unit stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Up,
    Coming(String),
    Down(String),
}

/// Waits until systemd has finished booting, well or with failed units. Says why when it does not.
pub(crate) async fn booted(sandbox: &dyn Sandbox, clock: &dyn Clock) -> Result<Result<(), NotReady>, LinkError> {
    let start = clock.elapsed();
    loop {
        let left = BOOT.saturating_sub(clock.elapsed().saturating_sub(start));
        let ran = systemctl(sandbox, &["is-system-running", "--wait"], left).await?;
        let said = ran.as_ref().map_or_else(Clone::clone, |ran| format!("{}{}", ran.output.text, ran.errors.text));
        if matches!(said.trim(), "running" | "degraded") {
            return Ok(Ok(()));
        }
        if clock.elapsed().saturating_sub(start) >= BOOT {
            let text = format!("systemd did not come up within {} s", BOOT.as_secs());
            return Ok(Err(NotReady { text, evidence: last_lines(&said, 5) }));
        }
        clock.sleep(PAUSE).await;
    }
}

/// Starts or restarts a unit and waits for systemd to say how it went.
pub(super) async fn control(
    sandbox: &dyn Sandbox,
    verb: &str,
    unit: &str,
    within: Duration,
) -> Result<Result<(), NotReady>, LinkError> {
    let text = match systemctl(sandbox, &[verb, unit], within).await? {
        Ok(ran) if ran.end == End::Exited(0) => return Ok(Ok(())),
        Ok(ran) => match look(sandbox, unit).await? {
            Unit::Down(text) | Unit::Coming(text) => text,
            Unit::Up => last_lines(&ran.errors.text, 1).concat(),
        },
        Err(text) => text,
    };
    Ok(Err(NotReady { text, evidence: evidence(sandbox, unit, 12).await? }))
}

/// How a unit stands now.
pub(super) async fn look(sandbox: &dyn Sandbox, unit: &str) -> Result<Unit, LinkError> {
    let properties = "--property=ActiveState,SubState,Result,Type,LoadState,ExecMainCode,ExecMainStatus";
    let question = ["show", properties, "--", unit];
    match systemctl(sandbox, &question, QUESTION).await? {
        Ok(ran) => Ok(standing(&ran.output.text)),
        Err(text) => Ok(Unit::Coming(text)),
    }
}

fn standing(shown: &str) -> Unit {
    let properties: BTreeMap<&str, &str> = shown.lines().filter_map(|line| line.trim().split_once('=')).collect();
    let value = |name: &str| properties.get(name).copied().unwrap_or_default();
    let (active, sub, result) = (value("ActiveState"), value("SubState"), value("Result"));
    let why = if matches!(result, "" | "success") { sub } else { result };
    let text = match (value("ExecMainCode"), value("ExecMainStatus").parse()) {
        // As the kernel tells it: killed, or killed with a core dump.
        ("2" | "3", Ok(signal)) => format!("{active} ({why}), killed by {}", signal_name(signal)),
        _ => format!("{active} ({why})"),
    };
    match active {
        "active" => Unit::Up,
        "inactive" if value("Type") == "oneshot" && result == "success" => Unit::Up,
        "inactive" if value("LoadState") == "not-found" => Unit::Down("there is no such unit".to_owned()),
        "inactive" | "failed" => Unit::Down(text),
        _ => Unit::Coming(text),
    }
}

/// What systemd shows of a unit, its last log lines included.
pub(super) async fn evidence(sandbox: &dyn Sandbox, unit: &str, lines: usize) -> Result<Vec<String>, LinkError> {
    let count = lines.to_string();
    let question = ["status", "--no-pager", "--full", "--lines", &count, "--", unit];
    let ran = systemctl(sandbox, &question, QUESTION).await?;
    Ok(ran.map(|ran| last_lines(&ran.output.text, lines)).unwrap_or_default())
}

/// The states of units as one text that changes when any of them does.
pub(super) async fn states(sandbox: &dyn Sandbox, units: &[&str]) -> Result<String, LinkError> {
    let mut question = vec!["show", "--property=Id,ActiveState,SubState,NRestarts,MainPID", "--"];
    question.extend(units);
    let ran = systemctl(sandbox, &question, QUESTION).await?;
    Ok(ran.map_or_else(|text| text, |ran| ran.output.text))
}

/// By what one run of each of these units is told from the next one.
pub(super) async fn invocations(sandbox: &dyn Sandbox, units: &[&str]) -> Result<Vec<String>, LinkError> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let mut question = vec!["show", "--property=InvocationID", "--"];
    question.extend(units);
    let ran = systemctl(sandbox, &question, QUESTION).await?;
    let text = ran.map(|ran| ran.output.text).unwrap_or_default();
    Ok(text.lines().filter(|line| line.starts_with("InvocationID=")).map(str::to_owned).collect())
}

/// Makes systemd read its files again.
pub(super) async fn reload(sandbox: &dyn Sandbox) -> Result<Result<(), NotReady>, LinkError> {
    let text = match systemctl(sandbox, &["daemon-reload"], QUESTION).await? {
        Ok(ran) if ran.end == End::Exited(0) => return Ok(Ok(())),
        Ok(ran) => last_lines(&ran.errors.text, 1).concat(),
        Err(text) => text,
    };
    Ok(Err(NotReady { text, evidence: Vec::new() }))
}

/// Runs `systemctl`; the inner error says why it could not be run.
async fn systemctl(
    sandbox: &dyn Sandbox,
    arguments: &[&str],
    within: Duration,
) -> Result<Result<Ran, String>, LinkError> {
    let argv = std::iter::once("systemctl").chain(arguments.iter().copied()).map(str::to_owned).collect();
    let program = Program { argv, ..Program::default() };
    let run = Run { program, within: milliseconds(within), keep: 64 << 10, ..Run::default() };
    match sandbox.run(run).await {
        Ok(ran) if ran.end == End::TimedOut => Ok(Err(format!("no answer from systemd within {} s", within.as_secs()))),
        Ok(ran) => Ok(Ok(ran)),
        Err(AskError::Failed(failure)) => Ok(Err(failure.text)),
        Err(AskError::Link(link)) => Err(link),
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit, standing};

    #[test]
    fn what_systemd_shows_is_read() {
        let shown = |active: &str, rest: &str| standing(&format!("ActiveState={active}\nSubState=x\n{rest}\n"));
        assert_eq!(shown("active", "Result=success"), Unit::Up);
        assert_eq!(shown("inactive", "Result=success\nType=oneshot"), Unit::Up);
        assert_eq!(shown("activating", "Result=success"), Unit::Coming("activating (x)".to_owned()));
        assert_eq!(shown("inactive", "LoadState=not-found"), Unit::Down("there is no such unit".to_owned()));
        let crashed = shown("failed", "Result=core-dump\nExecMainCode=3\nExecMainStatus=11");
        assert_eq!(crashed, Unit::Down("failed (core-dump), killed by SIGSEGV".to_owned()));
    }
}
