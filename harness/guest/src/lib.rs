//! The small static program inside a sandbox: it runs, supervises, reaps, reads, measures and answers.
//!
//! Requests come in over a socket, replies go out (`message`). The crate also holds the runner, the
//! single-threaded fork server that makes the sandboxes. It knows neither tokio nor the host's files.

mod capability;
mod context;
pub mod descriptors;
mod drain;
mod failure;
mod family;
mod files;
mod guest;
mod inside;
pub mod link;
pub mod message;
mod meter;
mod observe;
mod output;
pub mod plan;
mod program;
mod reaper;
mod run;
pub mod runner;
mod serve;
mod service;
mod signal;
mod sys;
pub mod trees;
mod usage;
mod users;
mod workers;
