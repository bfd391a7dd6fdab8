//! Where scenarios come from: files, folders, things that are no files, parts by name, other scenarios.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use patchbed_engine::load::{LoadOptions, load};
use patchbed_engine::scenario::{Degraded, Restart, ServiceRun, UnitSettings};
use patchbed_kinds::image::AnySource;
use patchbed_model::rule::Amount;
use patchbed_model::{Allow, Code};

use crate::{codes, folder, options, rendered};

const GOOD: &str = "image: host\npatch: { deb: openssl }\n";

fn write(folder: &Utf8Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let (_folder, path) = folder();
    rustix::fs::mknodat(rustix::fs::CWD, path.join("pipe").as_str(), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    std::os::unix::fs::symlink("circle", path.join("circle")).unwrap();
    std::os::unix::fs::symlink("pipe", path.join("link")).unwrap();
    let start = Instant::now();
    for name in ["pipe", "socket", "circle", "link", "missing", "/dev/zero", "-"] {
        let file = if name == "-" { "-".into() } else { path.join(name) };
        let loaded = load(&[file], &options(&path));
        assert_eq!(codes(&loaded), ["unreadable-file"], "{name}");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_folder_gives_its_scenarios_but_not_what_they_use() {
    let (_folder, path) = folder();
    write(
        &path,
        &[
            ("scenarios/b.yaml", GOOD),
            ("scenarios/deep/er/a.yaml", "image: small\npatch: fix\nsoftware: plugin\n"),
            ("scenarios/images/small.yaml", "host: {}\n"),
            ("scenarios/patches/fix.yaml", "deb: openssl\n"),
            ("scenarios/software/plugin.yaml", "install: [{ deb: plugin }]\nvendor: x\n"),
            ("scenarios/parts/other.yaml", "host: {}\n"),
            ("scenarios/.hidden/c.yaml", "not: one\n"),
            ("scenarios/notes.txt", "x"),
        ],
    );
    std::os::unix::fs::symlink(".", path.join("scenarios/loop")).unwrap();
    let loaded = load(&[path.join("scenarios"), path.join("scenarios/b.yaml")], &options(&path));
    assert_eq!(codes(&loaded), [""; 0]);
    let ids: Vec<&str> = loaded.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    let scenario = &loaded.scenarios[1];
    assert_eq!((scenario.images[0].name.as_str(), scenario.patches[0].name.as_str()), ("small", "fix"));
    assert_eq!(scenario.software[0].name, "plugin");
    assert_eq!(scenario.images[0].base, path.join("scenarios/images"));
}

#[test]
fn a_bundle_is_a_list_of_patches_in_a_file_with_or_without_a_mapping_around_it() {
    let (_folder, path) = folder();
    let list = "- name: one\n  deb: nginx\n- name: two\n  after: [one]\n  deb: openssl\n- three\n";
    let wrapped = format!("bundle:\n  {}", list.trim_end().replace('\n', "\n  "));
    write(
        &path,
        &[
            ("plain.yaml", "image: host\nbundle: april\n"),
            ("wrapped.yaml", "image: host\nbundle: may\n"),
            ("empty.yaml", "image: host\nbundle: june\n"),
            ("patches/april.yaml", list),
            ("patches/may.yaml", &wrapped),
            ("patches/june.yaml", "[]\n"),
            ("patches/three.yaml", "deb: curl\n"),
        ],
    );
    for (file, bundle) in [("plain.yaml", "april"), ("wrapped.yaml", "may")] {
        let loaded = load(&[path.join(file)], &options(&path));
        assert_eq!(codes(&loaded), [""; 0], "{}", rendered(&loaded));
        let scenario = &loaded.scenarios[0];
        let names: Vec<&str> = scenario.patches.iter().map(|patch| patch.name.as_str()).collect();
        assert_eq!((scenario.bundle.as_deref(), names), (Some(bundle), vec!["one", "two", "three"]));
    }
    assert_eq!(codes(&load(&[path.join("empty.yaml")], &options(&path))), ["invalid-value"]);
    assert_eq!(codes(&load(&[path.join("patches/april.yaml")], &options(&path))), ["not-a-scenario"]);
}

#[test]
fn a_digest_of_a_tarball_stands_beside_it_or_under_it() {
    let (_folder, path) = folder();
    let digest = "ab".repeat(32);
    let user = |image: &str| format!("image: {image}\npatch: {{ deb: openssl }}\n");
    write(
        &path,
        &[
            ("root.tar", ""),
            ("beside.yaml", &user(&format!("{{ tar: root.tar, sha256: {digest} }}"))),
            ("under.yaml", &user(&format!("{{ tar: {{ path: root.tar, sha256: {digest} }} }}"))),
            ("both.yaml", &user(&format!("{{ tar: {{ path: root.tar, sha256: {digest} }}, sha256: {digest} }}"))),
            ("other.yaml", &user(&format!("{{ host: {{}}, sha256: {digest} }}"))),
            ("short.yaml", &user("{ tar: root.tar, sha256: abab }")),
        ],
    );
    for file in ["beside.yaml", "under.yaml"] {
        let loaded = load(&[path.join(file)], &options(&path));
        assert_eq!(codes(&loaded), [""; 0], "{}", rendered(&loaded));
        let AnySource::Tar(tar) = &loaded.scenarios[0].images[0].source else { panic!("a tarball") };
        assert_eq!(tar.sha256.as_deref(), Some(digest.as_str()));
    }
    for (file, code) in [("both.yaml", "conflict"), ("other.yaml", "conflict"), ("short.yaml", "invalid-value")] {
        assert_eq!(codes(&load(&[path.join(file)], &options(&path))), [code], "{file}");
    }
}

#[test]
fn numbers_and_truth_values_are_taken_as_written_where_no_version_is_meant() {
    let loaded = crate::load_text(format!(
        "{GOOD}variables: {{ release: 4.10, fast: true }}
services:
  - name: shop
    run: [sleep, 100, 0x10, 1.50, true, \"${{release}}\"]
    environment: {{ PORT: 8080, RELEASE: \"r${{release}}\", FAST: \"${{fast}}\" }}
probes:
  - http: {{ url: \"http://localhost/\", headers: {{ X: 1 }}, expect: {{ a: 1, b: null, c: [true, x], d: 1.5 }} }}
  - command: [sleep, 1]
rules: [{{ key: a, allow: {{ one-of: [100, 1.0, x] }} }}]
"
    ));
    assert_eq!(codes(&loaded), [""; 0], "{}", rendered(&loaded));
    let scenario = &loaded.scenarios[0];
    let ServiceRun::Program { argv, environment, .. } = &scenario.services[0].run else { panic!("a program") };
    assert_eq!(argv, &["sleep", "100", "0x10", "1.50", "true", "4.10"]);
    assert_eq!(environment.values().collect::<Vec<_>>(), ["true", "8080", "r4.10"]);
    assert_eq!(scenario.rules.0[0].allow, Allow::OneOf(["100", "1.0", "x"].map(str::to_owned).into()));
    let kinds: Vec<serde_json::Value> =
        scenario.probes.iter().map(|probe| serde_json::to_value(&probe.kind).unwrap()).collect();
    let expected = serde_json::json!({ "json": { "a": 1, "b": null, "c": [true, "x"], "d": 1.5 } });
    assert_eq!(kinds[0]["http"]["expect"], expected);
    assert_eq!(kinds[0]["http"]["headers"], serde_json::json!({ "X": "1" }));
    assert_eq!(kinds[1]["command"]["run"], serde_json::json!(["sleep", "1"]));
}

#[test]
fn a_bound_is_a_share_of_the_baseline_or_a_value_of_its_own() {
    let allowed = |allow: &str| {
        let loaded = crate::load_text(format!("{GOOD}rules: [{{ key: a, allow: {allow} }}]\n"));
        loaded.scenarios.first().map(|scenario| scenario.rules.0[0].allow.clone())
    };
    assert_eq!(allowed("{ at-most: 20% }"), Some(Allow::AtMost(0.2)));
    assert_eq!(allowed("{ at-most: 110 }"), Some(Allow::AtMostNumber(Amount::Plain(110.0))));
    assert_eq!(allowed("{ at-least: 1.5KiB }"), Some(Allow::AtLeastNumber(Amount::Bytes(1536.0))));
    assert_eq!(allowed("{ within: 2min }"), Some(Allow::WithinNumber(Amount::Seconds(120.0))));
    assert_eq!(allowed("{ within: 0.5 }"), Some(Allow::WithinNumber(Amount::Plain(0.5))));
    assert_eq!(["{ within: soon }", "{ within: true }", "{ at-most: .inf }"].map(allowed), [None, None, None]);
}

#[test]
fn a_title_of_several_lines_is_its_first_one() {
    let loaded = crate::load_text(format!("{GOOD}scenario: |\n  shop keeps selling\n  after the updates\n"));
    assert_eq!(codes(&loaded), [""; 0]);
    assert_eq!(loaded.scenarios[0].title, "shop keeps selling …");
}

#[test]
fn a_scenario_that_uses_itself_is_told_of_the_circle_alone() {
    let (_folder, path) = folder();
    write(&path, &[("a.yaml", "use: a.yaml\n"), ("b.yaml", "use: nope\nrollback: 1\n")]);
    assert_eq!(codes(&load(&[path.join("a.yaml")], &options(&path))), ["cycle"]);
    assert_eq!(codes(&load(&[path.join("b.yaml")], &options(&path))), ["unknown-name", "wrong-type"]);
}

#[test]
fn a_name_that_names_nothing_is_told_beside_services_that_are_broken() {
    let loaded = crate::load_text(format!(
        "{GOOD}services:
  - {{ name: 'a b', run: x, after: [zz] }}
  - nginx
  - {{ run: y, after: [yy] }}
  - {{ name: shop, after: [xx, nginx, 'a b'] }}
probes: [{{ service: nope, command: x }}, {{ service: 'a b', command: x }}]
"
    ));
    let unknown: Vec<&str> = loaded
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code == Code::UnknownService)
        .map(|diagnostic| diagnostic.labels[0].text.as_str())
        .collect();
    assert_eq!(unknown, ["zz", "xx", "nope"].map(|name| format!("no service is named `{name}`")));
    let misspelt = crate::load_text(format!(
        "{GOOD}services: [{{ nmae: web, run: x }}]\nprobes: [{{ service: web, command: x }}]\n"
    ));
    assert!(!codes(&misspelt).contains(&"unknown-service"), "{:?}", codes(&misspelt));
}

#[test]
fn what_cannot_run_is_told_where_it_is_written() {
    let (_folder, path) = folder();
    write(
        &path,
        &[
            ("good.diff", "--- a/etc/x\n+++ b/etc/x\n@@ -1 +1 @@\n-a\n+b\n"),
            ("climbs.diff", "--- a/../../x\n+++ b/../../x\n@@ -1 +1 @@\n-a\n+b\n"),
            ("garbage.diff", "no diff at all\n"),
            ("good.yaml", "image: host\npatch: { diff: good.diff }\n"),
            (
                "case.yaml",
                "image: host
bundle:
  - diff: climbs.diff
  - diff: garbage.diff
  - { name: torn, diff: { text: \"--- a/x\\n+++ b/x\\n@@ -1,9 +1 @@\\n-a\\n\" } }
services: [{ name: web, run: x }]
probes:
  - http: https://localhost/
  - http: { url: \"http://localhost/\", method: FOO, expect: 700 }
  - process: {}
  - log: {}
  - linkage: {}
  - { service: web, process: {} }
  - log: { journal: nginx.service }
  - unit: {}
",
            ),
        ],
    );
    assert_eq!(codes(&load(&[path.join("good.yaml")], &options(&path))), [""; 0]);
    let loaded = load(&[path.join("case.yaml")], &options(&path));
    insta::assert_snapshot!(rendered(&loaded).replace(&format!("{path}/"), ""));
}

#[test]
fn an_empty_folder_and_a_part_named_as_a_scenario_are_told() {
    let (_folder, path) = folder();
    write(&path, &[("image.yaml", "host: {}\n"), ("empty/x.txt", "")]);
    let loaded = load(&[path.join("image.yaml"), path.join("empty")], &options(&path));
    assert_eq!(codes(&loaded), ["not-a-scenario", "not-a-scenario"]);
}

#[test]
fn ids_that_differ_only_in_large_letters_are_the_same() {
    let (_folder, path) = folder();
    write(&path, &[("a/Shop.yaml", GOOD), ("b/shop.yaml", GOOD)]);
    let loaded = load(std::slice::from_ref(&path), &options(&path));
    assert_eq!(codes(&loaded), ["duplicate-name"]);
    let text = rendered(&loaded);
    assert!(text.contains("a/Shop.yaml") && text.contains("b/shop.yaml"), "{text}");
}

#[test]
fn a_used_scenario_gives_what_the_other_one_does_not_say() {
    let (_folder, path) = folder();
    write(
        &path,
        &[
            (
                "base.yaml",
                "image: host\npatch: { deb: nginx }\nvariables: { n: 3, port: 80 }\nrollback: true\nscenario: base\nservices:\n  - { name: web, run: \"serve ${port}\" }\n",
            ),
            (
                "mine.yaml",
                "use: base.yaml\nbundle: [{ deb: openssl }]\nvariables: { port: 8080 }\nprobes: [{ tcp: \"localhost:${port}\", repeat: \"${n}\" }]\n",
            ),
            ("a.yaml", "use: b.yaml\n"),
            ("b.yaml", "use: a.yaml\n"),
        ],
    );
    let set = LoadOptions { sets: BTreeMap::from([("n".to_owned(), "5".to_owned())]), ..options(&path) };
    let loaded = load(&[path.join("mine.yaml")], &set);
    assert_eq!(codes(&loaded), [""; 0]);
    let scenario = &loaded.scenarios[0];
    assert!(scenario.rollback && scenario.title == "mine" && scenario.patches[0].name == "openssl");
    assert_eq!(scenario.probes[0].repeat, 5);
    let ServiceRun::Program { argv, .. } = &scenario.services[0].run else { panic!("a program") };
    assert_eq!(argv[2], "serve 8080");
    assert!(codes(&load(&[path.join("a.yaml")], &options(&path))).contains(&"cycle"));
    let slip = LoadOptions { sets: BTreeMap::from([("prot".to_owned(), "5".to_owned())]), ..options(&path) };
    assert_eq!(codes(&load(&[path.join("mine.yaml")], &slip)), ["unknown-variable"]);
}

#[test]
fn services_stand_in_an_order_that_respects_after() {
    let loaded = crate::load_text(format!(
        "{GOOD}services:\n  - {{ name: shop, run: x, after: [nginx.service, store], restart: never }}\n  - nginx.service\n  - {{ name: store, run: y }}\n"
    ));
    assert_eq!(codes(&loaded), [""; 0]);
    let scenario = &loaded.scenarios[0];
    let names: Vec<&str> = scenario.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["nginx", "store", "shop"]);
    assert_eq!(scenario.services[2].after, ["nginx", "store"]);
    assert_eq!(scenario.services[2].restart, Restart::Never);
    assert!(scenario.images[0].systemd);
}

#[test]
fn a_unit_has_a_user_a_folder_and_an_environment_where_the_scenario_says_so() {
    let loaded = crate::load_text(format!(
        "{GOOD}services:\n  - nginx.service\n  - {{ unit: shop.service, user: shop, environment: {{ PORT: 80 }} }}\n"
    ));
    assert_eq!(codes(&loaded), [""; 0]);
    let services = &loaded.scenarios[0].services;
    let environment = BTreeMap::from([("PORT".to_owned(), "80".to_owned())]);
    let settings = UnitSettings { user: Some("shop".to_owned()), directory: None, environment };
    assert_eq!((&services[0].settings, &services[1].settings), (&None, &Some(settings)));
    let wrong = "{ unit: shop.service, environment: { A-B: x } }";
    assert_eq!(codes(&crate::load_text(format!("{GOOD}services: [{wrong}]\n"))), ["invalid-value"]);
}

#[test]
fn strict_makes_errors_of_warnings_and_asks_who_answers() {
    let (_folder, path) = folder();
    let rule = |more: &str| format!("{GOOD}rules: [{{ key: web.log.*, allow: ignore, reason: x{more} }}]\n");
    write(
        &path,
        &[
            ("a.yaml", &rule("")),
            ("b.yaml", &rule(", owner: me, until: 2026-11-22")),
            ("c.yaml", &rule(", owner: me, until: 2026-11-23")),
        ],
    );
    let strict = LoadOptions { strict: true, ..options(&path) };
    let loaded = load(std::slice::from_ref(&path), &strict);
    assert_eq!(codes(&loaded), ["unexplained-rule", "expired"]);
    assert_eq!(loaded.scenarios.len(), 1);
    assert_eq!(load(std::slice::from_ref(&path), &options(&path)).scenarios.len(), 3);
}

#[test]
fn a_broken_part_is_reported_once_and_keeps_every_user_of_it_back() {
    let (_folder, path) = folder();
    let user = "image: small\npatch: { deb: openssl }\n";
    write(&path, &[("a.yaml", user), ("b.yaml", user), ("images/small.yaml", "host: {}\nistall: []\n")]);
    let loaded = load(std::slice::from_ref(&path), &options(&path));
    assert_eq!(codes(&loaded), ["unknown-key"]);
    assert!(loaded.diagnostics[0].file.ends_with("images/small.yaml") && loaded.scenarios.is_empty());
}

#[test]
fn values_in_shell_syntax_are_data() {
    let (_folder, path) = folder();
    let canary = path.join("pwned");
    let text = format!(
        "image: host\npatch: {{ deb: openssl }}\nprobes: [{{ name: \"$(touch {canary})\", command: \"`touch {canary}`\" }}]\n"
    );
    write(&path, &[("a.yaml", &text.replace(&format!("$(touch {canary})"), "$(touch pwned)"))]);
    assert_eq!(codes(&load(&[path.join("a.yaml")], &options(&path))), [""; 0]);
    assert!(!canary.exists());
}

#[test]
fn data_have_names_of_their_own_and_may_be_all_that_is_looked_at() {
    let data = |list: &str| crate::load_text(format!("{GOOD}automatic: false\n{list}\n"));
    let loaded = data("data: { name: paid orders, command: list-orders }");
    assert_eq!(codes(&loaded), [""; 0], "{}", rendered(&loaded));
    let orders = &loaded.scenarios[0].data[0];
    assert_eq!((orders.prefix().as_str(), orders.within), ("data.paid-orders", Duration::from_secs(10)));
    for (list, code) in [
        ("data: { command: list-orders }", "missing-key"),
        ("data: { name: orders }", "missing-kind"),
        ("data: { name: orders, command: x, files: /x }", "two-kinds"),
        ("data: { name: orders, process: {} }", "missing-key"),
        ("data: { name: orders, service: shop, command: x }", "unknown-service"),
        ("data: [{ name: a.b, command: x }, { name: a b, command: x }]", "duplicate-name"),
        ("data: { name: a, command: x }\nsoftware: { name: bank, data: { name: a, command: x } }", "duplicate-name"),
    ] {
        assert_eq!(codes(&data(list)), [code], "{list}");
    }
    let of_a_product = data(
        "data: { name: a, service: bank, command: x }\nsoftware: { name: bank, services: { name: bank, run: x } }",
    );
    assert_eq!(codes(&of_a_product), ["conflict"]);
    assert!(rendered(&of_a_product).contains("under the product's own `data:`"), "{}", rendered(&of_a_product));
}

#[test]
fn data_of_a_used_scenario_hold_where_the_other_one_has_none() {
    let (_folder, path) = folder();
    let base = format!("{GOOD}data: {{ name: orders, command: x }}\n");
    write(
        &path,
        &[("base.yaml", &base), ("mine.yaml", "use: base.yaml\n"), ("own.yaml", "use: base.yaml\ndata: []\n")],
    );
    let count = |file: &str| load(&[path.join(file)], &options(&path)).scenarios[0].data.len();
    assert_eq!((count("mine.yaml"), count("own.yaml")), (1, 0));
}

#[test]
fn what_says_that_a_product_is_degraded_is_a_command_or_a_line_of_a_log() {
    let product = |text: &str| crate::load_text(format!("{GOOD}software:\n  - {{ name: scanner, {text} }}\n"));
    let degraded = |text: &str| product(text).scenarios.first().and_then(|one| one.software[0].degraded.clone());
    let shell = ["/bin/sh", "-c", "scanner --off"].map(str::to_owned).to_vec();
    assert_eq!(degraded("degraded: scanner --off"), Some(Degraded::Program(shell)));
    let line = |services: &[&str], files: &[&str]| Degraded::Line {
        pattern: "protection \\(all\\) off".to_owned(),
        services: services.iter().map(|&name| name.to_owned()).collect(),
        files: files.iter().map(|&glob| glob.to_owned()).collect(),
    };
    let of = |more: &str| {
        degraded(&format!("services: {{ name: scand, run: x }}, degraded: {{ text: protection (all) off{more} }}"))
    };
    assert_eq!(of(""), Some(line(&["scand"], &[])));
    assert_eq!(of(", log: /opt/log"), Some(line(&[], &["/opt/log"])));
    assert_eq!(of(", service: scand, log: /opt/log"), Some(line(&["scand"], &["/opt/log"])));
    for (text, code) in [
        ("degraded: { text: off }", "missing-key"),
        ("degraded: { text: off, matches: off, log: /x }", "conflict"),
        ("degraded: { log: /x }", "missing-key"),
        ("degraded: { text: off, log: x }", "invalid-value"),
        ("degraded: { matches: \"off)\", log: /x }", "invalid-value"),
        ("degraded: { text: off, service: nobody }", "unknown-service"),
        ("degraded: 3", "wrong-type"),
        ("degraded: x }\n  - { name: a.b, degraded: x }\n  - { name: a-b, degraded: x", "duplicate-name"),
    ] {
        assert_eq!(codes(&product(text)), [code], "{text}");
    }
}

#[test]
fn the_files_of_a_product_are_paths_inside_the_environment() {
    let product = |files: &str| crate::load_text(format!("{GOOD}software: {{ name: scanner, files: {files} }}\n"));
    assert_eq!(product("[/opt/scanner, /etc/scanner.conf]").scenarios[0].software[0].files.len(), 2);
    assert_eq!(product("/opt/scanner").scenarios[0].software[0].files, ["/opt/scanner"]);
    for wrong in ["opt/scanner", "[/opt/../etc]", "\"\""] {
        assert_eq!(codes(&product(wrong)), ["invalid-value"], "{wrong}");
    }
}
