//! How grave a log line is, by the conventions of syslog, nginx, `PostgreSQL`, redis, Python and structured logs.

use std::sync::LazyLock;

use regex::RegexSet;

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Everyday life, and all that says nothing of its severity.
    Info,
    /// Something to look at.
    Warning,
    /// Something went wrong.
    Error,
}

/// Requests that a web server logs: a path may hold any word.
const REQUESTS: &[&str] = &[r#""(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT) [^"]* HTTP/[0-9.]+""#];

const ERRORS: &[&str] = &[
    r"\[(?i-u:emerg|emergency|alert|crit|critical|error|err|fatal|panic|severe)\]",
    r#"(?:^|[\s:|,="(<])(?:ERROR|FATAL|PANIC|CRITICAL|CRIT|ALERT|EMERG|SEVERE|ERR)(?:[\s:|,\]")>]|$)"#,
    r#"(?i-u:level|severity|lvl)["']?\s*[=:]\s*["']?(?i-u:error|err|fatal|panic|crit|critical|alert|emerg)(?-u:\b)"#,
    r"(?:^|: )(?i-u:fatal error|fatal|error|panic)(?:\[[A-Z0-9]+\])?: ",
    r"error while loading shared libraries|symbol lookup error|undefined symbol|[Ss]egmentation fault|core dumped",
    r"Traceback \(most recent call last\)|panicked at |[Oo]ut of memory|segfault at |Oops: ",
    r"^[A-Za-z_][A-Za-z0-9_.]*(?:Error|Exception)(?::|$)",
    "^<[0-3]>",
];

const WARNINGS: &[&str] = &[
    r"\[(?i-u:warn|warning)\]",
    r#"(?:^|[\s:|,="(<])(?:WARNING|WARN)(?:[\s:|,\]")>]|$)"#,
    r#"(?i-u:level|severity|lvl)["']?\s*[=:]\s*["']?(?i-u:warn|warning)(?-u:\b)"#,
    r"(?:^|: )(?i-u:warning): ",
    // redis marks its warnings with `#` behind the time.
    r"^[0-9]+:[XCSM] [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:.]+ # ",
    "^<4>",
];

/// How grave a line is, by its own words.
pub(super) fn severity(line: &str) -> Severity {
    static SETS: LazyLock<[RegexSet; 3]> = LazyLock::new(|| {
        [REQUESTS, ERRORS, WARNINGS].map(|table| RegexSet::new(table).expect("the patterns of the table are valid"))
    });
    let [requests, errors, warnings] = &*SETS;
    if errors.is_match(line) && !requests.is_match(line) {
        Severity::Error
    } else if warnings.is_match(line) && !requests.is_match(line) {
        Severity::Warning
    } else {
        Severity::Info
    }
}

/// How grave an entry of the journal is: what its priority says, or its words when they say worse, because what a
/// service prints comes with the priority of everyday life.
pub(super) fn severity_of_entry(message: &str, priority: Option<u8>) -> Severity {
    let by_priority = match priority {
        Some(0..=3) => Severity::Error,
        Some(4) => Severity::Warning,
        Some(_) | None => Severity::Info,
    };
    by_priority.max(severity(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conventions_of_real_programs_are_known() {
        let table = [
            (Severity::Error, "2026/11/23 10:00:00 [emerg] 12#12: unknown directive \"brotli\""),
            (Severity::Error, "nginx: [emerg] open() failed (2: No such file or directory)"),
            (Severity::Error, "2026-11-23 10:00:00.1 UTC [7] FATAL:  private key file has group or world access"),
            (Severity::Error, "ERROR:root:no database"),
            (Severity::Error, "Traceback (most recent call last):"),
            (Severity::Error, "ValueError: invalid literal"),
            (Severity::Error, "nginx: error while loading shared libraries: libssl.so.3: cannot open"),
            (Severity::Error, "ts=1 level=error msg=\"no\""),
            (Severity::Error, "{\"level\":\"error\",\"msg\":\"no\"}"),
            (Severity::Error, "curl: error: no"),
            (Severity::Error, "thread 'main' panicked at src/main.rs:1:1:"),
            (Severity::Warning, "2026/11/23 10:00:00 [warn] 12#12: conflicting server name"),
            (Severity::Warning, "12:M 23 Nov 2026 10:00:00.123 # WARNING overcommit_memory is set to 0!"),
            (Severity::Warning, "12:M 23 Nov 2026 10:00:00.123 # Server is going down"),
            (Severity::Warning, "W: warning: old format"),
            (Severity::Info, "12:M 23 Nov 2026 10:00:00.123 * Ready to accept connections"),
            (Severity::Info, "127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"GET /a ERROR b HTTP/1.1\" 200 1"),
            (Severity::Info, "2026-11-23 10:00:00.1 UTC [7] LOG:  database system is ready, 0 errors"),
            (Severity::Info, "no terror in the interior"),
        ];
        for (wanted, line) in table {
            assert_eq!(severity(line), wanted, "of {line}");
        }
    }

    #[test]
    fn the_worse_of_priority_and_words_counts() {
        assert_eq!(severity_of_entry("started", Some(3)), Severity::Error);
        assert_eq!(severity_of_entry("nginx: [emerg] no", Some(6)), Severity::Error);
        assert_eq!(severity_of_entry("started", Some(6)), Severity::Info);
        assert_eq!(severity_of_entry("Failed with result 'exit-code'.", Some(4)), Severity::Warning);
    }
}
