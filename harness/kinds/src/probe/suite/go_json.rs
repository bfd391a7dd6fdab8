//! What `go test -json` prints: one event per line.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Outcome, Report, Test};

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    output: Option<String>,
}

/// Reads the events. Lines that are none, as of a build, are left out.
pub(super) fn read(text: &str) -> Report {
    let mut events = Events::default();
    for event in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        events.take(event);
    }
    events.report()
}

/// What the events so far have told. A package is kept as a test without a name.
#[derive(Debug, Default)]
struct Events {
    tests: Vec<Test>,
    /// What every test that has not ended printed.
    running: BTreeMap<(String, Option<String>), Vec<String>>,
    /// The packages of tests that failed.
    failed: BTreeSet<String>,
}

impl Events {
    fn take(&mut self, event: Event) {
        let outcome = match event.action.as_str() {
            "pass" => Outcome::Ok,
            "fail" => Outcome::Failed,
            "skip" => Outcome::Skipped,
            "start" | "run" | "output" => {
                let printed = self.running.entry((event.package, event.test)).or_default();
                printed.extend(event.output.filter(|line| !line.starts_with("=== ")));
                return;
            }
            _ => return,
        };
        let printed = self.running.remove(&(event.package.clone(), event.test.clone())).unwrap_or_default();
        // A package fails with its tests; alone it does when it cannot be built, or ends by itself.
        let counts = event.test.is_some() || (outcome == Outcome::Failed && !self.failed.contains(&event.package));
        if counts {
            let printed = if outcome == Outcome::Ok { Vec::new() } else { printed };
            self.tests.push(Test::new(name(&event.package, event.test.as_deref()), outcome).because(printed));
        }
        if outcome == Outcome::Failed {
            self.failed.insert(event.package);
        }
    }

    fn report(mut self) -> Report {
        let unended = self.running.into_iter().map(|((package, test), printed)| {
            Test::new(name(&package, test.as_deref()), Outcome::Failed)
                .because(printed)
                .because(["it never ended".into()])
        });
        self.tests.extend(unended);
        Report { tests: self.tests, trouble: None }
    }
}

fn name(package: &str, test: Option<&str>) -> String {
    test.map_or_else(|| package.to_owned(), |test| format!("{package}.{test}"))
}
