//! The same as an ordinary user with subordinate ids, by running tests of this program as one.

use std::os::unix::fs::chown;
use std::process::Command;

use patchbed_testkit::needs;

use crate::bed::Bed;

/// A user and a group that no host is likely to have.
const ID: u32 = 47_110;

/// Where that user's subordinate ids begin.
const FIRST: u32 = 600_000;

/// The tests that are run once more.
const TESTS: [&str; 13] = [
    "crash::nothing_outlives_a_killed_harness_and_the_next_one_sweeps",
    "files::what_was_kept_comes_back_whole",
    "files::a_tree_is_laid_over_and_removed",
    "hostile::mount_points_that_are_links_lead_nowhere",
    "hostile::dangerous_calls_and_places_are_closed",
    "hostile::memory_of_each_process_is_bounded_without_a_group",
    "hostile::the_disk_is_bounded",
    "life::a_layer_appears_whole_when_its_sandbox_is_closed",
    "life::a_folder_that_was_made_anew_hides_the_old_one_in_every_layer",
    "life::a_dropped_layer_is_removed",
    "life::a_writable_bind_has_the_owners_of_inside",
    "run::users_groups_environment_and_privileges_are_the_image_s",
    "service::a_daemon_that_forks_twice_belongs_to_its_service_and_is_stopped_with_it",
];

#[test]
fn an_ordinary_user_s_sandboxes_are_the_same() {
    needs!(root, newuidmap, setpriv);
    let bed = Bed::new();
    let home = bed.path("home");
    std::fs::create_dir(&home).expect("make a home");
    chown(&home, Some(ID), Some(ID)).expect("give it away");
    open_to_all(&bed);
    let append = |file: &str, line: String| {
        let text = std::fs::read_to_string(format!("/etc/{file}")).unwrap_or_default();
        std::fs::write(bed.path(file), format!("{text}{line}\n")).expect("write");
    };
    append("passwd", format!("patchbed-test:x:{ID}:{ID}::{home}:/bin/sh"));
    append("group", format!("patchbed-test:x:{ID}:"));
    append("subuid", format!("patchbed-test:{FIRST}:65536"));
    append("subgid", format!("patchbed-test:{FIRST}:65536"));
    let mounts = ["passwd", "group", "subuid", "subgid"]
        .map(|file| format!("test -e /etc/{file}; mount --bind {} /etc/{file}", bed.path(file)))
        .join("; ");
    let script = format!("set -e; {mounts}; exec setpriv --reuid={ID} --regid={ID} --init-groups -- \"$@\"");
    // The program lies where only root may go.
    let program = bed.path("program");
    std::fs::copy("/proc/self/exe", &program).expect("copy the program");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh", program.as_str(), "--exact"])
        .args(TESTS)
        .env("TMPDIR", &home)
        .env("HOME", &home)
        .env("PATCHBED_TEST_IMAGES", &home)
        .env("PATCHBED_MUST", "userns,overlay")
        .output()
        .expect("start the tests");
    let text = String::from_utf8_lossy(&output.stdout);
    let ran = format!("{} passed", TESTS.len());
    assert!(output.status.success() && text.contains(&ran), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Temporary folders are closed to others.
fn open_to_all(bed: &Bed) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(bed.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("chmod");
}
