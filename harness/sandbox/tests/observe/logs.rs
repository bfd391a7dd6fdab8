//! New lines since a mark.

use patchbed_guest::message::LogSource;
use patchbed_sandbox::Sandbox;
use patchbed_testkit::needs;

use crate::bed::{Bed, run, service};
use crate::compiled::until;

async fn since(sandbox: &dyn Sandbox, glob: &str, mark: Option<&str>) -> Vec<String> {
    let mark = mark.map(str::to_owned);
    sandbox.lines(LogSource::Files(glob.into()), mark).await.expect("lines")
}

#[tokio::test]
async fn a_log_goes_on_through_copying_up_rotation_and_truncation() {
    needs!(userns, overlay);
    let bed = Bed::new();
    let sandbox = bed.open().await;
    // In the image: the first write copies the file up, which can change its inode.
    sandbox.mark("m", vec!["/etc/con*".into()]).await.expect("mark");
    run(&*sandbox, "echo added >> /etc/conf").await;
    assert_eq!(since(&*sandbox, "/etc/conf", Some("m")).await, ["added"]);
    assert_eq!(since(&*sandbox, "/etc/conf", None).await, ["original", "added"]);
    sandbox.mark("m", vec!["/etc/con*".into()]).await.expect("mark");
    run(&*sandbox, "echo last >> /etc/conf; mv /etc/conf /etc/conf.1; echo first > /etc/conf").await;
    assert_eq!(since(&*sandbox, "/etc/conf", Some("m")).await, ["last", "first"]);
    run(&*sandbox, "echo short > /etc/conf").await;
    assert_eq!(since(&*sandbox, "/etc/conf", Some("m")).await, ["last", "short"]);
}

#[tokio::test]
async fn what_a_service_prints_has_marks_too() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    sandbox.start(service("web", "echo start; echo warn >&2; echo > /run/up; while [ ! -e /run/go ]; do sleep 0.01; done; echo on; echo > /run/done; sleep 1000")).await.expect("start");
    until(&*sandbox, "/run/up").await;
    sandbox.mark("m", Vec::new()).await.expect("mark");
    run(&*sandbox, "echo > /run/go").await;
    until(&*sandbox, "/run/done").await;
    let lines = |mark: Option<&str>| sandbox.lines(LogSource::Service("web".into()), mark.map(str::to_owned));
    assert_eq!(lines(Some("m")).await.expect("lines"), ["on"]);
    let mut all = lines(None).await.expect("lines");
    all.sort();
    assert_eq!(all, ["on", "start", "warn"]);
    let error = lines(Some("never")).await.expect_err("no such mark");
    assert_eq!(error.to_string(), "read lines since `never`: no such mark");
}
