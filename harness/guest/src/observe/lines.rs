//! Lines of logs within bounds: so many lines, so many bytes of each, with a note where something was left out.

/// The most lines that are told.
const LINES: usize = 10_000;

/// The longest line that is told whole, in bytes.
const LINE: usize = 8 << 10;

/// How many bytes of logs one answer looks at: even when each of them needs six in JSON, the answer fits a frame.
pub(crate) const BYTES: usize = 8 << 20;

/// Stands where lines were left out. It holds no number, so that it reads the same in every run.
const LEFT_OUT: &str = "[patchbed: lines left out here]";

/// Ends a line that was cut.
const CUT: &str = " [patchbed: line cut here]";

/// Collects lines.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Vec<String>,
}

impl Lines {
    /// Adds text. The last line counts even without an end: who wrote it may have died.
    pub(crate) fn add(&mut self, text: &[u8]) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        if !text.is_empty() {
            self.lines.extend(text.split(|byte| *byte == b'\n').map(told));
        }
    }

    /// Notes that something is missing here.
    pub(crate) fn left_out(&mut self) {
        if self.lines.last().is_none_or(|line| line != LEFT_OUT) {
            self.lines.push(LEFT_OUT.into());
        }
    }

    /// The lines: the first and the last ones when there are too many.
    pub(crate) fn into_told(mut self) -> Vec<String> {
        if self.lines.len() > LINES {
            let last = self.lines.split_off(self.lines.len() - LINES / 2);
            self.lines.truncate(LINES / 2 - 1);
            self.left_out();
            self.lines.extend(last);
        }
        self.lines
    }
}

fn told(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() <= LINE {
        return String::from_utf8_lossy(line).into_owned();
    }
    String::from_utf8_lossy(&line[..LINE]).into_owned() + CUT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told_of(text: &[u8]) -> Vec<String> {
        let mut lines = Lines::default();
        lines.add(text);
        lines.into_told()
    }

    #[test]
    fn lines_are_told_without_their_ends() {
        assert_eq!(told_of(b"one\r\n\ntwo\xff\nthree"), ["one", "", "two\u{fffd}", "three"]);
        assert_eq!(told_of(b""), [""; 0]);
    }

    #[test]
    fn long_lines_and_many_lines_are_cut_with_a_note() {
        assert_eq!(told_of(&[b'x'; 9000])[0], "x".repeat(LINE) + CUT);
        let many = (0..30_000).fold(String::new(), |text, number| text + &number.to_string() + "\n");
        let told = told_of(many.as_bytes());
        assert_eq!(
            (told.len(), told[0].as_str(), told[4999].as_str(), told[9999].as_str()),
            (10_000, "0", LEFT_OUT, "29999")
        );
    }

    proptest! {
        #[test]
        fn few_lines_are_told_as_they_are(lines in prop::collection::vec("[^\r\n]{0,20}", 1..50)) {
            prop_assume!(lines.last().is_some_and(|line| !line.is_empty()));
            prop_assert_eq!(told_of(lines.join("\n").as_bytes()), lines);
        }
    }
}
