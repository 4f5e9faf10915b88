//! The load balancer, and its way to the instance.

use super::super::Words;
use super::super::path::{self, Path};
use super::super::seen::Seen;
use super::super::text::{name, shown};
use super::boot::session;

/// States other than `active` and `active_impaired` (rule 41): no target is judged before.
pub(super) fn load_balancer_not_active(seen: &Seen) -> Option<Words> {
    match seen.evidence.load_balancer.as_ref()?.state.as_str() {
        "provisioning" => Some(Words::new(
            "the load balancer is still being provisioned, and judges no instance yet",
            "wait until it is active; the instance launched next is then judged",
        )),
        "failed" => Some(Words::new(
            "the load balancer failed to be provisioned, and judges no instance",
            "look for the reason of its state in the EC2 console; delete it, and upload the spec again",
        )),
        _ => None,
    }
}

/// `Elb.InternalError` (`TargetHealth`, ELB API Reference).
pub(super) fn load_balancer_error(seen: &Seen) -> Option<Words> {
    (seen.reason()? == "Elb.InternalError").then(|| {
        Words::new(
            "the health checks failed by an internal error of the load balancer (Elb.InternalError)",
            "launch again; if it happens again, see the AWS Health Dashboard",
        )
    })
}

/// `Target.NotInUse`: no rule of a listener uses the group (rule 49), or the load balancer is not in the target's zone.
pub(super) fn target_not_in_use(seen: &Seen) -> Option<Words> {
    (seen.reason()? == "Target.NotInUse").then(|| {
        Words::new(
            "the load balancer does not check the instance (Target.NotInUse): no listener uses its target group, or the \
             instance's zone is not one of the load balancer's",
            "upload the spec again, so that Windlass puts back what is missing of listeners and zones",
        )
    })
}

/// A closed link from the load balancer to the instance ("A registered target is not in service", ELB User Guide).
/// An answer or a refused connection shows that the way is open, whatever its description says.
pub(super) fn path_closed(seen: &Seen) -> Option<Words> {
    let got_through = ["Target.ResponseCodeMismatch", "Target.FailedHealthChecks"];
    if seen.reason().is_some_and(|reason| got_through.contains(&reason)) {
        return None;
    }
    match path::to_instance(seen.evidence.network.as_ref()?, seen.port()?) {
        Path::Closed(closed) => Some(Words::new(
            format!("the load balancer cannot reach the instance: {}", closed.words),
            closed.remedy,
        )),
        Path::Open | Path::Unknown => None,
    }
}

/// `Target.Timeout`, and no closed link is known: something drops the packets, or the application is slow.
pub(super) fn check_timeout(seen: &Seen) -> Option<Words> {
    (seen.reason()? == "Target.Timeout").then_some(())?;
    let check = seen.evidence.check.as_ref();
    let within = check
        .and_then(|check| check.timeout)
        .map_or(String::new(), |timeout| format!(" within {timeout} s"));
    let path = check
        .and_then(|check| check.path.as_deref())
        .map_or(String::new(), |path| format!(" to `{}`", shown(path)));
    let network = seen.evidence.network.as_ref().zip(seen.port());
    let open = network.is_some_and(|(network, port)| path::to_instance(network, port) == Path::Open);
    let way = if open {
        ", though the network lets them pass"
    } else {
        ""
    };
    let port = seen.port().map_or(String::new(), |port| format!(":{port}"));
    Some(Words::new(
        format!("the health check's requests{path} get no answer{within} (Target.Timeout){way}"),
        format!(
            "ask it on the instance{} with `curl -v localhost{port}`: an application that is too slow there needs a lighter \
             loadBalancer.healthCheck.path; one that is fast is behind a firewall of the instance, or a security group",
            session(seen)
        ),
    ))
}

/// `Elb.RegistrationInProgress` and `Elb.InitialHealthChecking`: too few checks were made to say anything.
pub(super) fn checks_not_done(seen: &Seen) -> Option<Words> {
    let reason = seen.reason()?;
    let early = ["Elb.RegistrationInProgress", "Elb.InitialHealthChecking"].contains(&reason);
    let reason = name(reason).filter(|_| early)?;
    Some(Words::new(
        format!("the time was up before the load balancer had checked the instance often enough ({reason})"),
        "raise lifecycle.launch.timeout",
    ))
}
