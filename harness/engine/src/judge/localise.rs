//! Which further cell would tell which products something needs. Pure.
//!
//! `QuickXplain` (Junker 2004, *Preferred Explanations and Relaxations for Over-Constrained Problems*) looks for a
//! least set of products with which it shows, among those of the smallest cell in which it does. Most of what it asks
//! follows from cells that were decided: with more products than where it shows it shows, and with fewer than where it
//! does not it does not. The first question that is still open is the next cell; then the search begins again.

use std::collections::BTreeSet;

use super::attribution::{Products, Row, Shows};

/// The products of the next cell; `None` when a cell with the least set alone shows it, or no cell would tell.
#[must_use]
pub fn question(rows: &[Row]) -> Option<Products> {
    let of = |wanted| rows.iter().filter(move |row| row.shows == wanted).map(|row| &row.products);
    let smallest = of(Shows::Yes).min_by_key(|products| products.len())?;
    // Where the patch alone is not known to be fine, products explain nothing.
    of(Shows::No).find(|products| products.is_empty())?;
    let common = of(Shows::Yes).fold(smallest.clone(), |common, products| &common & products);
    // What all have in common is most likely needed: it stands first, so that the rest is tried without it last.
    let (likely, others): (Vec<&String>, Vec<&String>) = smallest.iter().partition(|one| common.contains(*one));
    let search = Search { rows };
    let found = search.least(&Products::new(), &Products::new(), &[likely, others].concat());
    match found.and_then(|least| search.shows(&least)) {
        Err(Stop::Ask(products)) => Some(products),
        Err(Stop::Undecided) | Ok(_) => None,
    }
}

/// Why a search does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    /// A cell with these products has to be run.
    Ask(Products),
    /// It was run, and it did not tell.
    Undecided,
}

struct Search<'a> {
    rows: &'a [Row],
}

impl Search<'_> {
    /// A least set among the candidates with which, beside those that are on already, it shows. `added` are the last of
    /// those: without them it was not known to show.
    fn least(&self, on: &Products, added: &Products, candidates: &[&String]) -> Result<Products, Stop> {
        if !added.is_empty() && self.shows(on)? {
            return Ok(Products::new());
        }
        if candidates.len() < 2 {
            return Ok(set(candidates));
        }
        let (first, second) = candidates.split_at(candidates.len() / 2);
        let first_set = set(first);
        let later = self.least(&(on | &first_set), &first_set, second)?;
        let earlier = self.least(&(on | &later), &later, first)?;
        Ok(&earlier | &later)
    }

    /// Whether it shows with these products, by the cells that were run.
    fn shows(&self, products: &Products) -> Result<bool, Stop> {
        let any = |wanted, fits: &dyn Fn(&Products) -> bool| {
            self.rows.iter().any(|row| row.shows == wanted && fits(&row.products))
        };
        if any(Shows::Yes, &|shown| shown.is_subset(products)) {
            Ok(true)
        } else if any(Shows::No, &|clean| products.is_subset(clean)) {
            Ok(false)
        } else if any(Shows::Unknown, &|open| open == products) {
            Err(Stop::Undecided)
        } else {
            Err(Stop::Ask(products.clone()))
        }
    }
}

fn set(products: &[&String]) -> Products {
    products.iter().map(|&one| one.clone()).collect::<BTreeSet<String>>()
}

/// How many further cells of one image and one set of patches may be run for so many products.
#[must_use]
pub fn budget(products: usize) -> usize {
    let halvings = products.max(1).next_power_of_two().trailing_zeros() as usize;
    2 * halvings + 4
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::super::attribution::{Attribution, attribute};
    use super::Shows::{No, Unknown, Yes};
    use super::*;
    use crate::covering::pairs;

    fn named(places: impl IntoIterator<Item = usize>) -> Products {
        places.into_iter().map(|place| format!("p{place:02}")).collect()
    }

    /// The rows of a run that goes on until nothing is asked any more, and how many cells that took.
    fn run(products: usize, shows: impl Fn(&Products) -> Shows) -> (Vec<Row>, usize) {
        let row = |products: Products| Row { shows: shows(&products), products };
        let mut rows: Vec<Row> = pairs(products).into_iter().map(|places| row(named(places))).collect();
        let planned = rows.len();
        while let Some(next) = question(&rows) {
            assert!(rows.iter().all(|row| row.products != next), "{next:?} was run before");
            rows.push(row(next));
        }
        let further = rows.len() - planned;
        (rows, further)
    }

    fn told(is_shown: bool) -> Shows {
        if is_shown { Yes } else { No }
    }

    #[test]
    fn the_next_cell_is_the_first_that_nothing_tells() {
        let row = |products: &[usize], shows| Row { products: named(products.iter().copied()), shows };
        assert_eq!(question(&[row(&[], No), row(&[1], Yes)]), None);
        assert_eq!(question(&[row(&[], Yes), row(&[1], Yes)]), None);
        assert_eq!(question(&[row(&[], Unknown), row(&[1, 2], Yes)]), None);
        let open = [row(&[], No), row(&[1, 2], Yes)];
        assert_eq!(question(&open), Some(named([1])));
        assert_eq!(question(&[open.as_slice(), &[row(&[1], Unknown)]].concat()), None);
        assert_eq!(question(&[open.as_slice(), &[row(&[1], No)]].concat()), Some(named([2])));
        assert_eq!(question(&[open.as_slice(), &[row(&[1], No), row(&[2], No)]].concat()), None);
    }

    #[test]
    fn one_or_two_guilty_products_are_found_within_the_budget() {
        for products in 1..=12 {
            for one in 0..products {
                for other in one..products {
                    let guilty = named([one, other]);
                    let (rows, further) = run(products, |on| told(guilty.is_subset(on)));
                    assert_eq!(attribute(&rows), Attribution::OnlyWith(guilty));
                    assert!(further <= budget(products), "{one} and {other} of {products}: {further}");
                }
            }
        }
    }

    proptest! {
        /// Whatever sets are enough, the smallest cell that shows it is one of them and has nothing too much.
        #[test]
        fn a_least_set_is_always_found(products in 1_usize..10, faults in vec(btree_set(0_usize..9, 1..5), 1..4)) {
            let faults: Vec<Products> = faults
                .into_iter()
                .map(|fault| named(fault.into_iter().map(|place| place % products)))
                .collect();
            let shows = |on: &Products| faults.iter().any(|fault| fault.is_subset(on));
            let (rows, further) = run(products, |on| told(shows(on)));
            let least = rows.iter().filter(|row| row.shows == Yes).min_by_key(|row| row.products.len()).unwrap();
            prop_assert!(faults.contains(&least.products));
            let without = |one: &String| least.products.iter().filter(|other| *other != one).cloned().collect();
            prop_assert!(least.products.iter().all(|one| !shows(&without(one))));
            if let [only] = &faults[..] {
                prop_assert_eq!(attribute(&rows), Attribution::OnlyWith(only.clone()));
            }
            // Each product of the least set costs a halving of all, and one more cell.
            let halvings = budget(products) / 2 - 1;
            prop_assert!(further <= least.products.len() * (halvings + 1) + 2 * halvings, "{} cells", further);
        }

        /// Cells that contradict each other or tell nothing do not keep a run from its end.
        #[test]
        fn no_cell_is_asked_for_twice(products in 1_usize..8, shown in vec(0_u8..3, 256)) {
            let of = |on: &Products| {
                let bits: usize = on.iter().map(|name| 1 << name[1..].parse::<usize>().unwrap()).sum();
                [Yes, No, Unknown][usize::from(shown[bits])]
            };
            let (rows, _) = run(products, of);
            prop_assert!(rows.len() <= 1 << products);
        }
    }
}
