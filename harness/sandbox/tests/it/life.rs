//! How sandboxes begin and end, and what they leave.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use patchbed_sandbox::{Bind, BindMode, LinkError, OpenError, Upper, sweep};
use patchbed_testkit::needs;

use crate::bed::{Bed, OpenFails as _, run, script, service};

#[tokio::test]
async fn a_layer_appears_whole_when_its_sandbox_is_closed() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let layer = bed.path("layer");
    bed.spec.upper = Upper::Folder(layer.clone());
    let sandbox = bed.open().await;
    run(&*sandbox, "echo one > /etc/one; rm /etc/conf; mkdir /var/new").await;
    assert!(!layer.exists(), "an unfinished layer is not to be seen");
    sandbox.close().await.expect("close");
    assert_eq!(std::fs::read_to_string(layer.join("etc/one")).expect("read"), "one\n");
    assert!(!bed.path("layer.partial").exists());

    bed.spec.upper = Upper::Memory;
    bed.spec.lowers.insert(0, layer);
    let above = bed.open().await;
    assert_eq!(run(&*above, "cat /etc/one; ls /etc/conf").await.output.text, "one\n");
}

#[tokio::test]
async fn a_reboot_keeps_the_disk_and_nothing_else() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.upper = Upper::Disk;
    let mut sandbox = bed.open().await;
    sandbox.start(service("still there", "sleep 1000")).await.expect("start");
    sandbox.keep("back", vec!["/etc/conf".to_owned()]).await.expect("keep");
    sandbox.keep("gap", vec!["/etc/conf/below".to_owned()]).await.expect_err("a file has nothing below it");
    run(&*sandbox, "echo later > /etc/conf").await;
    sandbox.keep("back", vec!["/etc/conf".to_owned()]).await.expect("keep");
    for round in 1..4 {
        let text =
            format!("echo {round} >> /etc/rounds; rm -f /etc/conf; touch /run/x /tmp/x /dev/shm/x; sleep 1000 & :");
        run(&*sandbox, &text).await;
        sandbox.reboot().await.expect("reboot");
        assert_eq!(
            run(&*sandbox, "wc -l < /etc/rounds; ls /etc/conf /run/x /tmp/x /dev/shm/x").await.output.text,
            format!("{round}\n")
        );
        assert_eq!(sandbox.services().await.expect("services"), Vec::new());
        assert_eq!(
            run(&*sandbox, "for p in /proc/[0-9]*; do read -r line < $p/comm; echo $line; done")
                .await
                .output
                .text
                .matches("sleep")
                .count(),
            0
        );
    }
    sandbox.restore("back").await.expect("restore");
    assert_eq!(run(&*sandbox, "cat /etc/conf").await.output.text, "later\n");
    sandbox.keep("again", vec!["/etc/conf".to_owned()]).await.expect("a number that nobody has");
    sandbox.close().await.expect("close");
    let Bed { backend, folder, .. } = bed;
    drop(backend);
    let owners = folder.path().join("state/owners");
    let gone = async {
        while std::fs::read_dir(&owners).into_iter().flatten().next().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the disk goes with the sandbox");
}

#[tokio::test]
async fn a_sandbox_in_memory_does_not_reboot() {
    needs!(userns, overlay);
    let mut sandbox = Bed::new().open().await;
    let error = sandbox.reboot().await.expect_err("its disk would be gone");
    assert_eq!(error.to_string(), "reach the runner: a sandbox in memory cannot start again");
    assert_eq!(run(&*sandbox, "echo lives").await.output.text, "lives\n");
}

#[tokio::test]
async fn a_folder_that_was_made_anew_hides_the_old_one_in_every_layer() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let layer = bed.path("layer");
    bed.spec.upper = Upper::Folder(layer.clone());
    let sandbox = bed.open().await;
    run(&*sandbox, "rm -r /etc; mkdir /etc; echo x > /etc/only").await;
    sandbox.close().await.expect("close");
    bed.spec.upper = Upper::Memory;
    bed.spec.lowers.insert(0, layer);
    let above = bed.open().await;
    assert_eq!(run(&*above, "ls /etc").await.output.text, "only\n");
}

#[tokio::test]
async fn a_dropped_layer_is_removed() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.upper = Upper::Folder(bed.path("layer"));
    let sandbox = bed.open().await;
    run(&*sandbox, "mkdir -p /closed/inner; touch /closed/inner/x; chmod 0 /closed/inner /closed").await;
    drop(sandbox);
    let gone = async {
        while bed.path("layer.partial").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the unfinished layer goes");
    assert!(!bed.path("layer").exists());
}

#[tokio::test]
async fn the_time_of_a_sandbox_is_over() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.limits.time = Duration::from_millis(300);
    let sandbox = bed.open().await;
    let error = sandbox.call(patchbed_guest::message::Request::Run(script("sleep 60"))).await;
    assert_eq!(error.expect_err("it ends"), LinkError::Gone("the sandbox's time of 0 s is over".into()));
}

#[tokio::test]
async fn a_failed_step_is_named() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.binds.push(Bind { from: bed.path("nothing"), to: "/mnt".into(), mode: BindMode::ReadOnly });
    let OpenError::Setup(error) = bed.backend.open_error(&bed.spec).await else { panic!("another error") };
    assert!(error.step.starts_with("tree bind0 from "), "{}", error.step);
    assert_eq!((&*error.call, error.errno), ("open_tree", libc::ENOENT));
    let mut bed = Bed::new();
    bed.spec.binds.push(Bind { from: bed.path("file"), to: "/etc".into(), mode: BindMode::ReadOnly });
    std::fs::write(bed.path("file"), "x").expect("write");
    let OpenError::Setup(error) = bed.backend.open_error(&bed.spec).await else { panic!("another error") };
    assert_eq!(error.to_string(), "unlink /etc: Directory not empty (os error 39)");
}

#[tokio::test]
async fn a_writable_bind_has_the_owners_of_inside() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let shared = bed.path("shared");
    std::fs::create_dir(&shared).expect("mkdir");
    bed.spec.binds.push(Bind { from: shared.clone(), to: "/run/patchbed/shared".into(), mode: BindMode::ReadWrite });
    let sandbox = bed.open().await;
    let ran = run(&*sandbox, "cd /run/patchbed/shared && echo x > file && stat -c %u:%g . file").await;
    assert_eq!(ran.output.text, "0:0\n0:0\n");
    let (inside, own) = (std::fs::metadata(shared.join("file")), std::fs::metadata(&shared));
    assert_eq!(inside.expect("the file").uid(), own.expect("the folder").uid());
}

#[tokio::test]
async fn many_at_once_from_many_threads() {
    needs!(userns, overlay);
    let bed = std::sync::Arc::new(Bed::new());
    let runtime = tokio::runtime::Handle::current();
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (bed, runtime) = (std::sync::Arc::clone(&bed), runtime.clone());
            tokio::task::spawn_blocking(move || {
                runtime.block_on(async {
                    for _ in 0..4 {
                        let sandbox = bed.open().await;
                        assert_eq!(run(&*sandbox, "echo $BED").await.output.text, "yes\n");
                        sandbox.close().await.expect("close");
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.await.expect("a thread");
    }
}

#[tokio::test]
async fn nothing_stays_behind_a_backend() {
    needs!(userns, overlay);
    let bed = Bed::new();
    let sandbox = bed.open().await;
    sandbox.close().await.expect("close");
    let state = bed.path("state");
    drop(bed.backend);
    let left = std::fs::read_dir(state.join("owners")).expect("list").count();
    assert_eq!(left, 0, "owners are left");
    assert_eq!(sweep(&state).expect("sweep"), Vec::<String>::new());
}
