use patchbed_model::{Class, Reading, Value};
use proptest::prelude::*;

use super::{canonical, canonical_reading};

#[test]
fn what_moves_by_itself_becomes_a_token() {
    let table = [
        ("2026-11-23T10:00:00.123Z up", "⟨time⟩ up"),
        ("2026/11/23 10:00:00 [emerg] 12#12: *3 bind()", "⟨time⟩ [emerg] ⟨pid⟩: bind()"),
        ("127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"GET /\"", "127.0.0.1 - - [⟨time⟩] \"GET /\""),
        ("Nov 23 10:00:00 web sshd[123]: closed", "⟨time⟩ web sshd[⟨pid⟩]: closed"),
        ("date: Mon, 23 Nov 2026 10:00:00 GMT", "date: ⟨time⟩"),
        ("notAfter=Nov 23 10:00:00 2027 GMT", "notAfter=⟨time⟩"),
        ("12:M 23 Nov 2026 10:00:00.123 * Ready", "⟨pid⟩:M ⟨time⟩ * Ready"),
        ("2026-11-23 10:00:00.123 UTC [77] LOG:  ready", "⟨time⟩ [⟨pid⟩] LOG:  ready"),
        ("built 2026-11-23", "built ⟨date⟩"),
        ("started at 1764000000.25", "started at ⟨time⟩"),
        ("10:20:30: started", "⟨time⟩: started"),
        ("boot 6f1c2d3e-aaaa-bbbb-cccc-0123456789ab", "boot ⟨uuid⟩"),
        ("machine 0123456789abcdef0123456789abcdef", "machine ⟨hex⟩"),
        ("at 0x7ffd12345678", "at ⟨address⟩"),
        ("took 12 ms, 0.5s, in 3 seconds", "took ⟨duration⟩, ⟨duration⟩, in ⟨duration⟩"),
        ("worker process 41 exited, pid=42, \"pid\": 43", "worker process ⟨pid⟩ exited, pid=⟨pid⟩, \"pid\": ⟨pid⟩"),
        ("tcp 0 *:80 123/nginx", "tcp 0 *:80 ⟨pid⟩/nginx"),
        ("127.0.0.1:40123 port 50000", "127.0.0.1:⟨port⟩ port ⟨port⟩"),
        ("/tmp/xyzAbc123 /tmp/tmp.abcdefgh/x", "/tmp/⟨name⟩ /tmp/tmp.⟨name⟩/x"),
        ("/etc/passwd.aB3xYz", "/etc/passwd.⟨name⟩"),
        ("PHPSESSID=ab12cd34ef; path=/", "PHPSESSID=⟨id⟩; path=/"),
        ("ether 02:42:ac:11:00:02 up", "ether ⟨hardware⟩ up"),
        ("socket:[12345] inode 77", "socket:[⟨inode⟩] inode ⟨inode⟩"),
        ("Started Session 3 of User root", "Started Session ⟨id⟩ of User root"),
        ("/proc/123/maps", "/proc/⟨pid⟩/maps"),
        ("1764000000 [info] up\n[1764000000] down", "⟨time⟩ [info] up\n[⟨time⟩] down"),
        ("\"mtime\": 1764000000, since 1764000000123", "\"mtime\": ⟨time⟩, since ⟨time⟩"),
        ("touch -d @1764000000", "touch -d @⟨time⟩"),
        ("latency=3ms, duration: 12 ms, time 7 min", "latency=⟨duration⟩, duration: ⟨duration⟩, time ⟨duration⟩"),
        ("boot_id=0123456789abcdef0123456789abcdef", "boot_id=⟨hex⟩"),
        ("/var/log/journal/0123456789abcdef0123456789abcdef/x", "/var/log/journal/⟨hex⟩/x"),
        ("request 01ab45cd89", "request ⟨hex⟩"),
        ("at 10.0.0.1:60999, port 32768", "at 10.0.0.1:⟨port⟩, port ⟨port⟩"),
    ];
    for (text, wanted) in table {
        assert_eq!(canonical(text), wanted, "of {text}");
    }
}

#[test]
fn what_means_something_stays() {
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let plain = |times| format!("{} file", "0123456789abcdef".repeat(times));
    let (sha256, sha512) = (plain(4), plain(8));
    let fingerprint = ["AB", "12"].repeat(10).join(":");
    for text in [
        "nginx/1.22.1",
        "1.22.1-9+deb12u2",
        "OpenSSL 3.0.17-1~deb12u2",
        "1:9.18.33-1~deb12u2",
        "20230311+deb12u1",
        "listening on 0.0.0.0:5432",
        "80/tcp open",
        "status=1/FAILURE",
        "/usr/share/doc/x/changelog.Debian",
        "error:0A000086:SSL routines",
        "HTTP/1.1 502 Bad Gateway",
        "keepalive_timeout 65s",
        "2001:db8:12:34:56::1",
        "/var/lib/postgresql/15/main",
        "/tmp/report.txt",
        "deadbeef facade",
        "total 12345678",
        "d41d8cd98f00b204e9800998ecf8427e  empty",
        "revision 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "total 1764000000 bytes",
        "1764000000",
        "statement_timeout = 500ms",
        "limit 100/minute, 20/hour",
        "listening on 127.0.0.1:61000 and port 65535",
        digest.as_str(),
        sha256.as_str(),
        sha512.as_str(),
        fingerprint.as_str(),
    ] {
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn facts_and_metrics_keep_their_value() {
    let fact = Reading::fact("built 2026-11-23").because(["pid 12".to_owned()]);
    let kept = canonical_reading(fact);
    assert_eq!(kept.value, Value::from("built 2026-11-23"));
    assert_eq!(kept.evidence, ["pid ⟨pid⟩"]);
    let list = Reading::content(Value::List(vec!["pid 12".to_owned()]));
    assert_eq!(canonical_reading(list).value, Value::List(vec!["pid ⟨pid⟩".to_owned()]));
    assert_eq!(canonical_reading(Reading::metric(1.5, "ms")).class, Class::Metric);
}

/// Texts made of what the passes look for, glued together at random.
fn tricky() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "2026-11-23",
        "T",
        " ",
        "10:00:00",
        ":",
        "1764000000",
        "time=",
        "tcp ",
        "0123456789abcdef0123456789abcdef",
        "boot ",
        "@",
        ".123",
        "Z",
        "Nov 23 ",
        "pid ",
        "12",
        "[",
        "]",
        "#",
        "0x",
        "7ffd12345678",
        "sha256:",
        "error:",
        "/tmp/",
        "aB3xYz",
        ".",
        "-",
        "_",
        "/proc/",
        "127.0.0.1",
        "40123",
        "port=",
        "session_id=",
        "in ",
        " ms",
        "s",
        "/nginx",
        "6f1c2d3e",
        "aaaa",
        "0123456789ab",
        "*",
        "\n",
        "ab:12:",
        "⟨time⟩",
        "Mon, ",
        "UTC",
        "é",
        "tmp.",
        "process ",
        "(",
        "23/Nov/2026",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_canonical_form_of_a_canonical_form_is_itself(text in prop_oneof![any::<String>(), tricky()]) {
        let once = canonical(&text);
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn texts_of_plain_words_are_unchanged(text in "([g-z]{1,9}[ ,.;!?-]{1,2}){0,12}") {
        prop_assert_eq!(canonical(&text), text);
    }

    #[test]
    fn versions_survive(major in 0..99u32, minor in 0..999u32, micro in 0..999u32, revision in 1..99u32) {
        for text in [format!("{major}.{minor}.{micro}"), format!("{major}.{minor}.{micro}-{revision}+deb12u{revision}")] {
            prop_assert_eq!(canonical(&text), text);
        }
    }
}
