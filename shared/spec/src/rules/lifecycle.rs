//! Launching and terminating instances, and what is changed by hand.

use crate::diagnostics::{Refused, Report};
use crate::raw::{RawDrift, RawLaunch, RawLifecycle, Verify};
use crate::shape::{At, Field};
use crate::types::Lifecycle;
use crate::values::Seconds;

/// Longest deregistration delay, by AWS, in seconds.
const LONGEST_DRAIN: u32 = 3600;

pub(super) fn check(field: Field<RawLifecycle>, report: &mut Report) -> Result<Lifecycle, Refused> {
    let raw = field.open()?.value;
    launch(raw.launch, report);
    let drain = raw.terminate.open()?.value.drain.or(Seconds(60))?;
    let seconds = drain.value.0;
    if seconds > LONGEST_DRAIN {
        let message = format!("draining for {seconds}s is out of range");
        return Err(report.refuse(&drain.place, message, "choose 0s to 3600s; 60s is the default"));
    }
    Ok(Lifecycle { drain: seconds })
}

fn launch(field: Field<RawLaunch>, report: &mut Report) {
    let Ok(Some(At { value: raw, .. })) = field.given() else {
        return;
    };
    if let Ok(At {
        value: Verify::LoadBalancer,
        place,
    }) = raw.verify.or(Verify::None)
    {
        let remedy = "leave it out: the target group withholds traffic until an instance is healthy";
        report.unsupported(&place, "`verify: load-balancer`", remedy);
    }
    if let Ok(Some(At { place, .. })) = raw.timeout.given() {
        report.unsupported(&place, "`timeout`", "leave it out");
    }
}

/// Drift is not looked for so far, so that nothing about it can be set.
pub(super) fn drift(field: Field<RawDrift>, report: &mut Report) {
    let Ok(Some(At { value: raw, place })) = field.given() else {
        return;
    };
    if raw.interval.is_given() || raw.repair.is_given() {
        report.unsupported(
            &place,
            "`drift`",
            "leave it out; upload the spec again to repair the stack",
        );
    }
}
