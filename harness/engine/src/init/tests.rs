use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::civil::date;
use patchbed_kinds::change::{Pending, Update};
use patchbed_model::Key;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Base, Door, Greeting, Heading, Product, Running, Sight, Table, written};
use crate::load::{LoadOptions, load};
use crate::scenario::Scenario;

fn heading() -> Heading {
    Heading {
        command: "patchbed init shop".to_owned(),
        name: "shop".to_owned(),
        image: "{ host: {} }".to_owned(),
        looked: "what the image starts was watched for 10 s".to_owned(),
        moves: Some(vec!["probe.shop-answers-at-8080.body".to_owned()]),
    }
}

fn door(port: u16, greeting: Greeting) -> Door {
    Door { host: "localhost".to_owned(), port, greeting }
}

fn service(name: &str, doors: Vec<Door>) -> Running {
    let programs = vec![format!("/usr/sbin/{name}")];
    Running { name: name.to_owned(), unit: format!("{name}.service"), doors, programs, ..Running::default() }
}

fn update(package: &str, source: &str, security: bool) -> Update {
    let (from, to) = ("1.0-1".to_owned(), "1.0-2".to_owned());
    Update { package: package.to_owned(), source: source.to_owned(), from, to, security }
}

/// One of everything.
fn sight() -> Sight {
    let table = |name: &str, key: &str| Table { name: name.to_owned(), key: key.to_owned() };
    let base = |name: &str, tables: Vec<Table>| Base { name: name.to_owned(), tables };
    let book = base("book", vec![table("public.\"Order\"", "id"), table("public.log", "")]);
    let mut web = service("nginx", vec![door(80, Greeting::Http(200)), door(443, Greeting::Tls { trusted: false })]);
    web.logs = vec!["/var/log/nginx/error.log".to_owned()];
    let mut shop = service("shop", vec![door(8080, Greeting::Http(404))]);
    shop.datagrams = vec![5000];
    Sight {
        services: vec![
            web,
            shop,
            service("redis", vec![door(6379, Greeting::Redis(true)), door(6380, Greeting::Redis(false))]),
            service("postgresql", vec![door(5432, Greeting::Postgres(vec![book]))]),
            service("mariadb", vec![door(3306, Greeting::Mysql(vec![base("crm", vec![table("`who`", "`id`")])]))]),
            service("ssh", vec![door(22, Greeting::Speaks("SSH-2.0-OpenSSH_9.2p1".to_owned()))]),
            service("cron", Vec::new()),
        ],
        failed: vec![("bad.service".to_owned(), "failed".to_owned())],
        products: vec![Product {
            name: "shop".to_owned(),
            version: Some("4.10".to_owned()),
            vendor: Some("Shop & Sons".to_owned()),
            why: "`/opt/shop` is of no package".to_owned(),
            roots: vec!["/opt/shop".to_owned()],
            watched: vec!["/opt/shop/**".to_owned()],
            linked: true,
            packages: vec!["shop".to_owned()],
            services: vec!["shop".to_owned()],
        }],
        keys: vec!["/etc/ssl/private/web.key".to_owned()],
        files: vec![base("/var/lib/app/state.db", vec![table("\"item\"", "rowid")])],
        pending: Pending {
            updates: vec![
                update("bash", "bash", false),
                update("libssl3", "openssl", true),
                update("openssl", "openssl", true),
            ],
            foreign: Vec::new(),
        },
        notes: vec!["databases at port 3306: no client in the image could ask for them".to_owned()],
        ill: BTreeSet::new(),
    }
}

/// The scenario as a strict check reads it.
fn read(text: &str) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8Path::from_path(folder.path()).unwrap().join("shop.yaml");
    std::fs::write(&file, text).unwrap();
    let options = LoadOptions {
        sets: [].into(),
        strict: true,
        project: Utf8Path::from_path(folder.path()).unwrap().to_owned(),
        today: date(2026, 1, 1),
    };
    let loaded = load(&[file], &options);
    assert!(loaded.diagnostics.is_empty(), "{:?}\n{text}", loaded.diagnostics);
    loaded.scenarios.into_iter().next().unwrap()
}

#[test]
fn what_was_seen_becomes_a_scenario_that_a_strict_check_takes() {
    let text = written(&heading(), &sight());
    insta::assert_snapshot!(text);
    let scenario = read(&text);
    assert_eq!(scenario.services.len(), 6, "the shop's service is the product's");
    assert_eq!(scenario.software[0].services.len(), 1);
    assert_eq!(scenario.patches.iter().map(|patch| patch.name.as_str()).collect::<Vec<_>>(), ["openssl", "bash"]);
    assert_eq!(scenario.data.len(), 6);
}

#[test]
fn nothing_seen_is_a_scenario_too() {
    let text = written(&Heading { moves: None, ..heading() }, &Sight::default());
    let scenario = read(&text);
    assert!(scenario.services.is_empty() && scenario.probes.len() == 1);
    assert!(text.contains("No update is known that waits"), "{text}");
}

#[test]
fn what_is_ill_without_any_patch_is_left_out_once() {
    let mut sight = sight();
    let ill: BTreeSet<Key> =
        ["probe.shop-finds-its-libraries.state", "data.public-log-of-book.state", "shop.process.state"]
            .into_iter()
            .map(Key::from)
            .collect();
    let all = read(&written(&heading(), &sight));
    assert!(sight.leave_out(&ill));
    assert!(!sight.leave_out(&ill), "nothing more is left out");
    let text = written(&heading(), &sight);
    let fewer = read(&text);
    assert!(text.contains("Left out, because it is ill without any patch: shop finds its libraries."), "{text}");
    assert_eq!(fewer.software[0].probes.len() + 1, all.software[0].probes.len());
    assert_eq!(all.data.len() - fewer.data.len(), 1);
}

proptest! {
    #[test]
    fn whatever_things_are_called_the_scenario_can_be_read(
        names in prop::collection::vec(any::<String>().prop_map(|name| name.replace('\0', "").replace("${", "")), 4),
    ) {
        let mut sight = sight();
        sight.failed = vec![(names[0].clone(), names[1].clone())];
        sight.notes = vec![names[2].clone()];
        sight.products[0].why.clone_from(&names[0]);
        sight.services[0].programs = vec![names[3].clone()];
        sight.files[0].name = format!("/var/{}", names[0].replace('/', ""));
        sight.services[0].doors[0].greeting = Greeting::Speaks(names[1].clone());
        sight.pending.updates[0].to.clone_from(&names[2]);
        let text = written(&Heading { name: format!("x{}", names[3]), ..heading() }, &sight);
        let scenario = read(&text);
        prop_assert_eq!(scenario.services.len(), 6);
        prop_assert!(scenario.patches.len() == 2);
    }
}
