//! Where things with names stand in their file.

use super::load_text;

const SHOP: &str = "\
image: { host: {} }
variables: { old: '1' }
bundle:
  - name: first fix
    command: 'true'
  - { name: 'second ${old}', command: 'true' }
software:
  - name: bank
    files: [/opt/bank]
services:
  - nginx.service
  - name: web
    run: server
probes:
  - command: 'true'
  - name: front page
    command: 'true'
";

#[test]
fn every_name_has_the_line_in_which_its_part_begins() {
    let loaded = load_text(SHOP);
    let lines = &loaded.scenarios.first().unwrap().lines;
    let wanted = [
        ("bank", 8),
        ("command", 15),
        ("first fix", 4),
        ("front-page", 16),
        ("nginx", 11),
        ("second 1", 6),
        ("web", 12),
    ];
    assert_eq!(lines.iter().map(|(name, line)| (name.as_str(), *line)).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_patch_without_a_name_stands_where_its_key_does() {
    let loaded = load_text("image: { host: {} }\nprobes: [command: 'true']\n\npatch:\n  command: 'true'\n");
    let scenario = loaded.scenarios.first().unwrap();
    assert_eq!(scenario.lines.get(&scenario.patches.first().unwrap().name), Some(&4));
}
