//! The law of the schema: what it names the reader accepts, and what the reader knows it names.

use std::collections::BTreeSet;

use camino::Utf8Path;
use patchbed_engine::load::schema::{Sort, schema};
use serde_json::{Map, Value as Json, json};

use crate::load_text;

/// Walks over every object of a schema, with a document in which it stands.
struct Walk<'a> {
    root: &'a Json,
    objects: usize,
}

type Wrap<'w> = &'w dyn Fn(Json) -> Json;

impl<'a> Walk<'a> {
    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let Some(name) = schema["$ref"].as_str() else { return schema };
        self.root.pointer(name.trim_start_matches('#')).unwrap()
    }

    fn visit(&mut self, schema: &'a Json, wrap: Wrap<'_>) {
        let schema = self.resolved(schema);
        for choice in schema["anyOf"].as_array().into_iter().flatten() {
            self.visit(choice, wrap);
        }
        if let Some(items) = schema.get("items") {
            self.visit(items, &|item| wrap(json!([item])));
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.visit(values, &|value| wrap(json!({ "/a": value })));
        }
        if let Some(properties) = schema["properties"].as_object() {
            self.objects += 1;
            self.object(schema, properties, wrap);
        }
    }

    fn object(&mut self, schema: &'a Json, properties: &'a Map<String, Json>, wrap: Wrap<'_>) {
        let kinds: BTreeSet<&str> = schema["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|choice| choice["required"][0].as_str())
            .collect();
        let base = |but: &str| {
            let mut object = self.required(schema, properties);
            if let Some(kind) = kinds.first().filter(|_| !kinds.contains(but)) {
                object.insert((*kind).to_owned(), self.sample(&properties[*kind]));
            }
            object
        };
        let mut known = base("");
        known.insert("qqqqqqqqqq".to_owned(), json!(1));
        let names: BTreeSet<String> = properties.keys().cloned().collect();
        assert_eq!(known_here(&wrap(Json::Object(known))), names);
        for (key, value) in properties {
            let whole = |inner: Json| {
                let mut object = base(key);
                object.insert(key.clone(), inner);
                wrap(Json::Object(object))
            };
            accepted(key, &whole(self.sample(value)));
        }
        let bases: Vec<Map<String, Json>> = properties.keys().map(|key| base(key)).collect();
        for ((key, value), base) in properties.iter().zip(bases) {
            self.visit(value, &|inner| {
                let mut object = base.clone();
                object.insert(key.clone(), inner);
                wrap(Json::Object(object))
            });
        }
    }

    fn required(&self, schema: &'a Json, properties: &'a Map<String, Json>) -> Map<String, Json> {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
        required.map(|key| (key.to_owned(), self.sample(&properties[key]))).collect()
    }

    /// A value that fits the schema, small.
    fn sample(&self, schema: &'a Json) -> Json {
        let schema = self.resolved(schema);
        if let Some(choice) = schema["anyOf"].get(0) {
            return self.sample(choice);
        }
        if let Some(value) = schema["enum"].get(0).or_else(|| schema.get("const")) {
            return value.clone();
        }
        match schema["type"].as_str() {
            Some("integer") => schema["minimum"].clone(),
            Some("boolean") => json!(true),
            Some("array") => json!([self.sample(&schema["items"])]),
            Some("object") => self.object_sample(schema),
            _ => json!("a"),
        }
    }

    fn object_sample(&self, schema: &'a Json) -> Json {
        let Some(properties) = schema["properties"].as_object() else { return json!({}) };
        let mut object = self.required(schema, properties);
        if let Some(kind) = schema["oneOf"][0]["required"][0].as_str() {
            object.insert(kind.to_owned(), self.sample(&properties[kind]));
        }
        Json::Object(object)
    }
}

/// The keys that the reader lists when it is asked for one that there is not.
fn known_here(document: &Json) -> BTreeSet<String> {
    let loaded = load_text(document.to_string());
    let asked = |text: &String| text.strip_prefix("known here: ").map(str::to_owned);
    let unknown = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.message.contains("qqqqqqqqqq"));
    let list = unknown.flat_map(|diagnostic| &diagnostic.help).find_map(asked);
    let list = list.unwrap_or_else(|| panic!("{document}: {:?}", loaded.diagnostics));
    list.split(", ").map(str::to_owned).collect()
}

fn accepted(key: &str, document: &Json) {
    let loaded = load_text(document.to_string());
    let refused = loaded
        .diagnostics
        .iter()
        .find(|diagnostic| matches!(diagnostic.code.as_str(), "unknown-key" | "unknown-kind" | "unsupported"));
    assert!(refused.is_none(), "`{key}` in {document}: {refused:?}");
}

#[test]
fn every_key_of_the_schema_is_known_to_the_reader_and_every_known_key_stands_in_the_schema() {
    let root = schema(Sort::Scenario);
    let mut walk = Walk { root: &root, objects: 0 };
    walk.visit(&root, &|document| document);
    assert!(walk.objects > 40, "{}", walk.objects);
}

#[test]
fn a_schema_says_what_it_is_and_refers_only_to_what_it_has() {
    for sort in Sort::ALL {
        let root = schema(*sort);
        assert_eq!(root["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let text = root.to_string();
        for part in text.split("\"#/$defs/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(root["$defs"].get(name).is_some(), "{name}");
        }
    }
}

#[test]
fn the_schema_beside_the_scenarios_is_the_one_that_is_printed() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/schema.json");
    let printed = format!("{:#}\n", schema(Sort::Scenario));
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&path, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == printed, "run `patchbed schema > scenarios/schema.json`");
}
