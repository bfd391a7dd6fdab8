//! Few combinations of many products in which whatever two of them do to each other shows.

/// Which of so many products are on, row by row: none first, all last. Any two products are in some row both on, in some
/// both off, and in some each on without the other. With and without the patch these rows cover the patch together with
/// any two products.
///
/// A binary covering array of strength 2: the columns are the words of N bits that begin with 0 and have ⌈N/2⌉ ones
/// (Katona 1973; Kleitman and Spencer 1973), for the least N that has enough of them; and a row with all products, which
/// is what people have.
#[must_use]
pub(crate) fn pairs(products: usize) -> Vec<Vec<usize>> {
    let rows = (1..=products + 2).find(|rows| words(*rows) >= products).unwrap_or(1);
    let columns = columns(rows, products);
    let row = |row: usize| columns.iter().enumerate().filter(move |(_, column)| column[row]).map(|(place, _)| place);
    let mut all: Vec<Vec<usize>> = (0..rows).map(|number| row(number).collect()).collect();
    all.push((0..products).collect());
    all.sort_by_key(|row| (row.len(), row.clone()));
    all.dedup();
    all
}

/// How many such words of so many bits there are.
fn words(bits: usize) -> usize {
    let (of, taken) = (bits - 1, bits.div_ceil(2));
    if taken > of {
        return 0;
    }
    // Each product is divisible: it is a binomial coefficient itself. No more than 2^64 products will be named.
    (0..taken).fold(1_usize, |all, step| all.saturating_mul(of - step) / (step + 1))
}

/// The first of these words, as truth values.
fn columns(bits: usize, wanted: usize) -> Vec<Vec<bool>> {
    let mut columns = Vec::new();
    let mut word = vec![false; bits];
    fill(&mut word, 1, bits.div_ceil(2), &mut |word| {
        if columns.len() < wanted {
            columns.push(word.to_vec());
        }
        columns.len() < wanted
    });
    columns
}

/// Puts so many ones into the word from a place on, in every way, until enough is found.
fn fill(word: &mut [bool], from: usize, ones: usize, found: &mut impl FnMut(&[bool]) -> bool) -> bool {
    if ones == 0 {
        return found(word);
    }
    for place in from..word.len() {
        if word.len() - place < ones {
            break;
        }
        word[place] = true;
        let more = fill(word, place + 1, ones - 1, found);
        word[place] = false;
        if !more {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_products_meet_in_every_way() {
        for products in 0..60 {
            let rows = pairs(products);
            assert_eq!(rows.first().map(Vec::len), Some(0), "{rows:?}");
            assert_eq!(rows.last().map(Vec::len), Some(products), "{rows:?}");
            for one in 0..products {
                for other in 0..one {
                    let mut met: Vec<(bool, bool)> =
                        rows.iter().map(|row| (row.contains(&one), row.contains(&other))).collect();
                    met.sort_unstable();
                    met.dedup();
                    assert_eq!(met.len(), 4, "{one} and {other} of {products}: {rows:?}");
                }
            }
        }
    }

    #[test]
    fn few_rows_do() {
        assert_eq!([0, 1, 2].map(|products| pairs(products).len()), [1, 2, 4]);
        let beside_all = |products| pairs(products).len() - 1;
        assert_eq!([3, 4, 10, 15, 35, 56, 126].map(beside_all), [4, 5, 6, 7, 8, 9, 10]);
    }
}
