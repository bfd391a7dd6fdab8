//! Failures of observing, in the words of the guest's messages: operation, thing, reason.

use rustix::io::Errno;

use crate::message::{Failure, FailureKind};

/// What observing answers when it can not answer.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A failure of a system call.
pub(crate) fn system(operation: &str, thing: &str, errno: Errno) -> Failure {
    Failure { kind: kind_of(errno), text: format!("{operation} `{thing}`: {}", reason(errno)) }
}

/// The kernel's own words for an error number, without the number.
pub(crate) fn reason(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => format!("error {}", errno.raw_os_error()),
    }
}

/// A failure of another kind than a system call's.
pub(crate) fn of(kind: FailureKind, text: impl Into<String>) -> Failure {
    Failure { kind, text: text.into() }
}

fn kind_of(errno: Errno) -> FailureKind {
    match errno {
        Errno::NOENT | Errno::NOTDIR => FailureKind::NotFound,
        Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::XDEV | Errno::ISDIR | Errno::NXIO => FailureKind::Refused,
        Errno::NOSPC | Errno::DQUOT | Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::FBIG => FailureKind::Limit,
        _ => FailureKind::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_operation_thing_and_reason() {
        let failure = system("read", "/etc/passwd", Errno::NOENT);
        assert_eq!(failure.text, "read `/etc/passwd`: no such file or directory");
        assert_eq!(failure.kind, FailureKind::NotFound);
    }
}
