//! `attempts`, `limits` and `matrix`: how much is run, and what it may use.

use patchbed_kinds::document::{At, Placed, Problems, Size, Span};
use patchbed_model::Code;
use patchbed_sandbox::Limits;

use super::image::ImageText;
use super::lowering::{List, value};
use super::values::{Count, PatchWord, Reference, SoftwareWord};
use crate::scenario::{Attempts, Matrix, PatchAxis, SoftwareAxis};

patchbed_kinds::document! {
    /// How many attempts each arm gets.
    pub(super) struct AttemptsText, "a mapping with `control`, `patched` and `confirm`" {
        /// Without the patch; 2 when not given.
        control: Option<Placed<Count<1, 1000>>>, optional;
        /// With the patch; 1 when not given.
        patched: Option<Placed<Count<1, 1000>>>, optional;
        /// More of both arms when something is suspect, and as many again up to seven times while it is open how often
        /// something fails; 3 when not given.
        confirm: Option<Placed<Count<0, 1000>>>, optional;
    }
}

patchbed_kinds::document! {
    /// What a sandbox may use.
    pub(super) struct LimitsText, "a mapping with `time`, `memory`, `disk` or `processes`" {
        /// Its whole life; 10 min when not given.
        time: Option<Placed<Span>>, optional;
        /// Memory of all processes together; 2 GiB when not given.
        memory: Option<Placed<Size>>, optional;
        /// Space for what is written; 4 GiB when not given.
        disk: Option<Placed<Size>>, optional;
        /// Processes and threads at one time; 512 when not given.
        processes: Option<Placed<Count<4, 1_000_000>>>, optional;
    }
}

patchbed_kinds::document! {
    /// Which cells are run.
    pub(super) struct MatrixText, "a mapping with `image`, `software` or `patch`" {
        /// The images.
        image: Option<List<Reference<ImageText>>>, optional;
        /// Which products are on: `none`, `all` together, `each` by itself and none, or the few combinations of
        /// `pairs`, in which any two products are on together, one without the other, and off; `pairs` when not given.
        software: Option<Placed<SoftwareWord>>, optional;
        /// Which patches are in: `all` together, `each` with those it needs, or both; `all` when not given.
        patch: Option<Placed<PatchWord>>, optional;
    }
}

/// The most cells that one scenario may have.
pub(super) const MOST_CELLS: usize = 10_000;

/// With less nothing useful starts, and a slip such as `2B` for `2GB` is told from a wish.
const LEAST_BYTES: u64 = 1 << 20;

impl AttemptsText {
    /// The numbers, with what is not given.
    pub(super) fn lower(text: Option<&Self>) -> Attempts {
        Attempts {
            control: text.and_then(|text| value(text.control.as_ref())).map_or(2, |count| count.0),
            patched: text.and_then(|text| value(text.patched.as_ref())).map_or(1, |count| count.0),
            confirm: text.and_then(|text| value(text.confirm.as_ref())).map_or(3, |count| count.0),
        }
    }
}

impl LimitsText {
    /// The limits, with what is not given.
    pub(super) fn lower(text: Option<&Self>, problems: &mut Problems) -> Limits {
        let mut limits = Limits::default();
        let Some(text) = text else { return limits };
        for size in [&text.memory, &text.disk].into_iter().flatten() {
            if size.value.is_some_and(|size| size.0 < LEAST_BYTES) {
                problems
                    .error(Code::InvalidValue, size.place, At::Value, "less than 1 MiB is of no use")
                    .help("write a size such as `512MiB` or `2GiB`");
            }
        }
        limits.time = value(text.time.as_ref()).map_or(limits.time, |span| span.0);
        limits.memory = value(text.memory.as_ref()).map_or(limits.memory, |size| size.0);
        limits.disk = value(text.disk.as_ref()).map_or(limits.disk, |size| size.0);
        limits.processes = value(text.processes.as_ref()).map_or(limits.processes, |count| count.0);
        limits
    }
}

impl MatrixText {
    /// The axes, with what is not given.
    pub(super) fn lower(text: Option<&Self>) -> Matrix {
        Matrix {
            patch: match text.and_then(|text| value(text.patch.as_ref())) {
                Some(PatchWord::All) | None => PatchAxis::All,
                Some(PatchWord::Each) => PatchAxis::Each,
                Some(PatchWord::AllAndEach) => PatchAxis::AllAndEach,
            },
            software: match text.and_then(|text| value(text.software.as_ref())) {
                Some(SoftwareWord::All) => SoftwareAxis::All,
                Some(SoftwareWord::Each) => SoftwareAxis::Each,
                Some(SoftwareWord::Pairs) | None => SoftwareAxis::Pairs,
                Some(SoftwareWord::None) => SoftwareAxis::None,
            },
        }
    }
}

/// How many cells there are.
pub(super) fn cells(matrix: Matrix, images: usize, patches: usize, products: usize) -> usize {
    let patch = match matrix.patch {
        PatchAxis::All => 1,
        PatchAxis::Each => patches,
        PatchAxis::AllAndEach => patches.saturating_add(usize::from(patches > 1)),
    };
    let software = match matrix.software {
        SoftwareAxis::All | SoftwareAxis::None => 1,
        SoftwareAxis::Each => products.saturating_add(1),
        SoftwareAxis::Pairs => crate::covering::pairs(products).len(),
    };
    images.max(1).saturating_mul(patch.max(1)).saturating_mul(software)
}

/// A number with its thousands apart.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups: Vec<&str> = std::iter::once(&digits[..first])
        .chain((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]))
        .filter(|group| !group.is_empty())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_multiply_and_never_overflow() {
        let matrix = Matrix { patch: PatchAxis::AllAndEach, software: SoftwareAxis::Each };
        assert_eq!(cells(matrix, 2, 9, 3), 2 * 10 * 4);
        assert_eq!(cells(matrix, usize::MAX, usize::MAX, usize::MAX), usize::MAX);
        assert_eq!(grouped(1_000_000_000), "1,000,000,000");
        assert_eq!(grouped(12), "12");
    }
}
