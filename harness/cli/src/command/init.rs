//! `init`: an image that is looked at while it runs, and a scenario for what was seen.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_engine::init::{Heading, Sight, look, written};
use patchbed_engine::run::{BaselineChoice, Candidates, Options, SystemClock};
use patchbed_engine::scenario::Scenario;
use patchbed_kinds::change::pending;
use patchbed_kinds::image::{Image, Workshop};
use patchbed_model::Exit;
use patchbed_report::words;
use patchbed_sandbox::{Backend as _, Init};
use serde_json::json;

use super::{images, loading, noise, run, sandboxes, shell};
use crate::arguments::InitArguments;
use crate::context::Context;
use crate::failure::Failure;

/// Where scenarios lie.
const FOLDER: &str = "scenarios";

/// How many attempts without any patch tell what moves by itself.
const ATTEMPTS: u32 = 3;

/// How long the sandbox of the look may live beside the time for which it watches.
const LOOK: Duration = Duration::from_mins(10);

pub(super) fn execute(context: &Context, arguments: &InitArguments) -> Result<Exit, Failure> {
    let name = name(&arguments.image);
    let file = Utf8Path::new(FOLDER).join(format!("{name}.yaml"));
    if file.exists() && !arguments.force && !arguments.stdout {
        let failure = Failure::say(Exit::Usage, format!("`{file}` is there already"));
        return Err(failure.help("`--force` writes over it, `--stdout` prints the scenario instead"));
    }
    sandboxes::sweep_leftovers(context);
    let described = images::describe(context, &arguments.image)?;
    let sight = sandboxes::block_on(async {
        let image = described.make(context, arguments.means.offline).await?;
        seen(context, arguments, &image).await
    })??;
    let mut page = Page { context, arguments, name, sight, moves: None };
    let exit = if arguments.no_start { Exit::Ok } else { page.settle()? };
    let text = page.text(Utf8Path::new(FOLDER));
    page.loaded()?;
    if exit != Exit::Ok {
        return Ok(exit);
    }
    if arguments.stdout {
        context.output.document(text.as_bytes());
        return Ok(Exit::Ok);
    }
    std::fs::create_dir_all(FOLDER)?;
    crate::reports::write_whole(&file, text.as_bytes())?;
    context.output.line(&format!("written: {file} ({})", page.counted()));
    context.output.say(&format!("next: patchbed run {file}"));
    Ok(Exit::Ok)
}

/// What the scenario is called: an image's name, or that of its file.
fn name(image: &str) -> String {
    let path = Utf8Path::new(image);
    let name = match path.file_name() {
        Some(name) if path.is_dir() => name,
        Some(name) => name.split('.').find(|part| !part.is_empty()).unwrap_or(name),
        None => "host",
    };
    patchbed_engine::scenario::key_part(name)
}

/// Opens the image, starts what it starts, and looks; its sources are asked meanwhile.
async fn seen(context: &Context, arguments: &InitArguments, image: &Image) -> Result<Sight, Failure> {
    let backend = sandboxes::backend(context);
    let store = sandboxes::store(context)?;
    let starts = !arguments.no_start && has_systemd(image);
    if !starts && !arguments.no_start {
        context.output.warn("the image has no systemd, so nothing is started: say under `services:` what runs");
    }
    let mut spec = image.spec("init");
    spec.limits.time = LOOK + arguments.watch;
    spec.init = if starts { Init::Systemd } else { Init::Guest };
    let base = Utf8PathBuf::from(".");
    let workshop = Workshop {
        backend: &backend,
        store: &store,
        base: &base,
        image: Some(image),
        offline: arguments.means.offline,
    };
    context.output.say("asking the image's sources for updates, and watching what it starts");
    let sandbox = backend.open(&spec).await?;
    let watch = starts.then_some(arguments.watch);
    let waits = async { pending(&workshop).await.map_err(|error| error.to_string()) };
    let sight = look(&*sandbox, &SystemClock::new(), watch, waits).await;
    let closed = sandbox.close().await;
    let sight = sight.map_err(|error| Failure::new(Exit::Temporary, error))?;
    closed?;
    Ok(sight)
}

/// Whether the image holds systemd, whatever its layers are.
fn has_systemd(image: &Image) -> bool {
    let programs = ["lib/systemd/systemd", "usr/lib/systemd/systemd"];
    image.lowers.iter().any(|lower| programs.iter().any(|program| lower.join(program).is_file()))
}

/// The scenario in the making.
struct Page<'a> {
    context: &'a Context,
    arguments: &'a InitArguments,
    name: String,
    sight: Sight,
    moves: Option<Vec<String>>,
}

impl Page<'_> {
    /// Runs the scenario without its patch, and leaves out what is ill without it, until nothing is.
    fn settle(&mut self) -> Result<Exit, Failure> {
        loop {
            let scenario = self.loaded()?;
            self.context.output.say(&format!("running it {ATTEMPTS} times without any patch"));
            let options = Options {
                baseline: BaselineChoice::Control,
                candidates: Candidates::Skip,
                ..run::ordinary(self.context, &self.arguments.means)
            };
            let still = noise::still(self.context, scenario, ATTEMPTS, options)?;
            if matches!(still.exit, Exit::Interrupted | Exit::Terminated) {
                return Ok(still.exit);
            }
            if !self.sight.leave_out(&still.ill) {
                if let Some(reason) = still.reason {
                    self.context.output.warn(&format!("as it is, the environment is ill without any patch: {reason}"));
                }
                self.moves = Some(still.moves);
                return Ok(Exit::Ok);
            }
        }
    }

    fn text(&self, folder: &Utf8Path) -> String {
        let InitArguments { image, watch, no_start, .. } = self.arguments;
        let looked = if *no_start {
            "files and packages were looked at, nothing was started".to_owned()
        } else {
            format!("what the image starts was watched for {} s", watch.as_secs())
        };
        let heading = Heading {
            command: format!("patchbed init {image}"),
            name: self.name.clone(),
            image: image_of(image, folder),
            looked,
            moves: self.moves.clone(),
        };
        written(&heading, &self.sight)
    }

    /// The scenario as it would be read.
    fn loaded(&self) -> Result<Scenario, Failure> {
        let folder = if Utf8Path::new(FOLDER).is_dir() { Utf8Path::new(FOLDER) } else { Utf8Path::new(".") };
        let file = tempfile::Builder::new().prefix(&format!("{}-", self.name)).suffix(".yaml").tempfile_in(folder)?;
        std::fs::write(file.path(), self.text(folder))?;
        let path =
            Utf8PathBuf::from_path_buf(file.path().to_owned()).map_err(|_| Failure::say(Exit::Bug, "no path"))?;
        let files = crate::arguments::Files { files: vec![path], set: Vec::new() };
        let mut scenarios = loading::scenarios(self.context, &files)?;
        scenarios.pop().ok_or_else(|| Failure::say(Exit::Bug, "what was written is no scenario"))
    }

    fn counted(&self) -> String {
        let Sight { services, products, pending, .. } = &self.sight;
        [
            words::count(services.len(), "service"),
            words::count(products.len(), "product"),
            words::count(pending.updates.len(), "update"),
        ]
        .join(", ")
    }
}

/// What stands behind `image:`, for a file in that folder.
fn image_of(word: &str, folder: &Utf8Path) -> String {
    if word == "host" || word == "/" {
        return "{ host: {} }".to_owned();
    }
    let path = Utf8Path::new(word);
    let is_yaml = path.extension().is_some_and(|ending| matches!(ending, "yaml" | "yml"));
    if !shell::is_path(word) {
        return word.to_owned();
    }
    let from_there = if path.is_absolute() || folder == "." { path.to_owned() } else { Utf8Path::new("..").join(path) };
    let text = json!(from_there.as_str());
    match (is_yaml, path.is_dir()) {
        (true, _) => text.to_string(),
        (false, true) => format!("{{ directory: {text} }}"),
        (false, false) => format!("{{ tar: {text} }}"),
    }
}
