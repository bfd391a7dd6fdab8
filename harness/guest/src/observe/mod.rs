//! Everything the guest can see: sockets, processes, files, packages, logs, answers of servers.

use crate::context::Context;
use crate::message::{Reply, Request};

/// Answers a request that only looks; `None` for a request that is not for this module.
pub(crate) fn answer(_request: &Request, _context: &Context) -> Option<Reply> {
    None
}
