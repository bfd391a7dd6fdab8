//! The reference of the language beside the scenarios: made from the schema, with examples from `whole.yaml` and
//! `images.yaml`.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use camino::Utf8Path;
use patchbed_engine::load::load;
use patchbed_engine::load::schema::{Sort, schema};
use serde_json::Value as Json;

use crate::{options, rendered};

const WHOLE: &str = include_str!("whole.yaml");
const IMAGES: &str = include_str!("images.yaml");

/// What stands before the first heading.
const HEAD: &str = "# The scenario language, key by key

Made from the types that read a scenario, as `scenarios/schema.json` is; `INSTA_UPDATE=always` and the test `load` of
the engine make both anew. `patchbed check FILE` says every problem of a file at once, and editors that are given the
schema complete and check as you type.

A heading is the way to a mapping: `services.ready` is what stands under `ready` of a service. Where a list is taken,
one item may stand without it. Times are a number with `ms`, `s`, `min`, `h` or `d`, such as `10s`; sizes one with
`B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`. Keys that begin with `x-` are notes and are ignored. `${name}` stands
for a variable.

The name of an image, a patch or a product is that of a file in `images/`, `patches/` or `software/`, beside the
scenario or in `scenarios/`. Where a program is expected, a text is given to `/bin/sh -c` in the sandbox, and a list
is program and arguments. Nothing else of YAML is meant: no anchors, no merge keys, no tags, one document in a file.

What is looked at are readings. Each has a key, such as `nginx.process.state` or `probe.front-page.status`, and a
class, which says what a difference is while no rule says more:

| class | such as | a difference is |
|---|---|---|
| state | a service runs, a probe ends with 0, a port is open | `regressed` when it was good and is bad |
| content | an answer, a file, the kinds of lines in a log | `changed`: somebody has to look |
| metric | memory, the time of an answer, how long a service was away | compared by ranks over all attempts |
| fact | a version | shown, and no difference |
";

/// Headings that come first, so that kinds of changes and probes are explained where they belong.
const FIRST: [&str; 4] = ["image", "patch", "services", "probes"];

/// A mapping of the language, under the first key that leads to it.
struct Section<'a> {
    path: String,
    schema: &'a Json,
}

/// The schema, and the headings of the mappings that were found in it.
struct Reference<'a> {
    root: &'a Json,
    sections: Vec<Section<'a>>,
}

impl<'a> Reference<'a> {
    fn new(root: &'a Json) -> Self {
        let mut reference = Self { root, sections: Vec::new() };
        let mut waiting = VecDeque::from([(String::new(), root)]);
        while let Some((path, schema)) = waiting.pop_front() {
            if reference.heading(schema).is_some() {
                continue;
            }
            let mut keys: Vec<(&String, &Json)> = schema["properties"].as_object().unwrap().iter().collect();
            keys.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
            for (key, value) in keys {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let mappings = reference.mappings(value).into_iter();
                waiting.extend(mappings.map(|mapping| (below.clone(), mapping)));
            }
            reference.sections.push(Section { path, schema });
        }
        reference
    }

    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let Some(name) = schema["$ref"].as_str() else { return schema };
        self.root.pointer(name.trim_start_matches('#')).unwrap()
    }

    fn heading(&self, schema: &Json) -> Option<&str> {
        self.sections.iter().find(|section| section.schema == schema).map(|section| section.path.as_str())
    }

    /// The mappings with keys of their own that a value may be, or may hold.
    fn mappings(&self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolved(schema);
        if schema.get("properties").is_some() {
            return vec![schema];
        }
        let choices = schema["anyOf"].as_array().into_iter().flatten();
        let inner = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
        choices.chain(inner).flat_map(|part| self.mappings(part)).collect()
    }

    /// What may stand for a value, in words.
    fn value(&self, schema: &'a Json) -> String {
        let schema = self.resolved(schema);
        if let Some(path) = self.heading(schema) {
            return format!("[mapping](#{})", path.replace('.', ""));
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.choices(choices);
        }
        if let Some(allowed) = schema["enum"].as_array() {
            return allowed.iter().map(|value| format!("`{}`", plain(value))).collect::<Vec<_>>().join(", ");
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.value(&schema["items"])),
            Some("object") => format!("mapping of names to {}", self.value(&schema["additionalProperties"])),
            Some("integer") => format!("whole number, {} to {}", schema["minimum"], schema["maximum"]),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("number") => "number".to_owned(),
            Some("string") => text(schema).to_owned(),
            _ if schema.get("const").is_some() => format!("`{}`", plain(&schema["const"])),
            _ => "text, number or boolean".to_owned(),
        }
    }

    fn choices(&self, choices: &'a [Json]) -> String {
        let mut words: Vec<String> = Vec::new();
        for choice in choices {
            let word = self.value(choice);
            let is_list_of_known = words.iter().any(|known| word == format!("list of {known}"));
            if is_list_of_known {
                words.retain(|known| word != format!("list of {known}"));
                words.push(format!("one or a {word}"));
            } else if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" or ")
    }

    /// Short forms of a mapping: what else its key may hold, where that says what it is.
    fn short_forms(&self, section: &Section<'a>) -> BTreeSet<String> {
        let everywhere =
            self.sections.iter().flat_map(|other| other.schema["properties"].as_object().unwrap().values());
        let choices = everywhere.flat_map(|value| alternatives(self.resolved(value)));
        let of_this = choices.filter(|choices| choices.iter().any(|choice| self.resolved(choice) == section.schema));
        of_this.flatten().filter_map(|choice| choice["description"].as_str()).map(str::to_owned).collect()
    }

    fn write(&self, section: &Section<'a>, out: &mut String) {
        let title = if section.path.is_empty() { "A scenario".to_owned() } else { format!("`{}`", section.path) };
        writeln!(out, "\n## {title}\n").unwrap();
        if let Some(description) = section.schema["description"].as_str() {
            writeln!(out, "{description}\n").unwrap();
        }
        for form in self.short_forms(section) {
            writeln!(out, "Short form, in place of the mapping: {}\n", lower(&form)).unwrap();
        }
        let kinds = kinds(section.schema);
        let first = self.sections.iter().find(|other| other.schema["oneOf"] == section.schema["oneOf"]);
        let elsewhere = first.filter(|first| !kinds.is_empty() && first.path != section.path);
        if let Some(Section { path, .. }) = elsewhere {
            writeln!(out, "Exactly one of the kinds of [`{path}`](#{}).\n", path.replace('.', "")).unwrap();
        } else if !kinds.is_empty() {
            let quoted: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            writeln!(out, "Exactly one of {}.\n", quoted.join(", ")).unwrap();
        }
        self.write_keys(section, if elsewhere.is_some() { &kinds } else { &[] }, out);
        if let Some(example) = example(&section.path) {
            let gap = if out.ends_with("\n\n") { "" } else { "\n" };
            writeln!(out, "{gap}```yaml\n{example}\n```").unwrap();
        }
    }

    /// The table of a mapping's keys, besides those that are explained elsewhere.
    fn write_keys(&self, section: &Section<'a>, elsewhere: &[&str], out: &mut String) {
        let keys = section.schema["properties"].as_object().unwrap();
        if keys.keys().all(|key| elsewhere.contains(&key.as_str())) {
            return;
        }
        out.push_str("| key | value | when not given | |\n|---|---|---|---|\n");
        for (key, value) in keys.iter().filter(|(key, _)| !elsewhere.contains(&key.as_str())) {
            self.write_key(section, key, value, out);
        }
    }

    fn write_key(&self, section: &Section<'a>, key: &str, value: &'a Json, out: &mut String) {
        let mut places = [value, self.resolved(value)].into_iter().chain(self.mappings(value));
        let described = places.find_map(|schema| schema["description"].as_str());
        let (sentence, said) = default(described.unwrap_or_default());
        let default = value.get("default").map_or(said, |value| format!("`{}`", plain(value)));
        let is_required = section.schema["required"].as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
        let default = if is_required { "must be given".to_owned() } else { default };
        writeln!(out, "| `{key}` | {} | {default} | {} |", self.value(value), sentence.replace('|', "\\|")).unwrap();
    }
}

fn alternatives(schema: &Json) -> Vec<&[Json]> {
    let choices = schema["anyOf"].as_array().map(Vec::as_slice);
    let below = choices.into_iter().flatten().chain(schema.get("items")).flat_map(alternatives);
    choices.into_iter().chain(below).collect()
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The keys of which a mapping must have exactly one.
fn kinds(schema: &Json) -> Vec<&str> {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    choices.filter_map(|choice| choice["required"][0].as_str()).collect()
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn text(schema: &Json) -> &'static str {
    match (schema["pattern"].as_str(), schema["format"].as_str()) {
        (Some(pattern), _) if pattern.starts_with("^at-most") => "`at-most TIME`",
        (Some(pattern), _) if pattern.contains("(ms|s|min") => "time",
        (Some(pattern), _) if pattern.contains("KiB") => "size",
        (Some(pattern), _) if pattern.contains('%') => "percentage",
        (Some(pattern), _) if pattern.contains("service|socket") => "name of a unit",
        (_, Some("date")) => "day, as `2027-01-31`",
        (_, Some("regex")) => "regular expression",
        _ => "text",
    }
}

/// A description without what holds when the key is not given, and that.
fn default(description: &str) -> (String, String) {
    let Some((before, rest)) = description.split_once("when not given") else {
        return (description.to_owned(), String::new());
    };
    let (tail, more) = rest.split_once('.').unwrap_or((rest, ""));
    let before = before.trim_end();
    let cut = before.rfind("; ").max(before.rfind(". ")).unwrap_or(before.len() - 1);
    let (sentence, value) = (before[..cut].trim_end_matches(';'), &before[cut + 1..]);
    let default = format!("{}{tail}", value.trim());
    (format!("{sentence}.{more}"), default.trim_start_matches(", ").to_owned())
}

/// Where else a mapping may stand, for those whose example is there.
const ELSEWHERE: [(&str, &str); 4] =
    [("patch", "bundle"), ("patch.", "bundle.apply."), ("patch.", "image.install."), ("image", "matrix.image")];

/// The first place of the examples to which a path leads, as it may be written.
fn example(path: &str) -> Option<String> {
    let documents: [Json; 2] = [WHOLE, IMAGES].map(|text| serde_yaml::from_str(text).unwrap());
    let elsewhere = ELSEWHERE.iter().filter_map(|(from, to)| Some(format!("{to}{}", path.strip_prefix(from)?)));
    let places = std::iter::once(path.to_owned()).chain(elsewhere);
    let mut named = places.filter(|path| !path.is_empty());
    let value = named.find_map(|path| documents.iter().find_map(|document| found(document, &path)))?;
    let lines = value.as_object()?.iter().map(|(key, value)| format!("\n  {key}: {}", flow(value)));
    Some(format!("{}:{}", path.rsplit('.').next()?, lines.collect::<String>()))
}

/// The first mapping to which a path leads, through the items of lists.
fn found(value: &Json, path: &str) -> Option<Json> {
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|item| found(item, path));
    }
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    if key.is_empty() { value.is_object().then(|| value.clone()) } else { found(value.get(key)?, rest) }
}

fn flow(value: &Json) -> String {
    match value {
        Json::Object(entries) if !entries.is_empty() => {
            let inner: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", word(key), flow(value))).collect();
            format!("{{ {} }}", inner.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) => word(text),
        Json::Object(_) | Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

/// A text without quotes, where YAML reads it as the same text.
fn word(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/')
        && text.contains(|letter: char| letter.is_ascii_alphabetic() || letter == '%')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-%= ".contains(letter));
    let is_text = serde_yaml::from_str::<Json>(text).is_ok_and(|value| value == text);
    if is_word && is_text { text.to_owned() } else { Json::from(text).to_string() }
}

fn reference() -> String {
    let root = schema(Sort::Scenario);
    let reference = Reference::new(&root);
    let mut out = HEAD.to_owned();
    for section in &reference.sections {
        reference.write(section, &mut out);
    }
    out
}

#[test]
fn the_reference_beside_the_scenarios_is_the_one_that_the_schema_makes() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/LANGUAGE.md");
    let made = reference();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == made, "run this test with INSTA_UPDATE=always");
}

#[test]
fn every_mapping_of_the_language_has_an_example() {
    let root = schema(Sort::Scenario);
    let sections = Reference::new(&root).sections;
    let without = sections.iter().filter(|section| !section.path.is_empty() && example(&section.path).is_none());
    assert_eq!(without.map(|section| section.path.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_images_of_the_examples_are_read_without_a_message() {
    let (_folder, path) = crate::folder();
    std::fs::write(path.join("root.tar"), "").unwrap();
    std::fs::write(path.join("case.yaml"), IMAGES).unwrap();
    let loaded = load(&[path.join("case.yaml")], &options(&path));
    assert!(loaded.diagnostics.is_empty(), "{}", rendered(&loaded));
}
