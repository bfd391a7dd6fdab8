//! Looks at an open sandbox: what runs, what answers, what is kept, what came from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use patchbed_kinds::change::Pending;
use patchbed_model::text::{one_line, shorten};
use patchbed_sandbox::message::{FileKind, Files, Process, Socket};
use patchbed_sandbox::{LinkError, Sandbox};

use super::sight::{Door, Greeting, Running, Sight};
use super::{bases, greet, printed, products, told};
use crate::run::{Clock, booted};
use crate::scenario::key_part;

/// Units that belong to systemd itself or to a login, and that no scenario is about.
const OWN: [&str; 7] = ["systemd-", "dbus", "getty@", "console-getty", "serial-getty@", "user@", "init."];

/// Where private keys lie, and how their names end.
const KEYS: [&str; 4] = ["/etc/**/*.key", "/etc/**/*[-_.]key.pem", "/etc/**/privkey*.pem", "/etc/ssl/private/*"];

/// Where logs lie.
const LOGS: [&str; 2] = ["/var/log/*.log", "/var/log/*/*.log"];

/// The most private keys that are watched.
const MOST_KEYS: usize = 20;

/// Looks at a sandbox that was just opened. Where `watch` is given its systemd is awaited, and all that it starts is
/// watched for so long; else only files are looked at. What waits for it is asked meanwhile.
///
/// # Errors
/// Only where the sandbox is gone: what cannot be looked at is a note.
pub async fn look(
    sandbox: &dyn Sandbox,
    clock: &dyn Clock,
    watch: Option<Duration>,
    pending: impl Future<Output = Result<Pending, String>>,
) -> Result<Sight, LinkError> {
    let (sight, pending) = tokio::join!(running(sandbox, clock, watch), pending);
    let mut sight = sight?;
    sight.pending = pending.unwrap_or_else(|why| {
        sight.notes.push(format!("updates: {}", shorten(&one_line(&why), 200)));
        Pending::default()
    });
    for running in &mut sight.services {
        for door in &mut running.doors {
            ask_for_bases(sandbox, door, &mut sight.notes).await?;
        }
    }
    sight.files = bases::files(sandbox).await?;
    sight.keys = paths(sandbox, &KEYS).await?;
    sight.keys.truncate(MOST_KEYS);
    products::found(sandbox, &mut sight).await?;
    Ok(sight)
}

/// What runs once what is started was watched.
async fn running(sandbox: &dyn Sandbox, clock: &dyn Clock, watch: Option<Duration>) -> Result<Sight, LinkError> {
    let mut sight = Sight::default();
    let Some(watch) = watch else { return Ok(sight) };
    if let Err(not) = booted(sandbox, clock).await? {
        sight.notes.push(format!("systemd: {}", not.text));
    }
    clock.sleep(watch).await;
    sight.failed = failed(sandbox).await?;
    sight.services = services(sandbox).await?;
    Ok(sight)
}

/// Units that did not come up.
async fn failed(sandbox: &dyn Sandbox) -> Result<Vec<(String, String)>, LinkError> {
    let argv = ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"];
    let text = printed(sandbox, None, &argv).await?.unwrap_or_default();
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let (unit, state) = (words.next()?, words.nth(2)?);
        Some((unit.to_owned(), state.to_owned()))
    };
    Ok(text.lines().filter_map(read).collect())
}

/// The units with living processes, but for those of systemd itself.
async fn services(sandbox: &dyn Sandbox) -> Result<Vec<Running>, LinkError> {
    let processes = told(sandbox.processes().await)?.unwrap_or_default();
    let sockets = told(sandbox.sockets().await)?.unwrap_or_default();
    let logs = paths(sandbox, &LOGS).await?;
    let mut units: BTreeMap<&str, Vec<&Process>> = BTreeMap::new();
    for process in &processes {
        let unit = process.unit.as_deref().filter(|unit| unit.ends_with(".service"));
        if let Some(unit) = unit.filter(|unit| !OWN.iter().any(|own| unit.starts_with(own))) {
            units.entry(unit).or_default().push(process);
        }
    }
    let mut taken = BTreeSet::new();
    let mut all = Vec::new();
    for (unit, members) in units {
        let name = name(unit, &mut taken);
        let own: Vec<&Socket> =
            sockets.iter().filter(|socket| members.iter().any(|one| Some(one.pid) == socket.pid)).collect();
        let doors = doors(sandbox, &own).await?;
        let datagrams: BTreeSet<u16> =
            own.iter().filter(|socket| socket.protocol == "udp").map(|socket| socket.port).collect();
        let logs = logs.iter().filter(|path| is_log_of(path, &name)).cloned().collect();
        let programs = programs(&members);
        let datagrams = datagrams.into_iter().collect();
        all.push(Running { name, unit: unit.to_owned(), doors, datagrams, logs, programs });
    }
    Ok(all)
}

/// The unit's name without its instance and ending; with them where another one has that name.
fn name(unit: &str, taken: &mut BTreeSet<String>) -> String {
    let whole = unit.strip_suffix(".service").unwrap_or(unit);
    let short = key_part(whole.split('@').next().unwrap_or(whole));
    let name = if taken.contains(&short) { key_part(whole) } else { short };
    taken.insert(name.clone());
    name
}

/// The TCP ports of a service, each greeted once.
async fn doors(sandbox: &dyn Sandbox, sockets: &[&Socket]) -> Result<Vec<Door>, LinkError> {
    let mut ports: BTreeMap<u16, &Socket> = BTreeMap::new();
    for socket in sockets.iter().filter(|socket| socket.protocol == "tcp") {
        ports.entry(socket.port).or_insert(socket);
    }
    let mut doors = Vec::new();
    for (port, socket) in ports {
        let host = match socket.address.as_str() {
            "0.0.0.0" | "::" | "127.0.0.1" | "::1" | "*" => "localhost",
            other => other,
        };
        let process = socket.process.as_deref().unwrap_or_default();
        let greeting = greet::greet(sandbox, host, port, process).await?;
        doors.push(Door { host: host.to_owned(), port, greeting });
    }
    Ok(doors)
}

/// Fills in what the administrator of a database server sees.
async fn ask_for_bases(sandbox: &dyn Sandbox, door: &mut Door, notes: &mut Vec<String>) -> Result<(), LinkError> {
    let (bases, found) = match &mut door.greeting {
        Greeting::Postgres(bases) => (bases, bases::postgres(sandbox).await?),
        Greeting::Mysql(bases) => (bases, bases::mysql(sandbox).await?),
        Greeting::Http(_) | Greeting::Tls { .. } | Greeting::Redis(_) | Greeting::Speaks(_) | Greeting::Silent => {
            return Ok(());
        }
    };
    match found {
        Some(found) => *bases = found,
        None => notes.push(format!("databases at port {}: no client in the image could ask for them", door.port)),
    }
    Ok(())
}

/// The programs of processes, and the files that their command lines name.
fn programs(members: &[&Process]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for process in members {
        let named = process.argv.iter().skip(1).filter(|word| word.starts_with('/'));
        for path in std::iter::once(&process.program).chain(named) {
            if !all.contains(path) {
                all.push(path.clone());
            }
        }
    }
    all
}

/// Whether a log is the service's, by its folder or its name, and holds more than a line for each request.
fn is_log_of(path: &str, name: &str) -> bool {
    let rest = path.strip_prefix("/var/log/").unwrap_or(path);
    rest.starts_with(name) && !rest.contains("access")
}

/// Files that are there, by glob.
async fn paths(sandbox: &dyn Sandbox, globs: &[&str]) -> Result<Vec<String>, LinkError> {
    let paths = globs.iter().map(|&glob| glob.to_owned()).collect();
    let facts = told(sandbox.files(Files { paths, limit: 500, ..Files::default() }).await)?.unwrap_or_default();
    let files = facts.into_iter().filter(|fact| fact.kind == FileKind::File).map(|fact| fact.path);
    Ok(files.collect::<BTreeSet<_>>().into_iter().collect())
}
