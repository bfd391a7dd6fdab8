//! The steps of package transactions, as dpkg's log tells them. Pure.

use patchbed_model::outage::Step;
use patchbed_model::text::visible;

/// Where dpkg writes what it does.
pub(super) const LOG: &str = "/var/log/dpkg.log";

/// The steps of these lines, each with the time at which it was there. A step ends where the next one begins; the last one
/// with the status that it leads to, or at `end` where that never came.
pub(super) fn steps(lines: &[(u64, String)], end: u64) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut now, mut is_over) = (("", ""), true);
    for (at, line) in lines {
        let words: Vec<&str> = line.split(' ').skip(2).collect();
        let begun = match &words[..] {
            ["status", status, package, ..] if name(package) == now.1 => {
                is_over = !status.starts_with("half-");
                extend(&mut steps, *at);
                phase(now.0, status)
            }
            [action, package, ..] if phase(action, "").is_some() => {
                (now, is_over) = ((*action, name(package)), false);
                phase(action, "")
            }
            _ => None,
        };
        if let Some(begun) = begun {
            begin(&mut steps, Step { from: *at, to: *at, what: visible(&format!("{begun} of {}", now.1)) });
        }
    }
    if !is_over {
        extend(&mut steps, end);
    }
    steps
}

/// Adds a step, or lets the one before go on. One of the same package that took no time was only announced.
fn begin(steps: &mut Vec<Step>, step: Step) {
    let package = |what: &str| what.split(" of ").nth(1).map(str::to_owned);
    extend(steps, step.from);
    match steps.last_mut() {
        Some(last) if last.what == step.what => {}
        Some(last) if last.from == step.from && package(&last.what) == package(&step.what) => *last = step,
        Some(_) | None => steps.push(step),
    }
}

fn extend(steps: &mut [Step], to: u64) {
    if let Some(last) = steps.last_mut() {
        last.to = last.to.max(to);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[(u64, &str)]) -> Vec<String> {
        let lines: Vec<(u64, String)> =
            lines.iter().map(|(at, line)| (*at, format!("2024-05-01 10:00:00 {line}"))).collect();
        steps(&lines, 1000).iter().map(|step| format!("{}-{} {}", step.from, step.to, step.what)).collect()
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
        assert_eq!(told(&lines), ["0-50 prerm of old", "50-80 removal of old"]);
        // What was cut off goes on until the end.
        assert_eq!(told(&lines[..2]), ["0-1000 prerm of old"]);
        assert!(steps(&[(5, String::new()), (6, "x".to_owned())], 9).is_empty());
    }
}
