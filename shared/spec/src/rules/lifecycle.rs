//! Launching and terminating instances.

use super::duration;
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawLaunch, RawLifecycle};
use crate::shape::{At, Field};
use crate::types::{Command, Launch, Lifecycle, Mode, Verify};
use crate::values::Seconds;

/// Longest deregistration delay, by AWS, in seconds.
const LONGEST_DRAIN: u32 = 3600;
/// Longest command, in characters.
const LONGEST_COMMAND: usize = 4096;
/// What a command may take, by Systems Manager at least, in seconds.
const COMMAND: std::ops::RangeInclusive<u32> = 30..=3600;
/// What it may take if nothing is said, in seconds.
const COMMAND_TIMEOUT: u32 = 60;
/// What a lifecycle hook can wait, by AWS, in seconds (rule 11).
const HOOK: std::ops::RangeInclusive<u32> = 30..=7200;

pub(super) fn check(
    field: Field<RawLifecycle>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Lifecycle, Refused> {
    let raw = field.open()?.value;
    let launch = launch(raw.launch, mode, report);
    let terminate = raw.terminate.open()?.value;
    let drain = terminate.drain.or(Seconds(Lifecycle::default().drain));
    let hint = "choose 0s to 3600s; 60s is the default";
    let drain = duration(drain, 0..=LONGEST_DRAIN, "draining for", hint, report);
    let command = command(terminate.command, terminate.timeout, mode, report);
    Ok(Lifecycle {
        drain: drain?,
        launch: launch?,
        command: command?,
    })
}

fn command(
    text: Field<String>,
    timeout: Field<Seconds>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Option<Command>, Refused> {
    let text = text.given()?;
    let limit = timeout.given()?;
    let Some(At { value: text, place }) = text else {
        return match limit {
            Some(At { place, .. }) => {
                let message = "a timeout without a command limits nothing";
                Err(report.refuse(&place, message, "say `command` beside it, or leave it out"))
            }
            None => Ok(None),
        };
    };
    if text.trim().is_empty() {
        return Err(report.refuse(&place, "an empty command does nothing", "leave it out"));
    }
    if text.chars().count() > LONGEST_COMMAND {
        let message = format!("a command of more than {LONGEST_COMMAND} characters");
        return Err(report.refuse(
            &place,
            message,
            "put it into a script of the image, and call that",
        ));
    }
    if mode == Ok(Mode::Ec2) {
        let message = "a leaving instance is held by a lifecycle hook, and with `mode: ec2` there is none";
        return Err(report.refuse(&place, message, "leave it out, or use `mode: asg`"));
    }
    let hint = "choose 30s to 1h; 60s is the default";
    let limit = limit.unwrap_or(At {
        value: Seconds(COMMAND_TIMEOUT),
        place,
    });
    let timeout = duration(Ok(limit), COMMAND, "a timeout of", hint, report)?;
    Ok(Some(Command { text, timeout }))
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
