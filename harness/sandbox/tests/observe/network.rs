//! Sockets, servers and the processes behind them.

use std::time::{Duration, Instant};

use patchbed_guest::message::{Http, Process, Socket, Tcp, Watch};
use patchbed_sandbox::Sandbox;
use patchbed_testkit::needs;

use crate::bed::{Bed, run};
use crate::compiled::{compile, service, show, until};

/// Listens on TCP 8080, UDP 5353 and two Unix sockets; then answers every connection with one page. A name with
/// brackets tries to pass for the rest of the line in `/proc/PID/stat`.
const SERVER: &str = r#"
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static void unix_socket(const char *path, int length, int type) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    memcpy(a.sun_path, path, length);
    int s = socket(AF_UNIX, type, 0);
    bind(s, (void *)&a, 2 + length);
    if (type == SOCK_STREAM) listen(s, 1);
}
int main(void) {
    prctl(PR_SET_NAME, ") R 1 (x");
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int one = 1, tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(tcp, (void *)&a, sizeof a) || listen(tcp, 8)) return 1;
    a.sin_port = htons(5353);
    bind(udp, (void *)&a, sizeof a);
    unix_socket("/run/a b.sock", 13, SOCK_STREAM);
    unix_socket("\0abstract", 9, SOCK_DGRAM);
    close(open("/run/ready", O_CREAT, 0644));
    for (;;) {
        char asked[4096];
        int c = accept(tcp, 0, 0);
        int n = read(c, asked, sizeof asked);
        const char *page = n > 4 && !memcmp(asked, "PING", 4)
            ? "+PONG\r\n" : "HTTP/1.0 418 Teapot\r\nX-Kind: short\r\n\r\nand stout";
        write(c, page, strlen(page));
        close(c);
    }
}
"#;

async fn server(bed: &mut Bed) -> Box<dyn Sandbox> {
    compile(bed, "server", SERVER, &[]);
    show(bed);
    let sandbox = bed.open().await;
    run(
        &*sandbox,
        "mkdir -p /usr/sbin /run; chmod 777 /run; cat /opt/built/server > /usr/sbin/server; chmod 755 /usr/sbin/server",
    )
    .await;
    let mut start = service("web", &["/usr/sbin/server"], &[]);
    start.program.user = Some("web".into());
    sandbox.start(start).await.expect("start");
    until(&*sandbox, "/run/ready").await;
    sandbox
}

fn told(socket: &Socket) -> String {
    let Socket { protocol, address, port, process, service, user, .. } = socket;
    let (process, service) = (process.as_deref().unwrap_or("-"), service.as_deref().unwrap_or("-"));
    format!("{protocol} {address} {port} {process} {service} {user}")
}

async fn web(sandbox: &dyn Sandbox) -> Process {
    let processes = sandbox.processes().await.expect("processes");
    assert!(processes.iter().all(|process| process.service.as_deref() == Some("web")), "{processes:?}");
    processes.into_iter().next().expect("the server")
}

/// The server when it has nothing to do: it waits for a connection soon after it has told that it is ready.
async fn rested(sandbox: &dyn Sandbox) -> Process {
    let begun = Instant::now();
    loop {
        let process = web(sandbox).await;
        if !matches!(process.state, 'R' | 'D') || begun.elapsed() > Duration::from_secs(30) {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_is_seen_from_all_sides() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let sandbox = server(&mut bed).await;
    let sockets: Vec<_> = sandbox.sockets().await.expect("sockets").iter().map(told).collect();
    let expected = [
        "tcp 127.0.0.1 8080 ) R 1 (x web web",
        "udp 127.0.0.1 5353 ) R 1 (x web web",
        "unix /run/a b.sock 0 ) R 1 (x web web",
        "unix @abstract 0 ) R 1 (x web web",
    ];
    assert_eq!(sockets, expected);
    let process = rested(&*sandbox).await;
    assert_eq!((process.name.as_str(), process.state, process.user.as_str()), (") R 1 (x", 'S', "web"));
    assert_eq!(
        (process.argv, process.program.as_str(), process.threads),
        (vec!["/usr/sbin/server".into()], "/usr/sbin/server", 1)
    );
    assert!(
        process.memory > 0 && process.descriptors >= 4 && process.started < 60_000,
        "{process:?}",
        process = (process.memory, process.descriptors, process.started)
    );
    assert_eq!((process.unit, process.stale), (None, vec![]));
}

#[tokio::test]
async fn servers_are_asked_from_inside() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let sandbox = server(&mut bed).await;
    let http = |url: &str| Http {
        url: url.into(),
        method: "GET".into(),
        headers: std::collections::BTreeMap::new(),
        body: None,
        follow: false,
        within: 5000,
        keep: 1000,
    };
    let answer = sandbox.http(http("http://localhost:8080/")).await.expect("asked").expect("answered");
    assert_eq!(
        (answer.status, answer.headers["x-kind"].as_str(), answer.body.text.as_str()),
        (418, "short", "and stout")
    );
    let error = async |url| sandbox.http(http(url)).await.expect("asked").expect_err("no answer");
    assert_eq!(error("http://127.0.0.1:1/").await, "connection refused");
    assert_eq!(error("http://192.0.2.1/").await, "network not reachable");
    assert_eq!(error("http://example.org/").await, "name not known: example.org");
    let tcp = |port| Tcp { host: "localhost".into(), port, send: Some("PING\r\n".into()), banner: true, within: 5000 };
    assert_eq!(sandbox.tcp(tcp(8080)).await.expect("asked"), Ok("+PONG".into()));
    assert_eq!(sandbox.tcp(tcp(1)).await.expect("asked"), Err("connection refused".into()));
}

#[tokio::test]
async fn a_watch_tells_when_a_port_was_closed_and_what_a_log_said_meanwhile() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let sandbox = server(&mut bed).await;
    assert!(sandbox.watched().await.is_err(), "nothing is watched yet");
    let watch = Watch { every: 20, ports: vec![("127.0.0.1".into(), 8080)], log: "/var/log/dpkg.log".into() };
    sandbox.watch(watch).await.expect("watch");
    run(&*sandbox, "mkdir -p /var/log; echo configure web >> /var/log/dpkg.log; rm /run/ready").await;
    sandbox.stop("web", 15, 5000).await.expect("stop");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let closed = sandbox.watched().await.expect("watched");
    let mut start = service("web", &["/usr/sbin/server"], &[]);
    start.program.user = Some("web".into());
    sandbox.start(start).await.expect("start");
    until(&*sandbox, "/run/ready").await;
    let opened = async { while sandbox.watched().await.expect("watched").ports[0].reopened == 0 {} };
    tokio::time::timeout(Duration::from_secs(10), opened).await.expect("it is seen to be open again");
    let seen = sandbox.unwatch().await.expect("unwatch");
    let [(from, to)] = seen.ports[0].closed[..] else { panic!("{seen:?}") };
    assert!(to - from >= 250 && to <= seen.milliseconds, "{seen:?}");
    assert_eq!((closed.ports[0].reopened, seen.ports[0].reopened), (0, 1));
    assert_eq!(closed.ports[0].closed, [(from, closed.milliseconds)]);
    assert!(seen.lines.iter().all(|(at, line)| line == "configure web" && *at <= from) && seen.lines.len() == 1);
    assert!(sandbox.unwatch().await.is_err(), "the watch is over");
}

#[tokio::test]
async fn replaced_and_removed_code_is_stale_and_a_copied_up_file_is_not() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let sandbox = server(&mut bed).await;
    let libc = "$(readlink -f /lib/x86_64-linux-gnu/libc.so.6 || readlink -f /lib/libc.so.6)";
    run(&*sandbox, &format!("chmod 700 {libc}; chmod 755 {libc}; touch {libc}")).await;
    assert_eq!(web(&*sandbox).await.stale, [""; 0]);
    run(&*sandbox, "cat /usr/sbin/server > /usr/sbin/new; mv /usr/sbin/new /usr/sbin/server").await;
    assert_eq!(web(&*sandbox).await.stale, ["/usr/sbin/server"]);
    assert_eq!(web(&*sandbox).await.program, "/usr/sbin/server");
}

/// A stopped process, one in a session of its own, a dead one that nobody waits for, and one with an odd name.
const ODD: &str = r#"
sleep 1000 & until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.01; done; kill -STOP $!
(setsid sleep 1001 &)
sh -c 'sleep 0 & exec sleep 1002' &
odd=/usr/bin/$(printf '\376'); cat /usr/bin/sleep > $odd; chmod 755 $odd; $odd 1003 &
echo > /run/up; wait
"#;

#[tokio::test]
async fn stopped_dead_hidden_and_oddly_named_processes_are_told() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    sandbox.start(crate::bed::service("odd", ODD)).await.expect("start");
    until(&*sandbox, "/run/up").await;
    let wanted = [
        ("1000", Some(("sleep", 'T', Some("odd")))),
        ("1001", Some(("sleep", 'S', Some("odd")))),
        ("1003", Some((r"\xfe", 'S', Some("odd")))),
        ("", Some(("sleep", 'Z', Some("odd")))),
    ];
    let begun = Instant::now();
    loop {
        let processes = sandbox.processes().await.expect("processes");
        // A dead process has no arguments any more.
        let told = |argument: &str| {
            let found = processes.iter().find(|one| one.argv.get(1).map_or("", String::as_str) == argument);
            found.map(|process| (process.name.as_str(), process.state, process.service.as_deref()))
        };
        if wanted.map(|(argument, _)| (argument, told(argument))) == wanted {
            let dead = processes.iter().find(|process| process.state == 'Z').expect("a zombie");
            assert_eq!((dead.argv.len(), dead.memory), (0, 0));
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{processes:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
