//! The tables from which types of the language are made.

/// Writes a type of the language: the struct, its reader and its JSON Schema.
///
/// ```
/// use patchbed_kinds::document;
/// document! {
///     /// A door.
///     pub struct Door, "a door" {
///         /// Its colour.
///         colour: String, required;
///         /// How wide it is.
///         width: Option<u32>, optional;
///         /// Whether it is locked.
///         locked: bool, default false;
///     }
///     short colour;
/// }
/// ```
///
/// An underscore in a field's name is a hyphen in the file. `short` names the field that a plain value stands for.
#[macro_export]
macro_rules! document {
    (
        $(#[doc = $doc:expr])+
        pub struct $name:ident, $wanted:literal {
            $($(#[doc = $field_doc:expr])+ $field:ident: $type:ty, $presence:ident $($default:expr)?;)*
        }
        $(short $short:ident;)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $name {
            $($(#[doc = $field_doc])+ pub $field: $type,)*
        }

        impl $crate::document::Read for $name {
            fn read(node: &$crate::document::Node, problems: &mut $crate::document::Problems) -> Option<Self> {
                $(if !matches!(node.content, $crate::document::Content::Map(_)) {
                    let entry = (stringify!($short).replace('_', "-"), node.clone());
                    let long = $crate::document::Node {
                        path: node.path.clone(),
                        content: $crate::document::Content::Map(vec![entry]),
                    };
                    return Self::read(&long, problems);
                })?
                let mut fields = $crate::document::Fields::of(node, $wanted, problems)?;
                $(let $field = $crate::document!(@read fields, problems, $field, $presence $($default)?);)*
                fields.finish(problems);
                Some(Self { $($field: $field?,)* })
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                let required: Vec<&str> = [$(($crate::document!(@key $field), $crate::document!(@required $presence)),)*]
                    .into_iter()
                    .filter_map(|(key, required): (&str, bool)| required.then_some(key))
                    .collect();
                $(
                    let key = $crate::document!(@key $field);
                    let mut schema = $crate::document!(@schema $type, $presence);
                    if let Some(object) = schema.as_object_mut() {
                        let text: Vec<&str> = vec![$($field_doc.trim()),+];
                        object.insert("description".into(), text.join(" ").into());
                    }
                    properties.insert(key.to_owned(), schema);
                )*
                let text: Vec<&str> = vec![$($doc.trim()),+];
                let long = serde_json::json!({
                    "type": "object",
                    "description": text.join(" "),
                    "properties": properties,
                    "required": required,
                    "patternProperties": { "^x-": true },
                    "additionalProperties": false,
                });
                $(
                    let short = stringify!($short).replace('_', "-");
                    let one = long["properties"][&short].clone();
                    let long = serde_json::json!({ "anyOf": [one, long] });
                )?
                long
            }
        }
    };
    (@key $field:ident) => {{
        static KEY: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| stringify!($field).trim_end_matches('_').replace('_', "-"));
        KEY.as_str()
    }};
    (@read $fields:ident, $problems:ident, $field:ident, required) => {
        $fields.required($crate::document!(@key $field), $problems)
    };
    (@read $fields:ident, $problems:ident, $field:ident, optional) => {
        $fields.optional($crate::document!(@key $field), $problems)
    };
    (@read $fields:ident, $problems:ident, $field:ident, default $default:expr) => {
        $fields.optional($crate::document!(@key $field), $problems).map(|value| value.unwrap_or_else(|| $default))
    };
    (@schema $type:ty, optional) => { <<$type as IntoIterator>::Item as $crate::document::Read>::schema() };
    (@schema $type:ty, $presence:ident) => { <$type as $crate::document::Read>::schema() };
    (@required required) => { true };
    (@required $presence:ident) => { false };
}

/// Writes the enum of all kinds of one sort from a table of `"key" => Variant(Type)` lines: the enum, the list of its
/// keys, its reader by key and the schemas of its kinds.
#[macro_export]
macro_rules! kinds {
    (
        $(#[doc = $doc:expr])+
        pub enum $name:ident { $($(#[doc = $kind_doc:expr])+ $key:literal => $variant:ident($type:ty),)+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[doc = $kind_doc])+ $variant($type),)+ }

        impl $name {
            /// The keys of all kinds, in the order of the table.
            pub const KINDS: &'static [&'static str] = &[$($key,)+];

            /// The key of this kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $key,)+ }
            }

            /// Reads the value that stands under the kind's `key`.
            pub fn read_kind(
                key: &str,
                node: &$crate::document::Node,
                problems: &mut $crate::document::Problems,
            ) -> Option<Self> {
                match key {
                    $($key => <$type as $crate::document::Read>::read(node, problems).map(Self::$variant),)+
                    _ => None,
                }
            }

            /// The JSON Schemas of all kinds by key.
            #[must_use]
            pub fn schemas() -> serde_json::Map<String, serde_json::Value> {
                let mut map = serde_json::Map::new();
                $(map.insert($key.to_owned(), <$type as $crate::document::Read>::schema());)+
                map
            }
        }
    };
}
