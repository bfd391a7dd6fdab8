//! `init`: an image that is looked at while it runs, in; a scenario that runs at once, out.
//!
//! `look` asks the open sandbox: `greet` finds out what answers at a port, `bases` which databases there are, `products`
//! what does not come from the distribution. `text` writes what was seen as a scenario in which each line says why it is
//! there, with `door` for what is asked at a port and `store` for what must survive.

mod bases;
mod door;
mod greet;
mod look;
mod products;
mod scalar;
mod sight;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub use look::look;
pub use sight::{Base, Door, Greeting, Product, Running, Sight, Table};
pub use text::{Heading, written};

use patchbed_sandbox::message::{End, Program, Run};
use patchbed_sandbox::{AskError, LinkError, Sandbox};

/// How long a tool of the image may take to answer, in milliseconds.
const TOOL: u64 = 20_000;

/// How much of its answer is read.
const ANSWER: usize = 4 << 20;

/// An answer, or nothing where the guest could not look: only a broken link ends the look.
fn told<T>(asked: Result<T, AskError>) -> Result<Option<T>, LinkError> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(AskError::Failed(failure)) => {
            tracing::debug!(%failure, "not told");
            Ok(None)
        }
        Err(AskError::Link(link)) => Err(link),
    }
}

/// What a tool of the image prints, when it is there and ends well.
async fn printed(sandbox: &dyn Sandbox, user: Option<&str>, argv: &[&str]) -> Result<Option<String>, LinkError> {
    let program = Program {
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        environment: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        user: user.map(str::to_owned),
        ..Program::default()
    };
    let ran = told(sandbox.run(Run { program, within: TOOL, keep: ANSWER, ..Run::default() }).await)?;
    Ok(ran.filter(|ran| ran.end == End::Exited(0)).map(|ran| ran.output.text))
}
