//! The command on a pseudo-terminal, with somebody who types.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use crate::project::{Project, end_of};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(20);

/// A command whose three streams are a terminal of 80 columns, which controls it.
pub(crate) struct Terminal {
    child: Child,
    keyboard: OwnedFd,
    /// Held open, so that what the terminal is like can be asked after the command has ended.
    screen: OwnedFd,
    before: String,
    said: Vec<u8>,
    read: usize,
}

impl Terminal {
    /// Starts the command there.
    pub(crate) fn start(project: &Project, words: &[&str]) -> Self {
        Self::start_with(project, words, &[])
    }

    /// Starts the command there with these variables.
    pub(crate) fn start_with(project: &Project, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&keyboard).expect("granted");
        unlockpt(&keyboard).expect("unlocked");
        tcsetwinsize(&keyboard, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let screen = rustix::fs::open(path, flags, rustix::fs::Mode::empty()).expect("its screen");
        let stream = || screen.try_clone().expect("another one");
        let named = project.command(words);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_patchbed")).args(words).current_dir(project.path()).env_clear();
        command.envs(named.get_envs().filter_map(|(name, value)| Some((name, value?)))).envs(variables.to_vec());
        let before = mode(&screen);
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().expect("started");
        Self { child, keyboard, screen, before, said: Vec::new(), read: 0 }
    }

    /// Waits until this is said, after all that was waited for before.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            let unread = &self.said[self.read..];
            if let Some(at) = unread.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.read += at + text.len();
                return;
            }
            assert!(begun.elapsed() < WITHIN, "`{text}` was not said:\n{}", String::from_utf8_lossy(&self.said));
            self.listen(Duration::from_millis(100));
        }
    }

    /// Types.
    pub(crate) fn press(&self, keys: &str) {
        let written = rustix::io::write(&self.keyboard, keys.as_bytes()).expect("typed");
        assert_eq!(written, keys.len());
    }

    /// Sends the command a signal.
    pub(crate) fn signal(&self, name: &str) {
        crate::signals::signal(&self.child, name);
    }

    /// Waits for the prompt of an item and presses a key.
    pub(crate) fn decide(&mut self, key: &str) {
        self.wait_for("? help: ");
        self.press(key);
    }

    /// Waits for a question and answers it with a line.
    pub(crate) fn answer(&mut self, question: &str, line: &str) {
        self.wait_for(question);
        self.wait_for(": ");
        self.press(&format!("{line}\n"));
    }

    /// Waits for the end: its status, and all that was said. The terminal is as it was before.
    pub(crate) fn end(mut self, project: &Project) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.child.try_wait().expect("a child of ours").is_none() && begun.elapsed() < WITHIN {
            self.listen(Duration::from_millis(20));
        }
        let status = end_of(&mut self.child, Duration::ZERO);
        while self.listen(Duration::ZERO) {}
        assert_eq!(mode(&self.screen), self.before, "the terminal is not as it was");
        let text = String::from_utf8(self.said.clone()).expect("UTF-8").replace("\r\n", "\n");
        (status.code(), patchbed_testkit::filters::without_folder(&text, project.path()))
    }

    /// Takes in what is said within this time. Says whether there was anything.
    fn listen(&mut self, within: Duration) -> bool {
        let timeout = Timespec::try_from(within).expect("short");
        let mut ready = [PollFd::new(&self.keyboard, PollFlags::IN)];
        if poll(&mut ready, Some(&timeout)).expect("polled") == 0 {
            return false;
        }
        let mut buffer = [0; 4096];
        let length = rustix::io::read(&self.keyboard, &mut buffer).unwrap_or(0);
        self.said.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the terminal treats what is typed.
fn mode(screen: &OwnedFd) -> String {
    let mode = tcgetattr(screen).expect("a terminal");
    format!("{:?} {:?} {:?} {:?}", mode.input_modes, mode.output_modes, mode.control_modes, mode.local_modes)
}
