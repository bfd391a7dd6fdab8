//! How programs end, in words.

use patchbed_sandbox::message::End;

/// How a program ended.
pub(super) fn end(end: End) -> String {
    match end {
        End::Exited(status) => format!("ended with status {status}"),
        End::Killed { signal, core: false } => format!("killed by signal {signal}"),
        End::Killed { signal, core: true } => format!("killed by signal {signal}, with a core dump"),
        End::TimedOut => "did not end in time and was killed".to_owned(),
    }
}
