//! Which products something needs, or is hidden by: from the cells of one image and one set of patches in which it shows,
//! and those in which it does not. Pure; what the cells do not prove is not said.
//!
//! With one product this is the 2×2 table of product and patch (Box, Hunter and Hunter, *Statistics for Experimenters*):
//!
//! | without the product | with it | what is said |
//! |---|---|---|
//! | does not show | shows | only with the product |
//! | shows | shows | nothing: the patch does it alone |
//! | shows | does not show | the product hides it |
//! | not decided | shows | not known |

use std::collections::BTreeSet;

/// The products that are on.
pub type Products = BTreeSet<String>;

/// A cell, as far as products matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The products that are on.
    pub products: Products,
    /// Whether it shows.
    pub shows: Shows,
}

/// Whether something shows in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// It does.
    Yes,
    /// The cell was decided without it.
    No,
    /// The cell was not decided, or shows something else without which this might not be.
    Unknown,
}

/// What the cells say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attribution {
    /// Nothing that depends on products.
    #[default]
    Alone,
    /// It shows where these are on together, and nowhere else.
    OnlyWith(Products),
    /// It does not show where these are on together, and shows everywhere else.
    HiddenBy(Products),
    /// The cells fit several explanations: only with one of these, each of which would do.
    Open(Vec<Products>),
}

/// Says which products something needs.
#[must_use]
pub fn attribute(rows: &[Row]) -> Attribution {
    let of = |wanted| rows.iter().filter(move |row| row.shows == wanted).map(|row| &row.products).collect::<Vec<_>>();
    let (showing, clean) = (of(Shows::Yes), of(Shows::No));
    if showing.is_empty() || rows.iter().all(|row| row.products.is_empty()) {
        return Attribution::Alone;
    }
    if showing.iter().any(|products| products.is_empty()) {
        return match &explanations(&clean, &showing)[..] {
            [only] => Attribution::HiddenBy(only.clone()),
            [] | [_, _, ..] => Attribution::Alone,
        };
    }
    match &explanations(&showing, &clean)[..] {
        [] => Attribution::Alone,
        // Where no cell without it was decided, nothing is proved.
        [only] if clean.iter().any(|products| products.is_empty()) => Attribution::OnlyWith(only.clone()),
        several => Attribution::Open(several.to_vec()),
    }
}

/// The least sets of products that are on in all these rows and, together, in none of those: single ones, else pairs,
/// else all that the rows have in common.
fn explanations(all: &[&Products], none: &[&Products]) -> Vec<Products> {
    let Some((first, rest)) = all.split_first() else { return Vec::new() };
    let common: Products = rest.iter().fold((*first).clone(), |common, products| &common & *products);
    let fits = |products: &Products| !products.is_empty() && !none.iter().any(|other| products.is_subset(other));
    let single = common.iter().map(|one| Products::from([one.clone()]));
    let found: Vec<Products> = single.filter(fits).collect();
    if !found.is_empty() {
        return found;
    }
    let pairs = common.iter().flat_map(|one| {
        common.iter().filter(move |other| one < *other).map(move |other| Products::from([one.clone(), other.clone()]))
    });
    let found: Vec<Products> = pairs.filter(fits).collect();
    if found.is_empty() { Some(common.clone()).filter(fits).into_iter().collect() } else { found }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Attribution::{Alone, HiddenBy, OnlyWith, Open};
    use super::Shows::{No, Unknown, Yes};
    use super::*;

    fn set(names: &str) -> Products {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn rows(rows: &[(&str, Shows)]) -> Attribution {
        let row = |(products, shows): &(&str, Shows)| Row { products: set(products), shows: *shows };
        attribute(&rows.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn one_product_is_the_two_by_two_table() {
        assert_eq!(rows(&[("", No), ("bank", Yes)]), OnlyWith(set("bank")));
        assert_eq!(rows(&[("", Yes), ("bank", Yes)]), Alone);
        assert_eq!(rows(&[("", Yes), ("bank", No)]), HiddenBy(set("bank")));
        assert_eq!(rows(&[("", Unknown), ("bank", Yes)]), Open(vec![set("bank")]));
        assert_eq!(rows(&[("bank", Yes)]), Open(vec![set("bank")]));
        assert_eq!(rows(&[("", No), ("bank", No)]), Alone);
        assert_eq!(rows(&[("", Yes), ("bank", Unknown)]), Alone);
        assert_eq!(rows(&[("", Yes)]), Alone);
    }

    #[test]
    fn of_several_products_the_guilty_one_or_pair_is_told() {
        let all = [("", No), ("bank", Yes), ("scanner", No), ("bank scanner", Yes)];
        assert_eq!(rows(&all), OnlyWith(set("bank")));
        let both = [("", No), ("bank", No), ("scanner", No), ("bank scanner", Yes)];
        assert_eq!(rows(&both), OnlyWith(set("bank scanner")));
        let unclear = [("", No), ("bank scanner", Yes), ("bank mail", Yes), ("mail", No)];
        assert_eq!(rows(&unclear), OnlyWith(set("bank")));
        assert_eq!(rows(&[("", No), ("bank scanner", Yes)]), Open(vec![set("bank"), set("scanner")]));
        let hidden = [("", Yes), ("bank", No), ("scanner", Yes), ("bank scanner", No)];
        assert_eq!(rows(&hidden), HiddenBy(set("bank")));
    }

    proptest! {
        /// The truth is never contradicted: where all four combinations of two products are decided, what is said is so.
        #[test]
        fn a_claim_fits_every_decided_row(shown in proptest::collection::vec(prop_oneof![Just(Yes), Just(No), Just(Unknown)], 8)) {
            let names = ["a", "b", "c"];
            let products = |bits: usize| -> Products {
                names.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, name)| (*name).to_owned()).collect()
            };
            let rows: Vec<Row> =
                shown.iter().enumerate().map(|(bits, shows)| Row { products: products(bits), shows: *shows }).collect();
            match attribute(&rows) {
                OnlyWith(needed) => {
                    prop_assert!(rows.iter().filter(|row| row.shows == Yes).all(|row| needed.is_subset(&row.products)));
                    prop_assert!(rows.iter().filter(|row| row.shows == No).all(|row| !needed.is_subset(&row.products)));
                    prop_assert_eq!(rows[0].shows, No);
                }
                HiddenBy(hiding) => {
                    prop_assert!(rows.iter().filter(|row| row.shows == No).all(|row| hiding.is_subset(&row.products)));
                    prop_assert!(rows.iter().filter(|row| row.shows == Yes).all(|row| !hiding.is_subset(&row.products)));
                }
                Open(several) => prop_assert!(!several.is_empty()),
                Alone => {}
            }
        }
    }
}
