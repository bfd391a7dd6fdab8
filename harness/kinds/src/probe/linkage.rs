//! `linkage`: unresolved libraries and symbols.

use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message::{Files, Unresolved};

use super::members::members;
use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// Executables and libraries whose needs are checked without running them.
    pub struct Linkage, "paths, or a mapping" {
        /// Executables and libraries, globs allowed; those of the probe's service when not given.
        paths: Option<OneOrMany<String>>, optional;
    }
    short paths;
    check {
        paths => inside_path,
    }
}

impl Probe for Linkage {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let paths = match (&self.paths, look.service) {
            (Some(paths), _) => paths.0.clone(),
            (None, Some(service)) => members(look, service).await?.programs(),
            (None, None) => {
                return Err(ProbeError::Blind("look at linkage: neither paths nor a service is given".to_owned()));
            }
        };
        if paths.is_empty() || (self.paths.is_some() && nothing_there(look, &paths).await?) {
            return Ok(vec![(look.key("state"), Reading::state("nothing to look at", Health::Bad))]);
        }
        unresolved(look, &look.prefix, paths).await
    }
}

/// What these executables and libraries need and do not get. Each lack is a state of its own.
pub(super) async fn unresolved(
    look: &Look<'_>,
    prefix: &Key,
    paths: Vec<String>,
) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let mut lacks = look.sandbox.linkage(paths, Vec::new()).await?;
    lacks.sort();
    lacks.dedup();
    let summary = if lacks.is_empty() {
        Reading::state("resolved", Health::Good)
    } else {
        Reading::state("unresolved", Health::Bad).because(lacks.iter().take(10).map(sentence))
    };
    let each = lacks.iter().map(|lack| {
        let missing = lack.symbol.as_ref().or(lack.library.as_ref()).map_or("", String::as_str);
        let key = prefix.child(&format!("{}: {missing}", lack.object));
        (key, Reading::state("unresolved", Health::Bad).because([sentence(lack)]))
    });
    Ok(each.chain([(prefix.child("state"), summary)]).collect())
}

fn sentence(lack: &Unresolved) -> String {
    let Unresolved { object, library, symbol } = lack;
    match (library, symbol) {
        (Some(library), Some(symbol)) => format!("{object} needs {symbol} of {library}, which lacks it"),
        (None, Some(symbol)) => format!("{object} needs {symbol}, which no library has"),
        (Some(library), None) => format!("{object} needs {library}, which is not there"),
        (None, None) => format!("{object} cannot be loaded"),
    }
}

async fn nothing_there(look: &Look<'_>, paths: &[String]) -> Result<bool, ProbeError> {
    let files = Files { paths: paths.to_vec(), limit: 1, ..Files::default() };
    Ok(look.sandbox.files(files).await?.is_empty())
}
