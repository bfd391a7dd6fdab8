//! Which cell of one run is which of the other, by names: ids are made of digests, which change from month to month.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Pair, Place};
use crate::given::Given;
use crate::record::Record;

/// By what a cell is known: scenario, image, products and how patches are given; then its patches.
type Name<'a> = (Kin<'a>, &'a [String]);
/// A name without its patches.
type Kin<'a> = (&'a str, &'a str, &'a [String], Given);

/// Every cell of both, those of the later run first and in its order.
pub(super) fn of<'a>(earlier: &'a Record, later: &'a Record) -> Vec<Pair<'a>> {
    let mut named: BTreeMap<Name<'_>, VecDeque<usize>> = BTreeMap::new();
    let before: Vec<Place<'_>> = places(earlier).collect();
    for (at, place) in before.iter().enumerate() {
        named.entry(name(*place)).or_default().push_back(at);
    }
    let after: Vec<Place<'_>> = places(later).collect();
    let mut found: Vec<Option<usize>> =
        after.iter().map(|place| named.get_mut(&name(*place)).and_then(VecDeque::pop_front)).collect();
    pair_other_patches(&before, &after, &mut found);
    let gone = left(before.len(), &found).into_iter().map(|at| (Some(before[at]), None));
    let both = after.iter().zip(&found).map(|(place, at)| (at.map(|at| before[at]), Some(*place)));
    both.chain(gone).collect()
}

/// Pairs what is left where a scenario has just one such cell in each run: then only its patches are other ones.
fn pair_other_patches<'a>(before: &[Place<'a>], after: &[Place<'a>], found: &mut [Option<usize>]) {
    let mut kin: BTreeMap<Kin<'_>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for at in left(before.len(), found) {
        kin.entry(name(before[at]).0).or_default().0.push(at);
    }
    for (at, place) in after.iter().enumerate().filter(|(at, _)| found[*at].is_none()) {
        kin.entry(name(*place).0).or_default().1.push(at);
    }
    let patched = |(_, cell): &Place<'_>| !cell.patches.is_empty();
    for (was, now) in kin.into_values() {
        if let ([was], [now]) = (was.as_slice(), now.as_slice())
            && patched(&before[*was])
            && patched(&after[*now])
        {
            found[*now] = Some(*was);
        }
    }
}

/// Which of so many earlier cells are in no pair.
fn left(cells: usize, found: &[Option<usize>]) -> Vec<usize> {
    let taken: BTreeSet<usize> = found.iter().flatten().copied().collect();
    (0..cells).filter(|at| !taken.contains(at)).collect()
}

fn places(record: &Record) -> impl Iterator<Item = Place<'_>> {
    record.scenarios.iter().flat_map(|scenario| scenario.cells.iter().map(move |cell| (scenario, cell)))
}

fn name((scenario, cell): Place<'_>) -> Name<'_> {
    ((&scenario.id, &cell.image, &cell.software, cell.given), &cell.patches)
}
