use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::change::files::{Files, LongText, Text};
use patchbed_kinds::probe::AnyProbe;
use patchbed_kinds::probe::http::Http;
use patchbed_kinds::probe::rows::Rows;
use patchbed_kinds::probe::tcp::Tcp;
use proptest::prelude::*;

use super::{Care, Fault, FaultKind, NOTHING, faults, interval, sabotaged};
use crate::fixtures::{data, probe, product, scenario, service};
use crate::plan::{Selection, plan};
use crate::scenario::{Data, Restart, Scenario, Service, ServiceRun, Software};

fn names(scenario: &Scenario, wanted: &[FaultKind]) -> Vec<String> {
    faults(scenario, wanted).iter().map(Fault::name).collect()
}

fn http(url: &str) -> AnyProbe {
    AnyProbe::Http(Http {
        url: url.to_owned(),
        method: None,
        headers: None,
        body: None,
        follow: false,
        expect: None,
        read_headers: None,
        json: None,
    })
}

fn written(path: &str) -> AnyChange {
    let text = Text(LongText { text: "x".to_owned(), mode: None, owner: None });
    let write = Some(BTreeMap::from([(path.to_owned(), text)]));
    AnyChange::Files(Files { from: None, to: None, write, mode: None, owner: None })
}

fn rows(query: &str) -> Data {
    let kind = AnyProbe::Rows(Rows {
        sqlite: Some("/var/lib/shop/db.sqlite".to_owned()),
        postgres: None,
        mysql: None,
        redis: None,
        query: query.to_owned(),
        user: None,
        unique: None,
        sorted: None,
    });
    Data { kind, ..data("orders") }
}

fn bank() -> Software {
    Software { services: vec![service("bank")], install: vec![written("/opt/bank/server")], ..product("bank") }
}

#[test]
fn what_a_scenario_says_decides_which_faults_it_gets() {
    let mut shop = Scenario { software: vec![bank()], data: vec![rows("select id from orders o")], ..scenario() };
    shop.patches[0].apply = vec![written("/etc/shop.conf")];
    insta::assert_snapshot!(names(&shop, &FaultKind::ALL).join("\n"));
}

#[test]
fn only_kinds_that_are_asked_for_are_derived() {
    assert_eq!(names(&scenario(), &[FaultKind::ClosePort]), ["close-port web"]);
    assert_eq!(names(&scenario(), &[FaultKind::KillHelper]), Vec::<String>::new());
}

#[test]
fn a_service_that_is_not_restarted_is_only_stopped() {
    let web = Service { restart: Restart::Never, ..service("web") };
    let shop = Scenario { services: vec![web], ..scenario() };
    assert_eq!(names(&shop, &FaultKind::ALL), ["stop-service web"]);
}

#[test]
fn web_servers_are_known_by_their_probes() {
    let kinds = [FaultKind::Return500];
    let mut shop = scenario();
    shop.services[0].ready = Some(AnyProbe::Tcp(Tcp { address: "[::1]:8080".to_owned(), send: None, banner: false }));
    assert_eq!(names(&shop, &kinds), Vec::<String>::new());
    shop.probes[0].kind = http("http://localhost:8081/front");
    assert_eq!(names(&shop, &kinds), Vec::<String>::new());
    shop.probes[0].kind = http("http://localhost:8080/front?a:b");
    assert_eq!(names(&shop, &kinds), ["return-500 web"]);
    shop.probes =
        vec![crate::scenario::Probe { service: Some("web".to_owned()), kind: http("http://host"), ..probe("x") }];
    assert_eq!(names(&shop, &kinds), ["return-500 web"]);
}

#[test]
fn each_fault_has_a_cell_of_its_own_and_one_cell_has_none() {
    let mut shop = Scenario { software: vec![bank()], rollback: true, interrupt: true, ..scenario() };
    shop.file = Utf8PathBuf::from("shop.yaml");
    let known = faults(&shop, &FaultKind::ALL);
    let plan = plan([sabotaged(shop, &known, Care::Full)], &Selection::default()).expect("a plan");
    let cells: Vec<Vec<String>> = plan.cells.iter().map(|cell| cell.names().patches).collect();
    let wanted = std::iter::once(NOTHING.to_owned()).chain(known.iter().map(Fault::name));
    assert_eq!(cells, wanted.map(|name| vec![name]).collect::<Vec<_>>());
    assert!(plan.cells.iter().all(|cell| cell.names().software == ["bank"] && !cell.scenario.rollback));
}

#[test]
fn programs_run_behind_a_line_of_shell_in_both_arms() {
    let shop = sabotaged(scenario(), &[], Care::Quick);
    let ServiceRun::Program { argv, .. } = &shop.services[0].run else { unreachable!("it is a program") };
    insta::assert_snapshot!(argv.join("\n"));
}

#[test]
fn the_interval_is_that_of_wilson() {
    let percent = |(least, most): (f64, f64)| (format!("{:.1}", least * 100.0), format!("{:.1}", most * 100.0));
    assert_eq!(percent(interval(17, 18)), ("74.2".to_owned(), "99.0".to_owned()));
    assert_eq!(percent(interval(0, 10)), ("0.0".to_owned(), "27.8".to_owned()));
    assert_eq!(percent(interval(10, 10)), ("72.2".to_owned(), "100.0".to_owned()));
    assert_eq!(percent(interval(0, 0)), ("0.0".to_owned(), "100.0".to_owned()));
}

proptest! {
    #[test]
    fn the_interval_holds_the_share_and_is_symmetric(of in 1_u32..2000, noticed in 0_u32..2000) {
        let noticed = noticed.min(of);
        let (least, most) = interval(noticed, of);
        let share = f64::from(noticed) / f64::from(of);
        prop_assert!(0.0 <= least && least <= share + 1e-12 && share <= most + 1e-12 && most <= 1.0);
        let (other_least, other_most) = interval(of - noticed, of);
        prop_assert!((least - (1.0 - other_most)).abs() < 1e-9 && (most - (1.0 - other_least)).abs() < 1e-9);
    }
}
