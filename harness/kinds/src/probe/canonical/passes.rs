//! The table of what moves by itself: one line for each pattern, in the order in which they are tried.
//!
//! Patterns take as much as they can; what lies around a match is checked by hand, because the engine that
//! guarantees linear time cannot look around.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Everything replaced once; `None` when nothing was.
pub(super) fn round(text: &str) -> Option<String> {
    let mut now: Option<String> = None;
    for pass in PASSES.iter() {
        if let Some(next) = pass.replace(now.as_deref().unwrap_or(text)) {
            now = Some(next);
        }
    }
    now.filter(|now| now != text)
}

/// One pattern and what becomes of it.
struct Pass {
    pattern: Regex,
    becomes: Becomes,
}

/// What becomes of a match.
enum Becomes {
    /// A template in which `$1` is the first group.
    Template(&'static str),
    /// What the function says, given the match and the characters before and behind it; `None` lets it stand.
    Checked(fn(&Captures<'_>, Around) -> Option<String>),
}

/// The characters next to a match.
#[derive(Clone, Copy)]
struct Around {
    before: Option<char>,
    behind: Option<char>,
}

impl Around {
    /// Whether the match stands alone: no letter and no digit touches it.
    fn alone(self) -> bool {
        let free = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        free(self.before) && free(self.behind)
    }
}

impl Pass {
    fn replace(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut end = 0;
        for captures in self.pattern.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            let Some(token) = self.token(text, &captures) else { continue };
            out.push_str(&text[end..whole.start()]);
            out.push_str(&token);
            end = whole.end();
        }
        if end == 0 {
            return None;
        }
        out.push_str(&text[end..]);
        Some(out)
    }

    fn token(&self, text: &str, captures: &Captures<'_>) -> Option<String> {
        match self.becomes {
            Becomes::Template(template) => {
                let mut token = String::new();
                captures.expand(template, &mut token);
                Some(token)
            }
            Becomes::Checked(check) => {
                let whole = captures.get(0)?;
                let around = Around {
                    before: text[..whole.start()].chars().next_back(),
                    behind: text[whole.end()..].chars().next(),
                };
                check(captures, around)
            }
        }
    }
}

/// Parts that several patterns share: `{b}` a word's edge, `{day}` a name of a day, `{month}` a name of a month,
/// `{clock}` a time of day, `{zone}` what may follow it, `{epoch}` seconds since 1970, `{unit}` one of time.
const PARTS: &[(&str, &str)] = &[
    ("{b}", r"(?-u:\b)"),
    ("{day}", "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"),
    ("{month}", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"),
    ("{clock}", "[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"),
    ("{zone}", "(?: ?(?:Z|UTC|GMT|CEST|CET|[+-][0-9]{2}:?[0-9]{2})(?-u:\\b))?"),
    ("{epoch}", "1[6-9][0-9]{8}(?:[0-9]{3}|[0-9]{6}|[0-9]{9})?"),
    (
        "{unit}",
        "(?:ns|us|µs|μs|ms|s|h|nsec|usec|msec|secs?|min|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?)",
    ),
];

static PASSES: LazyLock<Vec<Pass>> = LazyLock::new(|| {
    let templates = TEMPLATES.iter().map(|(pattern, template)| (*pattern, Becomes::Template(template)));
    let checked = CHECKED.iter().map(|(pattern, check)| (*pattern, Becomes::Checked(*check)));
    templates
        .chain(checked)
        .map(|(pattern, becomes)| {
            let full = PARTS.iter().fold(pattern.to_owned(), |full, (name, part)| full.replace(name, part));
            Pass { pattern: Regex::new(&full).expect("the patterns of the table are valid"), becomes }
        })
        .collect()
});

/// Patterns that say enough by themselves.
const TEMPLATES: &[(&str, &str)] = &[
    (r"{b}[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}{b}", "⟨uuid⟩"),
    // Times with their dates: ISO, web servers, mail headers, `date`, certificates, syslog.
    (r"(?:{day},? )?{b}[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T _]{clock}{zone}", "⟨time⟩"),
    (r"(?:{day},? )?{b}[0-9]{1,2}[/ -]{month}[/ -][0-9]{4}[: ]{clock}{zone}", "⟨time⟩"),
    (r"(?:{day} )?{b}{month} {1,2}[0-9]{1,2} {clock}{zone}(?: [0-9]{4}{b}{zone})?", "⟨time⟩"),
    (r"{b}20[0-9]{6}[T-]?[0-9]{6}(?:Z|{b})", "⟨time⟩"),
    // Dates alone. A version such as `1.2-2024-01-31` keeps its date: something stands before it.
    (r#"(^|[\s"'(\[{<=,_>])(?:19|20)[0-9]{2}[-/](?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12][0-9]|3[01]){b}"#, "$1⟨date⟩"),
    (r"{b}[0-9]{1,2}[/ -]{month}[/ -](?:19|20)[0-9]{2}{b}", "⟨date⟩"),
    (r"{b}{month} {1,2}[0-9]{1,2},? (?:19|20)[0-9]{2}{b}", "⟨date⟩"),
    // Seconds since 1970, from 2020 to 2033, and their thousandths, millionths and billionths: with a fraction, behind
    // a word that says so, or where a log line begins. Any other number of ten digits is a number.
    (r"{b}{epoch}\.[0-9]+{b}", "⟨time⟩"),
    (r"(?m)^(\[?){epoch}(\]?:? |\])", "$1⟨time⟩$2"),
    (
        r#"((?i-u:time|date|stamp|epoch|since|{b}ts|{b}at|{b}exp|{b}iat|{b}nbf|expires|created|modified|updated|started)["']?[ :=@(]{1,3}["']?){epoch}{b}"#,
        "$1⟨time⟩",
    ),
    (r"(^|[\s=(])@{epoch}{b}", "$1@⟨time⟩"),
    // Durations: broken numbers, and whole ones only behind a word that says they were measured. A limit in a
    // configuration is a whole number that means something.
    (r"{b}[0-9]+\.[0-9]+ ?{unit}{b}", "⟨duration⟩"),
    (
        r"{b}((?i-u:in|took|elapsed|uptime|up|duration|latency|spent|time))([ :=]{1,2})[0-9]+ ?{unit}{b}",
        "$1$2⟨duration⟩",
    ),
    // Process ids as programs name them, nginx's `12#12: *3`, redis's `12:M`, `name[12]:` of syslog, PostgreSQL's
    // `time [12]`, and `/proc/12`.
    (r#"{b}((?i-u:p?pid|tid|lwp)["']?[ :=#/(]{1,3}["']?)[0-9]+{b}"#, "$1⟨pid⟩"),
    (r"{b}((?i-u:process|child|thread)(?: id)?[ #(]{1,2})[0-9]+{b}", "$1⟨pid⟩"),
    (r"{b}[0-9]+#[0-9]+:(?: \*[0-9]+{b})?", "⟨pid⟩:"),
    (r"(?m)^[0-9]+:([XCSM]) ", "⟨pid⟩:$1 "),
    (r"([A-Za-z0-9_.)@-])\[[0-9]+\]:", "$1[⟨pid⟩]:"),
    (r"⟨time⟩ \[[0-9]+(?:-[0-9]+)?\]", "⟨time⟩ [⟨pid⟩]"),
    (r"/proc/[0-9]+{b}", "/proc/⟨pid⟩"),
    (r"{b}((?i-u:inode|ino)[ :=#]{1,3})[0-9]+{b}", "$1⟨inode⟩"),
    (r"{b}(socket|pipe):\[[0-9]+\]", "$1:[⟨inode⟩]"),
    (r"{b}([Ss]ession )c?[0-9]+{b}", "$1⟨id⟩"),
    // Long hexadecimal numbers are digests, which mean something, unless what stands before them says that they are ids.
    (
        r#"((?i-u:{b}(?:machine|boot|container|sandbox|pod|instance)(?:[ _-]?(?:id|uuid))?)["']?[ :=]{1,3}["']?)[0-9A-Fa-f]{32,64}{b}"#,
        "$1⟨hex⟩",
    ),
    (r"((?:docker|libpod|crio|containerd|containers|kubepods|journal)[/-])[0-9a-f]{32,64}{b}", "$1⟨hex⟩"),
    (r"{b}0x[0-9A-Fa-f]{6,}{b}", "⟨address⟩"),
    (r"/(tmp\.)[A-Za-z0-9]{6,12}{b}", "/$1⟨name⟩"),
    (r"/tmp[a-z0-9_]{8}{b}", "/⟨name⟩"),
];

/// Patterns whose matches need a second look.
#[expect(clippy::type_complexity, reason = "a table of two columns")]
const CHECKED: &[(&str, fn(&Captures<'_>, Around) -> Option<String>)] = &[
    (r"(?:[0-9A-Fa-f]{2}:){5,}[0-9A-Fa-f]{2}|[0-2]?[0-9]:[0-5][0-9]:[0-5][0-9](?:[.,][0-9]+)?", clock_or_hardware),
    (r"((?:/var)?/tmp/|/dev/shm/)([A-Za-z0-9_.-]+)", temporary_name),
    (r"\.[A-Za-z0-9]{6}", temporary_ending),
    (
        r#"((?i-u:(?:php|j)?sess(?:ion)?[_-]?id|sid|(?:request|req|trace|span|correlation|invocation)[_-]?id|nonce|csrf[_-]?token|csrfmiddlewaretoken)["']?[ ]?[=:][ ]?["']?)([A-Za-z0-9+/_.~-]{4,}={0,2})"#,
        named_id,
    ),
    (r"(sha256:|error:)?[0-9A-Fa-f]{8,}", hexadecimal),
    (r"(:|(?i-u:port)[ =:#]{1,2})([0-9]{5})", port),
    (r"(?m)^((?:tcp|udp|raw|unix)[^\n]*\s)[0-9]{1,7}/([A-Za-z_][A-Za-z_.-]*)", process_prefix),
];

/// `10:20:30` is a time, `02:42:ac:11:00:02` a hardware address; a longer one is a fingerprint and stays.
fn clock_or_hardware(captures: &Captures<'_>, around: Around) -> Option<String> {
    let touched = |c: char| c.is_ascii_alphanumeric() || c == ':';
    if around.before.is_some_and(|c| touched(c) || c == '.') || around.behind.is_some_and(touched_behind) {
        return None;
    }
    match captures[0].split(':').count() {
        3 => Some("⟨time⟩".to_owned()),
        6 => Some("⟨hardware⟩".to_owned()),
        _ => None,
    }
}

/// A colon may follow a time, as in `10:20:30: started`.
fn touched_behind(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// Parts of a name below `/tmp` that look made up.
fn temporary_name(captures: &Captures<'_>, _: Around) -> Option<String> {
    let mut name = String::new();
    for piece in captures[2].split_inclusive(['.', '-', '_']) {
        let word = piece.trim_end_matches(['.', '-', '_']);
        if looks_made_up(word) {
            name.push_str("⟨name⟩");
            name.push_str(&piece[word.len()..]);
        } else {
            name.push_str(piece);
        }
    }
    (name != captures[2]).then(|| format!("{}{name}", &captures[1]))
}

/// At least six letters and digits that are no word: digits among letters, or capitals behind small letters.
fn looks_made_up(word: &str) -> bool {
    let digit = word.bytes().any(|b| b.is_ascii_digit());
    let letter = word.bytes().any(|b| b.is_ascii_alphabetic());
    let small = word.bytes().any(|b| b.is_ascii_lowercase());
    let inner_capital = word.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    word.len() >= 6 && ((digit && letter) || (small && inner_capital))
}

/// `.aB3xYz`, as `mkstemp` makes it: six characters of all three kinds. `.Debian` stays.
fn temporary_ending(captures: &Captures<'_>, around: Around) -> Option<String> {
    let word = &captures[0][1..];
    let all = word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase());
    let ends = around.behind.is_none_or(|c| !c.is_ascii_alphanumeric());
    let follows = around.before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '/');
    (all && ends && follows).then(|| ".⟨name⟩".to_owned())
}

/// How many hexadecimal digits the usual digests have: of MD5, SHA-1 and git, SHA-224, SHA-256, SHA-384, SHA-512.
const DIGESTS: [usize; 6] = [32, 40, 56, 64, 96, 128];

/// A run of hexadecimal digits with both kinds in it, unless its prefix or its length says that it means something.
fn hexadecimal(captures: &Captures<'_>, around: Around) -> Option<String> {
    let word = &captures[0];
    let both = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    let means = captures.get(1).is_some() || DIGESTS.contains(&word.len());
    (!means && both && around.alone()).then(|| "⟨hex⟩".to_owned())
}

/// A value that its name calls an id, when it has a digit.
fn named_id(captures: &Captures<'_>, around: Around) -> Option<String> {
    let starts = around.before.is_none_or(|c| !c.is_ascii_alphanumeric());
    let digit = captures[2].bytes().any(|b| b.is_ascii_digit());
    (starts && digit).then(|| format!("{}⟨id⟩", &captures[1]))
}

/// The ports that the kernel chooses from when a program asks for any.
pub(in super::super) const CHOSEN_BY_KERNEL: RangeInclusive<u16> = 32_768..=60_999;

/// A port that the kernel chose, behind a host or the word `port`.
fn port(captures: &Captures<'_>, around: Around) -> Option<String> {
    let ends = around.behind.is_none_or(|c| !c.is_ascii_alphanumeric());
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, ']' | '*' | '⟩');
    let starts = if &captures[1] == ":" {
        around.before.is_some_and(host)
    } else {
        around.before.is_none_or(|c| !c.is_ascii_alphanumeric())
    };
    let chosen = captures[2].parse().is_ok_and(|port| CHOSEN_BY_KERNEL.contains(&port));
    (starts && ends && chosen).then(|| format!("{}⟨port⟩", &captures[1]))
}

/// `123/nginx` in a line of `netstat -p`. `80/tcp` stays.
fn process_prefix(captures: &Captures<'_>, _: Around) -> Option<String> {
    let name = &captures[2];
    let protocol = matches!(name.to_ascii_lowercase().as_str(), "tcp" | "udp" | "tcp6" | "udp6" | "sctp" | "tls");
    (!protocol).then(|| format!("{}⟨pid⟩/{name}", &captures[1]))
}
