//! `http`: asks an HTTP server.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use patchbed_model::{Code, Health, Key, Reading, text};
use patchbed_sandbox::message::{self, HttpAnswer};

use super::outputs::{is_cut, json_at, json_of, json_text, no_json, refusal, text_of};
use super::{Look, Probe, ProbeError};
use crate::document::{At, Content, JsonValue, Node, OneOrMany, Pairs, Problems, Read};

crate::document! {
    /// A question to an HTTP server and what the answer should be.
    pub struct Http, "an address, or a mapping with `url`" {
        /// The address: `http://host[:port]/path`.
        url: String, required;
        /// The method; `GET` when not given.
        method: Option<String>, optional;
        /// Headers to send.
        headers: Option<Pairs>, optional;
        /// The body to send.
        body: Option<String>, optional;
        /// Whether redirects are followed.
        follow: bool, default false;
        /// What the answer must be: a status, a text in the body, or JSON values by path.
        expect: Option<Expect>, optional;
        /// Names of answer headers that are read as well.
        read_headers: Option<OneOrMany<String>>, optional;
        /// Paths of JSON values that are read instead of the whole body.
        json: Option<OneOrMany<String>>, optional;
    }
    short url;
    check {
        url => plain_url,
        method => method,
        read_headers => word,
        json => filled,
    }
}

/// What an answer must be.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// This status.
    Status(u16),
    /// A body that holds this text.
    Text(String),
    /// A JSON body that holds these values under these paths.
    Json(BTreeMap<String, JsonValue>),
}

impl Read for Expect {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.content {
            Content::Integer(_) => status(node, problems).map(Self::Status),
            Content::Text(_) => String::read(node, problems).map(Self::Text),
            Content::Map(_) => BTreeMap::read(node, problems).map(Self::Json),
            Content::Null | Content::Bool(_) | Content::Float(_) | Content::List(_) => {
                problems.wrong_type(node, "a status, a text or a mapping of JSON paths to values");
                None
            }
        }
    }

    fn schema() -> Json {
        let status = json!({ "type": "integer", "minimum": 100, "maximum": 599 });
        json!({ "anyOf": [status, String::schema(), BTreeMap::<String, JsonValue>::schema()] })
    }
}

fn status(node: &Node, problems: &mut Problems) -> Option<u16> {
    let status = u16::read(node, problems)?;
    if (100..=599).contains(&status) {
        return Some(status);
    }
    let message = format!("expected a status from 100 to 599, this is {}", node.describe());
    problems.error(Code::InvalidValue, node.place, At::Value, message);
    None
}

/// How many bytes of an answer's body are kept: more than pages and answers of interfaces have.
const KEEP: usize = 4 << 20;

impl Probe for Http {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let answer = match look.sandbox.http(self.question(look)).await? {
            Ok(answer) => answer,
            Err(why) => return Ok(self.silence(look, &why)),
        };
        let mut readings = vec![(look.key("status"), self.status(&answer))];
        if let Some(expect) = &self.expect {
            readings.push((look.key("expect"), expect.check(&answer)?));
        }
        for name in self.read_headers.iter().flat_map(|names| &names.0) {
            let value = answer.headers.get(&name.to_lowercase()).map_or("absent", String::as_str);
            readings.push((look.key(&format!("header.{}", name.to_lowercase())), Reading::content(value)));
        }
        readings.extend(self.body(look, &answer)?);
        Ok(readings)
    }
}

impl Http {
    /// Asks once and says how long it took, or why it is not as expected.
    pub(super) async fn timed(&self, look: &Look<'_>) -> Result<Result<Duration, String>, ProbeError> {
        let answer = match look.sandbox.http(self.question(look)).await? {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(why)),
        };
        let bad = |reading: &Reading| reading.health == Some(Health::Bad);
        let expected = self.expect.as_ref().map(|expect| expect.check(&answer)).transpose()?;
        let unmet = [Some(self.status(&answer)), expected].into_iter().flatten().find(bad);
        Ok(match unmet {
            Some(reading) => Err(reading.value.to_string()),
            None => Ok(Duration::from_micros(answer.microseconds)),
        })
    }

    fn question(&self, look: &Look<'_>) -> message::Http {
        message::Http {
            url: self.url.clone(),
            method: self.method.clone().unwrap_or_else(|| "GET".to_owned()),
            headers: self.headers.clone().unwrap_or_default().0,
            body: self.body.clone(),
            follow: self.follow,
            within: look.milliseconds(),
            keep: KEEP,
        }
    }

    /// No answer: a bad state, and nothing to say about headers and body.
    fn silence(&self, look: &Look<'_>, why: &str) -> Vec<(Key, Reading)> {
        let refusal = refusal(why);
        let mut readings = Vec::new();
        if self.expect.is_some() {
            let text = format!("not met: no answer, {refusal}");
            readings.push((look.key("expect"), Reading::state(text, Health::Bad)));
        }
        let status = Reading::state(refusal, Health::Bad).because([text::one_line(why)]);
        readings.push((look.key("status"), status));
        readings
    }

    fn status(&self, answer: &HttpAnswer) -> Reading {
        let fine = match self.expect {
            Some(Expect::Status(wanted)) => answer.status == wanted,
            Some(Expect::Text(_) | Expect::Json(_)) | None => (200..400).contains(&answer.status),
        };
        let health = if fine { Health::Good } else { Health::Bad };
        let reading = Reading::state(answer.status.to_string(), health);
        if fine { reading } else { reading.because(text::last_lines(&answer.body.text, 5)) }
    }

    fn body(&self, look: &Look<'_>, answer: &HttpAnswer) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let json = json_of(&answer.body);
        let Some(paths) = &self.json else {
            let value = json.map_or_else(|| text_of(&answer.body), |json| json_text(&json));
            return Ok(vec![(look.key("body"), Reading::content(value))]);
        };
        if json.is_none() && is_cut(&answer.body, KEEP) {
            return Err(too_long("read JSON values"));
        }
        let value = |path: &String| match &json {
            Some(json) => json_at(json, path).map_or_else(|| "absent".into(), json_text),
            None => no_json(&answer.body),
        };
        let reading = |path| (look.key(&format!("json.{path}")), Reading::content(value(path)));
        Ok(paths.0.iter().map(reading).collect())
    }
}

impl Expect {
    /// `met`, or what is there instead. What is not found in a part of the body may stand in the rest.
    fn check(&self, answer: &HttpAnswer) -> Result<Reading, ProbeError> {
        let Some(text) = self.unmet(answer) else { return Ok(Reading::state("met", Health::Good)) };
        if is_cut(&answer.body, KEEP) && matches!(self, Self::Text(_) | Self::Json(_)) {
            return Err(too_long("look for what is expected"));
        }
        let evidence = text::last_lines(&answer.body.text, 5);
        Ok(Reading::state(format!("not met: {text}"), Health::Bad).because(evidence))
    }

    fn unmet(&self, answer: &HttpAnswer) -> Option<String> {
        match self {
            Self::Status(wanted) if answer.status == *wanted => None,
            Self::Status(wanted) => Some(format!("status {} and not {wanted}", answer.status)),
            Self::Text(wanted) if answer.body.text.contains(wanted.as_str()) => None,
            Self::Text(wanted) => Some(format!("no `{}` in the body", text::one_line(wanted))),
            Self::Json(wanted) => {
                let json = json_of(&answer.body);
                wanted.iter().find_map(|(path, wanted)| match json.as_ref().and_then(|json| json_at(json, path)) {
                    Some(found) if same(found, &wanted.0) => None,
                    Some(found) => {
                        let [found, wanted] = apart(found, &wanted.0);
                        Some(format!("`{path}` is `{found}` and not `{wanted}`"))
                    }
                    None => Some(format!("no `{path}` in the body")),
                })
            }
        }
    }
}

fn too_long(operation: &str) -> ProbeError {
    ProbeError::Blind(format!("{operation}: the answer is longer than {} MiB", KEEP >> 20))
}

/// Two JSON values as a person tells them apart: texts without quotes, unless a text stands against a number.
fn apart(found: &Json, wanted: &Json) -> [String; 2] {
    let plain = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let texts = [found, wanted].map(plain);
    if texts[0] == texts[1] { [found, wanted].map(Json::to_string) } else { texts }
}

/// Whether two JSON values are the same; `1` and `1.0` are one number.
fn same(found: &Json, wanted: &Json) -> bool {
    match (found, wanted) {
        (Json::Number(found), Json::Number(wanted)) => found == wanted || found.as_f64() == wanted.as_f64(),
        (Json::Array(found), Json::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        (Json::Object(found), Json::Object(wanted)) => {
            found.len() == wanted.len()
                && found.iter().all(|(key, value)| wanted.get(key).is_some_and(|wanted| same(value, wanted)))
        }
        _ => found == wanted,
    }
}
