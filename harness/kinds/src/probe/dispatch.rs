//! Any probe looks as its kind does.

use patchbed_model::{Key, Reading};

use super::{AnyProbe, Look, Probe, ProbeError};

impl Probe for AnyProbe {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        Err(ProbeError::Blind(format!("{}: `{}` cannot look yet", look.prefix, self.kind())))
    }
}
