//! Where scenarios come from: files, folders, things that are no files, parts by name, other scenarios.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use patchbed_engine::load::{LoadOptions, load};
use patchbed_engine::scenario::{Restart, ServiceRun};

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
