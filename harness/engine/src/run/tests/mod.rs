//! The engine on a scripted backend, with tokio's clock paused: no test waits, none needs a kernel.

mod causes;
mod course;
mod ends;
mod keeping;
mod noise;
mod world;

use world::{World, ran};
