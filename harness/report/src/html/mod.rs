//! One page that needs nothing besides itself: no script, no request, no style from elsewhere. It can be read without
//! styles as well, by keyboard and by ear. Text of a record is only ever text in it: it stands in no attribute.

mod attempts;
mod causes;
mod cells;
mod matrix;
mod metrics;
mod page;
mod provenance;
mod repeat;
mod room;
mod search;
mod sides;
mod summary;
mod tags;

pub use page::Html;
