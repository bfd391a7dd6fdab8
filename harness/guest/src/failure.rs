//! Errors of the system as answers.

use std::fmt::Display;
use std::io;

use crate::message::{Failure, FailureKind};

/// The operation on the thing failed.
pub(crate) fn failed(operation: &str, thing: impl Display, error: &io::Error) -> Failure {
    Failure { kind: kind(error), text: format!("{operation} `{thing}`: {error}") }
}

/// The thing is there and cannot be used like that.
pub(crate) fn refused(text: impl Into<String>) -> Failure {
    Failure { kind: FailureKind::Refused, text: text.into() }
}

/// The thing is not there.
pub(crate) fn not_found(text: impl Into<String>) -> Failure {
    Failure { kind: FailureKind::NotFound, text: text.into() }
}

fn kind(error: &io::Error) -> FailureKind {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => FailureKind::NotFound,
        Some(
            libc::EACCES
            | libc::EPERM
            | libc::ENOEXEC
            | libc::EISDIR
            | libc::ENOTDIR
            | libc::ELOOP
            | libc::EROFS
            | libc::ETXTBSY
            | libc::EXDEV,
        ) => FailureKind::Refused,
        Some(libc::ENOSPC | libc::EDQUOT | libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::EFBIG) => {
            FailureKind::Limit
        }
        _ => FailureKind::System,
    }
}
