//! Sandboxes on the real kernel. What the host lacks is said as skipped; `PATCHBED_MUST=userns,overlay` forbids that.

mod bed;
mod crash;
mod files;
mod hostile;
mod life;
mod run;
mod service;
mod units;
mod user;
