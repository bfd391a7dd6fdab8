//! What stands in a `debian/tests/control`, as Debian's specification of its package tests has it.

use std::collections::BTreeMap;

/// One test of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// Its name.
    pub(super) name: String,
    /// What is run from the tree.
    pub(super) argv: Vec<String>,
    /// What it asks of its surroundings, and what its outcome means.
    pub(super) restrictions: Vec<String>,
    /// The packages that it needs, each with its alternatives.
    pub(super) depends: Vec<Vec<String>>,
}

/// The tests in their order.
pub(super) fn cases(control: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut commands = 0;
    for stanza in stanzas(control) {
        let words = |key: &str| words(stanza.get(key).map_or("", String::as_str));
        let case = |name: String, argv: Vec<String>| Case {
            name,
            argv,
            restrictions: words("restrictions"),
            depends: depends(stanza.get("depends").map_or("@", String::as_str)),
        };
        let folder = stanza.get("tests-directory").map_or("debian/tests", |folder| folder.trim());
        for name in words("tests") {
            let argv = vec![format!("./{}/{name}", folder.trim_start_matches("./"))];
            cases.push(case(name, argv));
        }
        if let Some(command) = stanza.get("test-command") {
            commands += 1;
            let given =
                words("features").into_iter().find_map(|word| Some(word.strip_prefix("test-name=")?.to_owned()));
            let argv = ["bash", "-ec", command.as_str()].map(str::to_owned).to_vec();
            cases.push(case(given.unwrap_or_else(|| format!("command{commands}")), argv));
        }
    }
    cases
}

type Stanza = BTreeMap<String, String>;

/// Fields by their names in small letters. Stanzas are apart by empty lines, and a line that begins with a space goes on.
fn stanzas(control: &str) -> Vec<Stanza> {
    let mut stanzas = vec![Stanza::new()];
    let mut key = String::new();
    for line in control.lines().filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            stanzas.push(Stanza::new());
            key.clear();
            continue;
        }
        let Some(stanza) = stanzas.last_mut() else { continue };
        if line.starts_with([' ', '\t']) {
            if let Some(value) = stanza.get_mut(&key) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            key = name.trim().to_ascii_lowercase();
            stanza.insert(key.clone(), value.trim().to_owned());
        }
    }
    stanzas
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Names without versions and architectures. `@` and its kin stand for packages of the source, which are what is tested.
fn depends(text: &str) -> Vec<Vec<String>> {
    let name = |word: &str| word.split(['(', '[', '<', ':', ' ', '\n']).next().unwrap_or_default().to_owned();
    let wanted = text.split(',').map(|wanted| wanted.split('|').map(|one| name(one.trim())).collect::<Vec<_>>());
    wanted.filter(|names| names.iter().all(|name| !name.is_empty() && !name.contains('@'))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTROL: &str = "# of a package
Tests: smoke, upgrade
Depends: @, curl (>= 7), nginx:any | apache2 [amd64], @builddeps@
Restrictions: needs-root allow-stderr

Test-Command: set -e
 shop --version | grep 1
Features: test-name=version
Depends:

Test-Command: true
Tests-Directory: t
";

    #[test]
    fn tests_and_commands_are_cases() {
        let told: Vec<String> = cases(CONTROL)
            .iter()
            .map(|case| format!("{}: {:?} {:?} {:?}", case.name, case.argv, case.restrictions, case.depends))
            .collect();
        let rest = r#"["needs-root", "allow-stderr"] [["curl"], ["nginx", "apache2"]]"#;
        assert_eq!(
            told,
            [
                format!(r#"smoke: ["./debian/tests/smoke"] {rest}"#),
                format!(r#"upgrade: ["./debian/tests/upgrade"] {rest}"#),
                r#"version: ["bash", "-ec", "set -e\nshop --version | grep 1"] [] []"#.to_owned(),
                r#"command2: ["bash", "-ec", "true"] [] []"#.to_owned(),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_control_is_read(text in "((Tests|Test-Command|Depends|\\PC{0,5}): ?\\PC{0,9}\n| \\PC{0,9}\n|\n|#){0,20}", wild in ".*") {
            let _ = (cases(&text), cases(&wild));
        }
    }
}
