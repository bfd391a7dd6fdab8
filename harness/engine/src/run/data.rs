//! What must survive the patch: looked at before it, and compared with what is there after the restart.

use patchbed_kinds::probe::Look;
use patchbed_kinds::probe::Probe as _;
use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_model::{Health, Snapshot};
use patchbed_sandbox::LinkError;

use super::kept::{Glance, compared};
use super::look::{Readings, Sight};
use crate::scenario::Data;

/// What was there before the patch.
#[derive(Debug, Default)]
pub(super) struct Remembered<'a>(Vec<(&'a Data, Glance)>);

impl<'a> Remembered<'a> {
    /// Looks at all that must survive.
    pub(super) async fn of(data: impl Iterator<Item = &'a Data>, sight: &Sight<'_>) -> Result<Self, LinkError> {
        let mut all = Vec::new();
        for one in data {
            all.push((one, sight.glance(one).await?));
        }
        Ok(Self(all))
    }
}

impl Sight<'_> {
    /// What became of all that was remembered.
    pub(super) async fn kept(&self) -> Result<Readings, LinkError> {
        let mut all = Vec::new();
        for (data, before) in &self.remembered.0 {
            all.extend(compared(&data.prefix(), before, &self.glance(data).await?));
        }
        Ok(all)
    }

    async fn glance(&self, data: &Data) -> Result<Glance, LinkError> {
        let service = self.watched_as(data.service.as_ref());
        let look = Look { service, since: None, ..self.at(data.prefix(), data.within) };
        let readings = self.limited(&look, data.kind.observe(&look)).await?;
        Ok(readings.into_iter().map(|(key, reading)| (key, canonical_reading(reading))).collect())
    }
}

/// Where workloads ran once more after the patch was taken back, more was added than the first time: what is kept counts
/// as kept just as it was then.
pub(super) fn as_kept_before(first: &Snapshot, again: &mut Snapshot) {
    for (key, reading) in again.readings.iter_mut().filter(|(key, _)| is_of_data(key)) {
        let good = |reading: &&patchbed_model::Reading| reading.health == Some(Health::Good);
        if let Some(first) = first.readings.get(key).filter(good)
            && good(&&*reading)
        {
            reading.clone_from(first);
        }
    }
}

fn is_of_data(key: &patchbed_model::Key) -> bool {
    key.subject() == crate::scenario::DATA
}
