//! `schema`: the JSON Schema of what people write and of what is kept.

use patchbed_engine::load::schema::{Sort, schema};
use patchbed_model::{Comparison, Exit, Record};

use crate::arguments::SchemaOf;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, of: SchemaOf) -> Result<Exit, Failure> {
    let document = match of {
        SchemaOf::Scenario => schema(Sort::Scenario),
        SchemaOf::Image => schema(Sort::Image),
        SchemaOf::Patch => schema(Sort::Patch),
        SchemaOf::Software => schema(Sort::Software),
        SchemaOf::Record => named::<Record>(patchbed_model::record::SCHEMA),
        SchemaOf::Comparison => named::<Comparison>(patchbed_model::comparison::SCHEMA),
    };
    context.output.json(&document)?;
    Ok(Exit::Ok)
}

fn named<T: schemars::JsonSchema>(name: &str) -> serde_json::Value {
    let mut schema = schemars::schema_for!(T).to_value();
    schema["$id"] = name.into();
    schema
}
