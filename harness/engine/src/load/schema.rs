//! JSON Schemas (draft 2020-12) of what people write, for editors: from the same tables as the readers.

use patchbed_kinds::document::Read;
use serde_json::{Map, Value as Json, json};

use super::image::ImageText;
use super::scenario::ScenarioText;
use super::software::SoftwareText;

/// A sort of file that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A scenario.
    Scenario,
    /// A file of `images/`.
    Image,
    /// A file of `patches/`.
    Patch,
    /// A file of `software/`.
    Software,
}

impl Sort {
    /// All sorts.
    pub const ALL: &'static [Self] = &[Self::Scenario, Self::Image, Self::Patch, Self::Software];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Image => "image",
            Self::Patch => "patch",
            Self::Software => "software",
        }
    }
}

/// The schema of a sort of file.
#[must_use]
pub fn schema(of: Sort) -> Json {
    let mut body = match of {
        Sort::Scenario => ScenarioText::schema(),
        Sort::Image => ImageText::schema(),
        Sort::Patch => super::patch::schema(),
        Sort::Software => SoftwareText::schema(),
    };
    let shared = share(&mut body);
    let mut document = Map::new();
    document.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".into(), format!("patchbed {}", of.name()).into());
    if let Json::Object(entries) = body {
        document.extend(entries);
    }
    document.insert("$defs".into(), Json::Object(shared));
    Json::Object(document)
}

/// Moves what stands there several times into definitions, so that the schema can be read.
fn share(body: &mut Json) -> Map<String, Json> {
    let mut counts = std::collections::BTreeMap::new();
    count(body, &mut counts);
    let mut definitions = Map::new();
    // From the largest down, so that a definition can speak of smaller ones.
    let mut often: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    often.sort_by_key(|(text, _)| (std::cmp::Reverse(text.len()), text.clone()));
    for (text, _) in &often {
        let Ok(schema) = serde_json::from_str::<Json>(text) else { continue };
        let name = name(&schema, &definitions);
        let mut uses = replace(body, &schema, &name);
        for definition in definitions.values_mut() {
            uses += replace(definition, &schema, &name);
        }
        if uses > 0 {
            definitions.insert(name, schema);
        }
    }
    definitions
}

fn is_sharable(schema: &Json) -> bool {
    schema.get("properties").is_some() && schema.to_string().len() > 200
}

fn count(schema: &Json, counts: &mut std::collections::BTreeMap<String, usize>) {
    if is_sharable(schema) {
        *counts.entry(schema.to_string()).or_default() += 1;
    }
    match schema {
        Json::Object(entries) => entries.values().for_each(|value| count(value, counts)),
        Json::Array(items) => items.iter().for_each(|item| count(item, counts)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn replace(place: &mut Json, schema: &Json, name: &str) -> usize {
    if place == schema {
        *place = json!({ "$ref": format!("#/$defs/{name}") });
        return 1;
    }
    match place {
        Json::Object(entries) => entries.values_mut().map(|value| replace(value, schema, name)).sum(),
        Json::Array(items) => items.iter_mut().map(|item| replace(item, schema, name)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// A name for a definition: the first words of what it says about itself.
fn name(schema: &Json, taken: &Map<String, Json>) -> String {
    let text = schema.get("description").and_then(Json::as_str).unwrap_or("kind");
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(4)
        .map(str::to_lowercase)
        .collect();
    let base = words.join("-");
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains_key(name)).unwrap_or(base)
}
