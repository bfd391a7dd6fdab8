//! Known faults on real sandboxes: what is noticed, what is missed, and what that makes of the exit code.

use patchbed_testkit::{filters, needs};

use crate::project::{Project, Said};

/// A service that sleeps, and a store that is written before the patch. What is looked at is left to the test.
fn shop(rest: &str) -> Project {
    let fill = "import sqlite3; base = sqlite3.connect('/opt/shop.db'); base.execute('create table orders (id)'); \
                base.executemany('insert into orders values (?)', [(1,), (2,)]); base.commit()";
    Project::with(&format!(
        "image: host\npatch: {{ command: 'true' }}\nservices: [{{ name: web, run: exec sleep 1000 }}]\n\
         workloads: [{{ name: fill, run: [python3, -c, \"{fill}\"] }}]\nattempts: {{ confirm: 0 }}\n{rest}"
    ))
}

const ROWS: &str =
    "data: [{ name: orders, rows: { sqlite: /opt/shop.db, query: select id from orders order by id } }]\n";

fn sabotage(project: &Project, words: &[&str]) -> Said {
    project.run(&[&["sabotage", "-j", "1", "--progress", "none"], words].concat())
}

macro_rules! golden {
    ($said:expr) => {
        insta::with_settings!({ filters => filters::filters() }, {
            let Said { status, stdout, stderr } = $said;
            insta::assert_snapshot!(format!("{stdout}--- stderr\n{stderr}--- exit {}\n", status.unwrap_or(-1)));
        });
    };
}

#[test]
fn what_is_noticed_is_told_with_what_shows_it_and_what_is_missed_with_a_remedy() {
    needs!(userns, overlay, root);
    let project = shop(&format!("automatic: false\n{ROWS}"));
    golden!(sabotage(&project, &["--fault", "stop-service,drop-row,leak-descriptors,close-port,corrupt-config"]));
    // It is no run that others could go on with, and it writes nothing that people keep.
    assert_eq!(project.run(&["show"]).status, Some(2));
    assert!(!project.path().join("snapshots").exists());
}

#[test]
fn a_service_that_is_watched_without_asking_shows_what_it_holds_open() {
    needs!(userns, overlay, root);
    let said = sabotage(&shop(""), &["--fault", "leak-descriptors", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!((said.status, &document["exit_name"]), (Some(0), &"ok".into()), "{said:?}");
    assert_eq!(document["scenarios"][0]["faults"][0]["shows"][0], "web.descriptors");
}

#[test]
fn a_scenario_that_notices_nothing_is_an_error() {
    needs!(userns, overlay, root);
    let blind = shop("automatic: false\nprobes: [{ name: look, command: 'true' }]\n");
    golden!(sabotage(&blind, &["--fault", "leak-descriptors"]));
}

#[test]
fn a_scenario_that_no_fault_fits_has_nothing_to_run() {
    golden!(sabotage(&Project::probing("true"), &["--fault", "kill-helper"]));
}

#[test]
fn a_slip_in_a_kind_is_answered_with_the_nearest() {
    golden!(sabotage(&Project::probing("true"), &["--fault", "stop-servise"]));
}
