//! The engine on a scripted backend, with tokio's clock paused: no test waits, none needs a kernel.

mod boots;
mod cached;
mod causes;
mod course;
mod data;
mod degraded;
mod ends;
mod further;
mod hunt;
mod keeping;
mod kept;
mod noise;
mod order;
mod outage;
mod sabotage;
mod study;
mod trial;
mod world;

use world::{World, ran};
