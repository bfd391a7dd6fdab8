//! What was written, against what is seen: the drift of a sandbox is the difference of its files before and after.

use std::collections::BTreeMap;

use patchbed_guest::message::{FileFact, FileKind, Files};
use patchbed_sandbox::{Sandbox, Upper};
use patchbed_testkit::changes::changes;
use patchbed_testkit::needs;

use crate::bed::{Bed, run};

/// All files under `/w`, by path.
async fn seen(sandbox: &dyn Sandbox) -> BTreeMap<String, FileFact> {
    let request = Files { paths: vec!["/w".into(), "/w/**".into()], limit: 100_000, ..Files::default() };
    let facts = sandbox.files(request).await.expect("files");
    facts.into_iter().map(|fact| (fact.path.clone(), fact)).collect()
}

/// The words that tell one fact from another.
fn is_stricter(before: &FileFact, after: &FileFact) -> bool {
    let (was, now) = (before.mode, after.mode);
    after.kind == FileKind::File && now & !was == 0 && (now ^ was) & !0o077 == 0
}

fn differences(before: &FileFact, after: &FileFact) -> Vec<&'static str> {
    if before.kind != after.kind {
        return vec!["kind"];
    }
    let words = [
        (before.digest != after.digest, "content"),
        (before.mode != after.mode, if is_stricter(before, after) { "stricter mode" } else { "mode" }),
        ((&before.user, &before.group) != (&after.user, &after.group), "owner"),
        (before.target != after.target, "target"),
        (before.attributes != after.attributes, "attributes"),
    ];
    words.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect()
}

/// What the drift has to be: every difference by path, and of what is gone with its folder only the folder.
fn expected(before: &BTreeMap<String, FileFact>, after: &BTreeMap<String, FileFact>) -> Vec<String> {
    let mut told = Vec::new();
    for (path, fact) in after {
        match before.get(path) {
            None => told.push(format!("{path} new")),
            Some(old) => {
                let words = differences(old, fact);
                told.extend((!words.is_empty()).then(|| format!("{path} {}", words.join(","))));
            }
        }
    }
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if after.get(folder).is_some_and(|folder| folder.kind == FileKind::Folder) {
            told.push(format!("{path} gone"));
        }
    }
    told.sort();
    told
}

async fn told(sandbox: &dyn Sandbox) -> Vec<String> {
    let facts = sandbox.drift(Vec::new(), 100_000).await.expect("drift");
    let under = facts.iter().filter(|fact| fact.path == "/w" || fact.path.starts_with("/w/"));
    let words = |fact: &FileFact| if fact.kind == FileKind::Gone { "gone".to_owned() } else { fact.drift.join(",") };
    let mut told: Vec<_> =
        under.filter(|fact| !fact.drift.is_empty()).map(|fact| format!("{} {}", fact.path, words(fact))).collect();
    told.sort();
    told
}

#[tokio::test]
async fn drift_is_the_difference_of_what_is_seen() {
    needs!(userns, overlay);
    for seed in 0..4 {
        let mut bed = Bed::new();
        // Two layers with a history of their own, and the changes on top of them.
        for layer in 0..2 {
            let upper = bed.path(&format!("layer-{layer}"));
            let mut spec = bed.spec.clone();
            spec.upper = Upper::Folder(upper.clone());
            let sandbox = patchbed_sandbox::Backend::open(&bed.backend, &spec).await.expect("open");
            run(&*sandbox, &changes(seed * 10 + layer, 40)).await;
            sandbox.close().await.expect("close");
            bed.spec.lowers.insert(0, upper);
        }
        let sandbox = bed.open().await;
        let before = seen(&*sandbox).await;
        assert_eq!(told(&*sandbox).await, [""; 0], "nothing was written yet");
        run(&*sandbox, &changes(seed * 10 + 5, 60)).await;
        let after = seen(&*sandbox).await;
        assert_ne!(expected(&before, &after), [""; 0], "the changes of seed {seed} change nothing");
        assert_eq!(told(&*sandbox).await, expected(&before, &after), "seed {seed}");
        sandbox.close().await.expect("close");
    }
}

#[tokio::test]
async fn attributes_and_files_that_were_only_touched_are_told_apart() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    run(&*sandbox, "touch /etc/conf; chmod 4755 /usr/bin/id; chmod 700 /usr/bin/ls; chmod 755 /usr/bin/ls").await;
    let facts =
        sandbox.drift(["/run", "/tmp", "/dev", "/proc", "/sys"].map(str::to_owned).to_vec(), 100).await.expect("drift");
    let told: Vec<_> = facts.iter().map(|fact| format!("{} {}", fact.path, fact.drift.join(","))).collect();
    assert_eq!(told, ["/etc/conf ", "/usr/bin/id mode", "/usr/bin/ls "]);
    assert_eq!(facts[1].mode, 0o4755);
}
