//! `clean`: what is kept and need not be, and what killed runs left behind.

use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use patchbed_engine::store::State;
use patchbed_model::Exit;
use patchbed_report::words;

use super::{images, noise, sabotage, sandboxes};
use crate::arguments::CleanArguments;
use crate::context::Context;
use crate::failure::Failure;

/// How long things are kept when nothing else is said.
const KEPT: Duration = Duration::from_hours(7 * 24);

pub(super) fn execute(context: &Context, arguments: &CleanArguments) -> Result<Exit, Failure> {
    let older = arguments.older.unwrap_or(KEPT);
    if !arguments.dry_run {
        sandboxes::sweep_leftovers(context);
    }
    let kept = [context.folders.kept.clone(), context.folders.kept(noise::KEPT), context.folders.kept(sabotage::KEPT)];
    let each = kept.iter().map(|kept| runs(context, kept, (older, arguments.dry_run)));
    let runs = each.sum::<Result<usize, Failure>>()?;
    let (layers, bytes) = layers(context, older, arguments.dry_run)?;
    let verb = if arguments.dry_run { "would be removed" } else { "removed" };
    let said = format!(
        "{} and {} of the store ({}) {verb}",
        words::count(runs, "run"),
        words::count(layers, "entry"),
        images::size(bytes)
    );
    context.output.line(&said);
    Ok(Exit::Ok)
}

/// Runs that ended longer ago; the last one stays, because `show`, `accept` and `--last` speak of it.
fn runs(context: &Context, kept: &Utf8Path, (older, dry): (Duration, bool)) -> Result<usize, Failure> {
    if !kept.is_dir() {
        return Ok(0);
    }
    let state = State::open(kept)?;
    let last = state.find(None).ok();
    let mut count = 0;
    for run in state.runs()? {
        if Some(&run) == last.as_ref() || age(&state.run_folder(&run)) < older {
            continue;
        }
        context.output.say(&format!("run {run}"));
        count += 1;
        if !dry {
            state.remove(&run)?;
        }
    }
    Ok(count)
}

fn layers(context: &Context, older: Duration, dry: bool) -> Result<(usize, u64), Failure> {
    if !context.folders.cache.is_dir() {
        return Ok((0, 0));
    }
    let store = sandboxes::store(context)?;
    let entries = if dry {
        let mut entries = store.list()?;
        entries.retain(|entry| SystemTime::now().duration_since(entry.used).unwrap_or_default() >= older);
        entries
    } else {
        store.remove(older)?
    };
    for entry in &entries {
        let source = patchbed_report::safe::shown(&entry.meta.source, context.output.speech_look());
        context.output.say(&format!("{} {}  {source}", entry.shelf.folder(), entry.digest.short()));
    }
    Ok((entries.len(), entries.iter().map(|entry| entry.meta.bytes).sum()))
}

fn age(path: &Utf8Path) -> Duration {
    let changed = path.metadata().and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
    SystemTime::now().duration_since(changed).unwrap_or_default()
}
