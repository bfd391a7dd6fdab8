//! What the guest sees in real sandboxes. What the host lacks is said as skipped; `PATCHBED_MUST=userns,overlay` forbids
//! that.

#[path = "../it/bed.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod bed;
mod compiled;
mod drift;
mod hostile;
mod linkage;
mod logs;
mod network;
mod packages;
