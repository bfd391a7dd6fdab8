//! Turns a [`Program`] into what the kernel wants: paths to try, vectors, ids.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::ptr;

use libc::c_char;

use crate::failure::{not_found, refused};
use crate::message::{Failure, FailureKind, Privileges, Program};
use crate::sys::{Launch, LaunchError};
use crate::users::User;

/// Where programs are looked for when the environment does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program, ready to be launched.
#[derive(Debug)]
pub(crate) struct Prepared {
    name: String,
    candidates: Vec<CString>,
    argv: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
    user: User,
    dropped: Vec<u8>,
    no_new_privileges: bool,
}

/// How a program is connected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// Input, output, errors; all above 2.
    pub(crate) descriptors: [RawFd; 3],
    /// Whether the input is to be its controlling terminal.
    pub(crate) terminal: bool,
}

impl Prepared {
    /// Looks up the user and lays out the vectors. `base` is the sandbox's own environment, `dropped` the capabilities
    /// that no program gets.
    pub(crate) fn new(program: &Program, base: &BTreeMap<String, String>, dropped: &[u8]) -> Result<Self, Failure> {
        let name = program.argv.first().cloned().unwrap_or_default();
        if name.is_empty() {
            return Err(refused("run a program without a name"));
        }
        let user = match &program.user {
            None => User::root(),
            Some(wanted) => User::find(wanted).ok_or_else(|| not_found(format!("the image has no user `{wanted}`")))?,
        };
        let mut variables: BTreeMap<&str, &str> = BTreeMap::from([
            ("PATH", PATH),
            ("HOME", &*user.home),
            ("LANG", "C.UTF-8"),
            ("USER", &*user.name),
            ("LOGNAME", &*user.name),
        ]);
        for (key, value) in base.iter().chain(&program.environment) {
            variables.insert(key, value);
        }
        let path = variables.get("PATH").copied().unwrap_or(PATH);
        let environment: Vec<String> = variables.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok(Self {
            candidates: strings(&candidates(&name, path))?,
            argv: strings(&program.argv)?,
            environment: strings(&environment)?,
            directory: string(program.directory.as_deref().unwrap_or("/"))?,
            user,
            dropped: dropped.to_vec(),
            no_new_privileges: program.privileges == Privileges::NoNew,
            name,
        })
    }

    /// Lays the program out and hands it to `start`.
    pub(crate) fn launch<T>(
        &self,
        streams: Streams,
        start: impl FnOnce(&Launch<'_>) -> Result<T, LaunchError>,
    ) -> Result<T, Failure> {
        let candidates: Vec<&CStr> = self.candidates.iter().map(CString::as_c_str).collect();
        let (argv, environment) = (vector(&self.argv), vector(&self.environment));
        let launch = Launch {
            candidates: &candidates,
            argv: &argv,
            environment: &environment,
            streams: streams.descriptors,
            terminal: streams.terminal,
            ids: (self.user.uid, self.user.gid),
            groups: &self.user.groups,
            directory: &self.directory,
            dropped: &self.dropped,
            no_new_privileges: self.no_new_privileges,
        };
        start(&launch).map_err(|error| self.explain(error))
    }

    /// A failed launch in words.
    pub(crate) fn explain(&self, error: LaunchError) -> Failure {
        let call = error.call();
        let mut failure = crate::failure::failed(call, &self.name, &std::io::Error::from_raw_os_error(error.errno));
        // What a missing working folder or an unknown interpreter says is about the program, not about the limit.
        if failure.kind == FailureKind::System {
            failure.kind = FailureKind::Refused;
        }
        if call == "enter the folder" {
            failure.text = failure.text.replacen(call, "enter the folder of", 1);
        }
        failure
    }
}

/// What a shell would try.
fn candidates(name: &str, path: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    let folder = |folder: &str| if folder.is_empty() { ".".to_owned() } else { folder.to_owned() };
    path.split(':').map(|entry| format!("{}/{name}", folder(entry))).collect()
}

fn strings(texts: &[String]) -> Result<Vec<CString>, Failure> {
    texts.iter().map(|text| string(text)).collect()
}

fn string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| refused(format!("use {text:?}: it holds a zero byte")))
}

/// A null-terminated vector.
fn vector(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}
