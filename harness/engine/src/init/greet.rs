//! Which protocol a port speaks: each is greeted in its own words, the most telling ones first.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_kinds::probe::tls::Tls;
use patchbed_kinds::probe::{Look, Probe as _, ProbeError};
use patchbed_model::{Health, Key};
use patchbed_sandbox::message::{Http, Tcp};
use patchbed_sandbox::{LinkError, Sandbox};

use super::sight::Greeting;

/// How long a port may take to answer a greeting, in milliseconds.
const WITHIN: u64 = 1500;

/// How long a server may take for a page or a handshake.
const ANSWER: Duration = Duration::from_secs(5);

/// What answers there. Databases that only their clients can ask are known by the names of their processes.
pub(super) async fn greet(sandbox: &dyn Sandbox, host: &str, port: u16, process: &str) -> Result<Greeting, LinkError> {
    match process {
        "postgres" => return Ok(Greeting::Postgres(Vec::new())),
        "mysqld" | "mariadbd" => return Ok(Greeting::Mysql(Vec::new())),
        _ => {}
    }
    let said = first_line(sandbox, host, port, Some("PING\r\n")).await?;
    if let Some(word) = &said {
        match word.split([' ', '\r', '\n']).next().unwrap_or_default() {
            "+PONG" => return Ok(Greeting::Redis(true)),
            "-NOAUTH" | "-DENIED" => return Ok(Greeting::Redis(false)),
            _ => {}
        }
    }
    if let Some(status) = page(sandbox, host, port).await?
        && status != 400
    {
        return Ok(Greeting::Http(status));
    }
    if let Some(trusted) = handshake(sandbox, host, port).await? {
        return Ok(Greeting::Tls { trusted });
    }
    if let Some(status) = page(sandbox, host, port).await? {
        return Ok(Greeting::Http(status));
    }
    let said = first_line(sandbox, host, port, None).await?;
    Ok(said.and_then(|line| first_word(&line)).map_or(Greeting::Silent, Greeting::Speaks))
}

/// The first line that is said at the port, after these words or without any.
async fn first_line(
    sandbox: &dyn Sandbox,
    host: &str,
    port: u16,
    send: Option<&str>,
) -> Result<Option<String>, LinkError> {
    let send = send.map(str::to_owned);
    let asked = sandbox.tcp(Tcp { host: host.to_owned(), port, send, banner: true, within: WITHIN }).await;
    Ok(super::told(asked)?.and_then(Result::ok))
}

/// The status of `GET /`.
async fn page(sandbox: &dyn Sandbox, host: &str, port: u16) -> Result<Option<u16>, LinkError> {
    let question = Http {
        url: format!("http://{host}:{port}/"),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        follow: false,
        within: u64::try_from(ANSWER.as_millis()).unwrap_or(u64::MAX),
        keep: 0,
    };
    let asked = sandbox.http(question).await;
    Ok(super::told(asked)?.and_then(Result::ok).map(|answer| answer.status))
}

/// Whether a server with TLS is trusted; `None` where there is none.
async fn handshake(sandbox: &dyn Sandbox, host: &str, port: u16) -> Result<Option<bool>, LinkError> {
    let look = Look {
        sandbox,
        prefix: Key::from("tls"),
        services: &[],
        service: None,
        since: None,
        within: ANSWER,
        systemd: false,
    };
    let tls = Tls { address: format!("{host}:{port}"), name: None, authority: None };
    let readings = match tls.observe(&look).await {
        Ok(readings) => readings,
        Err(ProbeError::Link(link)) => return Err(link),
        Err(ProbeError::Blind(_)) => return Ok(None),
    };
    let is_good = |name: &str| {
        let key = Key::from("tls").child(name);
        readings.iter().any(|(other, reading)| *other == key && reading.health == Some(Health::Good))
    };
    Ok(is_good("state").then(|| is_good("verified")))
}

/// The first word, where it is one that can be shown.
fn first_word(line: &str) -> Option<String> {
    let word: String = line.chars().take_while(char::is_ascii_graphic).take(40).collect();
    (!word.is_empty()).then_some(word)
}
