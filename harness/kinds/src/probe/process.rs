//! `process`: processes of a service or by name.

crate::document! {
    /// Processes.
    pub struct Process, "a name, or a mapping" {
        /// The process name; those of the probe's service when not given.
        name: Option<String>, optional;
    }
    short name;
}
