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
/// An underscore in a field's name is a hyphen in the file; one at its end only keeps it apart from Rust's own words.
/// `short` names the field that a plain value stands for. `exactly_one` and `at_least_one` say which of the optional
/// fields must be there; `check` says what the texts of a field must look like, by a name from
/// [`checks`](crate::document); `together` names a function that checks what fields are to each other. `kind` adds a field for the one entry whose key is a kind of
/// the named table; with `or`, that entry may be missing when the other key is there. `later` lists keys that are
/// known but come with a later version.
#[macro_export]
macro_rules! document {
    (
        $(#[doc = $doc:expr])+
        $vis:vis struct $name:ident, $wanted:literal {
            $($(#[doc = $field_doc:expr])+ $field:ident: $type:ty, $presence:ident $($default:expr)?;)*
        }
        $(short $short:ident;)?
        $(exactly_one [$($one:ident),+];)?
        $(at_least_one [$($some:ident),+];)?
        $(check { $($checked:ident => $check:ident,)+ })?
        $(together $together:path;)?
        $(kind $kind:ident: $any:ty $(, or $other:ident)?;)?
        $(later { $($later:literal => $later_what:literal,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        $vis struct $name {
            $($(#[doc = $field_doc])+ $vis $field: $type,)*
            $(
                /// Of which kind it is; `None` when that could not be read, and that has been reported.
                $vis $kind: Option<$any>,
            )?
        }

        impl $crate::document::Read for $name {
            fn read(node: &$crate::document::Node, problems: &mut $crate::document::Problems) -> Option<Self> {
                $(if !matches!(node.content, $crate::document::Content::Map(_) | $crate::document::Content::Null) {
                    let entry = (stringify!($short).replace('_', "-"), node.clone());
                    let content = $crate::document::Content::Map(vec![entry]);
                    return Self::read(&$crate::document::Node::of(node.place, content), problems);
                })?
                let mut fields = $crate::document::Fields::of(node, $wanted, problems)?;
                $(let $kind = $crate::document!(@kind fields, problems, $any $(, $other)?);)?
                $(let $field = $crate::document!(@read fields, problems, $field, $presence $($default)?);)*
                $($(fields.later($later, $later_what, problems);)+)?
                fields.finish(problems);
                $($crate::document::exactly_one(node, &[$($crate::document!(@key $one),)+], problems);)?
                $($crate::document::at_least_one(node, &[$($crate::document!(@key $some),)+], problems);)?
                $($($crate::document::check(node, $crate::document!(@key $checked), $crate::document::$check, problems);)+)?
                $($together(node, problems);)?
                Some(Self { $($field: $field?,)* $($kind,)? })
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
                        $(object.insert("default".into(), serde_json::json!($default));)?
                    }
                    properties.insert(key.to_owned(), schema);
                )*
                $(properties.extend(<$any>::schemas());)?
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
                    let mut long = long;
                    let mut one: Vec<&str> = <$any>::KINDS.to_vec();
                    $(one.push($crate::document!(@key $other));)?
                    long["oneOf"] = one.into_iter().map(|key| serde_json::json!({ "required": [key] })).collect();
                )?
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
    (@kind $fields:ident, $problems:ident, $any:ty) => { <$any>::take(&mut $fields, $problems) };
    (@kind $fields:ident, $problems:ident, $any:ty, $other:ident) => {
        if $fields.has($crate::document!(@key $other)) && !$fields.has_any(<$any>::KINDS) {
            $fields.know(<$any>::KINDS);
            None
        } else {
            <$any>::take(&mut $fields, $problems)
        }
    };
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
/// keys, its readers and its schemas. `later` lists the kinds that are known but come with a later version.
#[macro_export]
macro_rules! kinds {
    (
        $(#[doc = $doc:expr])+
        pub enum $name:ident, $what:literal {
            $($(#[doc = $kind_doc:expr])+ $key:literal => $variant:ident($type:ty),)+
        }
        later [$($later:literal),* $(,)?]
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[doc = $kind_doc])+ $variant($type),)+ }

        impl $name {
            /// The keys of all kinds, in the order of the table.
            pub const KINDS: &'static [&'static str] = &[$($key,)+];

            /// The keys of the kinds that come with a later version.
            pub const LATER: &'static [&'static str] = &[$($later,)*];

            /// The key of this kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $key,)+ }
            }

            /// Takes the one entry that is a kind out of a mapping and reads it.
            pub fn take(
                fields: &mut $crate::document::Fields<'_>,
                problems: &mut $crate::document::Problems,
            ) -> Option<Self> {
                let (key, node) = fields.kind([Self::KINDS, Self::LATER], $what, problems)?;
                Self::read_kind(key, node, problems)
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

        impl $crate::document::Read for $name {
            fn read(node: &$crate::document::Node, problems: &mut $crate::document::Problems) -> Option<Self> {
                let wanted = concat!("a mapping with the kind of the ", $what);
                let mut fields = $crate::document::Fields::of(node, wanted, problems)?;
                let kind = Self::take(&mut fields, problems);
                fields.finish(problems);
                kind
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({
                    "type": "object",
                    "properties": Self::schemas(),
                    "patternProperties": { "^x-": true },
                    "additionalProperties": false,
                    "oneOf": Self::KINDS.iter().map(|key| serde_json::json!({ "required": [key] })).collect::<Vec<_>>(),
                })
            }
        }
    };
}
