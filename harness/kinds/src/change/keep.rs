//! Keeping what a change will replace, so that taking it back leaves nothing: files, and the topmost folders that are
//! not there yet. Folders that are there are not kept whole: a change that lays one file into `/usr` must not copy it.

use std::collections::BTreeSet;

use globset::escape;
use patchbed_guest::message::{FileKind, Files};
use patchbed_sandbox::Sandbox;

use super::{ChangeError, Site, WayBack};

/// Keeps these paths under the site's name, trees whole, when there is to be a way back.
pub(crate) async fn keep_whole(site: &Site<'_>, paths: Vec<String>) -> Result<(), ChangeError> {
    match site.way_back {
        WayBack::Kept => Ok(site.sandbox.keep(site.name, paths).await?),
        WayBack::Unneeded => Ok(()),
    }
}

/// Keeps these places, files and folders to come, under the site's name, when there is to be a way back. Those of
/// folders end in `/`.
pub(crate) async fn keep(site: &Site<'_>, places: &[String]) -> Result<(), ChangeError> {
    if site.way_back == WayBack::Unneeded {
        return Ok(());
    }
    let folders: BTreeSet<&str> = places.iter().flat_map(|place| folders_of(place)).collect();
    let there = existing(site.sandbox, &folders).await?;
    let mut kept = BTreeSet::new();
    for place in places {
        match folders_of(place).find(|folder| !there.contains(*folder)) {
            Some(missing) => kept.insert(missing.to_owned()),
            None if place.ends_with('/') => false,
            None => kept.insert(place.clone()),
        };
    }
    keep_whole(site, kept.into_iter().collect()).await
}

/// The folders on the way to a place, the topmost first; with the place itself when it is a folder.
fn folders_of(place: &str) -> impl Iterator<Item = &str> {
    place.match_indices('/').skip(1).map(|(at, _)| &place[..at])
}

/// Which of these paths are there; links count, as they lead to a folder or the change fails by itself.
async fn existing(sandbox: &dyn Sandbox, paths: &BTreeSet<&str>) -> Result<BTreeSet<String>, ChangeError> {
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let limit = paths.len();
    let globs = paths.iter().map(|path| escape(path)).collect();
    let asked = Files { paths: globs, exclude: Vec::new(), text_up_to: 0, limit };
    let facts = sandbox.files(asked).await?;
    Ok(facts.into_iter().filter(|fact| fact.kind != FileKind::Gone).map(|fact| fact.path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_place_come_from_the_top() {
        assert_eq!(folders_of("/etc/a/b").collect::<Vec<_>>(), ["/etc", "/etc/a"]);
        assert_eq!(folders_of("/opt/new/").collect::<Vec<_>>(), ["/opt", "/opt/new"]);
        assert_eq!(folders_of("/top").count(), 0);
    }
}
