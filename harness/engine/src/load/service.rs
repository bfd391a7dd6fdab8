//! `services` and `workloads`: what is started, and what is run against it.

use std::collections::BTreeMap;

use patchbed_kinds::document::{Argv, At, Content, Node, Pairs, Place, Placed, Problems, Read, Span};
use patchbed_kinds::probe::AnyProbe;
use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};
use serde_json::{Value as Json, json};

use super::lowering::{List, argv, items, span, value};
use super::name::{Name, Word};
use super::order::{Free, Wish};
use super::values::{RestartWord, Signal, WhenWord};
use crate::scenario::{Restart, Service, ServiceRun, UnitSettings, When, Workload};

patchbed_kinds::document! {
    /// Something started and kept running: a unit of systemd, or a program.
    pub(super) struct ServiceText, "a unit, or a mapping with `unit` or `run`" {
        /// Its name; unique in the scenario. A unit's own name when not given.
        name: Option<Placed<Word>>, optional;
        /// The unit of systemd.
        unit: Option<Placed<UnitName>>, optional;
        /// The program.
        run: Option<Placed<Argv>>, optional;
        /// Its user; root when not given.
        user: Option<Placed<String>>, optional;
        /// Its working folder.
        directory: Option<Placed<String>>, optional;
        /// Its environment.
        environment: Option<Placed<Environment>>, optional;
        /// Services that must be ready before it starts.
        after: Option<List<String>>, optional;
        /// A probe that says that it is ready; that it lives when not given.
        ready: Option<Placed<AnyProbe>>, optional;
        /// Within which time it must be ready; 30 s when not given.
        within: Option<Placed<Span>>, optional;
        /// How it is stopped.
        stop: Option<Placed<StopText>>, optional;
        /// Whether it is restarted after the patch; `after-patch` when not given.
        restart: Option<Placed<RestartWord>>, optional;
        /// Whether the run goes on without it; `false` when not given.
        optional: Option<Placed<bool>>, optional;
    }
    short unit;
    check {
        user => user,
        directory => inside_path,
    }
}

patchbed_kinds::document! {
    /// How a service is stopped.
    pub(super) struct StopText, "a signal, or a mapping with `signal`" {
        /// The signal; TERM when not given.
        signal: Option<Placed<Signal>>, optional;
        /// After how long it is killed; 10 s when not given.
        within: Option<Placed<Span>>, optional;
    }
    short signal;
}

patchbed_kinds::document! {
    /// Something run to its end against the services.
    pub(super) struct WorkloadText, "a command, or a mapping with `run`" {
        /// Its name.
        name: Option<Placed<Name>>, optional;
        /// The command line.
        run: Placed<Argv>, required;
        /// Its user; root when not given.
        user: Option<Placed<String>>, optional;
        /// Its working folder.
        directory: Option<Placed<String>>, optional;
        /// Its environment.
        environment: Option<Placed<Environment>>, optional;
        /// When it runs; before the patch when not given.
        when: Option<Placed<WhenWord>>, optional;
        /// How long it may take; 10 min when not given.
        within: Option<Placed<Span>>, optional;
    }
    short run;
    check {
        user => user,
        directory => inside_path,
    }
}

/// The name of a unit, such as `nginx.service`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct UnitName(String);

impl Read for UnitName {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Content::Bool(_) | Content::Integer(_) | Content::Float(_) = node.content {
            problems.wrong_type(node, "a service or a list of them");
            return None;
        }
        let text = String::read(node, problems)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-@:\\".contains(c);
        let ends = text.strip_suffix(".service").or_else(|| text.strip_suffix(".socket"));
        if ends.is_some_and(|name| !name.is_empty() && !name.starts_with(['-', '.']))
            && text.len() <= 255
            && text.chars().all(plain)
        {
            return Some(Self(text));
        }
        let message = format!("expected a unit of systemd, this is {}", node.describe());
        problems
            .error(Code::InvalidValue, node.place, At::Value, message)
            .help("a unit's name ends in `.service` or `.socket`; a program is written with `name` and `run`");
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "\\.(service|socket)$" })
    }
}

/// Variables of the environment of a program.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Read for Environment {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let map = Pairs::read(node, problems)?.0;
        if map.keys().all(|name| !name.is_empty() && !name.contains('=')) {
            return Some(Self(map));
        }
        problems.error(Code::InvalidValue, node.place, At::Value, "the name of a variable is not empty and has no `=`");
        None
    }

    fn schema() -> Json {
        Pairs::schema()
    }
}

/// Services as written, with the names that can be told even of broken ones.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// The names and what they wait for.
    pub(super) wishes: Vec<Wish>,
    /// Units, by which a service may be called as well.
    pub(super) units: BTreeMap<String, String>,
    /// The services.
    pub(super) list: Vec<Service>,
    /// Whether some have a name under a misspelt key: then a name that is not found says nothing.
    pub(super) incomplete: bool,
}

impl Services {
    /// Reads a list of services.
    pub(super) fn read(list: Option<&List<ServiceText>>, problems: &mut Problems) -> Self {
        let mut services = Self::default();
        for (place, text) in items(list) {
            match text.name_and_place(place, problems) {
                Some((name, place)) => services.add(text, name, place, problems),
                None => services.wishes.extend(text.unreadable(place)),
            }
        }
        services.incomplete = has_misspelt_name(problems);
        services
    }

    fn add(&mut self, text: &ServiceText, name: String, place: Place, problems: &mut Problems) {
        self.wishes.push(Wish { name: name.clone(), place, after: text.wanted() });
        if let Some(unit) = text.unit.as_ref().and_then(|unit| unit.value.as_ref()) {
            self.units.insert(unit.0.clone(), name.clone());
        }
        self.list.extend(text.lower(name, place, problems));
    }

    /// The services in the given order of their names.
    pub(super) fn in_order(mut self, order: &[usize]) -> Vec<Service> {
        let rank: BTreeMap<&str, usize> =
            order.iter().enumerate().map(|(rank, index)| (self.wishes[*index].name.as_str(), rank)).collect();
        self.list.sort_by_key(|service| rank.get(service.name.as_str()).copied());
        self.list
    }

    /// Puts the names of services where units were written, in all wishes and services.
    pub(super) fn name_units(&mut self, units: &BTreeMap<String, String>) {
        for name in self.wishes.iter_mut().flat_map(|wish| &mut wish.after).map(|(name, _)| name) {
            if let Some(known) = units.get(name) {
                name.clone_from(known);
            }
        }
        for name in self.list.iter_mut().flat_map(|service| &mut service.after) {
            if let Some(known) = units.get(name) {
                name.clone_from(known);
            }
        }
    }
}

/// Whether a key was reported that was meant to be one by which a service is named.
fn has_misspelt_name(problems: &Problems) -> bool {
    let meant = |help: &String| matches!(help.as_str(), "did you mean `name`?" | "did you mean `unit`?");
    problems.list.iter().any(|problem| problem.code == Code::UnknownKey && problem.help.iter().any(meant))
}

impl ServiceText {
    /// A service whose name was reported is known by what is written all the same: others may speak of it.
    fn unreadable(&self, place: Place) -> Option<Wish> {
        let written = |entry: Option<&Placed<Word>>| entry.and_then(|entry| entry.written.clone());
        let unit = self.unit.as_ref().and_then(|unit| unit.written.clone());
        let name = written(self.name.as_ref()).or(unit)?;
        Some(Wish { name, place, after: self.wanted() })
    }

    /// The services that it waits for.
    fn wanted(&self) -> Vec<(String, Place)> {
        items(self.after.as_ref()).map(|(place, name)| (name.clone(), place)).collect()
    }

    /// Its name, or that of its unit; and where that is written.
    fn name_and_place(&self, place: Place, problems: &mut Problems) -> Option<(String, Place)> {
        if let Some(name) = &self.name {
            return name.value.as_ref().map(|word| (word.0.clone(), name.place));
        }
        if let Some(unit) = &self.unit {
            return unit.value.as_ref().map(|text| (name_of_unit(&text.0), unit.place));
        }
        problems
            .error(Code::MissingKey, place, At::Value, "this service has no name")
            .help("add `name:`: rules, probes and reports speak of it");
        None
    }

    fn lower(&self, name: String, place: Place, problems: &mut Problems) -> Option<Service> {
        let run = self.program(place, problems)?;
        let stop = self.stop.as_ref().and_then(|stop| stop.value.as_ref());
        Some(Service {
            name,
            settings: if self.run.is_none() { self.settings(problems) } else { None },
            run,
            after: items(self.after.as_ref()).map(|(_, name)| name.clone()).collect(),
            ready: value(self.ready.as_ref()),
            within: span(self.within.as_ref(), 30),
            stop_signal: stop.and_then(|stop| value(stop.signal.as_ref())).map_or(15, |signal| signal.0),
            stop_within: span(stop.and_then(|stop| stop.within.as_ref()), 10),
            restart: match value(self.restart.as_ref()) {
                Some(RestartWord::Never) => Restart::Never,
                Some(RestartWord::AfterPatch) | None => Restart::AfterPatch,
            },
            optional: value(self.optional.as_ref()).unwrap_or(false),
        })
    }

    fn program(&self, place: Place, problems: &mut Problems) -> Option<ServiceRun> {
        match (&self.unit, &self.run) {
            (Some(unit), Some(run)) => {
                problems
                    .error(Code::TwoKinds, run.place, At::Key, "this service is given as `unit` and as `run`")
                    .label("the second kind")
                    .also(unit.place, At::Key, "the first kind")
                    .help("keep one of them, or write two services");
                None
            }
            (None, None) => {
                problems
                    .error(Code::MissingKind, place, At::Value, "this service does not say how it is run")
                    .help("add `unit:` or `run:`");
                None
            }
            (Some(unit), None) => unit.value.as_ref().map(|unit| ServiceRun::Unit(unit.0.clone())),
            (None, Some(run)) => run.value.as_ref().map(|argv| ServiceRun::Program {
                argv: argv.0.clone(),
                user: value(self.user.as_ref()),
                directory: value(self.directory.as_ref()),
                environment: value(self.environment.as_ref()).map(|environment| environment.0).unwrap_or_default(),
            }),
        }
    }

    /// What a unit has of its own in this scenario.
    fn settings(&self, problems: &mut Problems) -> Option<UnitSettings> {
        let unit = self.unit.as_ref()?.value.as_ref()?;
        let given = [
            ("user", self.user.as_ref().map(|entry| entry.place)),
            ("directory", self.directory.as_ref().map(|entry| entry.place)),
            ("environment", self.environment.as_ref().map(|entry| entry.place)),
        ];
        let mut given = given.into_iter().filter_map(|(key, place)| Some((key, place?))).peekable();
        given.peek()?;
        if unit.0.ends_with(".socket") {
            for (key, place) in given {
                let message = format!("`{key}` is for what has a process, and a socket has none");
                problems.error(Code::Conflict, place, At::Key, message).help("give it to the service of the socket");
            }
            return None;
        }
        let environment = value(self.environment.as_ref()).map(|environment| environment.0).unwrap_or_default();
        if let Some(name) = environment.keys().find(|name| !is_variable_of_a_unit(name)) {
            let place = self.environment.as_ref().map(|entry| entry.place).unwrap_or_default();
            let message = format!("systemd has no variable `{}`", shorten(&one_line(name), 60));
            problems
                .error(Code::InvalidValue, place, At::Value, message)
                .help("use letters, digits and `_`, and begin with no digit");
        }
        Some(UnitSettings { user: value(self.user.as_ref()), directory: value(self.directory.as_ref()), environment })
    }
}

/// Systemd leaves variables of other names out, with no more than a line in its log.
fn is_variable_of_a_unit(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `nginx` for `nginx.service`; other units keep what they are.
fn name_of_unit(unit: &str) -> String {
    let name = unit.strip_suffix(".service").map_or_else(|| unit.replace(".socket", "-socket"), str::to_owned);
    name.replace('\\', "-")
}

/// Reads a list of workloads. Their names are added to those that are `taken`.
pub(super) fn workloads(list: Option<&List<WorkloadText>>, names: &mut Vec<Wish>, free: &mut Free) -> Vec<Workload> {
    for (name, place) in
        items(list).filter_map(|(_, text)| Some((text.name.as_ref()?.value.as_ref()?, text.name.as_ref()?.place)))
    {
        names.push(Wish { name: name.0.clone(), place, after: Vec::new() });
        free.take(&name.0);
    }
    items(list).filter_map(|(_, text)| text.lower(free)).collect()
}

impl WorkloadText {
    fn lower(&self, free: &mut Free) -> Option<Workload> {
        let environment = value(self.environment.as_ref()).map(|environment| environment.0);
        self.run.value.as_ref()?;
        Some(Workload {
            name: value(self.name.as_ref()).map_or_else(|| free.name("workload"), |name| name.0),
            argv: argv(Some(&self.run)),
            user: value(self.user.as_ref()),
            directory: value(self.directory.as_ref()),
            environment: environment.unwrap_or_default(),
            when: match value(self.when.as_ref()) {
                Some(WhenWord::During) => When::During,
                Some(WhenWord::After) => When::After,
                Some(WhenWord::Before) | None => When::Before,
            },
            within: span(self.within.as_ref(), 600),
        })
    }
}
