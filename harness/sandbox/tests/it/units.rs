//! Real systemd as process 1, on an image made once and kept.

use std::process::Command;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use patchbed_sandbox::{Init, Sandbox, Upper};
use patchbed_testkit::needs;

use crate::bed::{Bed, run};

/// Settings of the kernel that booting an image must not change on the host.
const SETTINGS: [&str; 8] = [
    "fs/file-max",
    "fs/nr_open",
    "fs/protected_fifos",
    "fs/protected_hardlinks",
    "fs/protected_regular",
    "fs/protected_symlinks",
    "kernel/core_pattern",
    "kernel/pid_max",
];

fn settings() -> Vec<String> {
    SETTINGS.iter().map(|name| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default()).collect()
}

/// A small image with systemd, from the registry; it takes a minute, and is kept among the build's files.
fn image() -> Utf8PathBuf {
    if let Ok(image) = std::env::var("PATCHBED_TEST_SYSTEMD_IMAGE") {
        return image.into();
    }
    let image = Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("systemd-image");
    if !image.exists() {
        let partial = image.with_extension("partial");
        let _ = std::fs::remove_dir_all(&partial);
        let made = Command::new("mmdebstrap")
            .args(["--variant=minbase", "--include=systemd,systemd-sysv", "bookworm", partial.as_str()])
            .output()
            .expect("mmdebstrap runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::rename(&partial, &image).expect("the image is complete");
    }
    image
}

/// How systemd says it is, once it has booted.
async fn booted(sandbox: &dyn Sandbox) -> String {
    let begun = Instant::now();
    let mut state = String::new();
    while begun.elapsed() < Duration::from_mins(1) && !["running\n", "degraded\n"].contains(&&*state) {
        state = run(sandbox, "systemctl is-system-running 2>/dev/null").await.output.text;
    }
    state
}

#[tokio::test]
async fn systemd_boots_beside_the_guest_and_leaves_the_host_as_it_was() {
    needs!(root, units, mmdebstrap);
    let before = settings();
    let mut bed = Bed::new();
    bed.spec.lowers = vec![image()];
    bed.spec.init = Init::Systemd;
    let sandbox = bed.open().await;
    let state = booted(&*sandbox).await;
    let failed = run(&*sandbox, "systemctl --failed --no-legend --plain").await.output.text;
    assert_eq!((&*state, &*failed), ("running\n", ""));
    let unit = "[Service]\\nType=oneshot\\nExecStart=/bin/sh -c 'echo from a unit > /run/said'\\n";
    let start = "systemctl daemon-reload && systemctl start said && cat /run/said";
    let first = format!("cat /proc/1/comm; printf \"{unit}\" > /run/systemd/system/said.service; {start}");
    let first = run(&*sandbox, &first).await;
    assert_eq!(first.output.text, "systemd\nfrom a unit\n");
    sandbox.close().await.expect("close");
    assert_eq!(settings(), before);
}

#[tokio::test]
async fn systemd_boots_again_on_the_same_disk() {
    needs!(root, units, mmdebstrap);
    let mut bed = Bed::new();
    bed.spec.lowers = vec![image()];
    bed.spec.init = Init::Systemd;
    bed.spec.upper = Upper::Disk;
    let mut sandbox = bed.open().await;
    let unit = "[Service]\\nExecStart=/bin/sh -c 'echo boot >> /var/boots; exec sleep 1000'\\n[Install]\\nWantedBy=multi-user.target\\n";
    let enable =
        format!("printf \"{unit}\" > /etc/systemd/system/boots.service; systemctl enable --now boots 2>/dev/null");
    booted(&*sandbox).await;
    run(&*sandbox, &enable).await;
    for boots in 1..3 {
        let seen = run(&*sandbox, "systemctl is-active boots; wc -l < /var/boots").await.output.text;
        assert_eq!(seen, format!("active\n{boots}\n"));
        sandbox.reboot().await.expect("reboot");
        assert_eq!(booted(&*sandbox).await, "running\n");
    }
    sandbox.close().await.expect("close");
}
