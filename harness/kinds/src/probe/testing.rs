//! A scripted guest for the tests of probes.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_model::{Health, Key, Reading, Snapshot};
use patchbed_sandbox::fake::Answer;
use patchbed_sandbox::message::{
    End, Failure, FailureKind, FileFact, FileKind, Output, Process, Ran, Reply, Request, Usage,
};
use patchbed_sandbox::{Backend, FakeBackend, Sandbox, SandboxSpec};

use super::{Look, Probe, ProbeError, Service};

/// An open sandbox whose guest answers as the closure says.
pub(super) async fn sandbox(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Box<dyn Sandbox> {
    let spec = SandboxSpec::on("test", Vec::new());
    let backend = FakeBackend::new(move |asked| Answer::Now(answer(asked.request)));
    backend.open(&spec).await.unwrap()
}

/// A look at a sandbox, about the first of the services.
pub(super) fn look<'a>(sandbox: &'a dyn Sandbox, services: &'a [Service]) -> Look<'a> {
    let systemd = services.iter().any(|service| service.unit.is_some());
    Look {
        sandbox,
        prefix: Key::from("p"),
        services,
        service: services.first(),
        since: Some("restart"),
        within: Duration::from_secs(5),
        systemd,
    }
}

/// What a probe of no service sees of a guest that always answers the same.
pub(super) async fn seen(probe: &impl Probe, reply: Reply) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let sandbox = sandbox(move |_| reply.clone()).await;
    probe.observe(&look(&*sandbox, &[])).await
}

/// Readings as lines `key = value (health)`, sorted.
pub(super) fn told(readings: Vec<(Key, Reading)>) -> Vec<String> {
    let snapshot: Snapshot = readings.into_iter().collect();
    let told = snapshot.readings.iter().map(|(key, reading)| {
        let health = match reading.health {
            Some(Health::Good) => " (good)",
            Some(Health::Bad) => " (bad)",
            None => "",
        };
        format!("{key} = {}{health}", reading.value)
    });
    told.collect()
}

pub(super) fn service(name: &str) -> Service {
    Service { name: name.to_owned(), unit: None }
}

pub(super) fn failed(kind: FailureKind, text: &str) -> Reply {
    Reply::Failed(Failure { kind, text: text.to_owned() })
}

pub(super) fn output(text: &str) -> Output {
    Output { text: text.to_owned(), total: text.len() as u64, digest: "d".repeat(64) }
}

pub(super) fn ran(end: End, stdout: &str, stderr: &str) -> Reply {
    Reply::Ran(Ran { end, output: output(stdout), errors: output(stderr), microseconds: 3000 })
}

pub(super) fn process(pid: i32, name: &str, service: Option<&str>) -> Process {
    Process {
        pid,
        parent: 1,
        name: name.to_owned(),
        argv: vec![name.to_owned()],
        program: format!("/usr/sbin/{name}"),
        state: 'S',
        user: "root".to_owned(),
        memory: 1024,
        threads: 1,
        descriptors: 4,
        started: 10,
        service: service.map(str::to_owned),
        unit: None,
        stale: Vec::new(),
    }
}

/// A file of root that drifted in these ways.
pub(super) fn file(path: &str, mode: u32, drift: &[&str]) -> FileFact {
    FileFact {
        path: path.to_owned(),
        kind: FileKind::File,
        mode,
        user: "root".to_owned(),
        group: "root".to_owned(),
        size: 3,
        digest: Some("ab".repeat(32)),
        text: None,
        target: None,
        attributes: BTreeMap::new(),
        drift: drift.iter().map(|&word| word.to_owned()).collect(),
    }
}

pub(super) fn usage(reached: &[&str]) -> Reply {
    Reply::Usage(Usage { reached: reached.iter().map(|&word| word.to_owned()).collect(), ..Usage::default() })
}
