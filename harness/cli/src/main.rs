//! The patchbed command.
fn main() {}
