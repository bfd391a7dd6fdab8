//! A terminal in raw mode for a session inside a sandbox, put back when the session ends, however it ends.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Standard input in raw mode until it is dropped.
pub(super) struct Raw {
    before: Termios,
}

impl Raw {
    /// Switches standard input to raw mode: every key goes inside, Ctrl-C too.
    pub(super) fn enter() -> std::io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nobody to tell; `reset` mends what this leaves.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// Rows and columns of the terminal.
pub(super) fn size() -> (u16, u16) {
    tcgetwinsize(rustix::stdio::stdin()).map_or((24, 80), |size| (size.ws_row.max(1), size.ws_col.max(1)))
}
