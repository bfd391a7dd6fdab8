//! What can be named in a file, in words: from the same tables as the readers.

use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::AnySource;
use patchbed_kinds::probe::AnyProbe;
use serde_json::{Map, Value as Json};

/// What a kind is a kind of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindSort {
    /// Something that is done to an environment.
    Change,
    /// A way to observe.
    Probe,
    /// Where an image comes from.
    Source,
}

/// All sorts of kinds, in the order in which they are told.
pub const SORTS: [KindSort; 3] = [KindSort::Change, KindSort::Probe, KindSort::Source];

impl KindSort {
    /// A heading for all kinds of this sort.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Change => "Changes",
            Self::Probe => "Probes",
            Self::Source => "Sources of images",
        }
    }

    /// What one of them is called.
    const fn noun(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Probe => "probe",
            Self::Source => "source of an image",
        }
    }

    fn schemas(self) -> Map<String, Json> {
        match self {
            Self::Change => AnyChange::schemas(),
            Self::Probe => AnyProbe::schemas(),
            Self::Source => AnySource::schemas(),
        }
    }

    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Change => AnyChange::KINDS,
            Self::Probe => AnyProbe::KINDS,
            Self::Source => AnySource::KINDS,
        }
    }
}

/// One kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is a kind of.
    pub sort: KindSort,
    /// The key by which files name it.
    pub key: &'static str,
}

/// Every kind, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Kind> {
    SORTS.into_iter().flat_map(|sort| sort.keys().iter().map(move |key| Kind { sort, key })).collect()
}

impl Kind {
    /// What it does, and its fields.
    #[must_use]
    pub fn text(self) -> String {
        let schema = self.sort.schemas().remove(self.key).unwrap_or_default();
        let mut text = format!("## {} ({})\n", self.key, self.sort.noun());
        let long = long(&schema);
        let described = |schema: &Json| schema["description"].as_str().map(str::to_owned);
        text.extend(described(long).or_else(|| described(&schema)).map(|said| format!("{said}\n")));
        let required: Vec<&str> = long["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        for (name, field) in long["properties"].as_object().into_iter().flatten() {
            let must = if required.contains(&name.as_str()) { " (required)" } else { "" };
            let line = format!("\n`{name}:`{must} {}", described(field).unwrap_or_default());
            text.push_str(line.trim_end());
        }
        if long["properties"].is_object() { text + "\n" } else { text }
    }
}

/// The form with fields, where a plain value may stand for them too.
fn long(schema: &Json) -> &Json {
    let forms = schema["anyOf"].as_array().into_iter().flatten();
    forms.into_iter().find(|form| form["properties"].is_object()).unwrap_or(schema)
}
