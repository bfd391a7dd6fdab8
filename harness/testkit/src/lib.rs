//! What tests share: builders, golden filters, and what a test needs of the host. For tests only.

pub mod filters;
pub mod records;
