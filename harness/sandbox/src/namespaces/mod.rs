//! The namespaces backend: sandboxes made by a small fork server from kernel namespaces and an overlay.

mod backend;
mod check;
mod filter;
mod groups;
mod host;
mod lanes;
mod layer;
mod link;
mod owner;
mod runner;
mod session;
mod steps;
mod sweep;
mod trial;
mod units;

pub use backend::NamespacesBackend;
pub use host::{Host, Place};
pub use sweep::sweep;
