//! `images compare`: what two images hold, asked of a sandbox on each, and what differs.

use std::collections::BTreeMap;

use patchbed_model::Exit;
use patchbed_report::{Look, Tone, safe, words};
use patchbed_sandbox::message::{FileFact, Files};
use patchbed_sandbox::{Backend as _, Sandbox};
use serde_json::json;

use super::{images, sandboxes};
use crate::context::Context;
use crate::failure::Failure;

/// The most files of an image that are looked at: what the guest tells at one time has a bound.
const MOST_FILES: usize = 100_000;
/// How many lines of each sort a person is shown.
const SHOWN: usize = 40;
/// What is no part of an image: made anew in every sandbox.
const NOT_OF_THE_IMAGE: [&str; 5] = ["/dev/**", "/proc/**", "/run/**", "/sys/**", "/tmp/**"];

/// What an image holds.
struct Contents {
    /// The versions of packages.
    packages: BTreeMap<String, String>,
    /// The files.
    files: BTreeMap<String, FileFact>,
}

/// One thing that differs: its name, and what it is in each image.
struct Unlike {
    name: String,
    sides: [Option<String>; 2],
}

/// Compares two images.
pub(super) fn compare(context: &Context, names: [&str; 2], json: bool) -> Result<Exit, Failure> {
    sandboxes::sweep_leftovers(context);
    let [one, other] = names;
    let one = sandboxes::block_on(contents(context, one))??;
    let other = sandboxes::block_on(contents(context, other))??;
    let packages = unlike(&one.packages, &other.packages, Clone::clone);
    let files = unlike(&one.files, &other.files, told);
    if json {
        let document = json!({
            "schema": "patchbed/images-compare/1", "images": names,
            "packages": packages.iter().map(document).collect::<Vec<_>>(),
            "files": files.iter().map(document).collect::<Vec<_>>(),
        });
        context.output.json(&document)?;
        return Ok(Exit::Ok);
    }
    show(context, "package", &packages);
    show(context, "file", &files);
    Ok(Exit::Ok)
}

async fn contents(context: &Context, name: &str) -> Result<Contents, Failure> {
    let spec = images::spec(context, name).await?;
    let sandbox = sandboxes::backend(context).open(&spec).await?;
    let seen = look_into(&*sandbox).await;
    sandbox.close().await?;
    let contents = seen?;
    if contents.files.len() >= MOST_FILES {
        context.output.warn(&format!("`{name}` holds more than {MOST_FILES} files: the rest is not compared"));
    }
    Ok(contents)
}

async fn look_into(sandbox: &dyn Sandbox) -> Result<Contents, Failure> {
    let packages = sandbox.packages().await?;
    let wanted = Files {
        paths: vec!["/**".to_owned()],
        exclude: NOT_OF_THE_IMAGE.map(str::to_owned).into(),
        text_up_to: 0,
        limit: MOST_FILES,
    };
    let files = sandbox.files(wanted).await?;
    Ok(Contents {
        packages: packages.into_iter().map(|one| (format!("{}:{}", one.name, one.architecture), one.version)).collect(),
        files: files.into_iter().map(|fact| (fact.path.clone(), fact)).collect(),
    })
}

/// What is not the same on both sides, by name.
fn unlike<T>(one: &BTreeMap<String, T>, other: &BTreeMap<String, T>, told: impl Fn(&T) -> String) -> Vec<Unlike> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let sides = |name: &String| [one, other].map(|side| side.get(name).map(&told));
    let all = names.into_iter().map(|name| Unlike { name: name.clone(), sides: sides(name) });
    all.filter(|unlike| unlike.sides[0] != unlike.sides[1]).collect()
}

/// A file in a few words: all that makes it the same or another one.
fn told(fact: &FileFact) -> String {
    let kind = format!("{:?}", fact.kind).to_lowercase();
    let content = match (&fact.digest, &fact.target) {
        (Some(digest), _) => format!(" {} bytes {}", fact.size, digest.get(..12).unwrap_or(digest)),
        (None, Some(target)) => format!(" to {target}"),
        (None, None) => String::new(),
    };
    let attributes = fact.attributes.iter().fold(String::new(), |all, (name, value)| format!("{all} {name}={value}"));
    format!("{kind} {:04o} {}:{}{content}{attributes}", fact.mode, fact.user, fact.group)
}

fn document(unlike: &Unlike) -> serde_json::Value {
    json!({ "name": unlike.name, "sides": unlike.sides })
}

fn show(context: &Context, noun: &str, unlike: &[Unlike]) {
    let look = context.output.look();
    let differ = if unlike.len() == 1 { "differs" } else { "differ" };
    context.output.line(&look.paint(Tone::Strong, &format!("{} {differ}", words::count(unlike.len(), noun))));
    for one in unlike.iter().take(SHOWN) {
        context.output.line(&line(one, look));
    }
    if unlike.len() > SHOWN {
        context.output.line(&look.own(&format!("  … {} more: --json has all", unlike.len() - SHOWN)));
    }
}

fn line(unlike: &Unlike, look: &Look) -> String {
    let name = safe::shown(&unlike.name, look);
    let shown = |text: &String| safe::shown(text, look);
    match &unlike.sides {
        [Some(one), Some(other)] => format!("  ~ {name}: {}{}{}", shown(one), look.pick(" → ", " -> "), shown(other)),
        [None, Some(other)] => format!("  + {name}: {}", shown(other)),
        [Some(one), None] => format!("  - {name}: {}", shown(one)),
        [None, None] => format!("    {name}"),
    }
}
