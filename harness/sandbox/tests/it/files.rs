//! Files by the guest's own hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::WriteFile;
use patchbed_sandbox::{Bind, BindMode};
use patchbed_testkit::needs;

use crate::bed::{Bed, run};

/// Everything about a tree that can be seen from a shell.
const LOOK: &str = "cd / && for f in etc/conf etc/tree etc/tree/* etc/tree/*/* etc/new; do stat -c '%n %f %u %g %s %h %Y.%y %t' $f 2>&1; readlink $f; [ -f $f ] && cat $f; done; stat -c %y /etc";

#[tokio::test]
async fn what_was_kept_comes_back_whole() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let prepare = "mkdir -p /etc/tree/below && cd /etc/tree && echo text > below/file && ln below/file below/other \
        && ln -s ../conf link && mkfifo fifo && chmod 4711 below/file && chown -h 33:44 link fifo below && touch -d 2001-02-03 below fifo";
    assert_eq!(run(&*sandbox, prepare).await.errors.text, "");
    let before = run(&*sandbox, LOOK).await.output.text;
    let paths = ["/etc/conf", "/etc/tree", "/etc/new", "/no/such/folder"].map(str::to_owned).to_vec();
    sandbox.keep("before", paths).await.expect("keep");
    for change in [
        "rm -r /etc/tree; echo changed > /etc/conf; mkdir -p /etc/new/folder /no/such/folder",
        "rm /etc/conf; mkdir /etc/conf; rm -r /etc/tree/below/file; chmod 0 /etc/tree; touch /etc/new",
    ] {
        assert_eq!(run(&*sandbox, change).await.errors.text, "");
        assert_ne!(run(&*sandbox, LOOK).await.output.text, before);
        sandbox.restore("before").await.expect("restore");
        assert_eq!(run(&*sandbox, LOOK).await.output.text, before);
    }
    let error = sandbox.restore("never").await.expect_err("nothing was kept");
    assert_eq!(error.to_string(), "restore `never`: nothing was kept under it");
}

#[tokio::test]
async fn files_are_written_in_the_place_of_links_and_pipes_and_never_through_them() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    run(
        &*sandbox,
        "cd /tmp; echo canary > canary; ln -s canary link; mkfifo pipe; echo old > own; chmod 640 own; chown 33:44 own",
    )
    .await;
    let file = |path: &str| WriteFile { path: path.into(), data: STANDARD.encode("new"), mode: None, owner: None };
    let paths = ["/tmp/link", "/tmp/pipe", "/tmp/own", "/tmp/deep/er/file"];
    sandbox.write_files(paths.map(file).to_vec()).await.expect("write");
    let seen = run(&*sandbox, "cd /tmp; cat canary; stat -c '%n %F %a %u:%g' link pipe own deep/er/file; ls -A")
        .await
        .output
        .text;
    assert_eq!(
        seen,
        "canary\nlink regular file 644 0:0\npipe regular file 644 0:0\nown regular file 640 33:44\n\
         deep/er/file regular file 644 0:0\ncanary\ndeep\nlink\nown\npipe\n"
    );
    assert_eq!(sandbox.read_file("/tmp/own", 3).await.expect("read"), b"new");
    let error = sandbox.read_file("/tmp/own", 2).await.expect_err("it is longer");
    assert_eq!(error.to_string(), "read `/tmp/own`: File too large (os error 27)");
    sandbox.run(crate::bed::script("mkfifo /tmp/fifo")).await.expect("run");
    let error = sandbox.read_file("/tmp/fifo", 2).await.expect_err("a pipe is no file");
    assert_eq!(error.to_string(), "read `/tmp/fifo`: not a regular file");
}

#[tokio::test]
async fn a_tree_is_laid_over_and_removed() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let from = bed.path("tree");
    std::fs::create_dir_all(from.join("etc/more")).expect("mkdir");
    std::fs::write(from.join("etc/conf"), "laid over").expect("write");
    std::fs::write(from.join("etc/more/file"), "new").expect("write");
    bed.spec.binds.push(Bind { from, to: "/run/patchbed/tree".into(), mode: BindMode::ReadOnly });
    let sandbox = bed.open().await;
    let written =
        sandbox.lay_over("/run/patchbed/tree", "/", Some(0o600), Some("web:extra".into())).await.expect("lay over");
    assert_eq!(written, ["/etc/conf", "/etc/more", "/etc/more/file"]);
    let seen = run(
        &*sandbox,
        "cat /etc/conf; stat -c '%n %a %u:%g' /etc /etc/conf /etc/more/file; echo x > /run/patchbed/tree/y",
    )
    .await;
    assert_eq!(seen.output.text, "laid over/etc 755 0:0\n/etc/conf 600 33:44\n/etc/more/file 600 33:44\n");
    assert!(seen.errors.text.contains("Read-only file system"), "{}", seen.errors.text);
    let gone = sandbox.remove(vec!["/etc/more".into(), "/none".into()]).await.expect("remove");
    assert_eq!(gone, ["/etc/more"]);
}
