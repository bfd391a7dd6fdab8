//! `listening`: sockets that wait for connections.

use crate::document::OneOrMany;

crate::document! {
    /// Listening sockets.
    pub struct Listening, "ports, or a mapping" {
        /// `port`, `tcp/port` or `udp/port`: these must be open. All sockets are read when not given.
        ports: Option<OneOrMany<String>>, optional;
    }
    short ports;
}
