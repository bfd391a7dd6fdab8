//! A small scenario, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use patchbed_kinds::change::{AnyChange, command};
use patchbed_kinds::document::Argv;
use patchbed_kinds::image::{AnySource, host};
use patchbed_kinds::probe::{AnyProbe, command as look};
use patchbed_model::{Digest, Rules};
use patchbed_sandbox::Limits;

use crate::scenario::{
    Attempts, Data, Delivery, ImageUse, Matrix, Patch, PatchAxis, Probe, Restart, Restarting, Scenario, Service,
    ServiceRun, Software, SoftwareAxis, When, Workload,
};

/// One image, one patch, one service, one probe.
pub(crate) fn scenario() -> Scenario {
    Scenario {
        id: "shop".to_owned(),
        title: "shop".to_owned(),
        file: Utf8PathBuf::from("scenarios/shop.yaml"),
        digest: Digest::of(b"shop"),
        lines: BTreeMap::new(),
        images: vec![ImageUse {
            name: "box".to_owned(),
            base: Utf8PathBuf::from("scenarios"),
            source: AnySource::Host(host::Host { exclude: None, include: None }),
            install: Vec::new(),
            systemd: false,
        }],
        patches: vec![patch("fix")],
        bundle: None,
        software: Vec::new(),
        services: vec![service("web")],
        workloads: Vec::new(),
        data: Vec::new(),
        probes: vec![probe("page")],
        automatic: false,
        rules: Rules::default(),
        promises: Vec::new(),
        attempts: Attempts { control: 2, patched: 1, confirm: 3 },
        rollback: false,
        limits: Limits::default(),
        matrix: Matrix { patch: PatchAxis::All, software: SoftwareAxis::All },
        delivery: Delivery::OneByOne,
        interrupt: false,
        restart: Restarting::Auto,
        watch: Duration::ZERO,
    }
}

/// A patch that runs `patch NAME`, and is taken back by `unpatch NAME`.
pub(crate) fn patch(name: &str) -> Patch {
    let words = |verb: &str| Argv(vec![verb.to_owned(), name.to_owned()]);
    Patch {
        name: name.to_owned(),
        base: Utf8PathBuf::from("scenarios"),
        origin: Vec::new(),
        weight: None,
        after: Vec::new(),
        apply: vec![AnyChange::Command(command::Command {
            run: words("patch"),
            environment: None,
            user: None,
            directory: None,
            within: None,
            revert: Some(words("unpatch")),
        })],
        revert: Vec::new(),
    }
}

/// A service that runs `serve NAME`.
pub(crate) fn service(name: &str) -> Service {
    Service {
        name: name.to_owned(),
        run: ServiceRun::Program {
            argv: vec!["serve".to_owned(), name.to_owned()],
            user: None,
            directory: None,
            environment: BTreeMap::new(),
        },
        settings: None,
        after: Vec::new(),
        ready: None,
        within: Duration::from_secs(30),
        stop_signal: 15,
        stop_within: Duration::from_secs(10),
        restart: Restart::AfterPatch,
        optional: false,
    }
}

/// A workload that runs `work NAME`.
pub(crate) fn workload(name: &str, when: When) -> Workload {
    Workload {
        name: name.to_owned(),
        argv: vec!["work".to_owned(), name.to_owned()],
        user: None,
        directory: None,
        environment: BTreeMap::new(),
        when,
        within: Duration::from_mins(1),
    }
}

/// A product that is nothing but a name.
pub(crate) fn product(name: &str) -> Software {
    Software {
        name: name.to_owned(),
        base: Utf8PathBuf::from("scenarios"),
        version: None,
        vendor: None,
        install: Vec::new(),
        services: Vec::new(),
        workloads: Vec::new(),
        data: Vec::new(),
        probes: Vec::new(),
        degraded: None,
        files: Vec::new(),
    }
}

/// Data that `look NAME` prints.
pub(crate) fn data(name: &str) -> Data {
    Data { name: name.to_owned(), service: None, within: Duration::from_secs(10), kind: probe(name).kind }
}

/// A probe that runs `look NAME`.
pub(crate) fn probe(name: &str) -> Probe {
    Probe {
        name: name.to_owned(),
        service: None,
        within: Duration::from_secs(10),
        repeat: 1,
        kind: AnyProbe::Command(look::Command {
            run: Argv(vec!["look".to_owned(), name.to_owned()]),
            user: None,
            environment: None,
            directory: None,
            input: None,
            output: look::Format::Text,
        }),
    }
}
