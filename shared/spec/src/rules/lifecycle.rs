//! Launching and terminating instances.

use super::duration;
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawLaunch, RawLifecycle, Verify};
use crate::shape::{At, Field};
use crate::types::Lifecycle;
use crate::values::Seconds;

/// Longest deregistration delay, by AWS, in seconds.
const LONGEST_DRAIN: u32 = 3600;

pub(super) fn check(field: Field<RawLifecycle>, report: &mut Report) -> Result<Lifecycle, Refused> {
    let raw = field.open()?.value;
    launch(raw.launch, report);
    let drain = raw.terminate.open()?.value.drain;
    let drain = drain.or(Seconds(Lifecycle::default().drain));
    let hint = "choose 0s to 3600s; 60s is the default";
    let drain = duration(drain, 0..=LONGEST_DRAIN, "draining for", hint, report)?;
    Ok(Lifecycle { drain })
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
