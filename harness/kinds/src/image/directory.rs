//! `directory`: a root file system tree.

crate::document! {
    /// A root file system tree on this machine.
    pub struct Directory, "a path" {
        /// The folder.
        path: String, required;
    }
    short path;
}
