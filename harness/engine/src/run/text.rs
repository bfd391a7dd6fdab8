//! How programs end, in words.

use std::borrow::Cow;

use patchbed_sandbox::message::End;

/// How a program ended.
pub(super) fn end(end: End) -> String {
    match end {
        End::Exited(status) => format!("ended with status {status}"),
        End::Killed { signal, core: false } => format!("killed by {}", signal_name(signal)),
        End::Killed { signal, core: true } => format!("killed by {}, with a core dump", signal_name(signal)),
        End::TimedOut => "did not end in time and was killed".to_owned(),
    }
}

/// The name of a signal that ends programs; the number of any other.
pub(super) fn signal_name(signal: i32) -> Cow<'static, str> {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        31 => "SIGSYS",
        other => return Cow::Owned(format!("signal {other}")),
    };
    Cow::Borrowed(name)
}
