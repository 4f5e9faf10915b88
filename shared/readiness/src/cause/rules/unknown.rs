//! No rule fits: that is said, with what was seen and where to look.

use super::super::Words;
use super::super::seen::Seen;
use super::super::text::name;

/// Its name.
pub(in super::super) const NAME: &str = "no-cause-found";

/// The words of it.
pub(in super::super) fn words(seen: &Seen) -> Words {
    let facts: Vec<String> = [
        seen.evidence
            .target
            .as_ref()
            .map(|target| named("target", &target.state)),
        seen.reason().map(|reason| named("reason", reason)),
        seen.instance_state().map(|state| named("instance", state)),
        seen.evidence
            .load_balancer
            .as_ref()
            .map(|balancer| named("load balancer", &balancer.state)),
        seen.evidence
            .console
            .as_ref()
            .map(|_| "a console without a sign of failure".to_owned()),
        seen.listening()
            .map(|sockets| format!("{} listening sockets", sockets.len())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let facts = if facts.is_empty() {
        "nothing".to_owned()
    } else {
        facts.join(", ")
    };
    let id = seen.instance().unwrap_or("<instance id>");
    Words::new(
        format!("no cause was found; seen was: {facts}"),
        format!(
            "look on the instance with `aws ssm start-session --target {id}`, and at its console with `aws ec2 \
             get-console-output --instance-id {id} --latest --output text`"
        ),
    )
}

fn named(what: &str, text: &str) -> String {
    format!("{what} {}", name(text).unwrap_or("of an unknown state"))
}
