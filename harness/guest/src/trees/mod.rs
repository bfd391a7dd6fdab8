//! Whole trees of files: removing and copying them by handle, whatever they are made of.

mod attributes;
mod copy;
mod list;
mod remove;

pub use copy::Copier;
pub use remove::remove;

pub(crate) use attributes::times;
