//! `shell`: a session or one command in the environment of a cell, or on an image.

use std::io::Read as _;

use camino::Utf8Path;
use patchbed_engine::plan::PlanCell;
use patchbed_engine::run::{Cancel, Harness, Side, reopen, reopen_kept};
use patchbed_engine::store::State;
use patchbed_model::{Arm, CellId, Difference, Exit};
use patchbed_sandbox::message::{End, FailureKind, Program, Reply, Run, Stream};
use patchbed_sandbox::{Backend as _, LinkError, Sandbox};
use tokio::sync::mpsc;

use super::errands::{self, Visit};
use super::{images, sandboxes, terminal};
use crate::arguments::ShellArguments;
use crate::context::Context;
use crate::failure::Failure;

/// How long a session may last, in milliseconds. A person who is away for a day comes back to a closed one.
pub(super) const WITHIN: u64 = 24 * 3600 * 1000;
/// How many pieces of output or input may wait.
const WAITING: usize = 4;
/// The status of a command that could not be run at all, as shells have it.
const CANNOT_RUN: u8 = 126;
/// The status of a command that is not there.
const NOT_FOUND: u8 = 127;
/// The status of a command whose time was over, as `timeout` has it.
const TIMED_OUT: u8 = 124;

pub(super) fn execute(context: &Context, arguments: &ShellArguments) -> Result<u8, Failure> {
    sandboxes::sweep_leftovers(context);
    sandboxes::block_on(async {
        let (sandbox, visit) = open(context, arguments).await?;
        let ended = session(context, &*sandbox, arguments, visit.as_ref()).await;
        let closed = sandbox.close().await;
        let status = ended?;
        closed?;
        Ok(status)
    })?
}

/// Opens what is meant: a folder or an image where the word can only be one, else a cell, else an image by name.
async fn open(context: &Context, arguments: &ShellArguments) -> Result<(Box<dyn Sandbox>, Option<Visit>), Failure> {
    let target = arguments.target.as_str();
    let may_be_cell = target != "host" && !target.contains('/');
    if may_be_cell && let Some(cell) = super::run::cell_of_last_run(context, target)? {
        let side = match (arguments.control, arguments.reverted) {
            (true, _) => Side::Control,
            (false, true) => Side::Reverted,
            (false, false) => Side::Patched,
        };
        let harness = super::run::harness_for_one(context)?;
        if arguments.kept {
            return Ok((kept(context, &cell, side, &harness).await?, None));
        }
        let (sandbox, notes) = reopen(&cell, side, &harness, &Cancel::never()).await?;
        for note in &notes {
            context.output.warn(note);
        }
        let differences = differences(context, &cell.id)?;
        return Ok((sandbox, Some(Visit { cell, side, differences, harness })));
    }
    if arguments.control || arguments.patched || arguments.reverted || arguments.kept {
        let failure = Failure::say(Exit::Nothing, format!("the last run has no cell `{target}`"));
        return Err(failure
            .help("`patchbed show` lists its cells; `--control`, `--patched`, `--reverted` and `--kept` need one"));
    }
    let spec = images::spec(context, target).await?;
    Ok((sandboxes::backend(context).open(&spec).await?, None))
}

/// The disk that an arm of a cell left in the last run.
async fn kept(context: &Context, cell: &PlanCell, side: Side, harness: &Harness) -> Result<Box<dyn Sandbox>, Failure> {
    let arm = if side == Side::Control { Arm::Control } else { Arm::Patched };
    let run = State::open(&context.folders.kept)?.find(None)?;
    reopen_kept(cell, (&run, arm), harness).await?.ok_or_else(|| {
        let text = format!("no disk of the {arm} arm of cell {} is kept", cell.id);
        Failure::say(Exit::Nothing, text).help("`patchbed run --keep failed` keeps them for a day")
    })
}

/// What differed in the last run in a cell.
fn differences(context: &Context, cell: &CellId) -> Result<Vec<Difference>, Failure> {
    let state = State::open(&context.folders.kept)?;
    let record = state.record(&state.find(None)?)?;
    let cells = record.scenarios.into_iter().flat_map(|scenario| scenario.cells);
    Ok(cells.filter(|other| other.id == *cell).flat_map(|cell| cell.differences).collect())
}

/// What the prompt says: the arm and the cell, or what else it is.
fn place(arguments: &ShellArguments, visit: Option<&Visit>) -> String {
    let Some(visit) = visit else {
        let arm = if arguments.control { "control" } else { "patched" };
        return if arguments.kept { format!("kept {arm} {}", arguments.target) } else { arguments.target.clone() };
    };
    let arm = match visit.side {
        Side::Control => "control",
        Side::Patched => "patched",
        Side::Reverted => "reverted",
    };
    format!("{arm} {}", visit.cell.id.short())
}

/// The session, and beside it what the helpers inside ask for.
async fn session(
    context: &Context,
    sandbox: &dyn Sandbox,
    arguments: &ShellArguments,
    visit: Option<&Visit>,
) -> Result<u8, Failure> {
    let interactive = context.interactive && rustix::termios::isatty(rustix::stdio::stdout());
    let mut run = program(arguments, interactive);
    if !arguments.argv.is_empty() {
        return streamed(context, sandbox, run).await;
    }
    errands::install_prompt(sandbox).await?;
    let place = ("PATCHBED_SHELL".to_owned(), place(arguments, visit));
    let begin = ("ENV".to_owned(), format!("{}/rc", errands::FOLDER));
    run.program.environment.extend([place, begin]);
    let Some(visit) = visit else { return streamed(context, sandbox, run).await };
    if !errands::install(sandbox).await? {
        context.output.warn("the image has no `mkfifo`, which the helpers `again`, `other` and `diff-arms` need");
        return streamed(context, sandbox, run).await;
    }
    run.program.environment.insert("PATH".to_owned(), errands::PATH.to_owned());
    if interactive {
        context.output.say("helpers inside: again [PROBE], other PATH, diff-arms PATH");
    }
    tokio::select! {
        ended = streamed(context, sandbox, run) => ended,
        never = errands::serve(sandbox, visit, context.output.look()) => match never {},
    }
}

/// Runs it with the streams, and on the terminal, of this program.
async fn streamed(context: &Context, sandbox: &dyn Sandbox, run: Run) -> Result<u8, Failure> {
    let interactive = run.terminal.is_some();
    let (output, received) = mpsc::channel(WAITING);
    let (given, input) = mpsc::channel(WAITING);
    let raw = if interactive { Some(terminal::Mode::raw()?) } else { None };
    std::thread::spawn(move || give(&given));
    let written = std::thread::spawn(move || write(received));
    let reply = sandbox.stream(run, output, input).await;
    // The channel is closed now: what is left in it is written before the terminal is put back.
    let _ = tokio::task::spawn_blocking(move || written.join()).await;
    drop(raw);
    status(context, reply)
}

fn program(arguments: &ShellArguments, interactive: bool) -> Run {
    let shell = || vec!["/bin/sh".to_owned()];
    let argv = match (&arguments.command, arguments.argv.as_slice()) {
        (Some(text), _) => [shell(), vec!["-c".to_owned(), text.clone()]].concat(),
        (None, []) if interactive => {
            // A shell that people like where the image has one; `sh` is always there, and begins with `$ENV`.
            let choose = "command -v bash >/dev/null && exec bash --rcfile \"$ENV\" -i; exec sh -i";
            [shell(), vec!["-c".to_owned(), choose.to_owned()]].concat()
        }
        (None, []) => shell(),
        (None, argv) => argv.to_vec(),
    };
    let mut program = Program { argv, ..Program::default() };
    if interactive {
        let term = std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned());
        program.environment.insert("TERM".to_owned(), term);
    }
    Run { program, within: WITHIN, stream: true, terminal: interactive.then(terminal::size), ..Run::default() }
}

/// Reads standard input to its end.
fn give(given: &mpsc::Sender<Vec<u8>>) {
    let mut input = std::io::stdin().lock();
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length) = input.read(&mut buffer) {
        if length == 0 || given.blocking_send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

/// Passes output through as it is: it is the sandbox's own, and asked for.
fn write(mut received: mpsc::Receiver<(Stream, Vec<u8>)>) {
    use std::io::Write as _;
    while let Some((stream, bytes)) = received.blocking_recv() {
        let written = match stream {
            Stream::Out => std::io::stdout().lock().write_all(&bytes).and_then(|()| std::io::stdout().flush()),
            Stream::Error => std::io::stderr().lock().write_all(&bytes),
        };
        if written.is_err() && stream == Stream::Out {
            // The reader is gone; dropping the channel tells the sandbox.
            return;
        }
    }
}

/// The exit status as shells have it.
fn status(context: &Context, reply: Result<Reply, LinkError>) -> Result<u8, Failure> {
    let reply = reply.map_err(|error| Failure::new(Exit::Temporary, error))?;
    if let Reply::Failed(failure) = reply {
        let status = if failure.kind == FailureKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
        context.fail(&Failure::say(Exit::Usage, failure.text));
        return Ok(status);
    }
    let Reply::Ran(ran) = reply else {
        return Err(Failure::say(Exit::Bug, format!("the guest answered something else: {reply:?}")));
    };
    Ok(match ran.end {
        End::Exited(status) => u8::try_from(status & 0xff).unwrap_or(1),
        End::Killed { signal, .. } => u8::try_from(128 + signal).unwrap_or(128),
        End::TimedOut => TIMED_OUT,
    })
}

/// Whether a path can only be meant as one.
pub(super) fn is_path(word: &str) -> bool {
    word.contains('/') || Utf8Path::new(word).exists()
}
