//! Programs that are run to their end.

use std::time::{Duration, Instant};

use patchbed_guest::message::{End, FailureKind, Privileges, Program, Run, Stream};
use patchbed_sandbox::AskError;
use patchbed_testkit::needs;
use tokio::sync::mpsc;

use crate::bed::{Bed, GRACE, STUCK, run, script, shell};

#[tokio::test]
async fn a_program_s_end_and_outputs_are_told() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let ran = run(&*sandbox, "echo out; echo error >&2; exit 3").await;
    assert_eq!(ran.end, End::Exited(3));
    assert_eq!((&*ran.output.text, &*ran.errors.text), ("out\n", "error\n"));
    let killed = run(&*sandbox, "kill -9 $$").await;
    assert_eq!(killed.end, End::Killed { signal: 9, core: false });
    let crashed = run(&*sandbox, "cd /tmp; kill -SEGV $$").await;
    assert!(matches!(crashed.end, End::Killed { signal: 11, .. }), "{crashed:?}");
    sandbox.close().await.expect("close");
}

#[tokio::test]
async fn a_missing_program_user_or_folder_is_named() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let ask = async |program: Program| {
        let run = Run { program, within: 1000, keep: 100, ..Run::default() };
        match sandbox.run(run).await {
            Err(AskError::Failed(failure)) => failure,
            other => panic!("it should fail: {other:?}"),
        }
    };
    let failure = ask(Program { argv: vec!["no-such".into()], ..Program::default() }).await;
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.text, "execute `no-such`: No such file or directory (os error 2)");
    let failure = ask(Program { user: Some("ghost".into()), ..shell("true") }).await;
    assert_eq!(failure.text, "the image has no user `ghost`");
    let failure = ask(Program { directory: Some("/none".into()), ..shell("true") }).await;
    assert_eq!(failure.text, "enter the folder of `/bin/sh`: No such file or directory (os error 2)");
}

#[tokio::test]
async fn users_groups_environment_and_privileges_are_the_image_s() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let program = Program { user: Some("web".into()), directory: Some("/tmp".into()), ..shell("id; pwd; env") };
    let ran = sandbox.run(Run { program, ..script("") }).await.expect("run");
    let lines: Vec<&str> = ran.output.text.lines().collect();
    assert_eq!(lines[..2], ["uid=33(web) gid=33(web) groups=33(web),44(extra)", "/tmp"]);
    let mut variables: Vec<&str> = lines[2..].iter().filter_map(|line| line.split('=').next()).collect();
    variables.sort_unstable();
    assert_eq!(variables, ["BED", "HOME", "LANG", "LOGNAME", "PATH", "PWD", "USER"]);
    let status = "while read key value; do case $key in NoNewPrivs:) echo $value;; esac; done < /proc/self/status";
    let quiet = Program { privileges: Privileges::NoNew, ..shell(status) };
    let ran = sandbox.run(Run { program: quiet, ..script("") }).await.expect("run");
    assert_eq!(ran.output.text, "1\n");
    assert_eq!(run(&*sandbox, status).await.output.text, "0\n");
}

#[tokio::test]
async fn a_step_ends_with_its_main_process_although_a_daemon_holds_its_output() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let ran = run(&*sandbox, "(setsid sh -c 'sleep 30; echo late' &) ; echo done").await;
    assert_eq!((ran.end, &*ran.output.text), (End::Exited(0), "done\n"));
    assert!(ran.microseconds < 5_000_000, "{} µs", ran.microseconds);
}

#[tokio::test]
async fn time_is_over_for_everything_that_the_program_started() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let stubborn =
        "trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &); while :; do sleep 1; done";
    let begun = Instant::now();
    let ran = sandbox.run(Run { within: 300, ..script(stubborn) }).await.expect("run");
    assert_eq!(ran.end, End::TimedOut);
    assert!(begun.elapsed() < Duration::from_millis(300) + GRACE + STUCK, "{:?}", begun.elapsed());
    let left = run(&*sandbox, "cat /proc/[0-9]*/comm").await.output.text;
    assert!(!left.contains("sleep"), "still there: {left}");
}

#[tokio::test]
async fn an_obedient_program_ends_at_term() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    // Long enough for the shell to have come to its trap.
    let obedient = Run { within: 2000, ..script("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done") };
    let ran = sandbox.run(obedient).await.expect("run");
    assert_eq!((ran.end, &*ran.output.text), (End::TimedOut, "bye\n"));
    // Two seconds after TERM it would have been killed.
    assert!(ran.microseconds < 4_000_000, "{} µs", ran.microseconds);
}

#[tokio::test]
async fn output_is_bounded_and_counted() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let flood = Run { keep: 1000, ..script("yes 0123456789 | head -c 300000000; echo end >&2") };
    let ran = sandbox.run(flood).await.expect("run");
    assert_eq!(ran.output.total, 300_000_000);
    assert!(ran.output.text.len() < 1100, "{}", ran.output.text.len());
    assert!(ran.output.text.contains("[299999000 bytes are left out here]"));
    assert_eq!(ran.errors.text, "end\n");
}

#[tokio::test]
async fn input_reaches_a_program_and_ends() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let ran = sandbox.run(Run { input: Some("from outside".into()), ..script("cat") }).await.expect("run");
    assert_eq!(ran.output.text, "from outside");
    let ran = run(&*sandbox, "cat; echo closed").await;
    assert_eq!(ran.output.text, "closed\n");
}

#[tokio::test]
async fn a_terminal_streams_both_ways() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let (output, mut came) = mpsc::channel::<(Stream, Vec<u8>)>(16);
    let (feed, input) = mpsc::channel::<Vec<u8>>(16);
    let program = Run { terminal: Some((24, 80)), ..script("tty; read line; echo got $line") };
    let talk = async {
        let mut text = String::new();
        feed.send(b"hello\n".to_vec()).await.expect("input goes");
        while let Some((stream, bytes)) = came.recv().await {
            assert_eq!(stream, Stream::Out);
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    };
    let (reply, text) = tokio::join!(sandbox.stream(program, output, input), talk);
    reply.expect("the program runs");
    assert!(text.contains("/dev/pts/0") && text.contains("got hello"), "{text:?}");
}

#[tokio::test]
async fn dropping_a_run_ends_its_program() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let names = async || run(&*sandbox, "cat /proc/[0-9]*/comm").await.output.text;
    let begun = Instant::now();
    let seen = async {
        while !names().await.contains("sleep") {
            assert!(begun.elapsed() < Duration::from_secs(30), "the program never began");
        }
    };
    tokio::select! {
        biased;
        () = seen => {}
        ended = sandbox.run(script("exec sleep 1000")) => panic!("it ended by itself: {ended:?}"),
    }
    let dropped = Instant::now();
    while names().await.contains("sleep") {
        assert!(dropped.elapsed() < GRACE + STUCK, "the program goes on");
    }
}
