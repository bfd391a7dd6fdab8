//! The page as a reader of XML sees it: well-formed, of known elements only, and with no text of a record but as text.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_report::{Format, Look};
use patchbed_testkit::records;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha2::{Digest as _, Sha256};

/// The elements of the page.
const ELEMENTS: &str = " html head meta title style body a nav ul li main section article h1 h2 h3 p span code pre \
    dl dt dd div table caption thead tbody tr th td del ins svg rect ";

/// What is wrong with a page: nothing.
pub(crate) fn findings(text: &str) -> Vec<String> {
    match elements(text) {
        Ok(elements) => elements.iter().filter_map(unknown).chain(broken_links(&elements)).collect(),
        Err(error) => vec![error],
    }
}

/// The page without its style, which changes more often than what is said.
pub(crate) fn body(text: &str) -> String {
    let from = text.find("<body>").expect("a page has a body");
    text[from..].to_owned()
}

/// An element and its attributes.
type Element = (String, Vec<(String, String)>);

/// Every element, if the page is well-formed.
fn elements(text: &str) -> Result<Vec<Element>, String> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                depth += 1;
                found.push(element(&start)?);
            }
            Event::Empty(start) => found.push(element(&start)?),
            Event::End(_) => depth -= 1,
            Event::Text(text) if text.contains(&b'>') && found.last().is_none_or(|(name, _)| name != "style") => {
                return Err(format!("a raw sign in {text:?}"));
            }
            Event::Text(_) | Event::DocType(_) => {}
            Event::GeneralRef(name) if known(&name) => {}
            Event::Eof if depth == 0 => return Ok(found),
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::GeneralRef(_) | Event::Eof => {
                return Err("something that no page of ours has".to_owned());
            }
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        attributes.push((text(attribute.key.as_ref()), text(&attribute.value)));
    }
    Ok((name, attributes))
}

fn known(name: &[u8]) -> bool {
    matches!(name, b"lt" | b"gt" | b"amp" | b"quot") || name.starts_with(b"#")
}

fn unknown(element: &Element) -> Option<String> {
    let (name, attributes) = element;
    let loads =
        |key: &str| key.starts_with("on") || matches!(key, "src" | "style" | "srcset" | "action" | "xlink:href");
    let bad = !ELEMENTS.contains(&format!(" {name} "))
        || attributes.iter().any(|(key, value)| loads(key) || (key == "href" && !value.starts_with('#')));
    bad.then(|| format!("{element:?}"))
}

/// Places that are named twice, and names of places that are not there.
fn broken_links(elements: &[Element]) -> Vec<String> {
    let of = |wanted: &'static str| {
        let attributes = elements.iter().flat_map(|(_, attributes)| attributes);
        attributes.filter(move |(key, _)| key == wanted).map(|(_, value)| value.as_str())
    };
    let mut places = BTreeSet::new();
    let mut found: Vec<String> = of("id").filter(|id| !places.insert(*id)).map(|id| format!("twice: {id}")).collect();
    let named = of("href").map(|link| link.trim_start_matches('#')).chain(of("aria-labelledby"));
    found.extend(named.filter(|id| !places.contains(id)).map(|id| format!("nowhere: {id}")));
    found
}

fn page(record: &patchbed_model::Record) -> String {
    let mut out = Vec::new();
    Format::Html.report(&Look::default()).write(record, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn every_page_is_well_formed_and_its_links_lead_somewhere() {
    let none = records::record(Vec::new());
    for record in [none, records::shop(), records::one_of_each(), records::closed_for_a_while()] {
        assert_eq!(findings(&page(&record)), Vec::<String>::new());
    }
}

#[test]
fn no_text_of_a_record_stands_in_an_attribute() {
    let page = page(&records::all_texts("marked"));
    assert!(page.contains("marked"));
    for (name, attributes) in elements(&page).expect("well-formed") {
        assert!(attributes.iter().all(|(_, value)| !value.contains("marked")), "{name} {attributes:?}");
    }
}

/// A browser refuses a style whose digest the policy does not name, and everything else.
#[test]
fn the_policy_allows_the_one_style_and_nothing_else() {
    let page = page(&records::shop());
    let (_, style) = page.split_once("<style>").expect("a style");
    let (style, _) = style.split_once("</style>").expect("its end");
    let digest = Sha256::digest(style.as_bytes());
    let policy = "content=\"default-src 'none'; style-src 'sha256-";
    let (_, named) = page.split_once(policy).expect("a policy");
    let (named, rest) = named.split_once('\'').expect("the end of the digest");
    assert_eq!(named, STANDARD.encode(digest));
    assert!(rest.starts_with("; base-uri 'none'; form-action 'none'\" />"), "{}", &rest[..80]);
    assert!(!style.contains("url(") && !style.contains("@import"));
}

/// The least contrast that guidelines for accessible pages ask of text.
const CONTRAST: f64 = 4.5;

#[test]
fn every_colour_of_text_can_be_read_in_light_and_in_dark() {
    let page = page(&records::shop());
    let themes: Vec<&str> =
        page.split(":root {").skip(1).map(|rest| &rest[..rest.find('}').expect("its end")]).collect();
    assert_eq!(themes.len(), 2);
    for theme in themes {
        let colour = |name: &str| luminance(theme.split_once(&format!("--{name}: #")).expect("a colour").1);
        for text in ["text", "dim", "good", "bad", "warn", "link"] {
            for ground in ["page", "soft"] {
                let (a, b) = (colour(text), colour(ground));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= CONTRAST, "{text} on {ground}: {contrast:.2}");
            }
        }
    }
}

/// How bright a colour is, as the same guidelines reckon it.
fn luminance(hex: &str) -> f64 {
    let part = |at: usize| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits")) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}
