//! A bundle as the search sees it: which patches need which others, and what it costs to withhold them.

use super::set::Set;

/// The most patches of a bundle that is searched.
pub const MOST_PATCHES: usize = 128;

/// The patches of a bundle by their places.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// Of each patch: itself and all that must be in before it.
    needs: Vec<Set>,
    weights: Vec<f64>,
}

impl Bundle {
    /// A bundle of patches, each with those that must be in before it and with what withholding it costs.
    #[must_use]
    pub fn new(patches: impl IntoIterator<Item = (Set, f64)>) -> Self {
        let (mut needs, weights): (Vec<Set>, Vec<f64>) = patches.into_iter().take(MOST_PATCHES).unzip();
        for (place, set) in needs.iter_mut().enumerate() {
            *set = set.union(Set::one(place));
        }
        // Each pass follows the chains of needs one step further.
        for _ in 0..needs.len() {
            needs = needs.iter().map(|set| set.places().fold(*set, |all, one| all.union(needs[one]))).collect();
        }
        Self { needs, weights }
    }

    /// How many patches there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// All patches.
    #[must_use]
    pub const fn all(&self) -> Set {
        Set::first(self.needs.len())
    }

    /// These patches with all that they need.
    #[must_use]
    pub fn with_needs(&self, set: Set) -> Set {
        set.places().fold(set, |all, place| all.union(self.needs[place]))
    }

    /// Those of these patches whose needs are among them.
    #[must_use]
    pub fn supported(&self, set: Set) -> Set {
        set.places().filter(|place| self.needs[*place].is_within(set)).collect()
    }

    /// Whether a patch needs the other one.
    #[must_use]
    pub fn needs(&self, place: usize, other: usize) -> bool {
        self.needs[place].holds(other)
    }

    /// All patches but these and those that need one of them.
    #[must_use]
    pub fn without(&self, held: Set) -> Set {
        self.supported(self.all().minus(held))
    }

    /// What withholding these patches costs, with those that need one of them.
    #[must_use]
    pub fn cost(&self, held: Set) -> f64 {
        self.all().minus(self.without(held)).places().map(|place| self.weights[place]).sum()
    }

    /// Of the ways to withhold one patch of each set the one that costs least.
    #[must_use]
    pub fn cheapest_hold(&self, guilty: &[Set]) -> Set {
        let mut ways = vec![Set::default()];
        for set in guilty {
            let longer = |way: &Set| {
                let way = *way;
                let is_hit = !way.common(*set).is_empty();
                let more = set.places().map(move |place| way.union(Set::one(place)));
                more.filter(move |_| !is_hit).chain(is_hit.then_some(way)).collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(longer).collect();
            ways.sort_by(|one, other| self.cost(*one).total_cmp(&self.cost(*other)).then(one.cmp(other)));
            ways.dedup();
            ways.truncate(MOST_WAYS);
        }
        ways.first().copied().unwrap_or_default()
    }
}

/// How many of the cheapest ways are followed when there are many sets.
const MOST_WAYS: usize = 256;
