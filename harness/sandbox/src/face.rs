//! The hidden faces of the one program: runner, holder and task, chosen by the first argument.

use std::ffi::OsString;
use std::io::Read;

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
pub fn faces_with(arguments: impl IntoIterator<Item = OsString>, tasks: &[Task]) {
    let _ = (arguments.into_iter().nth(1), tasks);
}
