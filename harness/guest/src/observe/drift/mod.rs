//! What differs between the image and the root as it is now: a walk of the overlay's upper folder only.
//!
//! Everything that was written lies in the upper folder, so the walk is as long as the list of changes, not as the
//! image. Each entry is compared with what the layers below show at its path. A file that was only copied up is told
//! with an empty list of differences; a folder that only holds changes is not told.
//!
//! `compare` walks and compares, `layers` knows what the image showed at a path.

mod compare;
mod layers;
#[cfg(test)]
mod tests;

pub(crate) use compare::{Overlay, drift};
