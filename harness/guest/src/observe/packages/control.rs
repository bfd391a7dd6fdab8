//! dpkg's control files: paragraphs of fields, some over several lines.

use std::collections::BTreeMap;

use crate::message::FailureKind;
use crate::observe::failure::{self, Result};

/// A paragraph, its fields by their names in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Paragraph<'a> {
    fields: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Paragraph<'a> {
    /// The first line of a field.
    pub(crate) fn line(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name).and_then(|lines| lines.first()).copied()
    }

    /// A field over all its lines, as one line.
    pub(crate) fn joined(&self, name: &str) -> String {
        self.fields.get(name).map_or_else(String::new, |lines| lines.join(" "))
    }
}

/// Takes a file apart. A line that is no field and continues none is a failure, as it is for dpkg.
pub(crate) fn paragraphs<'a>(file: &str, text: &'a str) -> Result<Vec<Paragraph<'a>>> {
    let mut paragraphs = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut last: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            take(&mut paragraph, &mut paragraphs);
            last = None;
        } else if line.starts_with([' ', '\t']) && last.is_some() {
            if let Some(lines) = last.as_ref().and_then(|name| paragraph.fields.get_mut(name)) {
                lines.push(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_name(name)) {
            let name = name.to_ascii_lowercase();
            paragraph.fields.insert(name.clone(), vec![value.trim()]);
            last = Some(name);
        } else {
            let text = format!("read `{file}`: line {} is no field", number + 1);
            return Err(failure::of(FailureKind::System, text));
        }
    }
    take(&mut paragraph, &mut paragraphs);
    Ok(paragraphs)
}

fn take<'a>(paragraph: &mut Paragraph<'a>, paragraphs: &mut Vec<Paragraph<'a>>) {
    let paragraph = std::mem::take(paragraph);
    if paragraph != Paragraph::default() {
        paragraphs.push(paragraph);
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_over_several_lines() {
        let text = "Package: a\nDepends: b,\n c\nDescription: short\n long\n .\n\n\n\nPackage: d\n";
        let paragraphs = paragraphs("f", text).unwrap();
        assert_eq!(paragraphs.len(), 2);
        assert_eq!(
            (paragraphs[0].joined("depends").as_str(), paragraphs[0].line("description")),
            ("b, c", Some("short"))
        );
        assert_eq!((paragraphs[1].line("package"), paragraphs[1].line("version")), (Some("d"), None));
    }

    #[test]
    fn what_is_no_field_is_a_failure() {
        let text = |text| paragraphs("/var/lib/dpkg/status", text).unwrap_err().text;
        assert_eq!(text("Package: a\nnonsense\n"), "read `/var/lib/dpkg/status`: line 2 is no field");
        assert_eq!(text("\n more\n"), "read `/var/lib/dpkg/status`: line 2 is no field");
        assert_eq!(text("\0\0\0:"), "read `/var/lib/dpkg/status`: line 1 is no field");
    }
}
