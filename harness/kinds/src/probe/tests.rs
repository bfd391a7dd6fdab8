#![expect(clippy::wildcard_enum_match_arm, reason = "a scripted guest answers a few requests and all others alike")]
#![expect(clippy::unnecessary_wraps, reason = "`some` makes the value of a field that is optional")]

use std::collections::BTreeMap;

use serde_json::json;

use patchbed_sandbox::message::{
    End, FailureKind, FileFact, HttpAnswer, Output, Package as Installed, Ran, Reply, Request, Socket, Unresolved,
};

use super::command::{Command, Format};
use super::files::Files;
use super::http::{Expect, Http};
use super::linkage::Linkage;
use super::listening::Listening;
use super::log::Log;
use super::package::Package;
use super::process::Process;
use super::tcp::Tcp;
use super::testing::{failed, file, look, output, process, ran, sandbox, seen, service, told};
use super::unit::Unit;
use super::{AnyProbe, Probe, ProbeError, Service};
use crate::document::{Argv, JsonValue, OneOrMany};

fn http(expect: Option<Expect>) -> Http {
    Http {
        url: "http://localhost/".to_owned(),
        method: None,
        headers: None,
        body: None,
        follow: false,
        expect,
        read_headers: None,
        json: None,
    }
}

fn answer(status: u16, body: &str) -> Reply {
    let headers = BTreeMap::from([("date".to_owned(), "Mon, 23 Nov 2026 10:00:00 GMT".to_owned())]);
    Reply::Http(Ok(HttpAnswer { status, headers, body: output(body), microseconds: 3000 }))
}

fn socket(address: &str, port: u16, process: &str, pid: i32) -> Socket {
    Socket {
        protocol: "tcp".to_owned(),
        address: address.to_owned(),
        port,
        pid: Some(pid),
        process: Some(process.to_owned()),
        service: None,
        user: "root".to_owned(),
    }
}

fn command(output: Format) -> Command {
    Command { run: Argv(vec!["x".to_owned()]), user: None, environment: None, directory: None, input: None, output }
}

fn some(texts: &[&str]) -> Option<OneOrMany<String>> {
    Some(OneOrMany(texts.iter().map(|&text| text.to_owned()).collect()))
}

#[tokio::test]
async fn an_answer_is_read_with_status_expectation_and_body() {
    let probe = http(Some(Expect::Status(200)));
    let readings = seen(&probe, answer(200, "hello at 10:00:00\n")).await.unwrap();
    assert_eq!(told(readings), ["p.body = hello at ⟨time⟩", "p.expect = met (good)", "p.status = 200 (good)"]);
    let readings = seen(&probe, answer(502, "bad gateway")).await.unwrap();
    assert_eq!(
        told(readings),
        ["p.body = bad gateway", "p.expect = not met: status 502 and not 200 (bad)", "p.status = 502 (bad)"]
    );
}

#[tokio::test]
async fn an_expected_error_is_good_and_an_unexpected_one_is_not() {
    let told_status = |expect, status| async move {
        let readings = seen(&http(expect), answer(status, "")).await.unwrap();
        told(readings).into_iter().find(|line| line.contains("status")).unwrap()
    };
    assert_eq!(told_status(Some(Expect::Status(404)), 404).await, "p.status = 404 (good)");
    assert_eq!(told_status(None, 404).await, "p.status = 404 (bad)");
    assert_eq!(told_status(None, 302).await, "p.status = 302 (good)");
}

#[tokio::test]
async fn no_connection_is_a_bad_state_and_no_error() {
    for (why, word) in [
        ("connect to localhost:80: connection refused", "refused"),
        ("no answer within 5 s", "timed out"),
        ("name not known: wbe", "no such host"),
        ("connection reset", "reset"),
    ] {
        let readings = seen(&http(None), Reply::Http(Err(why.to_owned()))).await.unwrap();
        assert_eq!(told(readings), [format!("p.status = {word} (bad)")]);
    }
    let readings = seen(&http(Some(Expect::Text("x".into()))), Reply::Http(Err("refused".into()))).await.unwrap();
    assert_eq!(told(readings)[0], "p.expect = not met: no answer, refused (bad)");
}

#[tokio::test]
async fn chosen_headers_and_json_values_are_read_by_name() {
    let wanted = [("db.state", json!("up")), ("items", json!([1.0, { "a": 1, "b": 2 }]))];
    let wanted = wanted.map(|(path, value)| (path.to_owned(), JsonValue(value)));
    let mut probe = http(Some(Expect::Json(wanted.into())));
    probe.read_headers = some(&["Date", "Server"]);
    probe.json = some(&["$.db.state", "items[1]", "nothing"]);
    let readings = seen(&probe, answer(200, r#"{"db":{"state":"up"},"items":[1,{"b":2,"a":1}]}"#)).await.unwrap();
    assert_eq!(
        told(readings),
        [
            "p.expect = met (good)",
            "p.header.date = Mon, 23 Nov 2026 10:00:00 GMT",
            "p.header.server = absent",
            "p.json.$.db.state = up",
            "p.json.items[1] = {\n  \"a\": 1,\n  \"b\": 2\n}",
            "p.json.nothing = absent",
            "p.status = 200 (good)",
        ]
    );
    let readings = seen(&probe, answer(200, r#"{"db":{"state":"down"}}"#)).await.unwrap();
    assert_eq!(told(readings)[0], "p.expect = not met: `db.state` is `down` and not `up` (bad)");
    let readings = seen(&probe, answer(200, r#"{"db":{"state":"up"},"items":"x"}"#)).await.unwrap();
    let unmet = "p.expect = not met: `items` is `x` and not `[1.0,{\"a\":1,\"b\":2}]` (bad)";
    assert_eq!(told(readings)[0], unmet);
}

#[tokio::test]
async fn a_port_is_open_with_its_banner_or_refused() {
    let probe = Tcp { address: "[::1]:22".to_owned(), send: None, banner: true };
    let readings = seen(&probe, Reply::Tcp(Ok("SSH-2.0-x\r\n".to_owned()))).await.unwrap();
    assert_eq!(told(readings), ["p.banner = SSH-2.0-x", "p.connect = open (good)"]);
    let readings = seen(&probe, Reply::Tcp(Err("connection refused".to_owned()))).await.unwrap();
    assert_eq!(told(readings), ["p.connect = refused (bad)"]);
    let odd = Tcp { address: "nowhere".to_owned(), ..probe };
    assert!(matches!(seen(&odd, Reply::Done).await, Err(ProbeError::Blind(_))));
}

#[tokio::test]
async fn sockets_are_told_by_place_and_role() {
    let mut unix = socket("/run/x.sock", 0, "x", 3);
    unix.protocol = "unix".to_owned();
    let mut chosen_by_kernel = socket("0.0.0.0", 50_000, "client", 4);
    chosen_by_kernel.protocol = "udp".to_owned();
    let sockets = vec![
        socket("0.0.0.0", 80, "nginx", 1),
        socket("::", 80, "nginx", 1),
        socket("127.0.0.1", 40_001, "rpc", 2),
        socket("127.0.0.1", 40_002, "rpc", 2),
        socket("127.0.0.1", 61_000, "admin", 2),
        unix,
        chosen_by_kernel,
    ];
    let reply = Reply::Sockets(sockets);
    let readings = seen(&Listening { ports: None }, reply.clone()).await.unwrap();
    assert_eq!(
        told(readings),
        [
            "p.tcp/0.0.0.0:80 = nginx (good)",
            "p.tcp/127.0.0.1:61000 = admin (good)",
            "p.tcp/127.0.0.1:⟨port⟩ = rpc (good)",
            "p.tcp/[::]:80 = nginx (good)",
            "p.unix//run/x.sock = x (good)",
        ]
    );
    let asked = Listening { ports: some(&["80", "udp/53", "tcp/40001"]) };
    let readings = seen(&asked, reply).await.unwrap();
    assert_eq!(told(readings), ["p.tcp/40001 = open (good)", "p.tcp/80 = open (good)", "p.udp/53 = closed (bad)"]);
}

#[tokio::test]
async fn a_command_is_read_by_status_signal_and_outputs() {
    let readings = seen(&command(Format::Text), ran(End::Exited(0), "PONG\n", "")).await.unwrap();
    assert_eq!(told(readings), ["p.exit = 0 (good)", "p.signal = none (good)", "p.stderr = ", "p.stdout = PONG"]);
    let words = "warning: old\nTraceback (most recent call last):\n";
    let readings = seen(&command(Format::Text), ran(End::Exited(0), "", words)).await.unwrap();
    assert!(told(readings).contains(&"p.stderr = Traceback (most recent call last):".to_owned()));
    let readings = seen(&command(Format::Text), ran(End::Exited(1), "", "warning: old\n")).await.unwrap();
    assert!(told(readings).contains(&"p.stderr = warning: old".to_owned()));
    let killed = End::Killed { signal: 11, core: true };
    let readings = seen(&command(Format::Ignore), ran(killed, "", "")).await.unwrap();
    assert_eq!(told(readings), ["p.exit = killed (bad)", "p.signal = SIGSEGV (bad)"]);
    let readings = seen(&command(Format::Text), ran(End::TimedOut, "half", "")).await.unwrap();
    assert_eq!(told(readings), ["p.exit = not ended within 5 s (bad)", "p.signal = none (good)"]);
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_in_a_bad_state() {
    let readings = seen(&command(Format::Text), failed(FailureKind::NotFound, "run `x`: no such file")).await.unwrap();
    assert_eq!(told(readings), ["p.exit = not found (bad)"]);
    let blind = seen(&command(Format::Text), failed(FailureKind::System, "fork")).await;
    assert!(matches!(blind, Err(ProbeError::Blind(_))));
}

#[tokio::test]
async fn an_output_is_compared_as_asked() {
    let stdout = |format, text: &'static str| async move {
        let readings = seen(&command(format), ran(End::Exited(0), text, "")).await.unwrap();
        told(readings).into_iter().find_map(|line| line.strip_prefix("p.stdout = ").map(str::to_owned)).unwrap()
    };
    assert_eq!(stdout(Format::Lines, "b\na\nb\n").await, "a, b");
    assert_eq!(stdout(Format::Json, "{\"b\":1,\"a\":2}").await, "{\n  \"a\": 2,\n  \"b\": 1\n}");
    assert_eq!(stdout(Format::Json, "oops 12:00:00").await, "no JSON: oops ⟨time⟩");
    assert_eq!(stdout(Format::Json, "{}\n{\"a\":1}").await, "no JSON: {}\n{\"a\":1}");
    assert_eq!(stdout(Format::Digest, "x").await, format!("sha256:{}, 1 bytes", "d".repeat(64)));
}

/// An output of which not all was kept.
fn cut(text: &str) -> Output {
    Output { total: 5 << 20, ..output(text) }
}

#[tokio::test]
async fn outputs_that_differ_in_what_was_not_kept_differ() {
    let stdout = |format, digest: &'static str| async move {
        let output = Output { digest: digest.to_owned(), ..cut("[1,\n[4 bytes are left out here]\n2]") };
        let ran = Ran { end: End::Exited(0), output, errors: Output::default(), microseconds: 3000 };
        told(seen(&command(format), Reply::Ran(ran)).await.unwrap())
    };
    for format in [Format::Text, Format::Json, Format::Lines, Format::Digest] {
        assert_ne!(stdout(format, "aa").await, stdout(format, "bb").await, "{format:?}");
    }
}

#[tokio::test]
async fn an_expectation_on_an_answer_that_was_cut_is_blindness() {
    let answer = |text: &str| {
        Reply::Http(Ok(HttpAnswer { status: 200, headers: BTreeMap::new(), body: cut(text), microseconds: 3000 }))
    };
    for expect in [Expect::Text("end".to_owned()), Expect::Json([("a".to_owned(), JsonValue(json!(1)))].into())] {
        let blind = seen(&http(Some(expect)), answer("{\"a\":")).await;
        assert!(matches!(&blind, Err(ProbeError::Blind(text)) if text.contains("longer than 4 MiB")), "{blind:?}");
    }
    let met = seen(&http(Some(Expect::Text("begin".to_owned()))), answer("the begin")).await.unwrap();
    assert_eq!(told(met)[1], "p.expect = met (good)");
    let by_path = Http { json: some(&["a"]), ..http(None) };
    assert!(matches!(seen(&by_path, answer("{\"a\":")).await, Err(ProbeError::Blind(_))));
}

#[tokio::test]
async fn an_answer_without_json_is_not_absent_in_silence() {
    let by_path = Http { json: some(&["a"]), ..http(None) };
    let readings = seen(&by_path, answer(200, "<h1>down</h1>")).await.unwrap();
    assert_eq!(told(readings)[0], "p.json.a = no JSON: <h1>down</h1>");
}

#[tokio::test]
async fn only_errors_and_warnings_of_a_log_are_compared() {
    let lines = ["2026-11-23 10:00:00 ERROR disk 7 is full", "ERROR disk 8 is full", "WARNING: old", "all is well"];
    let reply = Reply::Lines(lines.map(str::to_owned).to_vec());
    let probe = Log { files: some(&["/var/log/x"]), journal: None };
    let told = told(seen(&probe, reply).await.unwrap());
    let mut values: Vec<&str> = told.iter().filter_map(|line| line.split_once(" = ").map(|(_, value)| value)).collect();
    values.sort_unstable();
    assert_eq!(values, ["4", "ERROR disk ⟨*⟩ is full", "WARNING: old", "⟨*⟩ ERROR disk ⟨*⟩ is full"]);
    assert!(told[0].starts_with("p.error.") && told[3].starts_with("p.warning."));
    let nothing = Log { files: None, journal: None };
    assert!(matches!(seen(&nothing, Reply::Done).await, Err(ProbeError::Blind(_))));
}

#[tokio::test]
async fn files_are_told_by_nature_and_digest_and_missing_ones_are_bad() {
    let facts = vec![file("/etc/a.conf", 0o640, &[])];
    let probe = Files { paths: OneOrMany(vec!["/etc/*.conf".into(), "/etc/none".into()]), exclude: None, text: false };
    let readings = seen(&probe, Reply::Files(facts.clone())).await.unwrap();
    let digest = "ab".repeat(32);
    assert_eq!(
        told(readings),
        [format!("p./etc/a.conf = file 0640 root:root sha256:{digest}"), "p./etc/none = nothing there (bad)".into()]
    );
    let mut fact = facts[0].clone();
    fact.text = Some("pid 12\n".to_owned());
    let readings = seen(&Files { text: true, ..probe }, Reply::Files(vec![fact])).await.unwrap();
    assert_eq!(told(readings)[0], "p./etc/a.conf = file 0640 root:root\npid ⟨pid⟩");
}

#[tokio::test]
async fn a_file_that_is_too_large_to_be_read_is_told_by_its_size() {
    let probe = Files { paths: OneOrMany(vec!["/var/**".into()]), exclude: None, text: false };
    let large = |size: u64| {
        let attributes = [("unread".to_owned(), "too large".to_owned())].into();
        FileFact { digest: None, size, attributes, ..file("/var/disk", 0o600, &[]) }
    };
    let readings = seen(&probe, Reply::Files(vec![large(300 << 20)])).await.unwrap();
    assert_eq!(told(readings), ["p./var/disk = file 0600 root:root unread=too large 314572800 bytes"]);
}

#[tokio::test]
async fn packages_are_told_with_states_and_none_at_all_is_blindness() {
    let package = |name: &str, state: &str, unmet: &[&str]| Installed {
        name: name.to_owned(),
        version: "1.2-3".to_owned(),
        architecture: "amd64".to_owned(),
        state: state.to_owned(),
        unmet: unmet.iter().map(|&text| text.to_owned()).collect(),
    };
    let packages = vec![
        package("good", "installed", &[]),
        package("half", "half-configured", &["libx (>= 2)"]),
        package("old", "config-files", &[]),
    ];
    let probe = Package { names: some(&["good", "half", "old"]) };
    let readings = seen(&probe, Reply::Packages(packages)).await.unwrap();
    assert_eq!(
        told(readings),
        [
            "p.good.state = installed (good)",
            "p.good.version = 1.2-3",
            "p.half.needs libx (>= 2) = not met (bad)",
            "p.half.state = half-configured (bad)",
            "p.half.version = 1.2-3",
            "p.old.state = gone (bad)",
        ]
    );
    assert!(matches!(seen(&probe, Reply::Packages(Vec::new())).await, Err(ProbeError::Blind(_))));
}

#[tokio::test]
async fn every_unresolved_symbol_is_a_state_of_its_own() {
    let lack = Unresolved {
        object: "/usr/sbin/nginx".to_owned(),
        library: Some("libssl.so.3".to_owned()),
        symbol: Some("SSL_read@OPENSSL_3.0.0".to_owned()),
    };
    let look_at = |lacks: Vec<Unresolved>| async move {
        let sandbox = sandbox(move |request| match request {
            Request::Linkage { .. } => Reply::Linkage(lacks.clone()),
            _ => Reply::Files(vec![file("/usr/sbin/nginx", 0o755, &[])]),
        });
        told(Linkage { paths: some(&["/usr/sbin/nginx"]) }.observe(&look(&*sandbox.await, &[])).await.unwrap())
    };
    assert_eq!(look_at(Vec::new()).await, ["p.state = resolved (good)"]);
    assert_eq!(
        look_at(vec![lack]).await,
        ["p./usr/sbin/nginx: SSL_read@OPENSSL_3.0.0 = unresolved (bad)", "p.state = unresolved (bad)"]
    );
    let nothing = sandbox(|_| Reply::Files(Vec::new())).await;
    let readings = Linkage { paths: some(&["/nowhere"]) }.observe(&look(&*nothing, &[])).await.unwrap();
    assert_eq!(told(readings), ["p.state = nothing to look at (bad)"]);
}

#[tokio::test]
async fn processes_are_found_by_name_or_service() {
    let sandbox = sandbox(|request| match request {
        Request::Services => Reply::Services(Vec::new()),
        _ => Reply::Processes(vec![process(7, "nginx", Some("web")), process(8, "nginx", Some("web"))]),
    })
    .await;
    let by_name = Process { name: Some("nginx".to_owned()) };
    assert_eq!(
        told(by_name.observe(&look(&*sandbox, &[])).await.unwrap()),
        [
            "p.children = nginx of root",
            "p.descriptors = 8",
            "p.memory.rss = 2048",
            "p.state = running (good)",
            "p.threads = 2",
        ]
    );
    let missing = Process { name: Some("redis".to_owned()) };
    assert_eq!(told(missing.observe(&look(&*sandbox, &[])).await.unwrap()), ["p.state = not running (bad)"]);
    let nobody = Process { name: None };
    assert!(matches!(nobody.observe(&look(&*sandbox, &[])).await, Err(ProbeError::Blind(_))));
    let services = [service("shop")];
    assert_eq!(told(nobody.observe(&look(&*sandbox, &services)).await.unwrap()), ["p.state = never started (bad)"]);
}

#[tokio::test]
async fn a_unit_is_asked_of_systemd() {
    let answer =
        "Id=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nNRestarts=0\n";
    let sandbox = sandbox(|_| ran(End::Exited(0), answer, "")).await;
    let services = [Service { name: "web".to_owned(), unit: Some("web.service".to_owned()) }];
    let probe = AnyProbe::Unit(Unit { names: None });
    let readings = probe.observe(&look(&*sandbox, &services)).await.unwrap();
    assert_eq!(
        told(readings),
        ["p.web.service.restarts = none (good)", "p.web.service.state = active (running) (good)"]
    );
    assert!(matches!(probe.observe(&look(&*sandbox, &[])).await, Err(ProbeError::Blind(_))));
}
