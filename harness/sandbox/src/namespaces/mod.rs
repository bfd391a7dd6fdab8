//! The namespaces backend: sandboxes made by a small fork server from kernel namespaces and an overlay.

mod backend;

pub use backend::{NamespacesBackend, sweep};
