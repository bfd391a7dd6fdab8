//! The runner: a small fork server with one thread that makes sandboxes.
//!
//! The harness starts it once, from a copy of its own program that nobody can change, and asks it for *lanes*. A lane is a fork of the
//! runner that makes one sandbox at a time; it stands in the control groups that limit its sandbox, so that a sandbox
//! is born inside its limits, without the slow move between groups. Everything ends when the harness's end of a
//! socket closes: the runner and the lanes exit, and the kernel kills what they made.

mod error;
mod holder;
mod lane;
mod mounts;
mod overlay;
mod serve;
mod setup;
mod template;
mod units;

pub use holder::{HolderIds, enter as enter_holder};
pub use lane::BORN;
pub use mounts::read_only;
pub use serve::{Hello, Order, Settings, serve};
pub use template::DEVICES;
