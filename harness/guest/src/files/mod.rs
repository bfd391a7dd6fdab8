//! Files of the sandbox: read, write, lay over, remove, keep, restore. By handle, never out of the root.

mod keep;
mod lay_over;
mod open;
mod place;
mod write;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) use keep::Kept;
pub(crate) use open::read_text;

use crate::failure::failed;
use crate::guest::Guest;
use crate::message::{Failure, Reply, Request};

/// Answers what concerns files; `None` for other requests.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other request is for somebody else")]
pub(crate) fn answer(guest: &Arc<Guest>, request: &Request) -> Option<Result<Reply, Failure>> {
    let result = match request {
        Request::Read { path, limit } => open::read_bounded(path, *limit)
            .map(|bytes| Reply::Bytes(STANDARD.encode(bytes)))
            .map_err(|error| failed("read", path, &error)),
        Request::Write(files) => files.iter().try_for_each(write::write).map(|()| Reply::Done),
        Request::LayOver { from, to, mode, owner } => {
            lay_over::lay_over(from, to, *mode, owner.as_deref()).map(Reply::Paths)
        }
        Request::Remove { paths } => remove(paths).map(Reply::Paths),
        Request::Keep { name, paths } => guest.kept.keep(name, paths).map(|()| Reply::Done),
        Request::Restore { name } => guest.kept.restore(name).map(Reply::Paths),
        _ => return None,
    };
    Some(result)
}

/// Removes trees; tells which were there.
fn remove(paths: &[String]) -> Result<Vec<String>, Failure> {
    let mut removed = Vec::new();
    for path in paths {
        if place::remove(path).map_err(|error| failed("remove", path, &error))? > 0 {
            removed.push(path.clone());
        }
    }
    Ok(removed)
}
