//! How often is looked for what somebody changed by hand, and what happens with it.

use super::duration;
use crate::diagnostics::{Refused, Report};
use crate::raw::RawDrift;
use crate::shape::Field;
use crate::types::Drift;
use crate::values::Seconds;

pub(super) fn check(field: Field<RawDrift>, report: &mut Report) -> Result<Drift, Refused> {
    let raw = field.open()?.value;
    let usual = Drift::default();
    let hint = "choose 5m to 24h; 1h is the default";
    let interval = raw.interval.or(Seconds(usual.interval));
    let interval = duration(interval, 300..=86_400, "an interval of", hint, report);
    let repair = raw.repair.or(usual.repair);
    Ok(Drift {
        interval: interval?,
        repair: repair?.value,
    })
}
