//! Packages of the image's own package database, and the files they own, read without any program of the image.
//!
//! Only dpkg's database is understood. One that is missing, unreadable or makes no sense is a failure, never an empty
//! list: an image that lost its database must not look like an image without packages.

mod control;
mod dependency;
mod owners;
mod status;
mod version;

pub(crate) use owners::owners;
pub(crate) use status::packages;
