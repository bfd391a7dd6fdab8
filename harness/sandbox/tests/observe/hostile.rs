//! Trees and files that try to hold up, mislead or overrun whoever looks at them.

use std::time::{Duration, Instant};

use patchbed_guest::message::{FileKind, Files, LogSource};
use patchbed_testkit::needs;

use crate::bed::{Bed, run, service};

fn files(glob: &str) -> Files {
    Files { paths: vec![glob.into()], text_up_to: 1 << 20, limit: 10_000, ..Files::default() }
}

#[tokio::test]
async fn nothing_in_a_tree_holds_up_a_look() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let make = "mkdir /h; cd /h; mkfifo fifo; ln -s /proc/kmsg kmsg; ln -s /dev/zero zero; ln -s fifo through; \
        : > sparse; dd if=/dev/null of=sparse bs=1 seek=8T 2>/dev/null; mkdir locked; chmod 0 locked; : > locked/x; chown 33 locked; \
        touch -- -rf \"$(printf 'new\\nline')\" \"$(printf '\\033[31m')\" '<b>&\"' \"$(printf '\\376')\"";
    run(&*sandbox, make).await;
    let begin = Instant::now();
    let facts = sandbox.files(files("/h/**")).await.expect("files");
    let told: Vec<_> = facts.iter().map(|fact| (fact.path.as_str(), fact.kind)).collect();
    let expected = [
        ("/h/\u{1b}[31m", FileKind::File),
        ("/h/-rf", FileKind::File),
        ("/h/<b>&\"", FileKind::File),
        (r"/h/\xfe", FileKind::File),
        ("/h/fifo", FileKind::Fifo),
        ("/h/kmsg", FileKind::Link),
        ("/h/locked", FileKind::Folder),
        ("/h/locked/x", FileKind::File),
        ("/h/new\nline", FileKind::File),
        ("/h/sparse", FileKind::File),
        ("/h/through", FileKind::Link),
        ("/h/zero", FileKind::Link),
    ];
    assert_eq!(told, expected);
    let drift = sandbox.drift(vec!["/tmp/**".into(), "/run/**".into()], 10_000).await.expect("drift");
    assert_eq!(drift.iter().filter(|fact| fact.path.starts_with("/h/")).count(), expected.len());
    assert!(sandbox.linkage(vec!["/h/*".into()], Vec::new()).await.expect("linkage").is_empty());
    sandbox.mark("m", vec!["/h/*".into()]).await.expect("mark");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_tree_of_4000_levels_is_told_to_the_longest_path() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    // A thousand levels at a time: more do not fit into one path.
    let levels = "d/".repeat(1000);
    let script =
        format!("mkdir /deep; cd /deep; for i in 1 2 3 4; do mkdir -p {levels}; cd -P {levels} 2>/dev/null; done");
    run(&*sandbox, &script).await;
    let begin = Instant::now();
    let drift = sandbox.drift(vec!["/tmp/**".into(), "/run/**".into()], 100_000).await.expect("drift");
    let deepest = drift.iter().map(|fact| fact.path.len()).max().unwrap_or(0);
    assert!((3801..=4096).contains(&deepest), "{deepest}");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_swapped_link_and_a_growing_log_give_one_of_their_states() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let swap = "mkdir /s; cd /s; echo conf > conf; echo line > log; echo > /run/up
        while :; do ln -s /etc/passwd n; mv -T n conf; echo conf > n; mv -T n conf; echo line >> log; done";
    sandbox.start(service("swap", swap)).await.expect("start");
    crate::compiled::until(&*sandbox, "/run/up").await;
    let begun = Instant::now();
    let (mut looks, mut kinds) = (0, Vec::new());
    while looks < 50 || kinds.len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "after {looks} looks only {kinds:?} were seen");
        looks += 1;
        for fact in sandbox.files(files("/s/conf")).await.expect("files") {
            assert!(matches!(fact.kind, FileKind::File | FileKind::Link), "{fact:?}");
            assert!(fact.text.as_deref().is_none_or(|text| "conf\n".starts_with(text)), "{fact:?}");
            if !kinds.contains(&fact.kind) {
                kinds.push(fact.kind);
            }
        }
        let lines = sandbox.lines(LogSource::Files("/s/log".into()), None).await.expect("lines");
        assert!(lines.iter().all(|line| "line".starts_with(line)), "{lines:?}");
    }
}

#[tokio::test]
async fn a_flood_of_output_is_told_in_bounds() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    run(&*sandbox, "yes $(seq 100) | head -c 30000000 > /var/log/flood; head -c 20000000 /dev/zero >> /var/log/flood")
        .await;
    let lines = sandbox.lines(LogSource::Files("/var/log/flood".into()), None).await.expect("lines");
    let all: usize = lines.iter().map(String::len).sum();
    assert!(lines.len() <= 10_000 && all < 10 << 20, "{} lines, {all} bytes", lines.len());
    assert!(lines.iter().any(|line| line == "[patchbed: lines left out here]"));
}
