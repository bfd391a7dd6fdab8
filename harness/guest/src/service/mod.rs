//! Services: programs that are started and kept an eye on, with everything that descends from them.

mod keeper;
mod record;
mod table;

pub(crate) use table::ServiceTable;
