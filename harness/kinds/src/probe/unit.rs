//! `unit`: a systemd unit.

use crate::document::OneOrMany;

crate::document! {
    /// Systemd units.
    pub struct Unit, "names, or a mapping" {
        /// The units; that of the probe's service when not given.
        names: Option<OneOrMany<String>>, optional;
    }
    short names;
}
