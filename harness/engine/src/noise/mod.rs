//! What moves by itself: snapshots of attempts without the patch in, a baseline with its volatility out. Pure.

mod baseline;
mod shape;
mod stands;

pub use baseline::{Baseline, Entry, MOST_VALUES, Seen, Volatility, number};
pub use shape::{alike, shape};

/// An upper bound, at 95 % confidence, of how often an unchanged reading moves by itself, given that it did not in
/// `attempts` attempts: the rate at which not moving once would have a chance of 5 %.
#[must_use]
pub fn bound(attempts: u32) -> f64 {
    if attempts == 0 { 1.0 } else { 1.0 - 0.05_f64.powf(1.0 / f64::from(attempts)) }
}

/// The highest chance, over all ways in which a reading may move by itself, that `control` attempts all show one value
/// and none of `patched` attempts shows it: the maximum of `p^(control−1)·(1−p)^patched`.
#[must_use]
pub fn false_alarm(control: u32, patched: u32) -> f64 {
    if control <= 1 || patched == 0 {
        return 1.0;
    }
    let (same, other) = (f64::from(control - 1), f64::from(patched));
    let share = same / (same + other);
    share.powf(same) * (1.0 - share).powf(other)
}

#[cfg(test)]
mod tests;
