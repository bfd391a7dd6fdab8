//! The guest's life: hello, then answers until the harness is gone.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::time::{ClockId, clock_gettime};

pub(crate) use crate::guest::Settings;

use crate::context::{Context, Roots};
use crate::guest::Guest;
use crate::message::{Call, Failure, FailureKind, Message, Reply, Request, VERSION};
use crate::meter::Meter;
use crate::reaper::Reaper;
use crate::run::Runs;
use crate::service::ServiceTable;
use crate::workers::Workers;
use crate::{capability, files, link, observe, run, sys, usage};

/// Serves the harness as process 1 (or beside it); ends the process, and with it the sandbox, when the harness is gone.
pub(crate) fn serve(control: OwnedFd, roots: Roots, meters: Vec<Meter>, settings: Settings) -> ! {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let mut kept = vec![control.as_raw_fd(), roots.root.as_raw_fd()];
    kept.extend(roots.upper.iter().chain(&roots.scratch).chain(&roots.lowers).map(AsRawFd::as_raw_fd));
    kept.extend(meters.iter().map(|meter| meter.file().as_raw_fd()));
    sys::close_all_but(&kept);
    let _ = rustix::thread::set_name(c"patchbed-guest");
    capability::limit(&settings.dropped);

    let mut calls = UnixStream::from(control);
    let Ok(writer) = calls.try_clone() else { sys::exit_now(1) };
    let services = Arc::new(ServiceTable::new(pid));
    let guest = Arc::new(Guest {
        pid,
        reaper: Arc::new(Reaper::default()),
        runs: Runs::default(),
        context: Context {
            root: roots.root,
            upper: roots.upper,
            lowers: roots.lowers,
            opened: now(),
            init: settings.init,
            services: Box::new(Arc::clone(&services)),
        },
        services,
        kept: files::Kept::new(roots.scratch),
        meters,
        writer: Mutex::new(writer),
        reached: Mutex::default(),
        drain: OnceLock::new(),
        settings,
    });
    let reaper = Arc::clone(&guest.reaper);
    let thread = std::thread::Builder::new().name("reaper".into()).stack_size(128 << 10).spawn(move || reaper.work());
    if thread.is_err() {
        sys::exit_now(1);
    }
    guest.send(&Message::Ready { version: VERSION, notes: guest.settings.notes.clone() });
    let workers = Workers::default();
    while let Ok(Some(call)) = link::read::<Call>(&mut calls) {
        take(&guest, &workers, call);
    }
    sys::exit_now(0);
}

/// The clock of process start times.
fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Orders to running programs are carried out at once and in order; everything else by a worker.
#[expect(clippy::wildcard_enum_match_arm, reason = "only orders to runs are not work of their own")]
fn take(guest: &Arc<Guest>, workers: &Workers, call: Call) {
    let Call { id, request } = call;
    match request {
        Request::Input { run, data } => {
            let reply = input(guest, run, data);
            guest.send(&Message::Reply { id, reply });
        }
        Request::Cancel { run } => {
            guest.runs.tell(run, run::Order::cancel);
            guest.send(&Message::Reply { id, reply: Reply::Done });
        }
        request => {
            // A run is announced here, so that input that comes right behind it finds it.
            let order = matches!(request, Request::Run(_)).then(|| guest.runs.announce(id).ok()).flatten();
            let worker = Arc::clone(guest);
            let work = move || {
                let reply = match (&request, &order) {
                    (Request::Run(run), Some(order)) => run::answer(&worker, id, run, order),
                    _ => answer(&worker, &request),
                };
                worker.send(&Message::Reply { id, reply });
            };
            if let Err(error) = workers.give(work) {
                let failure = crate::failure::failed("start", "a thread of the guest", &error);
                guest.note_limit(&failure);
                guest.send(&Message::Reply { id, reply: Reply::Failed(failure) });
            }
        }
    }
}

fn input(guest: &Guest, run: u64, data: Option<String>) -> Reply {
    let Some(data) = data else {
        guest.runs.tell(run, run::Order::close);
        return Reply::Done;
    };
    match STANDARD.decode(data) {
        Ok(bytes) => {
            guest.runs.tell(run, |order| order.input(&bytes));
            Reply::Done
        }
        Err(error) => Reply::Failed(crate::failure::refused(format!("read the input: {error}"))),
    }
}

/// Answers everything but runs and the orders to them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are asked in turn, and the last answer is a refusal")]
fn answer(guest: &Arc<Guest>, request: &Request) -> Reply {
    let result = match request {
        Request::Start(start) => guest.services.start(guest, start).map(Reply::Service),
        Request::Stop { name, signal, within } => {
            guest.services.stop(name, *signal, Duration::from_millis(*within)).map(Reply::Service)
        }
        Request::Services => Ok(Reply::Services(guest.services.states())),
        Request::Deaths => Ok(Reply::Deaths(guest.reaper.deaths())),
        Request::Usage => Ok(Reply::Usage(usage::usage(guest))),
        other => match files::answer(guest, other) {
            Some(result) => result,
            None => observe::answer(other, &guest.context).ok_or_else(|| Failure {
                kind: FailureKind::Unsupported,
                text: "answer this request: it is not known here".into(),
            }),
        },
    };
    result.unwrap_or_else(Reply::Failed)
}
