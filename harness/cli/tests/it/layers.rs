//! What many cells share is made once, and is there for the next run.

use std::collections::BTreeSet;

use patchbed_testkit::needs;
use serde_json::Value as Json;

use crate::project::Project;

/// Two images, five products of which any two meet, nine patches. Nothing in it is a program, so that attempts are short.
fn matrix() -> Project {
    let project = Project::new();
    for image in ["one", "two"] {
        project.file(&format!("{image}/etc/motd"), image);
        project.file(&format!("{image}/bin/nothing"), "");
        project.file(&format!("scenarios/images/{image}.yaml"), &format!("directory: ../../{image}\n"));
    }
    let listed = |count: usize, line: &dyn Fn(usize) -> String| (1..=count).map(line).collect::<String>();
    let patches = listed(9, &|n| format!("  - {{ name: patch-{n}, files: {{ write: {{ /opt/patch-{n}: x }} }} }}\n"));
    let products = listed(5, &|n| {
        format!("  - {{ name: product-{n}, install: [{{ files: {{ write: {{ /opt/product-{n}: x }} }} }}] }}\n")
    });
    project.file(
        "scenarios/one.yaml",
        &format!(
            "matrix: {{ image: [one, two], patch: each, software: pairs }}\nbundle:\n{patches}software:\n{products}\
             probes: [{{ files: {{ paths: /etc/motd, text: true }} }}]\n\
             automatic: false\nattempts: {{ control: 1, patched: 1, confirm: 0 }}\n"
        ),
    );
    project
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

/// The layers that the journal of the last run says were made.
fn made(project: &Project) -> Vec<String> {
    let journal = std::fs::read_to_string(project.path().join(".patchbed/last/journal.jsonl")).expect("the journal");
    let layer = |line: &str| Some(json(line)["event"].get("layer-made")?["layer"].to_string());
    journal.lines().filter_map(layer).collect()
}

#[test]
fn each_distinct_prefix_of_a_matrix_is_made_once_and_never_again() {
    needs!(userns, overlay, root);
    let project = matrix();
    let plan = json(&project.run(&["plan", "--json"]).stdout);
    let cells = plan["cells"].as_array().expect("cells");
    let layers = |cell: &Json| cell["layers"].as_array().expect("layers").clone();
    let prefixes: BTreeSet<String> =
        cells.iter().flat_map(layers).map(|layer| layer["definition"].to_string()).collect();
    assert!(cells.len() > 100 && prefixes.len() < cells.len() / 2, "{} and {}", cells.len(), prefixes.len());

    for expected in [prefixes.len(), 0] {
        let said = project.run(&["run", "--json", "--progress", "none"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        let record = json(&said.stdout);
        assert_eq!(record["counts"]["same"], cells.len());
        let made = made(&project);
        assert_eq!((made.len(), &record["layers_made"]), (expected, &Json::from(expected)));
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), expected, "a layer was made twice: {made:?}");
    }
}
