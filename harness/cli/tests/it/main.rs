//! The real command: what it says, how it ends, and, where the host can, what it does in real sandboxes.

mod compare;
mod completions;
mod exits;
mod help;
mod kept;
mod layers;
mod merge;
mod project;
mod review;
mod sabotage;
mod sandboxes;
mod signals;
mod stored;
mod streams;
mod terminal;
