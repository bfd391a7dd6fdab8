//! The hidden faces of the one program: runner, holder and task, chosen by the first argument.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use patchbed_guest::runner::{self, HolderIds, Settings};

use crate::tasks;

/// The argument that makes the program the runner; its settings follow.
pub(crate) const RUNNER: &str = "__runner";

/// The argument that runs a program in the holder namespace; the ids and the program with its arguments follow.
pub(crate) const HOLDER: &str = "__holder";

/// The argument that carries out a task; its name and its JSON follow.
pub(crate) const TASK: &str = "__task";

/// Work that must be done as root of the holder namespace, registered by name: see [`crate::Holder::run_task`].
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Its name.
    pub name: &'static str,
    /// What it does: takes the JSON argument and the standard input, gives back JSON, or an error's text.
    pub run: fn(&str, &mut dyn Read) -> Result<String, String>,
}

/// Becomes the runner, the holder or a task when the first argument says so, and then never returns. Otherwise does
/// nothing. `main` calls it first, before any thread is started and before tokio.
pub fn faces(arguments: impl IntoIterator<Item = OsString>) {
    faces_with(arguments, &[]);
}

/// The same as [`faces`], with tasks of other crates beside the built-in ones.
#[expect(clippy::exit, reason = "a face is a program of its own; nothing of the harness runs in it")]
pub fn faces_with(arguments: impl IntoIterator<Item = OsString>, tasks: &[Task]) {
    let mut arguments = arguments.into_iter().skip(1);
    let Some(face) = arguments.next() else { return };
    let status = match face.to_str() {
        Some(RUNNER) => {
            let settings = arguments.next().and_then(|text| text.into_string().ok());
            let settings = settings.and_then(|text| serde_json::from_str::<Settings>(&text).ok());
            settings.map_or(2, |settings| {
                runner::serve(&settings);
                0
            })
        }
        Some(HOLDER) => become_held(arguments),
        Some(TASK) => carry_out(arguments, tasks),
        _ => return,
    };
    std::process::exit(status);
}

/// Enters the holder namespace and executes a program there; comes back only on failure.
fn become_held(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let ids = arguments.next().and_then(|text| text.into_string().ok());
    let ids = ids.and_then(|text| serde_json::from_str::<HolderIds>(&text).ok());
    let (Some(ids), Some(program)) = (ids, arguments.next()) else { return 2 };
    if let Err(error) = runner::enter_holder(&ids) {
        return complain(&format!("enter the holder namespace: {error}"));
    }
    let error = Command::new(&program).args(arguments).exec();
    complain(&format!("execute `{}`: {error}", program.display()))
}

fn carry_out(mut arguments: impl Iterator<Item = OsString>, more: &[Task]) -> i32 {
    let name = arguments.next().unwrap_or_default();
    let argument = arguments.next().unwrap_or_default();
    let known = tasks::BUILT_IN.iter().chain(more);
    let Some(task) = known.into_iter().find(|task| name == task.name) else {
        return complain(&format!("there is no task `{}`", name.display()));
    };
    match (task.run)(&argument.to_string_lossy(), &mut io::stdin().lock()) {
        Ok(text) => i32::from(io::stdout().write_all(text.as_bytes()).is_err()),
        Err(text) => complain(&text),
    }
}

/// Says on the standard error why a face failed, for the harness that started it.
fn complain(text: &str) -> i32 {
    let _ = writeln!(io::stderr(), "{text}");
    1
}
