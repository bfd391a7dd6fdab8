//! `completions`: the script by which a shell asks for what may be typed next.

use patchbed_model::Exit;

use crate::arguments::{self, Shell};
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, shell: Shell) -> Result<Exit, Failure> {
    context.output.document(&arguments::script(shell)?);
    Ok(Exit::Ok)
}
