//! What a person reads on a terminal: cells, causes, and one headline. Causes say what broke, since which patch, what
//! proves it, how sure it is, and what to do. What is not known is absent.

mod block;
mod causes;
mod cells;
mod comparison;
mod detail;
mod headline;
mod screen;
mod sides;
mod undecided;

pub use comparison::Compared;
pub use detail::{Depth, Detail};
pub use screen::Terminal;
pub use sides::Sides;
