//! `tcp`: connects to a port.

crate::document! {
    /// A TCP connection.
    pub struct Tcp, "`host:port`, or a mapping with `address`" {
        /// `host:port`.
        address: String, required;
        /// Text to send after connecting.
        send: Option<String>, optional;
        /// Whether a first line is read.
        banner: bool, default false;
    }
    short address;
}
