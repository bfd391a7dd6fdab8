//! A program's output, bounded: its beginning, its end, how much there was, and the digest of all of it.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use crate::message::Output;

/// Takes output as it comes.
#[derive(Debug)]
pub(crate) struct Capture {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    hasher: Sha256,
}

impl Capture {
    /// Keeps so many bytes at most.
    pub(crate) fn new(keep: usize) -> Self {
        Self { half: keep / 2, head: Vec::new(), tail: VecDeque::new(), total: 0, hasher: Sha256::new() }
    }

    /// How many bytes there were.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.hasher.update(bytes);
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..over.min(self.tail.len()));
        self.tail.extend(rest);
    }

    /// What is known now.
    pub(crate) fn output(&self) -> Output {
        let digest = self.hasher.clone().finalize();
        let missing = self.total - (self.head.len() + self.tail.len()) as u64;
        let mut bytes = self.head.clone();
        if missing > 0 {
            bytes.extend_from_slice(format!("\n[{missing} bytes are left out here]\n").as_bytes());
        }
        bytes.extend(&self.tail);
        Output {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            total: self.total,
            digest: digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn how_output_is_cut_into_pieces_does_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            keep in 0_usize..120,
            piece in 1_usize..50,
        ) {
            let mut whole = Capture::new(keep);
            whole.take(&bytes);
            let mut pieces = Capture::new(keep);
            bytes.chunks(piece).for_each(|piece| pieces.take(piece));
            prop_assert_eq!(whole.output(), pieces.output());
        }
    }

    #[test]
    fn short_output_is_whole_and_long_output_keeps_both_ends() {
        let mut capture = Capture::new(8);
        capture.take(b"abcdefgh");
        assert_eq!(capture.output().text, "abcdefgh");
        capture.take(b"ijkl");
        assert_eq!(capture.output().text, "abcd\n[4 bytes are left out here]\nijkl");
        assert_eq!(capture.output().total, 12);
    }
}
