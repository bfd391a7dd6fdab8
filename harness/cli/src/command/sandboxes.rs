//! What commands share that open sandboxes: the backend, the store, a runtime, and the sweep of what was left behind.

use std::future::Future;

use camino::Utf8PathBuf;
use patchbed_kinds::image::Store;
use patchbed_report::words;
use patchbed_sandbox::{Backend, NamespacesBackend, SandboxSpec, sweep};

use crate::context::Context;
use crate::failure::Failure;

/// The backend of this user. Starts nothing yet.
pub(super) fn backend(context: &Context) -> NamespacesBackend {
    NamespacesBackend::new(&context.folders.sandboxes)
}

/// The store of images and layers.
pub(super) fn store(context: &Context) -> Result<Store, Failure> {
    Ok(Store::open(context.folders.cache.clone())?)
}

/// Removes of the store what was used longest ago, until it takes no more than so many bytes.
pub(super) fn shrink(context: &Context, bytes: u64) -> Result<(), Failure> {
    let removed = store(context)?.shrink(bytes)?;
    if !removed.is_empty() {
        let size = super::images::size(removed.iter().map(|entry| entry.meta.bytes).sum());
        let text = format!("{} of the cache removed ({size}), used longest ago", words::count(removed.len(), "entry"));
        context.output.say(&text);
    }
    Ok(())
}

/// Removes what killed runs left behind, and says what.
pub(super) fn sweep_leftovers(context: &Context) {
    match sweep(&context.folders.sandboxes) {
        Ok(lines) => lines.iter().for_each(|line| context.output.say(&format!("swept: {}", safe(context, line)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => context.output.warn(&format!("cannot sweep `{}`: {error}", context.folders.sandboxes)),
    }
    expire(context);
}

/// Removes the disks that were kept for a day, and says which.
fn expire(context: &Context) {
    if !context.folders.cache.is_dir() {
        return;
    }
    let expired = Store::open(context.folders.cache.clone()).and_then(|store| store.expire());
    match expired {
        Ok(disks) => disks.iter().for_each(|disk| {
            context.output.say(&format!("removed: the disk of {}", safe(context, &disk.meta.source)));
        }),
        Err(error) => context.output.warn(&format!("disks stay longer than a day: {}", error.text())),
    }
}

fn safe(context: &Context, line: &str) -> String {
    patchbed_report::safe::shown(line, context.output.speech_look())
}

/// Runs something that waits on this thread, for commands that open one sandbox.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// An empty folder that stays: several trials may use it at one time.
fn empty_root(context: &Context) -> std::io::Result<Utf8PathBuf> {
    let root = context.folders.sandboxes.join("empty");
    std::fs::create_dir_all(&root)?;
    root.canonicalize_utf8()
}

/// Opens and closes one sandbox on an empty folder, which every user may. Gives back what could not be limited, or why
/// none opened.
pub(super) fn trial(context: &Context, backend: &NamespacesBackend) -> Result<Vec<String>, String> {
    sweep_leftovers(context);
    let root = empty_root(context).map_err(|error| format!("make `{}`: {error}", context.folders.sandboxes))?;
    let spec = SandboxSpec::on("doctor", vec![root]);
    let opened = block_on(async {
        let sandbox = backend.open(&spec).await.map_err(anyhow::Error::new)?;
        let notes = sandbox.notes();
        sandbox.close().await.map_err(anyhow::Error::new)?;
        Ok::<_, anyhow::Error>(notes)
    });
    match opened {
        Ok(Ok(notes)) => Ok(notes),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(failure) => Err(failure.to_string()),
    }
}

/// A store of this run's own: nothing is found made in it. What an earlier one left is removed first.
pub(super) fn fresh_store(context: &Context) -> Result<Store, Failure> {
    remove_fresh_store(context)?;
    Ok(Store::open(fresh_root(context)?)?)
}

/// Layers are opened from other folders than the project's, so their paths are absolute.
fn fresh_root(context: &Context) -> Result<Utf8PathBuf, Failure> {
    Ok(camino::absolute_utf8(context.folders.kept("no-cache"))?)
}

/// Removes the store of a run with `--no-cache`, this one's or one's that was killed.
pub(super) fn remove_fresh_store(context: &Context) -> Result<(), Failure> {
    let root = fresh_root(context)?;
    if root.exists() {
        Store::open(root.clone())?.remove(std::time::Duration::ZERO)?;
        // What is left are the store's own folders, without anything of another user in them.
        std::fs::remove_dir_all(root)?;
    }
    Ok(())
}
