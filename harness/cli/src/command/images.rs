//! `images`: what there is to start from.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::{AnySource, Entry, Image, Source as _, Workshop, build};
use patchbed_kinds::image::{directory::Directory, host::Host, tar::Tar};
use patchbed_model::Exit;
use patchbed_report::{safe, words};
use patchbed_sandbox::SandboxSpec;
use serde_json::json;

use super::{contents, loading, sandboxes};
use crate::arguments::ImagesWord;
use crate::context::Context;
use crate::failure::Failure;

/// An image as it is described: where it is written, where it comes from, what is installed on top.
pub(super) struct Described {
    base: Utf8PathBuf,
    source: AnySource,
    install: Vec<AnyChange>,
}

pub(super) fn execute(context: &Context, word: ImagesWord) -> Result<Exit, Failure> {
    match word {
        ImagesWord::List { json } => list(context, json),
        ImagesWord::Build { name, offline } => make(context, &name, offline),
        ImagesWord::Import { from, name } => import(context, &from, name.as_deref()),
        ImagesWord::Inspect { name, json } => inspect(context, &name, json),
        ImagesWord::Compare { one, other, json } => contents::compare(context, [&one, &other], json),
        ImagesWord::Adopt => adopt(context),
        ImagesWord::Remove { name } => remove(context, &name),
    }
}

/// The spec of a sandbox on an image: `host`, a folder as it stands, a tarball, or an image by name.
pub(super) async fn spec(context: &Context, word: &str) -> Result<SandboxSpec, Failure> {
    let mut word = word;
    if word != "host" && super::shell::is_path(word) && Utf8Path::new(word).is_dir() {
        let folder = Utf8Path::new(word).canonicalize_utf8()?;
        if folder != "/" {
            return Ok(SandboxSpec::on("shell", vec![folder]));
        }
        word = "host";
    }
    let described = describe(context, word)?;
    Ok(described.make(context, false).await?.spec("shell"))
}

/// What a word means.
pub(super) fn describe(context: &Context, word: &str) -> Result<Described, Failure> {
    let here = |source| Described { base: Utf8PathBuf::from("."), source, install: Vec::new() };
    if word == "host" {
        return Ok(here(AnySource::Host(Host { exclude: None, include: None })));
    }
    let path = Utf8Path::new(word);
    let is_image_file = path.extension().is_some_and(|ending| matches!(ending, "yaml" | "yml"));
    if !super::shell::is_path(word) || is_image_file {
        return named(context, word);
    }
    if path.is_dir() {
        return Ok(here(AnySource::Directory(Directory { path: word.to_owned() })));
    }
    if path.is_file() {
        return Ok(here(AnySource::Tar(Tar { path: word.to_owned(), sha256: None })));
    }
    Err(Failure::say(Exit::Usage, format!("there is no image at `{word}`")))
}

/// An image that the project describes.
fn named(context: &Context, name: &str) -> Result<Described, Failure> {
    if let Some(image) = loading::image(context, name)? {
        return Ok(Described { base: image.base, source: image.source, install: image.install });
    }
    let failure = Failure::say(Exit::Usage, format!("there is no image `{name}`"));
    Err(failure.help("an image is `host`, a folder, a tarball, or a file `scenarios/images/NAME.yaml`"))
}

impl Described {
    pub(super) async fn make(&self, context: &Context, offline: bool) -> Result<Image, Failure> {
        let backend = sandboxes::backend(context);
        let store = sandboxes::store(context)?;
        let workshop = Workshop { backend: &backend, store: &store, base: &self.base, image: None, offline };
        if self.install.is_empty() {
            return Ok(self.source.make(&workshop).await?);
        }
        Ok(build(&workshop, &self.source, &self.install).await?)
    }
}

fn make(context: &Context, name: &str, offline: bool) -> Result<Exit, Failure> {
    sandboxes::sweep_leftovers(context);
    let described = describe(context, name)?;
    let image = sandboxes::block_on(described.make(context, offline))??;
    context.output.line(&format!("{}  {}", image.digest, safe::shown(name, context.output.look())));
    Ok(Exit::Ok)
}

fn import(context: &Context, from: &Utf8Path, name: Option<&str>) -> Result<Exit, Failure> {
    sandboxes::sweep_leftovers(context);
    let path = from
        .canonicalize_utf8()
        .map_err(|error| Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("read `{from}`"))))?;
    let file = name.map(image_file).transpose()?;
    let (kind, source) = if path.is_dir() {
        ("directory", AnySource::Directory(Directory { path: path.to_string() }))
    } else {
        ("tar", AnySource::Tar(Tar { path: path.to_string(), sha256: None }))
    };
    let described = Described { base: Utf8PathBuf::from("."), source, install: Vec::new() };
    let image = sandboxes::block_on(described.make(context, true))??;
    context.output.line(&format!("{}  {}", image.digest, safe::shown(from.as_str(), context.output.look())));
    let Some(file) = file else { return Ok(Exit::Ok) };
    let text = format!("# Taken in with `patchbed images import`.\n{kind}: {}\n", json!(path.as_str()));
    crate::reports::write_whole(&file, text.as_bytes())?;
    context.output.say(&format!("written: {file}"));
    Ok(Exit::Ok)
}

/// The file of a new image of the project. The name must not lead elsewhere, and nothing is written over.
fn image_file(name: &str) -> Result<Utf8PathBuf, Failure> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(good) {
        return Err(Failure::say(
            Exit::Usage,
            format!("`{name}` is no name of an image: letters, digits, `-`, `_`, `.`"),
        ));
    }
    let folder = Utf8PathBuf::from("scenarios/images");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.yaml"));
    if file.exists() {
        return Err(Failure::say(Exit::Usage, format!("`{file}` is there already")));
    }
    Ok(file)
}

fn list(context: &Context, json: bool) -> Result<Exit, Failure> {
    let described = described_here();
    let entries = sandboxes::store(context)?.list()?;
    if json {
        let stored: Vec<_> = entries.iter().map(document).collect();
        let document = json!({ "schema": "patchbed/images/1", "described": described, "stored": stored });
        context.output.json(&document)?;
        return Ok(Exit::Ok);
    }
    let look = context.output.look();
    for name in &described {
        context.output.line(&format!("described  {}", safe::shown(name, look)));
    }
    for entry in &entries {
        let source = safe::shown(&entry.meta.source, look);
        let line =
            format!("{:<9}  {}  {:>9}  {source}", entry.shelf.folder(), entry.digest.short(), size(entry.meta.bytes));
        context.output.line(&line);
    }
    let bytes = entries.iter().map(|entry| entry.meta.bytes).sum();
    context.output.say(&format!(
        "{}, {} stored, {}",
        words::count(described.len(), "described image"),
        words::count(entries.len(), "entry"),
        size(bytes)
    ));
    Ok(Exit::Ok)
}

/// The names under `scenarios/images/`.
fn described_here() -> Vec<String> {
    let folder = Utf8PathBuf::from("scenarios/images");
    let Ok(entries) = folder.read_dir_utf8() else { return Vec::new() };
    let name = |path: &Utf8Path| path.file_name().and_then(|name| name.strip_suffix(".yaml")).map(ToOwned::to_owned);
    let mut names: Vec<String> = entries.filter_map(|entry| name(entry.ok()?.path())).collect();
    names.sort();
    names
}

fn document(entry: &Entry) -> serde_json::Value {
    json!({
        "shelf": entry.shelf, "digest": entry.digest, "source": entry.meta.source,
        "entries": entry.meta.entries, "bytes": entry.meta.bytes, "notes": entry.meta.notes,
    })
}

/// A size as people say it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut shift = 0;
    while shift + 1 < UNITS.len() && bytes >> (10 * (shift + 1)) > 0 {
        shift += 1;
    }
    if shift == 0 {
        return format!("{bytes} B");
    }
    let tenths = (bytes >> (10 * (shift - 1))) * 10 / 1024;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[shift])
}

/// The entries of the store that a digest, or a name by way of its image, means.
fn stored(context: &Context, name: &str) -> Result<Vec<Entry>, Failure> {
    let store = sandboxes::store(context)?;
    let digits = name.trim_start_matches("sha256:");
    if digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let found = store.inspect(digits)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let image = sandboxes::block_on(describe(context, name)?.make(context, true))??;
    let of = |layer: &Utf8PathBuf| layer.parent().and_then(Utf8Path::file_name).map(ToOwned::to_owned);
    let layers: Vec<String> = image.lowers.iter().filter_map(of).collect();
    let mut found = store.list()?;
    found.retain(|entry| layers.iter().any(|layer| layer == entry.digest.hex()));
    Ok(found)
}

fn inspect(context: &Context, name: &str, json: bool) -> Result<Exit, Failure> {
    let entries = stored(context, name)?;
    if json {
        context.output.json(&entries.iter().map(document).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    let look = context.output.look();
    for entry in &entries {
        context.output.line(&format!("{} {}", entry.shelf.folder(), entry.digest));
        context.output.line(&format!("  from     {}", safe::shown(&entry.meta.source, look)));
        context.output.line(&format!("  holds    {} entries, {}", entry.meta.entries, size(entry.meta.bytes)));
        context.output.line(&format!("  folder   {}", safe::shown(entry.root.as_str(), look)));
        for note in &entry.meta.notes {
            context.output.line(&format!("  note     {}", safe::shown(note, look)));
        }
    }
    if entries.is_empty() {
        context.output.say("nothing of it is in the store");
    }
    Ok(Exit::Ok)
}

fn adopt(context: &Context) -> Result<Exit, Failure> {
    let adopted = sandboxes::store(context)?.adopt()?;
    context.output.line(&format!("{} taken in", words::count(adopted, "entry")));
    Ok(Exit::Ok)
}

fn remove(context: &Context, name: &str) -> Result<Exit, Failure> {
    let entries = stored(context, name)?;
    if entries.is_empty() {
        return Err(Failure::say(Exit::Nothing, format!("nothing of `{name}` is in the store")));
    }
    let store = sandboxes::store(context)?;
    for entry in &entries {
        let word = if store.remove_entry(entry)? { "removed" } else { "in use, kept" };
        context.output.line(&format!("{word}: {} {}", entry.shelf.folder(), entry.digest));
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_as_people_say_them() {
        let shown: Vec<String> = [0, 1023, 1024, 1536, 5 << 30].map(size).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
    }
}
