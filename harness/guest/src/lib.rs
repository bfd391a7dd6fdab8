//! The small static program inside a sandbox: it runs, supervises, reaps, reads, measures and answers.
//!
//! Requests come in over a socket, replies go out (`message`). The crate also holds the runner, the
//! single-threaded fork server that makes the sandboxes. It knows neither tokio nor the host's files.

mod context;
pub mod message;
mod observe;
pub mod plan;
