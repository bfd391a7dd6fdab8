//! The probe on a scripted guest: what is asked, and what is told of an answer.

use std::sync::{Arc, Mutex};

use patchbed_sandbox::message::{End, FailureKind, Output, Ran, Reply, Request, Run};
use proptest::prelude::*;

use super::Rows;
use super::base::Base as _;
use crate::document::{Content, Node, Place, Problems, Read as _};
use crate::probe::Probe as _;
use crate::probe::testing::{failed, look, ran, sandbox, told};

/// What a scenario says, and the problems with it.
fn read(words: &[(&str, &str)]) -> (Option<Rows>, Vec<String>) {
    let entry = |(key, text): &(&str, &str)| ((*key).to_owned(), Node::text(Place::default(), *text));
    let node = Node::of(Place::default(), Content::Map(words.iter().map(entry).collect()));
    let mut problems = Problems::default();
    let rows = Rows::read(&node, &mut problems);
    (rows, problems.list.into_iter().map(|problem| problem.message).collect())
}

fn rows(words: &[(&str, &str)]) -> Rows {
    let (rows, problems) = read(words);
    assert_eq!(problems, [""; 0]);
    rows.unwrap()
}

/// What is run, and what is told when this is the reply.
async fn asked(rows: &Rows, reply: Reply) -> (Run, Vec<String>) {
    let asked: Arc<Mutex<Option<Run>>> = Arc::default();
    let kept = Arc::clone(&asked);
    let guest = sandbox(move |request| {
        if let Request::Run(run) = request {
            *kept.lock().unwrap() = Some(run.clone());
        }
        reply.clone()
    });
    let sandbox = guest.await;
    let told = told(rows.observe(&look(&*sandbox, &[])).await.unwrap());
    let run = asked.lock().unwrap().take().unwrap();
    (run, told)
}

/// The words after those that find the client.
fn words(run: &Run) -> Vec<&str> {
    run.program.argv[6..].iter().map(String::as_str).collect()
}

#[tokio::test]
async fn the_servers_of_the_environment_are_asked_as_their_administrators() {
    let none = || ran(End::Exited(0), "", "");
    let (run, _) = asked(&rows(&[("postgres", "shop"), ("query", "select 1;\n")]), none()).await;
    assert_eq!((run.program.user.as_deref(), words(&run).last()), (Some("postgres"), Some(&"--dbname=shop")));
    assert_eq!(run.input.as_deref(), Some("set default_transaction_read_only = on; select 1\n;\n"));
    let (run, _) = asked(&rows(&[("mysql", "shop"), ("query", "select 1")]), none()).await;
    assert_eq!((run.program.user, run.program.argv[4].as_str()), (None, "mariadb mysql"));
    assert_eq!(run.input.as_deref(), Some("set session transaction read only; select 1\n;\n"));
    let (run, _) = asked(&rows(&[("redis", "2"), ("query", "\n get a\n\nGET b "), ("user", "daemon")]), none()).await;
    assert_eq!((run.program.user.as_deref(), words(&run)), (Some("daemon"), vec!["--csv", "-n", "2"]));
    assert_eq!(run.input.as_deref(), Some("get a\nGET b\n"));
}

#[tokio::test]
async fn a_password_stands_in_the_environment_alone() {
    for (base, address, name, shown) in [
        ("postgres", "postgres://shop:s%3Acret@db/orders", "PGPASSWORD", "--dbname=postgres://shop@db/orders"),
        (
            "mysql",
            "mysql://shop:s%3Acret@localhost:3307/orders",
            "MYSQL_PWD",
            "--protocol=tcp --port=3307 --user=shop --host=localhost --database=orders",
        ),
        ("redis", "redis://shop:s%3Acret@db/3", "REDISCLI_AUTH", "--csv -h db -n 3 --user shop"),
    ] {
        let rows = rows(&[(base, address), ("query", "get a")]);
        let (run, _) = asked(&rows, ran(End::Exited(0), "", "")).await;
        assert_eq!(run.program.environment[name], "s:cret");
        assert!(words(&run).join(" ").ends_with(shown), "{:?}", words(&run));
        assert_eq!(run.program.user, None);
        let said = format!("{:?} {rows:?} {}", run.program.argv, serde_json::to_string(&rows).unwrap());
        assert!(!said.contains("cret"), "{said}");
    }
}

#[tokio::test]
async fn answers_of_each_client_become_the_same_rows() {
    let table = ["p.count = 2", "p.rows = 1\ta\\tb, 2\t\\N", "p.state = answered (good)"];
    for (base, name, printed) in [
        ("sqlite", "/srv/shop.db", "id\u{1f}note\u{1e}1\u{1f}a\tb\u{1e}2\u{1f}\u{1a}\u{1e}"),
        ("postgres", "shop", "id\u{1f}note\u{0}1\u{1f}a\tb\u{0}2\u{1f}\u{1a}\u{0}"),
        ("mysql", "shop", "id\tnote\n1\ta\\tb\n2\tNULL\n"),
    ] {
        let rows = rows(&[(base, name), ("query", "select id, note from o")]);
        assert_eq!(asked(&rows, ran(End::Exited(0), printed, "")).await.1, table, "{base}");
    }
}

#[tokio::test]
async fn answers_of_redis_are_told_element_by_element() {
    let told = async |query: &str, printed: &str| {
        let rows = rows(&[("redis", "localhost:6379"), ("query", query)]);
        let told = asked(&rows, ran(End::Exited(0), printed, "Could not connect")).await.1;
        told.into_iter().find(|line| line.starts_with("p.rows") || line.ends_with("(bad)"))
    };
    let rows = |text: &str| Some(format!("p.rows = {text}"));
    let failed = Some("p.state = failed (bad)".to_owned());
    assert_eq!(told("get a\nllen l", "\"x\\ty\"\n3\n").await, rows("get a\tx\\ty, llen l\t3"));
    assert_eq!(told("get a", "NULL\n").await, rows("get a\t\\N"));
    assert_eq!(told("lrange l 0 -1", "\"b\",\"a\"\n").await, rows("lrange l 0 -1\tb, lrange l 0 -1\ta"));
    assert_eq!(
        told("SMEMBERS s", "\"b\",\"\\xc3\\xa9\",\"\\xff\"\n").await,
        rows("SMEMBERS s\t\\xff, SMEMBERS s\tb, SMEMBERS s\té")
    );
    assert_eq!(told("hgetall h", "\"f\",\"2\",\"e\",\"\"\n").await, rows("hgetall h e\t, hgetall h f\t2"));
    let scores = "zrange z 0 -1 WITHSCORES";
    assert_eq!(told(scores, "\"b\",\"1\",\"a\",\"2\"\n").await, rows(&format!("{scores} b\t1, {scores} a\t2")));
    assert_eq!(told("scan 0 count 100", "\"0\",\"b\",\"a\"\n").await, rows("scan 0 count 100\ta, scan 0 count 100\tb"));
    assert_eq!(told("smembers none", "\n").await, rows(""));
    for printed in ["", "\"1\"\n\"2\"\n", "ERROR,\"WRONGTYPE\"\n", "\"torn\n", "Invalid argument(s)\n"] {
        assert_eq!(told("get a", printed).await, failed, "{printed:?}");
    }
    assert_eq!(told("scan 0", "\"17\",\"a\"\n").await, failed);
}

#[tokio::test]
async fn what_is_no_answer_is_a_bad_state() {
    let rows = rows(&[("postgres", "shop"), ("query", "select 1"), ("unique", "id")]);
    for (reply, state) in [
        (ran(End::Exited(127), "", "no client is there"), "no client"),
        (ran(End::Exited(2), "", "connection refused"), "failed"),
        (ran(End::TimedOut, "", ""), "not ended within 5 s"),
        (failed(FailureKind::NotFound, "the image has no user `postgres`"), "not found"),
    ] {
        assert_eq!(asked(&rows, reply).await.1, [format!("p.state = {state} (bad)")]);
    }
}

#[tokio::test]
async fn many_rows_are_compared_by_digest() {
    let rows = rows(&[("redis", "0"), ("query", "smembers s"), ("unique", "value")]);
    let told = async |members: &mut dyn Iterator<Item = u32>, total| {
        let text = members.map(|number| number.to_string()).collect::<Vec<_>>().join(",") + "\n";
        let output = Output { total, text, digest: "ab".to_owned() };
        asked(&rows, Reply::Ran(Ran { end: End::Exited(0), output, errors: Output::default(), microseconds: 1 }))
            .await
            .1
    };
    let one = told(&mut (0..2000), 9000).await;
    assert_eq!(one, told(&mut (0..2000).rev(), 9000).await);
    assert!(one[1].starts_with("p.rows = sha256:") && one[3] == "p.unique = met (good)", "{one:?}");
    let cut = told(&mut (0..2), 9 << 20).await;
    let unseen = "p.unique = cannot be told of 9437184 bytes of rows";
    assert_eq!(cut, ["p.rows = sha256:ab, 9437184 bytes", "p.state = answered (good)", unseen]);
}

#[test]
fn problems_are_told_without_the_password() {
    let query = ("query", "get a");
    assert_eq!(read(&[query]).1, ["`sqlite` or `postgres` or `mysql` or `redis` is missing"]);
    let two = read(&[("sqlite", "/srv/shop.db"), ("postgres", "shop"), query]).1;
    assert_eq!(two, ["`sqlite` and `postgres` exclude each other"]);
    for (base, address) in [
        ("postgres", "host=db password=s3cret"),
        ("postgres", "postgres://db/shop?password=s3cret"),
        ("postgres", "mysql://u:s3cret@db/shop"),
        ("mysql", "mysql://u:s3cret@db/shop?ssl=1"),
        ("redis", "redis://u:s3cret@db/shop"),
        ("redis", "localhost"),
    ] {
        let (rows, problems) = read(&[(base, address), query]);
        assert!(rows.is_none() && problems.len() == 1 && problems[0].starts_with("expected "), "{problems:?}");
        assert!(!problems[0].contains("s3cret"), "{problems:?}");
    }
}

#[test]
fn commands_that_may_write_are_refused() {
    let problems = read(&[("redis", "0"), ("query", "get a\nset a 1\n\"get\" a\nZRANGE z 0 -1")]).1;
    assert_eq!(problems, ["`set` is not known to read only", "`\"get\"` is not known to read only"]);
    assert_eq!(read(&[("postgres", "shop"), ("query", "set a 1")]).1, [""; 0]);
}

proptest! {
    #[test]
    fn any_line_of_a_client_is_read(line in ".*", torn in "(\"|,|\\\\x?|[a-f0-9]|NULL|ERROR){0,12}") {
        for printed in [line, torn] {
            for command in ["get a", "hgetall h", "scan 0"] {
                let _ = super::Redis(Box::default()).table(command, &printed);
            }
        }
    }
}
