//! The steps of package transactions, as dpkg's log tells them. Pure.

use patchbed_model::outage::Step;
use patchbed_model::text::visible;

/// Where dpkg writes what it does.
pub(super) const LOG: &str = "/var/log/dpkg.log";

/// The steps of these lines, each with the time at which it was there. A step ends where the next one begins; the last one
/// with the last line about its package.
pub(super) fn steps(lines: &[(u64, String)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut now: Option<(&str, &str)> = None;
    for (at, line) in lines {
        let words: Vec<&str> = line.split(' ').skip(2).collect();
        let what = match (&words[..], now) {
            (["status", status, package, ..], Some((action, of))) if of == name(package) => {
                extend(&mut steps, *at);
                phase(action, status).map(|phase| (phase, of))
            }
            ([action, package, ..], _) => {
                let begun = phase(action, "").map(|phase| (phase, name(package)));
                now = begun.map(|(_, of)| (*action, of)).or(now);
                begun
            }
            _ => None,
        };
        let Some((phase, of)) = what else { continue };
        extend(&mut steps, *at);
        steps.push(Step { from: *at, to: *at, what: visible(&format!("{phase} of {of}")) });
        merge_last(&mut steps);
    }
    steps
}

/// What dpkg does once it has written that it begins with an action, or that a package has a status on its way: which of the
/// package's scripts are run then is fixed.
fn phase(action: &str, status: &str) -> Option<&'static str> {
    match (action, status) {
        ("install" | "upgrade", "" | "half-installed") => Some("unpack"),
        ("upgrade" | "remove", "half-configured") => Some("prerm"),
        ("remove", "" | "half-installed") => Some("removal"),
        ("purge", "") => Some("purge"),
        ("configure", "") => Some("configure"),
        ("trigproc", "") => Some("triggers"),
        _ => None,
    }
}

fn name(package: &str) -> &str {
    package.split(':').next().unwrap_or(package)
}

fn extend(steps: &mut [Step], at: u64) {
    if let Some(last) = steps.last_mut() {
        last.to = at;
    }
}

/// Joins the last step with the one before when both are the same.
fn merge_last(steps: &mut Vec<Step>) {
    if let [.., before, last] = &mut steps[..]
        && before.what == last.what
    {
        before.to = last.to;
        steps.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[(u64, &str)]) -> Vec<String> {
        let lines: Vec<(u64, String)> =
            lines.iter().map(|(at, line)| (*at, format!("2024-05-01 10:00:00 {line}"))).collect();
        steps(&lines).iter().map(|step| format!("{}-{} {}", step.from, step.to, step.what)).collect()
    }

    #[test]
    fn an_upgrade_is_told_script_by_script() {
        let lines = [
            (0, "startup archives unpack"),
            (10, "upgrade nginx:amd64 1.22.1-9 1.22.1-9+deb12u2"),
            (10, "status half-configured nginx:amd64 1.22.1-9"),
            (40, "status unpacked nginx:amd64 1.22.1-9"),
            (40, "status half-installed nginx:amd64 1.22.1-9"),
            (60, "status triggers-pending man-db:amd64 2.11.2-2"),
            (70, "status unpacked nginx:amd64 1.22.1-9+deb12u2"),
            (80, "startup packages configure"),
            (90, "configure nginx:amd64 1.22.1-9+deb12u2 <none>"),
            (95, "status half-configured nginx:amd64 1.22.1-9+deb12u2"),
            (200, "status installed nginx:amd64 1.22.1-9+deb12u2"),
            (210, "trigproc man-db:amd64 2.11.2-2 <none>"),
            (300, "status installed man-db:amd64 2.11.2-2"),
        ];
        assert_eq!(
            told(&lines),
            [
                "10-10 unpack of nginx",
                "10-40 prerm of nginx",
                "40-90 unpack of nginx",
                "90-210 configure of nginx",
                "210-300 triggers of man-db",
            ]
        );
    }

    #[test]
    fn a_removal_is_told_and_what_is_no_line_of_dpkg_is_not() {
        let lines = [
            (0, "remove old:all 1 <none>"),
            (0, "status half-configured old:all 1"),
            (50, "status half-installed old:all 1"),
            (80, "status not-installed old:all <none>"),
            (90, ""),
            (95, "conffile /etc/nginx.conf keep"),
        ];
        assert_eq!(told(&lines), ["0-0 removal of old", "0-50 prerm of old", "50-80 removal of old"]);
        assert!(steps(&[(5, String::new()), (6, "x".to_owned())]).is_empty());
    }
}
