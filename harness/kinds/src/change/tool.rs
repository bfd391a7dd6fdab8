//! Running programs in the sandbox for a change, and turning what went wrong into a [`ChangeError`].
//! Knows nothing of what the programs are for.

use std::time::Duration;

use patchbed_guest::message::{End, FailureKind, Program, Ran, Run};
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_model::text::last_lines;
use patchbed_sandbox::{AskError, Sandbox};

use super::ChangeError;

/// How many bytes of each output are kept for evidence.
const KEEP: usize = 64 << 10;
/// How long an answer may be: a distribution has up to some ten thousand files.
const ANSWER: usize = 32 << 20;
/// How many of a tool's last lines are evidence.
const EVIDENCE: usize = 20;

impl From<AskError> for ChangeError {
    /// What is not there or not allowed is a matter of the change. That there is no room, or that the guest cannot do
    /// its own part, says nothing about it.
    fn from(error: AskError) -> Self {
        let failure = match error {
            AskError::Link(link) => return Self::Link(link),
            AskError::Failed(failure) => failure,
        };
        match failure.kind {
            FailureKind::NotFound | FailureKind::Refused => Self::Refused { text: failure.text, evidence: Vec::new() },
            FailureKind::Limit | FailureKind::System | FailureKind::Unsupported => Self::Unavailable(failure.text),
        }
    }
}

/// Runs a program to its end without input or terminal, whatever its status.
pub(crate) async fn run(sandbox: &dyn Sandbox, program: Program, within: Duration) -> Result<Ran, ChangeError> {
    let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    let run = Run { program, input: None, within, keep: KEEP, stream: false, terminal: None };
    Ok(sandbox.run(run).await?)
}

/// Runs a program that must end with status 0; `what` names it in the error.
pub(crate) async fn must_run(
    sandbox: &dyn Sandbox,
    what: &str,
    program: Program,
    within: Duration,
) -> Result<Ran, ChangeError> {
    ended(what, run(sandbox, program, within).await?, within)
}

/// What a program said, when it ended with status 0.
fn ended(what: &str, ran: Ran, within: Duration) -> Result<Ran, ChangeError> {
    match ran.end {
        End::Exited(0) => Ok(ran),
        End::TimedOut => Err(ChangeError::TimedOut { within, evidence: evidence(&ran) }),
        End::Exited(_) | End::Killed { .. } => {
            Err(ChangeError::Refused { text: format!("{what} {}", ran.end), evidence: evidence(&ran) })
        }
    }
}

/// A program that answers with one JSON value on its standard output.
pub(crate) struct Question<'a> {
    /// Its name in errors.
    pub(crate) what: &'a str,
    pub(crate) program: Program,
    /// What it reads on its standard input.
    pub(crate) input: Option<serde_json::Value>,
}

/// Runs a program that must end with status 0, and reads its answer.
pub(crate) async fn ask<T: serde::de::DeserializeOwned>(
    sandbox: &dyn Sandbox,
    question: Question<'_>,
    within: Duration,
) -> Result<T, ChangeError> {
    let Question { what, program, input } = question;
    let milliseconds = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    let input = input.map(|input| input.to_string());
    let run = Run { program, input, within: milliseconds, keep: ANSWER, stream: false, terminal: None };
    let ran = ended(what, sandbox.run(run).await?, within)?;
    serde_json::from_str(&ran.output.text).map_err(|error| ChangeError::Refused {
        text: format!("the answer of {what} cannot be read: {error}"),
        evidence: evidence(&ran),
    })
}

/// The last lines of both outputs.
pub(crate) fn evidence(ran: &Ran) -> Vec<String> {
    last_lines(&format!("{}\n{}", ran.output.text, ran.errors.text), EVIDENCE)
}

/// Checks an absolute path inside the environment: it names something below the root and never climbs.
pub(crate) fn inside(path: &str) -> Result<String, ChangeError> {
    let unfit = |why: &str| Err(ChangeError::Unfit(format!("`{}` {why}", patchbed_model::text::one_line(path))));
    if !path.starts_with('/') {
        return unfit("is no absolute path");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return unfit("climbs with `..`"),
            part if part.len() > 255 => return unfit("has a name longer than 255 bytes"),
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return unfit("is the root itself");
    }
    Ok(format!("/{}", parts.join("/")))
}

/// The digest of a change's own words.
pub(crate) fn digest(change: &impl serde::Serialize, kind: &str) -> Result<Digest, ChangeError> {
    let words = serde_json::to_vec(change).map_err(|error| ChangeError::Unfit(error.to_string()))?;
    Ok(Hasher::new().part(kind).part(words).finish())
}

/// Reads a mode in octal digits, such as `0644`.
pub(crate) fn mode(text: &str) -> Result<u32, ChangeError> {
    let digits = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    digits
        .then(|| u32::from_str_radix(text, 8).ok())
        .flatten()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| ChangeError::Unfit(format!("`{text}` is no mode: write octal digits such as \"0644\"")))
}

/// Checks `user` or `user:group`.
pub(crate) fn owner(text: &str) -> Result<String, ChangeError> {
    let name = |part: &str| {
        !part.is_empty()
            && part.len() <= 32
            && !part.starts_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$' | b'+'))
    };
    let (user, group) = text.split_once(':').unwrap_or((text, "root"));
    if name(user) && name(group) {
        return Ok(text.to_owned());
    }
    Err(ChangeError::Unfit(format!("`{text}` is no owner: write `user` or `user:group`")))
}

#[cfg(test)]
mod tests {
    use patchbed_guest::message::Failure;

    use super::*;

    #[test]
    fn what_the_guest_cannot_do_is_not_the_changes_fault() {
        let error = |kind| ChangeError::from(AskError::Failed(Failure { kind, text: "keep files".to_owned() }));
        for kind in [FailureKind::Limit, FailureKind::System, FailureKind::Unsupported] {
            assert!(matches!(error(kind), ChangeError::Unavailable(_)), "{kind:?}");
        }
        for kind in [FailureKind::NotFound, FailureKind::Refused] {
            assert!(matches!(error(kind), ChangeError::Refused { .. }), "{kind:?}");
        }
    }
}
