//! Launching and terminating instances.

use super::duration;
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawLaunch, RawLifecycle};
use crate::shape::{At, Field};
use crate::types::{Launch, Lifecycle, Mode, Verify};
use crate::values::Seconds;

/// Longest deregistration delay, by AWS, in seconds.
const LONGEST_DRAIN: u32 = 3600;
/// What a lifecycle hook can wait, by AWS, in seconds (rule 11).
const HOOK: std::ops::RangeInclusive<u32> = 30..=7200;

pub(super) fn check(
    field: Field<RawLifecycle>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Lifecycle, Refused> {
    let raw = field.open()?.value;
    let launch = launch(raw.launch, mode, report);
    let drain = raw.terminate.open()?.value.drain;
    let drain = drain.or(Seconds(Lifecycle::default().drain));
    let hint = "choose 0s to 3600s; 60s is the default";
    let drain = duration(drain, 0..=LONGEST_DRAIN, "draining for", hint, report)?;
    let launch = launch?;
    Ok(Lifecycle { drain, launch })
}

fn launch(
    field: Field<RawLaunch>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Launch, Refused> {
    let raw = field.open()?.value;
    let usual = Lifecycle::default().launch;
    let hint = "choose 30s to 2h; 10m is the default";
    let timeout = duration(
        raw.timeout.or(Seconds(usual.timeout)),
        HOOK,
        "a timeout of",
        hint,
        report,
    );
    let verify = raw.verify.given()?;
    if let Some(At {
        value: Verify::LoadBalancer,
        place,
    }) = &verify
        && mode == Ok(Mode::Ec2)
    {
        let message = "`verify: load-balancer` holds an instance by a lifecycle hook, and with `mode: ec2` there is none";
        return Err(report.refuse(place, message, "leave it out, or use `mode: asg`"));
    }
    let verify = match (verify, mode?) {
        (Some(at), _) => at.value,
        (None, Mode::Asg) => usual.verify,
        (None, Mode::Ec2) => Verify::None,
    };
    let timeout = timeout?;
    Ok(Launch { verify, timeout })
}
