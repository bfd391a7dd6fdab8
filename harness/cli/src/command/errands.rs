//! What a person in a shell asks the harness for: failing probes once more, and files of the other arm.
//!
//! Small scripts inside write a line into a pipe and wait; what they ask for is done out here. The line may come from
//! anything inside, so that it names nothing but a probe and a path inside a sandbox.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_engine::plan::PlanCell;
use patchbed_engine::run::{Cancel, Harness, Side, again, reopen};
use patchbed_engine::scenario::Probe;
use patchbed_model::{Difference, Health, Key, Reading};
use patchbed_report::{Look, safe, words};
use patchbed_sandbox::message::{End, Program, Run, WriteFile};
use patchbed_sandbox::{AskError, Sandbox};
use tokio::sync::mpsc;

/// The folder of the scripts, in memory: nothing of the image's own is written.
pub(super) const FOLDER: &str = "/run/patchbed-shell";
/// Where programs are looked for inside: the usual folders, and that of the scripts.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/patchbed-shell";
/// The scripts by their names.
const SCRIPTS: [(&str, &str); 4] = [
    ("ask", include_str!("../../inside/ask.sh")),
    ("again", include_str!("../../inside/again.sh")),
    ("other", include_str!("../../inside/other.sh")),
    ("diff-arms", include_str!("../../inside/diff-arms.sh")),
];
/// What a shell inside begins with.
const RC: &str = include_str!("../../inside/rc.sh");
/// The longest file of the other arm that is shown.
const LONGEST: u64 = 8 << 20;
/// The longest question, in bytes.
const LONGEST_LINE: usize = 64 << 10;
/// How many pieces of questions may wait: nothing else is read from the guest while they are full.
const WAITING: usize = 1024;
/// How long one small program inside may take, in milliseconds.
const SOON: u64 = 10_000;

/// The cell in which somebody looks around.
pub(super) struct Visit {
    /// The cell.
    pub(super) cell: PlanCell,
    /// What of it was made.
    pub(super) side: Side,
    /// What differed in the run.
    pub(super) differences: Vec<Difference>,
    /// What makes the other arm.
    pub(super) harness: Harness,
}

/// A status and what is printed before the script ends with it.
type Answer = (u8, Vec<u8>);

/// Puts what a shell begins with inside.
pub(super) async fn install_prompt(sandbox: &dyn Sandbox) -> Result<(), AskError> {
    sandbox.write_files(vec![file("rc", RC.as_bytes(), 0o644)]).await
}

/// Puts the scripts and the pipe inside. Says whether the image can make one.
pub(super) async fn install(sandbox: &dyn Sandbox) -> Result<bool, AskError> {
    let file = |(name, text): (&str, &str)| file(name, text.as_bytes(), 0o755);
    sandbox.write_files(SCRIPTS.map(file).into()).await?;
    Ok(sandbox.run(script(&format!("mkfifo {FOLDER}/asked"))).await?.end == End::Exited(0))
}

/// Does what is asked, until it is dropped.
pub(super) async fn serve(sandbox: &dyn Sandbox, visit: &Visit, look: &Look) -> Infallible {
    let listen =
        Run { stream: true, within: super::shell::WITHIN, ..script(&format!("exec 3<>{FOLDER}/asked; exec cat <&3")) };
    let (output, mut received) = mpsc::channel(WAITING);
    let (_open, input) = mpsc::channel(1);
    let asked = async {
        let mut other = None;
        let mut typed = Vec::new();
        while let Some((_, bytes)) = received.recv().await {
            typed.extend(bytes);
            // A line without an end is no question.
            if typed.len() > LONGEST_LINE {
                typed.clear();
            }
            while let Some(end) = typed.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = typed.drain(..=end).collect();
                answer(sandbox, visit, (&mut other, look), &String::from_utf8_lossy(&line)).await;
            }
        }
    };
    let _ = tokio::join!(sandbox.stream(listen, output, input), asked);
    // Without its helpers the session goes on.
    std::future::pending().await
}

/// Does what one line asks, and lets the script that wrote it go on.
async fn answer(
    sandbox: &dyn Sandbox,
    visit: &Visit,
    (other, look): (&mut Option<Box<dyn Sandbox>>, &Look),
    line: &str,
) {
    let mut words = line.trim_end().splitn(3, ' ');
    let Some(Ok(process)) = words.next().map(str::parse::<u32>) else { return };
    let errand = words.next().unwrap_or_default();
    let what = words.next().unwrap_or_default();
    let done = match errand {
        "again" => probed(sandbox, visit, what, look).await,
        "other" => shown(visit, other, what).await,
        "diff-arms" => compared(sandbox, visit, other, what).await,
        _ => Err(format!("there is no helper `{errand}`")),
    };
    let (status, bytes) = done.unwrap_or_else(|why| (1, format!("{}\n", safe::shown(&why, look)).into_bytes()));
    let written = sandbox.write_files(vec![file(&format!("answer.{process}"), &bytes, 0o600)]).await;
    let status = if written.is_ok() { status } else { 1 };
    // A script that has gone meanwhile waits for nothing.
    let _ = sandbox.run(script(&format!("echo {status} >{FOLDER}/wait.{process}"))).await;
}

/// Asks probes once more: that of this name, else those that differed in the run, else all.
async fn probed(sandbox: &dyn Sandbox, visit: &Visit, name: &str, look: &Look) -> Result<Answer, String> {
    let all: Vec<&Probe> = visit.cell.probes().collect();
    let of = |probe: &&Probe, key: &Key| key.as_str().starts_with(&format!("{}.", probe.prefix()));
    let differed = |probe: &&Probe| visit.differences.iter().any(|difference| of(probe, &difference.key));
    let mut wanted: Vec<&Probe> = match name {
        "" => all.iter().copied().filter(differed).collect(),
        name => all.iter().copied().filter(|probe| probe.name == name).collect(),
    };
    if wanted.is_empty() && name.is_empty() {
        wanted.clone_from(&all);
    }
    if wanted.is_empty() {
        let names: Vec<&str> = all.iter().map(|probe| &*probe.name).collect();
        return Err(format!("no probe is named `{name}`; there are: {}", names.join(", ")));
    }
    let readings = again(&visit.cell, sandbox, &*visit.harness.clock, &wanted).await.map_err(|e| e.to_string())?;
    let bad = readings.iter().any(|(_, reading)| reading.health == Some(Health::Bad));
    let lines: Vec<String> = readings.iter().flat_map(|(key, reading)| told(visit, key, reading, look)).collect();
    Ok((u8::from(bad), format!("{}\n", lines.join("\n")).into_bytes()))
}

/// One reading as it is now, beside what it was in the run, with the lines that explain it.
fn told(visit: &Visit, key: &Key, reading: &Reading, look: &Look) -> Vec<String> {
    let value = safe::shown(reading.value.to_string().trim_end(), look);
    let mut lines = vec![format!("{}: {value}", safe::shown(key.as_str(), look))];
    if let Some(difference) = visit.differences.iter().find(|difference| difference.key == *key) {
        lines.push(format!("  in the run {}", words::difference(difference, look)));
    }
    lines.extend(reading.evidence.iter().map(|line| format!("  | {}", safe::shown(line, look))));
    lines
}

/// A file of the other arm.
async fn shown(visit: &Visit, other: &mut Option<Box<dyn Sandbox>>, path: &str) -> Result<Answer, String> {
    let bytes = opened(visit, other).await?.read_file(path, LONGEST).await.map_err(|error| error.to_string())?;
    Ok((0, bytes))
}

/// How a file differs between the arms: from without the patch to with it.
async fn compared(
    sandbox: &dyn Sandbox,
    visit: &Visit,
    other: &mut Option<Box<dyn Sandbox>>,
    path: &str,
) -> Result<Answer, String> {
    let here = sandbox.read_file(path, LONGEST).await;
    let there = opened(visit, other).await?.read_file(path, LONGEST).await;
    let (here, there) = match (here, there) {
        (Err(here), Err(_)) => return Err(here.to_string()),
        (here, there) => (here.unwrap_or_default(), there.unwrap_or_default()),
    };
    let (control, patched) = if visit.side == Side::Control { (here, there) } else { (there, here) };
    if control == patched {
        return Ok((0, Vec::new()));
    }
    if [&control, &patched].iter().any(|bytes| bytes.contains(&0)) {
        return Ok((1, format!("{path} differs, and is no text\n").into_bytes()));
    }
    let mut options = diffy::DiffOptions::new();
    options.set_original_filename("control").set_modified_filename("patched");
    Ok((1, options.create_patch_bytes(&control, &patched).to_bytes()))
}

/// The other arm, made when it is first asked for.
async fn opened<'a>(visit: &Visit, other: &'a mut Option<Box<dyn Sandbox>>) -> Result<&'a dyn Sandbox, String> {
    if other.is_none() {
        let side = if visit.side == Side::Control { Side::Patched } else { Side::Control };
        let made = reopen(&visit.cell, side, &visit.harness, &Cancel::never()).await;
        *other = Some(made.map_err(|error| format!("the other arm cannot be made: {error}"))?.0);
    }
    other.as_deref().ok_or_else(|| "the other arm is not there".to_owned())
}

fn file(name: &str, bytes: &[u8], mode: u32) -> WriteFile {
    WriteFile { path: format!("{FOLDER}/{name}"), data: STANDARD.encode(bytes), mode: Some(mode), owner: None }
}

fn script(text: &str) -> Run {
    let argv = ["/bin/sh", "-c", text].map(str::to_owned).into();
    Run { program: Program { argv, ..Program::default() }, within: SOON, ..Run::default() }
}
