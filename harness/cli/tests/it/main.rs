//! The real command: what it says, how it ends, and, where the host can, what it does in real sandboxes.

mod exits;
mod help;
mod layers;
mod merge;
mod project;
mod review;
mod sabotage;
mod sandboxes;
mod signals;
mod streams;
mod terminal;
