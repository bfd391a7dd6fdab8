//! Asking an HTTP server, without TLS, within bounds of time and size.
//!
//! A status of 400 and more is an answer like any other; only what is no answer is an error, in steady words.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::http::header::{HeaderMap, USER_AGENT};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, config::Config};

use super::failure::{self, Result};
use super::hosts::Hosts;
use super::reach;
use crate::message::{FailureKind, Http, HttpAnswer};
use crate::output::Capture;

/// How many redirects are followed when that is asked for.
const REDIRECTS: u32 = 10;

/// Asks a server. The inner error says why there is no answer.
pub(crate) fn http(request: &Http, hosts: Hosts) -> Result<std::result::Result<HttpAnswer, String>> {
    if !request.url.starts_with("http://") {
        let text = format!("ask `{}`: only `http://` can be asked from inside", request.url);
        return Err(failure::of(FailureKind::Unsupported, text));
    }
    let within = Duration::from_millis(request.within);
    let begin = Instant::now();
    let answered = ask(request, hosts, within).and_then(|mut answer| {
        let headers = headers(answer.headers());
        let body = body(answer.body_mut(), request.keep)?;
        Ok((answer.status().as_u16(), headers, body))
    });
    Ok(match answered {
        Ok((status, headers, body)) => {
            let microseconds = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            Ok(HttpAnswer { status, headers, body, microseconds })
        }
        Err(error) => Err(words(error, within)),
    })
}

fn ask(request: &Http, hosts: Hosts, within: Duration) -> std::result::Result<ureq::http::Response<Body>, ureq::Error> {
    let agent = Agent::with_parts(config(request, within), DefaultConnector::default(), Known { hosts });
    let mut builder = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    match &request.body {
        Some(body) => agent.run(builder.body(body.as_str())?),
        None => agent.run(builder.body(())?),
    }
}

fn config(request: &Http, within: Duration) -> Config {
    let has_agent = request.headers.keys().any(|name| name.eq_ignore_ascii_case(USER_AGENT.as_str()));
    Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(if request.follow { REDIRECTS } else { 0 })
        .timeout_global(Some(within))
        .proxy(None)
        .max_idle_connections(0)
        // A server's log shows it; it must not change with the version of a library.
        .user_agent(if has_agent { "" } else { "patchbed" })
        .build()
}

/// The headers in the order of their names, values of one name joined.
fn headers(headers: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    let names = headers.keys().map(|name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.as_str().to_owned(), values.collect::<Vec<_>>().join(", "))
    });
    names.collect()
}

fn body(body: &mut Body, keep: usize) -> std::result::Result<crate::message::Output, ureq::Error> {
    let mut kept = Capture::new(keep);
    let mut reader = body.as_reader();
    let mut piece = vec![0; 64 << 10];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(kept.output()),
            Ok(count) => kept.take(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add errors; its own words serve for the rest")]
fn words(error: ureq::Error, within: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => reach::no_answer(within),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => reach::no_answer(within),
        ureq::Error::Io(error) => reach::reason(&error),
        ureq::Error::Protocol(error) => reach::steady(&format!("answer not understood: {error}")),
        ureq::Error::Http(error) => reach::steady(&format!("request not understood: {error}")),
        ureq::Error::BadUri(error) => reach::steady(&format!("address not understood: {error}")),
        ureq::Error::Other(error) => error.to_string(),
        ureq::Error::TooManyRedirects => format!("more than {REDIRECTS} redirects"),
        ureq::Error::RedirectFailed => "redirect that can not be followed".into(),
        ureq::Error::TlsRequired => "redirect to `https://`, which can not be asked from inside".into(),
        ureq::Error::LargeResponseHeader(..) => "headers of the answer are too long".into(),
        other => reach::steady(&other.to_string()),
    }
}

/// Looks up only what [`Hosts`] knows.
#[derive(Debug)]
struct Known {
    hosts: Hosts,
}

impl Resolver for Known {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or("");
        let port = uri.port_u16().unwrap_or(80);
        let mut addresses = self.empty();
        for address in self.hosts.addresses(host).into_iter().take(8) {
            addresses.push((address, port).into());
        }
        if addresses.is_empty() { Err(ureq::Error::Other(reach::not_known(host).into())) } else { Ok(addresses) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    fn request(url: &str) -> Http {
        Http {
            url: url.into(),
            method: "GET".into(),
            headers: BTreeMap::new(),
            body: None,
            follow: false,
            within: 20_000,
            keep: 1000,
        }
    }

    /// Serves one connection: what it sends back for what it was asked.
    fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static, times: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(times) {
                let mut stream = stream.unwrap();
                let mut asked = Vec::new();
                let mut piece = [0; 1024];
                while !asked.windows(4).any(|four| four == b"\r\n\r\n") {
                    let count = stream.read(&mut piece).unwrap();
                    asked.extend_from_slice(&piece[..count]);
                }
                let _ = stream.write_all(&answer(&String::from_utf8_lossy(&asked)));
            }
        });
        format!("http://{address}")
    }

    fn ask_once(answer: &'static [u8]) -> std::result::Result<HttpAnswer, String> {
        http(&request(&server(move |_| answer.to_vec(), 1)), Hosts::default()).unwrap()
    }

    #[test]
    fn any_status_is_an_answer() {
        let answer =
            ask_once(b"HTTP/1.1 503 Busy\r\nX-One: b\r\nx-one: a\r\nServer: s\r\nContent-Length: 5\r\n\r\nsorry")
                .unwrap();
        assert_eq!(
            (answer.status, answer.body.text.as_str(), answer.headers["x-one"].as_str()),
            (503, "sorry", "b, a")
        );
    }

    #[test]
    fn what_is_sent_is_what_was_asked_for() {
        let url = server(|asked| format!("HTTP/1.0 200 OK\r\n\r\n{asked}").into_bytes(), 1);
        let mut request = request(&(url + "/path?q"));
        request.method = "PURGE".into();
        request.headers.insert("X-Test".into(), "1".into());
        let asked = http(&request, Hosts::default()).unwrap().unwrap().body.text;
        assert!(
            asked.starts_with("PURGE /path?q HTTP/1.1\r\n") && asked.contains("user-agent: patchbed\r\n"),
            "{asked}"
        );
        assert!(asked.contains("x-test: 1\r\n"), "{asked}");
    }

    #[test]
    fn redirects_are_followed_only_when_asked() {
        let serve = || {
            server(
                |asked| {
                    if asked.contains("GET /second") {
                        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere".to_vec()
                    } else {
                        b"HTTP/1.1 302 Found\r\nLocation: /second\r\nContent-Length: 0\r\n\r\n".to_vec()
                    }
                },
                2,
            )
        };
        assert_eq!(http(&request(&serve()), Hosts::default()).unwrap().unwrap().status, 302);
        let following = Http { follow: true, ..request(&serve()) };
        assert_eq!(http(&following, Hosts::default()).unwrap().unwrap().body.text, "here");
    }

    #[test]
    fn what_is_no_answer_is_told_in_steady_words() {
        let (_bound, port) = crate::observe::tests::closed_port();
        let error = |url: &str| http(&request(url), Hosts::default()).unwrap().unwrap_err();
        assert_eq!(error(&format!("http://localhost:{port}/")), "connection refused");
        assert_eq!(error("http://no.such.host/"), "name not known: no.such.host");
        assert_eq!(ask_once(b"").unwrap_err(), "connection closed");
        assert_eq!(
            ask_once(b"SSH-2.0-OpenSSH\r\n").unwrap_err(),
            "answer not understood: http parse fail: invalid HTTP version"
        );
        assert_eq!(ask_once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort").unwrap_err(), "connection closed");
    }

    #[test]
    fn the_time_limit_holds_for_an_answer_that_drips() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begin = Instant::now();
        let dripping = Http { within: 300, ..request(&url) };
        assert_eq!(http(&dripping, Hosts::default()).unwrap().unwrap_err(), "no answer within 300 ms");
        assert!(begin.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_long_body_is_kept_in_part_and_counted_in_whole() {
        let url = server(|_| [b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), vec![b'x'; 3 << 20]].concat(), 1);
        let answer = http(&request(&url), Hosts::default()).unwrap().unwrap();
        assert_eq!((answer.body.total, answer.body.text.len() < 1100), (3 << 20, true));
    }

    #[test]
    fn what_can_not_be_asked_is_refused() {
        assert_eq!(http(&request("https://localhost/"), Hosts::default()).unwrap_err().kind, FailureKind::Unsupported);
        let error = http(&request("http://local host/"), Hosts::default()).unwrap().unwrap_err();
        assert_eq!(error, "request not understood: invalid uri character");
    }
}
