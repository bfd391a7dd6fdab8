//! What every list of steps is like, and what two of them look like.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use patchbed_guest::plan::SetupStep;
use proptest::prelude::*;

use crate::spec::{Bind, BindMode, Init, Limits, Network, SandboxSpec, Upper};
use crate::{Host, Place};

fn host(place: Place) -> Host {
    Host {
        place,
        memory_layers: true,
        core_limit: 1,
        scrubbed: vec![("/etc/shadow".into(), "root:*:::::::\n".into())],
        submounts: Vec::new(),
        memory_group: matches!(place, Place::Root { .. }),
        network_files: vec!["/etc/hosts".into(), "/etc/resolv.conf".into()],
        proxies: Vec::new(),
        meters: Vec::new(),
        group: None,
    }
}

fn spec() -> SandboxSpec {
    SandboxSpec {
        name: "golden".into(),
        lowers: vec!["/store/layers/b".into(), "/store/layers/a".into()],
        host_root: false,
        upper: Upper::Memory,
        binds: vec![Bind { from: "/work/debs".into(), to: "/run/patchbed/debs".into(), mode: BindMode::ReadOnly }],
        hidden: vec!["/etc/machine-id".into()],
        network: Network::Loopback,
        limits: Limits::default(),
        init: Init::Guest,
        hostname: "web".into(),
        environment: BTreeMap::new(),
    }
}

fn lines(steps: &[SetupStep]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "{step}");
        text
    })
}

#[test]
fn steps_of_an_attempt_as_root() {
    insta::assert_snapshot!(lines(&spec().steps(&host(Place::Root { base: 0x7000_0000 }))));
}

#[test]
fn steps_of_a_layer_on_this_machine_s_root_as_an_ordinary_user() {
    let spec = SandboxSpec {
        lowers: vec!["/".into()],
        host_root: true,
        hidden: ["/etc/shadow", "/root"].map(String::from).to_vec(),
        upper: Upper::Folder("/store/layers/new".into()),
        network: Network::Host,
        ..spec()
    };
    insta::assert_snapshot!(lines(&spec.steps(&host(Place::Holder))));
}

#[test]
fn what_an_overlay_of_this_machine_s_root_lacks_is_said() {
    let spec = SandboxSpec { hidden: vec!["/home".into()], ..SandboxSpec::on("host", vec!["/".into()]) };
    let submounts = ["/home", "/home/data", "/var"].map(String::from);
    assert_eq!(spec.missed(&submounts), ["`/var` is a file system of its own and is empty in a sandbox on `/`"]);
    assert_eq!(SandboxSpec { host_root: false, ..spec }.missed(&submounts), [""; 0]);
}

fn any_spec() -> impl Strategy<Value = SandboxSpec> {
    let binds = proptest::collection::vec(("[a-z]{1,8}", any::<bool>()), 0..5);
    (1_usize..20, any::<[bool; 4]>(), binds).prop_map(|(lowers, [folder, net, units, root], binds)| SandboxSpec {
        lowers: (0..lowers).map(|number| format!("/store/{number}").into()).collect(),
        host_root: root,
        upper: if folder { Upper::Folder("/store/new".into()) } else { Upper::Memory },
        network: if net { Network::Host } else { Network::Loopback },
        init: if units { Init::Systemd } else { Init::Guest },
        binds: binds
            .into_iter()
            .map(|(name, write)| Bind {
                from: format!("/from/{name}").into(),
                to: format!("/to/{name}"),
                mode: if write { BindMode::ReadWrite } else { BindMode::ReadOnly },
            })
            .collect(),
        ..spec()
    })
}

proptest! {
    #[test]
    fn every_tree_is_used_once_and_inside(spec in any_spec(), root in any::<bool>()) {
        let place = if root { Place::Root { base: 0x7000_0000 } } else { Place::Holder };
        let steps = spec.steps(&host(place));
        let enter = steps.iter().position(|step| *step == SetupStep::Enter).expect("one enters");
        let made: Vec<&String> = steps[..enter]
            .iter()
            .filter_map(|step| if let SetupStep::Tree { name, .. } = step { Some(name) } else { None })
            .collect();
        let used: Vec<&String> = steps[enter..]
            .iter()
            .filter_map(|step| {
                if let SetupStep::Place { tree, .. } | SetupStep::Bind { tree, .. } = step { Some(tree) } else { None }
            })
            .collect();
        prop_assert_eq!(made, used);
    }

    #[test]
    fn nothing_is_mounted_after_the_pivot_and_the_start_is_last(spec in any_spec()) {
        let steps = spec.steps(&host(Place::Holder));
        let pivot = steps.iter().position(|step| *step == SetupStep::Pivot).expect("one pivots");
        let mounts = |step: &SetupStep| matches!(
            step,
            SetupStep::Mount { .. } | SetupStep::Bind { .. } | SetupStep::Seal(_) | SetupStep::Hide(_)
        );
        prop_assert!(!steps[pivot..].iter().any(mounts));
        prop_assert!(matches!(steps.last(), Some(SetupStep::Start(_))));
        let first_but_one = steps.len() - 2;
        prop_assert!(matches!(steps[first_but_one], SetupStep::Filter { .. }), "the filter is the last step that needs rights");
    }

    #[test]
    fn a_list_of_steps_survives_the_way_to_the_runner(spec in any_spec()) {
        let steps = spec.steps(&host(Place::Root { base: 0x7000_0000 }));
        let json = serde_json::to_string(&steps).expect("steps are plain data");
        prop_assert_eq!(serde_json::from_str::<Vec<SetupStep>>(&json).expect("the same"), steps);
    }
}
