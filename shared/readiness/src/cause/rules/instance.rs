//! The instance is gone, or the machine below it is broken.
//!
//! Codes are those of `StateReason` in the EC2 API Reference; status checks are those of "Status checks for Amazon EC2
//! instances" in the EC2 User Guide.

use super::super::Words;
use super::super::seen::Seen;

/// `Client.InternalError`: a client error ended the launch. Mostly the key of an encrypted volume that the service role of
/// Auto Scaling may not use (rule 57).
pub(super) fn volume_key(seen: &Seen) -> Option<Words> {
    (seen.state_code()? == "Client.InternalError").then(|| {
        Words::new(
            "EC2 ended the instance at launch (Client.InternalError): most likely its encrypted volume's KMS key cannot \
             be used",
            "let the role AWSServiceRoleForAutoScaling use the KMS key that encrypts the account's EBS volumes by \
             default: give it a grant, or name it in the key's policy",
        )
    })
}

/// `Server.SpotInstanceTermination` and `Server.SpotInstanceShutdown`: EC2 took a spot instance back (rule 19).
pub(super) fn spot_interrupted(seen: &Seen) -> Option<Words> {
    seen.state_code()?.starts_with("Server.SpotInstance").then(|| {
        Words::new(
            "EC2 took the spot instance back before it was healthy",
            "nothing needs to be done, the next one is tried; if it happens again, name more types in \
             compute.instanceTypes",
        )
    })
}

/// `Client.UserInitiatedShutdown`, or `Client.UserInitiatedHibernate`: somebody used the EC2 API. Auto Scaling does, too.
pub(super) fn shut_down_by_api(seen: &Seen) -> Option<Words> {
    seen.state_code()?.starts_with("Client.UserInitiated").then(|| {
        Words::new(
            "somebody, or Auto Scaling itself, stopped or terminated the instance before it was healthy",
            "look into the activity history of the Auto Scaling group, and in CloudTrail for who called StopInstances or \
             TerminateInstances",
        )
    })
}

/// `Client.InstanceInitiatedShutdown`: the operating system shut itself down.
pub(super) fn shut_down_from_within(seen: &Seen) -> Option<Words> {
    (seen.state_code()? == "Client.InstanceInitiatedShutdown").then(|| {
        Words::new(
            "the instance shut itself down before it was healthy",
            "take what calls `shutdown`, `poweroff` or `halt` out of the boot script or the image",
        )
    })
}

/// It is stopped or terminated, for any other reason or for none that is known.
pub(super) fn gone(seen: &Seen) -> Option<Words> {
    let state = seen.instance_state()?;
    let gone = ["shutting-down", "terminated", "stopping", "stopped"].contains(&state);
    let said = ["Client.InternalError", "Client.InstanceInitiatedShutdown"];
    let told_before = seen.state_code().is_some_and(|code| {
        said.contains(&code)
            || code.starts_with("Client.UserInitiated")
            || code.starts_with("Server.SpotInstance")
    });
    if !gone || told_before {
        return None;
    }
    let why = seen
        .state_code()
        .map_or(String::new(), |code| format!(" ({code})"));
    Some(Words::new(
        format!("the instance is {state}{why}: it ended before it was healthy"),
        "look for the state transition reason of the instance in the EC2 console, and for who ended it in CloudTrail",
    ))
}

/// The system status check is `impaired`: power, network or hardware of the host.
pub(super) fn system_impaired(seen: &Seen) -> Option<Words> {
    let status = seen.evidence.instance.as_ref()?.system_status.as_deref()?;
    (status == "impaired").then(|| {
        Words::new(
            "AWS's host below the instance is impaired (system status check)",
            "nothing needs to be done, the next instance comes up on another host; if not, see the AWS Health Dashboard",
        )
    })
}

/// The instance status check is `impaired`: the operating system does not answer on its network interface.
pub(super) fn impaired(seen: &Seen) -> Option<Words> {
    let status = seen.evidence.instance.as_ref()?.instance_status.as_deref()?;
    (status == "impaired").then(|| {
        Words::new(
            "the operating system of the instance does not answer (instance status check)",
            "look at the end of its console output for where the boot stopped; an image that does not fit the instance \
             type does this (compute.image, compute.instanceTypes)",
        )
    })
}
