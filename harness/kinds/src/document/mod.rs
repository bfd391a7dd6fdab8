//! Reading what people write: a tree of values with places, a collector that takes all problems at once,
//! and the types that a value of the language can have.
//!
//! A type of the language is written once, with [`document!`](crate::document): the struct, its reader, its
//! JSON Schema and its "did you mean" list come from that one table. Reading never stops at the first problem.

mod checks;
mod fields;
mod macros;
mod node;
mod problem;
mod values;

pub use checks::{
    Check, address, at_least_one, check, exactly_one, filled, inside_path, method, mode, owner, package, plain_url,
    port, sha256, url, user, word,
};
pub use fields::Fields;
pub use node::{Content, Node, Place};
pub use problem::{At, Problem, Problems};
pub use values::{Argv, JsonValue, OneOrMany, Pairs, Placed, Plain, Share, Size, Span, choice, choice_schema};

use serde_json::Value as Json;

/// A type that can be read from a scenario file.
pub trait Read: Sized {
    /// Reads a value. Every problem goes to `problems`; `None` when there was one that leaves no value.
    fn read(node: &Node, problems: &mut Problems) -> Option<Self>;

    /// Its JSON Schema, for editors.
    fn schema() -> Json;
}
