//! `tcp`: connects to a port.

use patchbed_model::{Health, Key, Reading, text};
use patchbed_sandbox::message;

use super::canonical::canonical;
use super::outputs::refusal;
use super::{Look, Probe, ProbeError};

crate::document! {
    /// A TCP connection.
    pub struct Tcp, "`host:port`, or a mapping with `address`" {
        /// `host:port`.
        address: String, required;
        /// Text to send after connecting.
        send: Option<String>, optional;
        /// Whether a first line is read.
        banner: bool, default false;
    }
    short address;
    check {
        address => address,
    }
}

impl Probe for Tcp {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let (host, port) = self
            .parts()
            .ok_or_else(|| ProbeError::Blind(format!("connect to `{}`: this is no `host:port`", self.address)))?;
        let question =
            message::Tcp { host, port, send: self.send.clone(), banner: self.banner, within: look.milliseconds() };
        let key = look.key("connect");
        Ok(match look.sandbox.tcp(question).await? {
            Ok(banner) => {
                let mut readings = vec![(key, Reading::state("open", Health::Good))];
                if self.banner {
                    readings.push((look.key("banner"), Reading::content(canonical(banner.trim_end()))));
                }
                readings
            }
            Err(why) => vec![(key, Reading::state(refusal(&why), Health::Bad).because([text::one_line(&why)]))],
        })
    }
}

impl Tcp {
    /// Host and port; an IPv6 address stands in brackets.
    fn parts(&self) -> Option<(String, u16)> {
        let (host, port) = self.address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some((host.to_owned(), port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
    }
}
