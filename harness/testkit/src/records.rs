//! Records to make reports of: the one of the contract, one of many things at once, and one in which every text is hostile.
#![expect(clippy::assigning_clones, reason = "a fixture is written once; plain assignment reads best")]

use std::collections::BTreeMap;

use patchbed_model::difference::DifferenceKind;
use patchbed_model::outage::{Closed, Step};
use patchbed_model::record::{
    AttemptRecord, Broke, CauseRecord, CellRecord, Host, Record, SCHEMA, ScenarioRecord, Since,
};
use patchbed_model::search::{Answer, Found, Search};
use patchbed_model::{
    Arm, Better, Blame, Cause, CauseKind, CellId, Class, Difference, Digest, Exit, Given, Ill, Key, Metric, Outage,
    Outages, RunId, Stage, Verdict,
};

/// A cell in which everything is the same.
#[must_use]
pub fn cell(id: &str, patches: &[&str], software: &[&str]) -> CellRecord {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    CellRecord {
        id: CellId(id.to_owned()),
        image: "debian-12-web".to_owned(),
        image_digest: Some(Digest::of(b"image")),
        patches: names(patches),
        software: names(software),
        given: Given::OneByOne,
        verdict: Verdict::Same,
        reason: "no reading differs".to_owned(),
        broken_before: false,
        temporary: false,
        attempts: BTreeMap::from([(Arm::Control, 2), (Arm::Patched, 1)]),
        differences: Vec::new(),
        silenced: Vec::new(),
        without: BTreeMap::new(),
        stops: Vec::new(),
        ill: Vec::new(),
        volatile: Vec::new(),
        metrics: Vec::new(),
        readings: 120,
        noise_bound: 0.25,
        timeline: vec![attempt(Arm::Control, 1), attempt(Arm::Control, 2), attempt(Arm::Patched, 1)],
        notes: Vec::new(),
        search: None,
    }
}

/// An attempt that was observed.
#[must_use]
pub fn attempt(arm: Arm, number: u32) -> AttemptRecord {
    AttemptRecord {
        arm,
        number,
        milliseconds: Some(6_500),
        stages: BTreeMap::from([(Stage::Open, 12), (Stage::Start, 1_500), (Stage::Observe, 900)]),
        outages: None,
        outcome: "observed".to_owned(),
    }
}

/// A difference of a state for the worse.
#[must_use]
pub fn regressed(key: &str, was: &str, now: &str) -> Difference {
    Difference {
        key: Key::new(key),
        class: Class::State,
        kind: DifferenceKind::Changed,
        was: Some(was.to_owned()),
        now: Some(now.to_owned()),
        verdict: Verdict::Regressed,
        evidence: Vec::new(),
        silenced: None,
        seen: (3, 3),
    }
}

/// A scenario of these cells and causes.
#[must_use]
pub fn scenario(id: &str, cells: Vec<CellRecord>, causes: Vec<CauseRecord>) -> ScenarioRecord {
    let verdict = cells.iter().map(|cell| cell.verdict).max().unwrap_or(Verdict::Skipped);
    ScenarioRecord {
        id: id.to_owned(),
        title: format!("{id} keeps working"),
        file: format!("scenarios/{id}.yaml"),
        digest: Some(Digest::of(id.as_bytes())),
        lines: BTreeMap::new(),
        verdict,
        cells,
        causes,
        culprits: None,
    }
}

/// A record of these scenarios; counts, verdict and exit follow from the cells.
///
/// # Panics
/// Never: its time stamps are written here.
#[must_use]
pub fn record(scenarios: Vec<ScenarioRecord>) -> Record {
    let cells = || scenarios.iter().flat_map(|scenario| &scenario.cells);
    let verdict = cells().map(|cell| cell.verdict).max().unwrap_or(Verdict::Skipped);
    let exit = cells().fold(Exit::Ok, |exit, cell| {
        exit.max(if cell.broken_before { Exit::BrokenBefore } else { cell.verdict.exit() })
    });
    let count = |verdict| (verdict, cells().filter(|cell| cell.verdict == verdict).count());
    Record {
        schema: SCHEMA.to_owned(),
        run: RunId("2026-11-23-1a2b".to_owned()),
        version: "0.1.0".to_owned(),
        host: None,
        arguments: Vec::new(),
        started: "2026-11-23T10:00:00Z".parse().expect("a time stamp"),
        finished: Some("2026-11-23T10:01:31Z".parse().expect("a time stamp")),
        verdict,
        exit: exit.code(),
        exit_name: exit,
        counts: Verdict::ALL.map(count).into(),
        scenarios,
        layers_made: 0,
        notes: Vec::new(),
    }
}

/// The shop of the contract: two cells broken by one patch together with one product.
#[must_use]
pub fn shop() -> Record {
    let ill = |id: &str, software: &[&str]| {
        let mut cell = cell(id, &["april-2026"], software);
        cell.verdict = Verdict::Regressed;
        cell.reason = "service bank-plugin was running and is killed by SIGSEGV".to_owned();
        cell.differences = vec![
            regressed("bank-plugin.process.state", "running", "killed by SIGSEGV, 5 starts in 12 s"),
            regressed("bank-plugin.listening.tcp:9100", "open", "refused"),
        ];
        cell
    };
    let mut accepted = cell("c90b40000000", &["april-2026"], &["scanner"]);
    accepted.silenced = vec![regressed("scanner.log.warning", "none", "signature database is old")];
    let mut searched = ill("c7f220000000", &["bank-plugin"]);
    searched.search = Some(search());
    let cells = vec![
        cell("c1d010000000", &["april-2026"], &[]),
        searched,
        accepted,
        ill("ce3130000000", &["bank-plugin", "scanner"]),
    ];
    let mut shop = scenario("shop", cells, vec![crash()]);
    shop.lines = BTreeMap::from([("april-2026".to_owned(), 3), ("bank-plugin".to_owned(), 5)]);
    record(vec![shop])
}

/// A cell in which a patch made pages slow, measured on a machine of which all is known.
#[must_use]
pub fn slower() -> Record {
    let mut cell = cell("c51040000000", &["nginx 1.24"], &[]);
    cell.verdict = Verdict::Regressed;
    cell.reason = "`probe.page-speed.median` got worse".to_owned();
    cell.metrics = vec![page_speed("probe.page-speed.median")];
    cell.differences = vec![
        regressed("probe.page-speed.median", "12.4", "31.05"),
        regressed("web.log.warning", "", "upstream is slow"),
        regressed("reverted.files./etc/nginx/nginx.conf", "a file of 12 bytes", "a file of 30 bytes"),
    ];
    cell.timeline[2].stages.insert(Stage::Revert, 300);
    let mut record = record(vec![scenario("shop", vec![cell], Vec::new())]);
    record.host = Some(host("Debian GNU/Linux 12 (bookworm)"));
    record.arguments = ["run", "scenarios/shop.yaml", "--set", "release=12 \u{2192} 13"].map(ToOwned::to_owned).into();
    record
}

/// What five attempts without the patch and four with it measured.
#[must_use]
pub fn page_speed(key: &str) -> Metric {
    Metric {
        key: Key::new(key),
        unit: Some("ms".to_owned()),
        better: Better::Lower,
        control: vec![12.4, 11.9, 12.75, 12.1, 12.6],
        patched: vec![30.9, 31.2, 29.8, 33.0],
        margin: 0.8,
    }
}

/// A machine of this system.
#[must_use]
pub fn host(system: &str) -> Host {
    Host {
        system: Some(system.to_owned()),
        kernel: "Linux 6.1.0-28-amd64".to_owned(),
        architecture: "x86_64".to_owned(),
        processors: 2,
        memory: Some(8 << 30),
    }
}

/// A cell in which a patch closed a service for a while, and was fine otherwise.
#[must_use]
pub fn closed_for_a_while() -> Record {
    let mut cell = cell("c0f1a0000000", &["nginx 1.24"], &[]);
    let times = [(50, 100, "restart"), (60, 180, "restart"), (450, 1850, "configure of nginx")];
    for (attempt, (from, to, step)) in cell.timeline.iter_mut().zip(times) {
        let mut seen = outages("web", Closed { from, to, during: vec![step.to_owned()] });
        seen.services[0].restarts = if attempt.arm == Arm::Patched { 2 } else { 1 };
        attempt.outages = Some(seen);
    }
    record(vec![scenario("shop", vec![cell], Vec::new())])
}

/// What was seen of a service that was closed once.
#[must_use]
pub fn outages(service: &str, closed: Closed) -> Outages {
    let step = |what: &String| Step { from: closed.from, to: closed.to, what: what.clone() };
    Outages {
        milliseconds: 2000,
        steps: closed.during.iter().map(step).collect(),
        services: vec![Outage {
            service: service.to_owned(),
            addresses: vec!["tcp/0.0.0.0:80".to_owned()],
            closed: vec![closed],
            restarts: 1,
        }],
    }
}

/// The search in the shop's bundle.
#[must_use]
pub fn search() -> Search {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let found = Found {
        signs: vec!["bank-plugin.process.state".to_owned(), "bank-plugin.listening.tcp:9100".to_owned()],
        answer: Answer::Guilty,
        sets: vec![vec!["libssl3-update".to_owned()]],
        posterior: 0.998,
        with: (3, 3),
        without: (0, 6),
    };
    Search {
        patches: 9,
        runs: 6,
        found: vec![found],
        safe_subset: names(&["expat", "glibc", "gnutls", "kernel", "nginx", "openssh", "perl", "systemd"]),
        hold: names(&["libssl3-update"]),
        leaves: names(&["CVE-2026-28387"]),
    }
}

/// The cause of the shop's regression.
#[must_use]
pub fn crash() -> CauseRecord {
    let broke = |key: &str, was: &str, now: &str| Broke {
        key: Key::new(key),
        was: Some(was.to_owned()),
        now: Some(now.to_owned()),
    };
    CauseRecord {
        title: "bank-plugin crashes at start".to_owned(),
        blame: Blame::Patch,
        verdict: Verdict::Regressed,
        cells: vec![CellId("c7f220000000".to_owned()), CellId("ce3130000000".to_owned())],
        since: Some(Since { patch: "libssl3-update".to_owned(), with: (3, 3), without: (0, 6) }),
        broke: vec![
            broke("bank-plugin.process.state", "running", "killed by SIGSEGV, 5 starts in 12 s"),
            broke("bank-plugin.listening.tcp:9100", "open", "refused"),
        ],
        evidence: vec![
            "bank-plugin stderr: symbol lookup error: /opt/bank/lib/libbank.so: undefined symbol: SSL_CTX_set_foo"
                .to_owned(),
        ],
        sure: "noise of these readings in 6 control attempts: none".to_owned(),
        only_with: vec!["bank-plugin".to_owned()],
        hidden_by: Vec::new(),
        perhaps_with: Vec::new(),
        not_in: vec![CellId("c1d010000000".to_owned()), CellId("c90b40000000".to_owned())],
        only_given: None,
    }
}

/// One cell of every verdict, in two scenarios, with a cause for what a person must look at.
#[must_use]
pub fn one_of_each() -> Record {
    let of = |number: usize, verdict: Verdict| {
        let mut cell = cell(&format!("c{number}aa00000000"), &["fix"], &[]);
        cell.verdict = verdict;
        cell.reason = format!("it is {verdict}");
        cell
    };
    let mut cells: Vec<CellRecord> = Verdict::ALL.into_iter().enumerate().map(|(at, v)| of(at, v)).collect();
    cells[6].stops = vec![not_opened()];
    cells[6].temporary = true;
    let mut ill = of(8, Verdict::Inconclusive);
    ill.broken_before = true;
    ill.reason = "ill without the patch already: `probe.front-page.status`, `web.process.state`".to_owned();
    ill.ill = vec![
        Ill {
            key: Key::new("probe.front-page.status"),
            value: "502".to_owned(),
            evidence: (1..=5).map(|number| format!("line {number} of the answer")).collect(),
        },
        Ill { key: Key::new("web.process.state"), value: "not running".to_owned(), evidence: Vec::new() },
    ];
    let mut changed = crash();
    changed.title = "/etc/motd differs".to_owned();
    changed.verdict = Verdict::Changed;
    changed.cells = vec![cells[2].id.clone()];
    changed.since = None;
    changed.broke = vec![
        Broke {
            key: Key::new("files./etc/motd"),
            was: Some("hello\nworld\n".into()),
            now: Some("hello\nthere\n".into()),
        },
        Broke { key: Key::new("files./etc/new"), was: None, now: Some("a file of 12 bytes".into()) },
        Broke { key: Key::new("files./etc/old"), was: Some("a file of 7 bytes".into()), now: None },
    ];
    changed.evidence = Vec::new();
    record(vec![scenario("first", cells, vec![changed]), scenario("second", vec![ill], Vec::new())])
}

/// A stop for which the machine is to blame.
#[must_use]
pub fn not_opened() -> Cause {
    Cause {
        kind: CauseKind::SandboxNotOpened,
        stage: Stage::Open,
        blame: Blame::Environment,
        subject: "sandbox".to_owned(),
        text: "the host has no processes left for a sandbox".to_owned(),
        evidence: vec!["clone3: Resource temporarily unavailable".to_owned()],
    }
}

/// A record in which every text is this one.
#[must_use]
pub fn all_texts(text: &str) -> Record {
    let texts = || vec![text.to_owned(); 2];
    let mut record = one_of_each();
    record.version = text.to_owned();
    record.run = RunId(text.to_owned());
    record.notes = texts();
    record.arguments = texts();
    record.host = Some(Host { kernel: text.to_owned(), architecture: text.to_owned(), ..host(text) });
    for scenario in &mut record.scenarios {
        scenario.id = text.to_owned();
        scenario.title = text.to_owned();
        scenario.file = text.to_owned();
        scenario.lines = BTreeMap::from([(text.to_owned(), 7)]);
        for cell in &mut scenario.cells {
            all_texts_of_cell(cell, text);
        }
        scenario.causes = vec![CauseRecord {
            title: text.to_owned(),
            cells: vec![scenario.cells[0].id.clone()],
            since: Some(Since { patch: text.to_owned(), with: (1, 1), without: (0, 2) }),
            broke: vec![Broke { key: Key::new(text), was: Some(text.into()), now: Some(format!("{text}\n{text}")) }],
            evidence: texts(),
            sure: text.to_owned(),
            ..crash()
        }];
    }
    record
}

fn all_texts_of_cell(cell: &mut CellRecord, text: &str) {
    let difference = || Difference {
        evidence: vec![text.to_owned()],
        silenced: Some(text.to_owned()),
        ..regressed(text, text, text)
    };
    cell.id = CellId(format!("{}{text}", cell.id));
    cell.image = format!("{}{text}", cell.id);
    cell.patches = vec![text.to_owned()];
    cell.software = vec![text.to_owned()];
    cell.reason = text.to_owned();
    cell.differences = vec![difference()];
    cell.silenced = vec![difference()];
    cell.stops = vec![Cause {
        subject: text.to_owned(),
        text: text.to_owned(),
        evidence: vec![text.to_owned()],
        ..not_opened()
    }];
    cell.metrics = vec![Metric { unit: Some(text.to_owned()), ..page_speed(text) }];
    cell.volatile = vec![Key::new(text)];
    cell.notes = vec![text.to_owned()];
    let texts = || vec![text.to_owned()];
    let found = Found {
        signs: texts(),
        answer: Answer::Guilty,
        sets: vec![texts()],
        posterior: 1.0,
        with: (1, 1),
        without: (0, 2),
    };
    cell.search =
        Some(Search { patches: 2, runs: 3, found: vec![found], safe_subset: texts(), hold: texts(), leaves: texts() });
    for attempt in &mut cell.timeline {
        attempt.outcome = text.to_owned();
        let length = if attempt.arm == Arm::Patched { 1000 } else { 0 };
        attempt.outages = Some(outages(text, Closed { from: 0, to: length, during: vec![text.to_owned(); 2] }));
    }
}
