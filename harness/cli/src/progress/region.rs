//! The region of running attempts at the bottom of a terminal.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;

/// How many attempts are shown.
const ROWS: usize = 8;

/// The region.
#[derive(Debug)]
pub(super) struct Region {
    lines: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Region {
    /// An empty region on standard error.
    pub(super) fn new() -> Self {
        Self { lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)), bars: Vec::new() }
    }

    /// The handle with which others write above it.
    pub(super) fn lines(&self) -> MultiProgress {
        self.lines.clone()
    }

    /// Draws the board.
    pub(super) fn draw(&mut self, board: &Board, now: Instant) {
        let mut texts = vec![board.summary(now)];
        texts.extend(board.rows(ROWS, now));
        while self.bars.len() > texts.len() {
            if let Some(bar) = self.bars.pop() {
                bar.finish_and_clear();
                self.lines.remove(&bar);
            }
        }
        while self.bars.len() < texts.len() {
            let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.bars.push(self.lines.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (bar, text) in self.bars.iter().zip(texts) {
            bar.set_message(text);
            bar.tick();
        }
    }

    /// Takes the region away.
    pub(super) fn clear(&mut self) {
        self.bars.iter().for_each(ProgressBar::finish_and_clear);
        // A terminal that is gone needs no clearing.
        let _ = self.lines.clear();
    }
}
