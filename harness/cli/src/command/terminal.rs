//! The mode of the terminal at standard input, put back when it is no longer needed, however that comes.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Standard input in another mode until this is dropped.
pub(super) struct Mode {
    before: Termios,
    back: OptionalActions,
}

impl Mode {
    /// Every key goes to the one who reads, Ctrl-C too: for a session inside a sandbox. What is not read when it ends
    /// was meant for the inside, and is dropped.
    pub(super) fn raw() -> std::io::Result<Self> {
        Self::enter(OptionalActions::Flush, Termios::make_raw)
    }

    /// Every key is read at once and not shown; Ctrl-C is still a signal.
    pub(super) fn keys() -> std::io::Result<Self> {
        Self::enter(OptionalActions::Now, |mode| mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO))
    }

    /// Lines, which the terminal shows and lets a person correct.
    pub(super) fn lines() -> std::io::Result<Self> {
        Self::enter(OptionalActions::Now, |mode| mode.local_modes.insert(LocalModes::ICANON | LocalModes::ECHO))
    }

    fn enter(when: OptionalActions, change: impl FnOnce(&mut Termios)) -> std::io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut other = before.clone();
        change(&mut other);
        tcsetattr(rustix::stdio::stdin(), when, &other)?;
        Ok(Self { before, back: when })
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        // There is nobody to tell; `reset` mends what this leaves.
        let _ = tcsetattr(rustix::stdio::stdin(), self.back, &self.before);
    }
}

/// Rows and columns of the terminal.
pub(super) fn size() -> (u16, u16) {
    tcgetwinsize(rustix::stdio::stdin()).map_or((24, 80), |size| (size.ws_row.max(1), size.ws_col.max(1)))
}
