//! Everything the guest can see: sockets, processes, files, packages, logs, answers of servers.
//!
//! One file per question. Each is given only what it needs of the [`Context`]; this file hands it over and turns what
//! comes back into a reply. Whatever an image, a file, a process or a server does, the answer comes within bounds of
//! time and size, and equal worlds give equal answers: every list has a natural order.

mod attributes;
mod content;
mod drift;
mod fact;
mod failure;
mod files;
mod globs;
mod hosts;
mod http;
mod lines;
mod linkage;
mod logs;
mod names;
mod packages;
mod proc;
mod processes;
mod reach;
mod root;
mod search;
mod sockets;
mod tcp;
#[cfg(test)]
mod tests;
mod users;
mod walk;
mod watch;

use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::context::Context;
use crate::message::{Drift, FailureKind, Reply, Request};
use failure::Result;
use hosts::Hosts;
use logs::Marks;
use processes::Surroundings;
use users::Users;
use watch::Watches;

/// The marks of logs. A guest serves one sandbox; marks and the watch are all that is remembered between two questions.
static MARKS: Marks = Marks::new();

/// The watch over ports.
static WATCHES: Watches = Watches::new();

/// Answers a request that only looks; `None` for a request that is not for this module.
pub(crate) fn answer(request: &Request, context: &Context) -> Option<Reply> {
    // Whoever asked must get an answer, even should a file have found a fault in here.
    let looked = catch_unwind(AssertUnwindSafe(|| look(request, context)));
    let broken = || Some(Err(failure::of(FailureKind::System, "look: a fault of the guest itself")));
    let answered = looked.unwrap_or_else(|_| broken())?;
    Some(answered.unwrap_or_else(Reply::Failed))
}

fn look(request: &Request, context: &Context) -> Option<Result<Reply>> {
    let (root, services) = (&context.root, &*context.services);
    Some(match request {
        Request::Mark { mark, files } => MARKS.set(root, mark, files, services).map(|()| Reply::Done),
        Request::Lines { source, since } => MARKS.lines(root, source, since.as_deref(), services).map(Reply::Lines),
        Request::Http(http) => http::http(http, Hosts::read(root)).map(Reply::Http),
        Request::Tcp(tcp) => Ok(Reply::Tcp(tcp::tcp(tcp, &Hosts::read(root)))),
        Request::Sockets => surrounded(context, |around| sockets::sockets(around).map(Reply::Sockets)),
        Request::Watch(watch) => WATCHES.begin(root, watch).map(|()| Reply::Done),
        Request::Watched => WATCHES.seen().map(Reply::Watched),
        Request::Unwatch => WATCHES.end().map(Reply::Watched),
        Request::Processes => surrounded(context, |around| processes::processes(around).map(Reply::Processes)),
        Request::Files(files) => files::files(root, files, &Users::read(root)).map(Reply::Files),
        Request::Drift(question) => drift(context, question),
        Request::Packages => packages::packages(root).map(Reply::Packages),
        Request::Owners { packages } => packages::owners(root, packages).map(Reply::Owners),
        Request::Linkage { paths, services } => {
            surrounded(context, |around| linkage::linkage(around, paths, services).map(Reply::Linkage))
        }
        Request::Run(_)
        | Request::Input { .. }
        | Request::Cancel { .. }
        | Request::Start(_)
        | Request::Stop { .. }
        | Request::Services
        | Request::Deaths
        | Request::Read { .. }
        | Request::Write(_)
        | Request::LayOver { .. }
        | Request::Remove { .. }
        | Request::Keep { .. }
        | Request::Restore { .. }
        | Request::Usage => return None,
    })
}

/// Asks about processes with what that takes.
fn surrounded(context: &Context, ask: impl FnOnce(&Surroundings<'_>) -> Result<Reply>) -> Result<Reply> {
    let users = Users::read(&context.root);
    ask(&Surroundings {
        root: context.root.as_fd(),
        users: &users,
        services: &*context.services,
        init: context.init,
        opened: context.opened,
    })
}

fn drift(context: &Context, question: &Drift) -> Result<Reply> {
    let no_overlay = || failure::of(FailureKind::Unsupported, "tell what was written: the root is no overlay");
    let upper = context.upper.as_ref().ok_or_else(no_overlay)?;
    let overlay = drift::Overlay { upper: upper.as_fd(), lowers: &context.lowers };
    drift::drift(&overlay, question, &Users::read(&context.root)).map(Reply::Files)
}
