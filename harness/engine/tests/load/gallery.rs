//! The error gallery: a broken file for every code, and what a person sees of it.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_engine::load::{explain, load};
use patchbed_model::Code;

use crate::{codes, folder, options, rendered};

fn gallery() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gallery")
}

/// The broken file of a code: a file of its name, or the scenario in a folder of its name.
fn broken_file(code: Code) -> Utf8PathBuf {
    let file = gallery().join(format!("{code}.yaml"));
    if file.is_symlink() || file.exists() { file } else { gallery().join(code.as_str()).join("scenario.yaml") }
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(gallery().join("goldens"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(gallery());
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_code_has_a_broken_file_and_a_golden() {
    for code in Code::ALL.iter().filter(|code| **code != Code::FileTooLarge) {
        let project = gallery();
        let loaded = load(&[broken_file(*code)], &options(&project));
        assert!(codes(&loaded).contains(&code.as_str()), "{code}: {:?}", codes(&loaded));
        golden(code.as_str(), &rendered(&loaded).replace(&format!("{project}/"), ""));
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let (_folder, path) = folder();
    std::fs::write(path.join("large.yaml"), "# ".repeat(1 << 20)).unwrap();
    let loaded = load(&[path.join("large.yaml")], &options(&path));
    assert_eq!(codes(&loaded), ["file-too-large"]);
    golden("file-too-large", &rendered(&loaded).replace(&format!("{path}/"), ""));
}

#[test]
fn every_code_has_a_page_that_begins_with_its_name_and_says_what_to_do() {
    for code in Code::ALL {
        let page = explain(*code);
        assert!(page.starts_with(&format!("# {code}\n")), "{code}");
        assert!(page.contains("\n## What to do\n"), "{code}");
    }
}
