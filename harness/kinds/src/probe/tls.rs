//! `tls`: what a server with TLS shows of itself, asked through the image's `openssl`.

use std::net::IpAddr;

use patchbed_model::{Health, Key, Reading, Value};
use patchbed_sandbox::message::{End, Program, Ran};

use super::outputs::refusal;
use super::program::{exit, last_words};
use super::{Look, Probe, ProbeError};

crate::document! {
    /// A server with TLS: its protocol, its certificates, how long they hold and whether they can be trusted.
    pub struct Tls, "`host:port`, or a mapping with `address`" {
        /// `host:port`.
        address: String, required;
        /// The name that the server is asked for and that its certificate must have; the host when not given.
        name: Option<String>, optional;
        /// A file inside the environment with the certificates to trust; the system's own when not given.
        authority: Option<String>, optional;
    }
    short address;
    check {
        address => address,
        name => word,
        authority => inside_path,
    }
}

/// Asks the server `$1` with the options that follow, and says last until when its certificate holds.
const ASK: &str = r#"
if ! command -v openssl >/dev/null; then
    echo "openssl is not there: install it into the image" >&2
    exit 127
fi
answer=$(openssl s_client -connect "$@" -showcerts </dev/null 2>&1)
status=$?
printf '%s\n' "$answer"
[ $status = 0 ] || exit $status
holds() { printf '%s\n' "$answer" | openssl x509 -noout -checkend "$1" >/dev/null 2>&1; }
if ! holds 0; then echo 'expiry: expired'
elif ! holds $((7 * 86400)); then echo 'expiry: less than 7 days'
elif ! holds $((30 * 86400)); then echo 'expiry: less than 30 days'
else echo 'expiry: more than 30 days'
fi
"#;

impl Probe for Tls {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let mut argv = ["/bin/sh", "-c", ASK, "tls", &self.address].map(str::to_owned).to_vec();
        argv.extend(self.options());
        let environment = [("LC_ALL".to_owned(), "C".to_owned())].into();
        let program = Program { argv, environment, ..Program::default() };
        Ok(match look.ran(program, None).await? {
            Ok(ran) => readings(look, &ran),
            Err(why) => vec![(look.key("state"), why)],
        })
    }
}

impl Tls {
    /// Which name is asked for, and what must be so of the certificates.
    fn options(&self) -> Vec<String> {
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host.trim_matches(['[', ']']));
        let name = self.name.as_deref().unwrap_or(host);
        let mut options = match name.parse::<IpAddr>() {
            Ok(_) => vec!["-noservername", "-verify_ip", name],
            Err(_) => vec!["-servername", name, "-verify_hostname", name],
        };
        options.extend(self.authority.iter().flat_map(|file| ["-CAfile", file]));
        options.into_iter().map(str::to_owned).collect()
    }
}

fn readings(look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
    let answer = Answer::of(&ran.output.text);
    let bad = |value: String| vec![(look.key("state"), Reading::state(value, Health::Bad).because(last_words(ran)))];
    match ran.end {
        End::Exited(0) if answer.protocol.is_some() => {}
        End::Exited(127) => return bad("no client".to_owned()),
        End::Exited(_) if answer.connected => return bad("no handshake".to_owned()),
        End::Exited(_) => return bad(known_refusal(&ran.output.text)),
        End::Killed { .. } | End::TimedOut => return vec![(look.key("state"), exit(look, ran))],
    }
    let mut readings = vec![(look.key("state"), Reading::state("answers", Health::Good))];
    readings.extend(answer.protocol.map(|protocol| (look.key("protocol"), Reading::content(protocol))));
    readings.extend(answer.cipher.map(|cipher| (look.key("cipher"), Reading::fact(cipher))));
    readings.push((look.key("chain"), Reading::content(Value::List(answer.chain))));
    let health = |good: bool| if good { Health::Good } else { Health::Bad };
    readings.extend(answer.expiry.map(|band| (look.key("expiry"), Reading::state(band, health(band != "expired")))));
    readings.extend(answer.verified.map(|result| {
        let value = if result == TRUSTED { "yes".to_owned() } else { format!("no: {result}") };
        (look.key("verified"), Reading::state(value, health(result == TRUSTED)))
    }));
    readings
}

/// How OpenSSL says that it trusts a certificate.
const TRUSTED: &str = "ok";

/// Why there is no connection, from lines such as `BIO routines:BIO_connect:Connection refused`.
fn known_refusal(text: &str) -> String {
    let said = refusal(text);
    if said.contains('\n') || said.len() > 40 { "no connection".to_owned() } else { said }
}

/// What `openssl s_client` printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer<'a> {
    connected: bool,
    protocol: Option<&'a str>,
    cipher: Option<&'a str>,
    /// Each certificate's subject and issuer, the server's own first.
    chain: Vec<String>,
    expiry: Option<&'a str>,
    verified: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(text: &'a str) -> Self {
        let mut answer = Self::default();
        for line in text.lines() {
            answer.take(line);
        }
        answer
    }

    fn take(&mut self, line: &'a str) {
        if line.starts_with("CONNECTED") {
            self.connected = true;
        } else if let Some((protocol, cipher)) = agreed(line) {
            (self.protocol, self.cipher) = (Some(protocol), Some(cipher));
        } else if let Some(subject) = subject(line) {
            self.chain.push(subject.to_owned());
        } else if let (Some(issuer), Some(last)) = (line.strip_prefix("   i:"), self.chain.last_mut()) {
            last.push_str(", issued by ");
            last.push_str(issuer);
        } else if let Some(band) = line.strip_prefix("expiry: ") {
            self.expiry = Some(band);
        } else if let Some((_, result)) =
            line.trim().strip_prefix("Verify return code: ").and_then(|r| r.split_once(" ("))
        {
            // It is said again with every ticket.
            self.verified = self.verified.or(result.strip_suffix(')'));
        }
    }
}

/// `New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384`; without TLS both are `(NONE)`.
fn agreed(line: &str) -> Option<(&str, &str)> {
    let (protocol, cipher) = line.strip_prefix("New, ")?.split_once(", Cipher is ")?;
    (protocol != "(NONE)" && cipher != "(NONE)").then_some((protocol, cipher))
}

/// ` 0 s:CN = localhost`.
fn subject(line: &str) -> Option<&str> {
    let (number, subject) = line.strip_prefix(' ')?.split_once(" s:")?;
    number.trim().parse::<u16>().is_ok().then_some(subject)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::testing::{ran, seen, told};

    /// What OpenSSL 3.0 prints of a certificate that nobody else has signed, without the certificate itself.
    const SELF_SIGNED: &str = "depth=0 O = Shop, CN = localhost
verify error:num=18:self-signed certificate
CONNECTED(00000003)
---
Certificate chain
 0 s:O = Shop, CN = localhost
   i:O = Shop, CN = localhost
   a:PKEY: rsaEncryption, 2048 (bit); sigalg: RSA-SHA256
   v:NotBefore: Nov 25 17:47:11 2026 GMT; NotAfter: Dec 15 17:47:11 2026 GMT
---
Server certificate
subject=O = Shop, CN = localhost
issuer=O = Shop, CN = localhost
---
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Server public key is 2048 bit
Verify return code: 18 (self-signed certificate)
---
Post-Handshake New Session Ticket arrived:
    Verify return code: 0 (ok)
expiry: less than 30 days
";

    const REFUSED: &str =
        "809B546B937F0000:error:8000006F:system library:BIO_connect:Connection refused:bio_sock2.c:117:
809B546B937F0000:error:10000067:BIO routines:BIO_connect:connect error:bio_sock2.c:119:
connect:errno=111
";

    fn tls(address: &str) -> Tls {
        Tls { address: address.to_owned(), name: None, authority: None }
    }

    async fn seen_of(status: i32, text: &str) -> Vec<String> {
        told(seen(&tls("localhost:443"), ran(End::Exited(status), text, "")).await.unwrap())
    }

    #[tokio::test]
    async fn a_server_is_told_with_its_chain_and_trust() {
        assert_eq!(
            seen_of(0, SELF_SIGNED).await,
            [
                "p.chain = O = Shop, CN = localhost, issued by O = Shop, CN = localhost",
                "p.cipher = TLS_AES_256_GCM_SHA384",
                "p.expiry = less than 30 days (good)",
                "p.protocol = TLSv1.3",
                "p.state = answers (good)",
                "p.verified = no: self-signed certificate (bad)",
            ]
        );
    }

    #[tokio::test]
    async fn without_tls_there_is_a_bad_state_alone() {
        assert_eq!(seen_of(1, REFUSED).await, ["p.state = refused (bad)"]);
        let plain = "CONNECTED(00000003)\nerror:0A00010B:SSL routines:ssl3_get_record:wrong version number\n\
                     New, (NONE), Cipher is (NONE)\n";
        assert_eq!(seen_of(1, plain).await, ["p.state = no handshake (bad)"]);
        assert_eq!(seen_of(127, "").await, ["p.state = no client (bad)"]);
        assert_eq!(seen_of(1, &"x".repeat(99)).await, ["p.state = no connection (bad)"]);
    }

    #[test]
    fn addresses_are_verified_as_addresses_and_names_as_names() {
        assert_eq!(tls("[::1]:443").options(), ["-noservername", "-verify_ip", "::1"]);
        let named = Tls { name: Some("shop".into()), authority: Some("/etc/ca.pem".into()), ..tls("10.0.0.1:443") };
        assert_eq!(named.options(), ["-servername", "shop", "-verify_hostname", "shop", "-CAfile", "/etc/ca.pem"]);
    }

    proptest! {
        #[test]
        fn any_answer_is_read(text in "((New, |Verify return code: | 0 s:|   i:|expiry: )?\\PC{0,9}\n){0,9}", wild in ".*") {
            let _ = (Answer::of(&text), Answer::of(&wild), known_refusal(&wild));
        }
    }
}
