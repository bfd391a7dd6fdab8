//! What tests share: builders, golden filters, and what a test needs of the host. For tests only.

pub mod changes;
pub mod face;
pub mod filters;
pub mod needs;
pub mod records;
