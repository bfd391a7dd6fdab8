//! What a scenario says of a unit's process, as a drop-in: a file beside the unit's own that lives as long as the sandbox.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_sandbox::message::WriteFile;
use patchbed_sandbox::{AskError, LinkError, Sandbox};

use super::service::NotReady;
use super::unit;
use crate::scenario::{Service, ServiceRun, UnitSettings};

/// Writes the drop-ins of all services that need one, and makes systemd read them. The inner error says why it did not.
pub(super) async fn write(sandbox: &dyn Sandbox, services: &[&Service]) -> Result<Result<(), NotReady>, LinkError> {
    let files: Vec<WriteFile> = services.iter().filter_map(|service| file(service)).collect();
    if files.is_empty() {
        return Ok(Ok(()));
    }
    match sandbox.write_files(files).await {
        Ok(()) => unit::reload(sandbox).await,
        Err(AskError::Failed(failure)) => Ok(Err(NotReady { text: failure.text, evidence: Vec::new() })),
        Err(AskError::Link(link)) => Err(link),
    }
}

fn file(service: &Service) -> Option<WriteFile> {
    let ServiceRun::Unit(unit) = &service.run else { return None };
    let text = text(service.settings.as_ref()?);
    let path = format!("/run/systemd/system/{unit}.d/zz-patchbed.conf");
    Some(WriteFile { path, data: STANDARD.encode(text), mode: Some(0o644), owner: Some("root:root".to_owned()) })
}

/// The lines of the drop-in. Writing to a string cannot fail.
fn text(settings: &UnitSettings) -> String {
    let mut text = String::from("[Service]\n");
    if let Some(user) = &settings.user {
        let _ = writeln!(text, "User={}", specifiers(user));
    }
    if let Some(directory) = &settings.directory {
        let _ = writeln!(text, "WorkingDirectory={}", specifiers(directory));
    }
    for (name, value) in &settings.environment {
        let _ = writeln!(text, "Environment={}", quoted(&format!("{name}={value}")));
    }
    text
}

/// Systemd puts something else where it reads `%` and a letter.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word in double quotes, in which systemd understands the escapes of C.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in specifiers(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::text;
    use crate::scenario::UnitSettings;

    #[test]
    fn values_reach_the_process_as_they_are_written() {
        let environment = [("A", "b c"), ("B", "say \"hi\" \\ %n $HOME"), ("C", "one\ntwo\t'x'")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = UnitSettings {
            user: Some("www-data".to_owned()),
            directory: Some("/srv/100% mine".to_owned()),
            environment: BTreeMap::from(environment),
        };
        insta::assert_snapshot!(text(&settings));
    }
}
