//! Ports: how they are told, and what is asked there.

use super::scalar::text;
use super::sight::{Door, Greeting, Running};

/// The port that says that a service is ready: one whose protocol is known, where there is one.
pub(super) fn ready(service: &Running) -> Option<&Door> {
    let is_known = |door: &&Door| !matches!(door.greeting, Greeting::Silent | Greeting::Tls { .. });
    service.doors.iter().find(is_known).or_else(|| service.doors.first())
}

/// `host:port`.
pub(super) fn place(door: &Door) -> String {
    if door.host.contains(':') {
        format!("[{}]:{}", door.host, door.port)
    } else {
        format!("{}:{}", door.host, door.port)
    }
}

/// A port in words.
pub(super) fn said(door: &Door) -> String {
    let what = match &door.greeting {
        Greeting::Http(status) => format!("HTTP, {status}"),
        Greeting::Tls { trusted: true } => "TLS".to_owned(),
        Greeting::Tls { trusted: false } => "TLS, not trusted here".to_owned(),
        Greeting::Redis(true) => "Redis".to_owned(),
        Greeting::Redis(false) => "Redis, with a password".to_owned(),
        Greeting::Postgres(_) => "PostgreSQL".to_owned(),
        Greeting::Mysql(_) => "MySQL".to_owned(),
        Greeting::Speaks(word) => format!("says `{word}`"),
        Greeting::Silent => "waits for words of its own".to_owned(),
    };
    format!("tcp/{} ({what})", door.port)
}

/// What is asked at a port, in words and as a probe.
pub(super) fn question(door: &Door) -> (String, String) {
    let port = door.port;
    match &door.greeting {
        Greeting::Http(status) => {
            let url = if port == 80 { format!("http://{}/", door.host) } else { format!("http://{}/", place(door)) };
            (format!("answers at {port}"), format!("http: {{ url: {}, expect: {status} }}", text(&url)))
        }
        Greeting::Tls { trusted: true } => {
            (format!("shows its certificate at {port}"), format!("tls: {}", text(&place(door))))
        }
        Greeting::Tls { trusted: false } => {
            let shown = format!(
                "openssl s_client -connect {} -brief </dev/null 2>&1 | grep -E '^(Protocol version|Peer certificate)'",
                place(door)
            );
            (format!("shows its certificate at {port}"), format!("command: {}", text(&shown)))
        }
        Greeting::Redis(true) => {
            (format!("answers at {port}"), format!("command: [redis-cli, -p, {}, ping]", text(&port.to_string())))
        }
        Greeting::Postgres(_) => (
            format!("answers at {port}"),
            format!(
                "command: {{ run: [psql, -XAtc, {}, -p, {}], user: postgres }}",
                text("select 1"),
                text(&port.to_string())
            ),
        ),
        Greeting::Redis(false) | Greeting::Mysql(_) | Greeting::Speaks(_) | Greeting::Silent => {
            (format!("can be reached at {port}"), format!("tcp: {}", text(&place(door))))
        }
    }
}
