//! How programs end, in words: signals by name, statuses by number. The same words everywhere, so that what two parts
//! of the harness say of one end can be compared.

use std::fmt;

use crate::message::End;

/// The signals of Linux on every architecture that this runs on, from 1.
const NAMES: &[&str] = &[
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The signal's name, such as `SIGSEGV`.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    let known = usize::try_from(signal).ok().and_then(|number| NAMES.get(number.checked_sub(1)?));
    known.map_or_else(|| format!("signal {signal}"), |name| (*name).to_owned())
}

/// Whether a signal says that a program broke, rather than that somebody ended it.
#[must_use]
pub fn is_crash(signal: i32) -> bool {
    matches!(
        signal_name(signal).as_str(),
        "SIGILL" | "SIGTRAP" | "SIGABRT" | "SIGBUS" | "SIGFPE" | "SIGSEGV" | "SIGXCPU" | "SIGXFSZ" | "SIGSYS"
    )
}

impl fmt::Display for End {
    /// As people say it: `exited 3`, `killed by SIGSEGV`. Whether there was a core dump is a matter of the machine.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited {status}"),
            Self::Killed { signal, .. } => write!(f, "killed by {}", signal_name(*signal)),
            Self::TimedOut => f.write_str("timed out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_as_the_kernel_does() {
        let named = [(1, "SIGHUP"), (6, "SIGABRT"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM"), (31, "SIGSYS")];
        for (number, name) in named {
            assert_eq!(signal_name(number), name);
        }
        assert_eq!(signal_name(64), "signal 64");
        assert_eq!(signal_name(-1), "signal -1");
        assert!(is_crash(11) && !is_crash(15));
    }

    #[test]
    fn an_end_is_told_as_people_say_it() {
        let ends = [End::Exited(3), End::Killed { signal: 7, core: true }, End::TimedOut];
        assert_eq!(ends.map(|end| end.to_string()), ["exited 3", "killed by SIGBUS", "timed out"]);
    }
}
