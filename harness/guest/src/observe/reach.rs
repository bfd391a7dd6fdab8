//! Why a server could not be reached, in words that are the same in every run.
//!
//! Probes compare these texts, so they hold no process ids, no times that were measured and no ports that a kernel
//! chose.

use std::io;
use std::time::Duration;

/// The reason in words.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kernel's own words serve for the rest")]
pub(crate) fn reason(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset",
        io::ErrorKind::ConnectionAborted => "connection aborted",
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "connection closed",
        io::ErrorKind::HostUnreachable => "host not reachable",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => "network not reachable",
        io::ErrorKind::AddrNotAvailable => "address not available",
        _ => return steady(&system_reason(error)),
    };
    words.into()
}

/// Says that nothing came in time.
pub(crate) fn no_answer(within: Duration) -> String {
    format!("no answer within {}", duration(within))
}

/// Says that a name is not known.
pub(crate) fn not_known(host: &str) -> String {
    format!("name not known: {host}")
}

/// A text with what changes from run to run taken out: numbers above 32768 become `N`.
pub(crate) fn steady(text: &str) -> String {
    let mut steady = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(begin);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let is_small = from[..end].parse::<u32>().is_ok_and(|number| number <= 32768);
        steady.push_str(before);
        steady.push_str(if is_small { &from[..end] } else { "N" });
        rest = &from[end..];
    }
    steady + rest
}

fn system_reason(error: &io::Error) -> String {
    match rustix::io::Errno::from_io_error(error) {
        Some(errno) => super::failure::reason(errno),
        None => error.to_string(),
    }
}

/// A duration as people say it.
fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match (milliseconds / 1000, milliseconds % 1000) {
        (0, rest) => format!("{rest} ms"),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, rest) => format!("{seconds}.{} s", format!("{rest:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_hold_no_numbers_of_the_kernel() {
        assert_eq!(reason(&io::Error::from_raw_os_error(111)), "connection refused");
        assert_eq!(reason(&io::Error::from_raw_os_error(13)), "permission denied");
        assert_eq!(reason(&io::Error::other("port 45123 of 80")), "port N of 80");
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let said = |milliseconds| no_answer(Duration::from_millis(milliseconds));
        assert_eq!(said(5000), "no answer within 5 s");
        assert_eq!(said(1200), "no answer within 1.2 s");
        assert_eq!(said(250), "no answer within 250 ms");
    }
}
