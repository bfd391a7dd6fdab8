//! `schema`: the JSON Schema of what people write and of what is kept.

use patchbed_model::{Exit, Record};

use crate::arguments::SchemaOf;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, of: SchemaOf) -> Result<Exit, Failure> {
    let schema = match of {
        SchemaOf::Scenario => serde_json::Value::Null,
        SchemaOf::Record => record(),
    };
    let mut bytes = Vec::new();
    patchbed_report::write_json(&schema, &mut bytes)?;
    context.output.result(&bytes);
    Ok(Exit::Ok)
}

fn record() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Record).to_value();
    schema["$id"] = patchbed_model::record::SCHEMA.into();
    schema
}
