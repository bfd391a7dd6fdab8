//! Connecting to a TCP port, saying something, and waiting for a first line.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::hosts::Hosts;
use super::reach;
use crate::message::Tcp;

/// The longest first line that is told.
const LINE: usize = 8 << 10;

/// Connects; gives the first line without its end, or an empty text when none is asked for, or the reason in words.
pub(crate) fn tcp(request: &Tcp, hosts: &Hosts) -> Result<String, String> {
    let within = Duration::from_millis(request.within);
    let clock = Clock { begin: Instant::now(), within };
    let mut stream = connect(request, hosts, &clock)?;
    let words = |error: io::Error| clock.words(&error);
    if let Some(text) = &request.send {
        stream.set_write_timeout(Some(clock.left()?)).map_err(words)?;
        stream.write_all(text.as_bytes()).map_err(words)?;
    }
    if request.banner { first_line(&mut stream, &clock) } else { Ok(String::new()) }
}

/// Tries each address of the host; the reason of the last one counts.
fn connect(request: &Tcp, hosts: &Hosts, clock: &Clock) -> Result<TcpStream, String> {
    let mut reason = reach::not_known(&request.host);
    for address in hosts.addresses(&request.host) {
        match TcpStream::connect_timeout(&SocketAddr::new(address, request.port), clock.left()?) {
            Ok(stream) => return Ok(stream),
            Err(error) => reason = clock.words(&error),
        }
    }
    Err(reason)
}

/// Reads to the end of a line, of the stream, or of the time: a prompt has no end.
fn first_line(stream: &mut TcpStream, clock: &Clock) -> Result<String, String> {
    let mut line = Vec::new();
    let mut piece = [0; 1024];
    while line.len() < LINE && !line.contains(&b'\n') {
        let read = clock.left().map(|left| stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut piece)));
        match read {
            Ok(Ok(0)) if line.is_empty() => return Err("connection closed".into()),
            Ok(Ok(0)) => break,
            Ok(Ok(count)) => line.extend_from_slice(&piece[..count]),
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(error)) if line.is_empty() => return Err(clock.words(&error)),
            Err(reason) if line.is_empty() => return Err(reason),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    line.truncate(LINE);
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
}

/// One limit over everything.
struct Clock {
    begin: Instant,
    within: Duration,
}

impl Clock {
    /// The time left; none is an error.
    fn left(&self) -> Result<Duration, String> {
        let left = self.within.checked_sub(self.begin.elapsed()).filter(|left| !left.is_zero());
        left.ok_or_else(|| reach::no_answer(self.within))
    }

    fn words(&self, error: &io::Error) -> String {
        if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) {
            reach::no_answer(self.within)
        } else {
            reach::reason(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listener() -> (TcpListener, Tcp) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, asking(port))
    }

    /// A request that is answered long before its time is over.
    fn asking(port: u16) -> Tcp {
        Tcp { host: "localhost".into(), port, send: None, banner: true, within: 10_000 }
    }

    /// What comes within so many milliseconds of a server that sends this and waits for the other side to close.
    fn told(answer: &'static [u8], within: u64) -> Result<String, String> {
        let (listener, request) = listener();
        let request = Tcp { within, ..request };
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer).unwrap();
            let _ = stream.read(&mut [0; 10]);
        });
        let told = tcp(&request, &Hosts::default());
        server.join().unwrap();
        told
    }

    #[test]
    fn the_first_line_is_told() {
        assert_eq!(told(b"SSH-2.0-OpenSSH_9.2\r\nmore", 10_000).unwrap(), "SSH-2.0-OpenSSH_9.2");
        // A prompt has no end, so its time is always waited for.
        assert_eq!(told(b"login: ", 2000).unwrap(), "login: ");
        assert_eq!(told(b"", 300).unwrap_err(), "no answer within 300 ms");
    }

    #[test]
    fn an_endless_line_is_cut() {
        assert_eq!(told("x".repeat(20_000).leak().as_bytes(), 10_000).unwrap().len(), LINE);
    }

    #[test]
    fn what_is_sent_arrives_and_a_connection_alone_is_enough() {
        let (listener, request) = listener();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(b"+PONG\r\n").unwrap();
            listener.accept().unwrap();
            asked
        });
        let ping = Tcp { send: Some("PING".into()), ..request.clone() };
        assert_eq!(tcp(&ping, &Hosts::default()).unwrap(), "+PONG");
        assert_eq!(tcp(&Tcp { banner: false, ..request }, &Hosts::default()).unwrap(), "");
        assert_eq!(&server.join().unwrap(), b"PING");
    }

    #[test]
    fn reasons_are_steady() {
        let (_bound, port) = crate::observe::tests::closed_port();
        let request = asking(port);
        assert_eq!(tcp(&request, &Hosts::default()).unwrap_err(), "connection refused");
        let unknown = Tcp { host: "no.such.host".into(), ..request };
        assert_eq!(tcp(&unknown, &Hosts::default()).unwrap_err(), "name not known: no.such.host");
    }
}
