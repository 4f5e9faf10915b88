//! Every name and tag that Windlass gives. Nothing else in the project spells one.

use sha2::{Digest, Sha256};
use windlass_calls::{Filters, Tags};
use windlass_spec::{Spec, StackId};

use crate::context::Id;

/// Tag with the stack: `dev/web`.
pub const STACK_TAG: &str = "windlass:stack";
/// Tag with the logical id: `nat-gateway/a`.
pub const RESOURCE_TAG: &str = "windlass:resource";
/// Tag on the VPC with the chosen zones, in order: they are never chosen again (rule 45).
pub const ZONES_TAG: &str = "windlass:zones";
/// Tag on the launch template with the alias its image was resolved from (rule 64).
pub const IMAGE_TAG: &str = "windlass:image";

/// Tag on an elastic IP address with the range of the network it was allocated for: addresses belong to no network, and
/// one that is being replaced keeps its own.
pub const NETWORK_TAG: &str = "windlass:network";

/// Tag on a fixed instance with the launch template version it was made from.
pub const VERSION_TAG: &str = "windlass:version";

/// Tag on a fixed instance with how many times its logical id was launched, counting it.
pub const INCARNATION_TAG: &str = "windlass:incarnation";

/// Name of the lifecycle hook that holds new instances.
pub const LAUNCH_HOOK: &str = "windlass-launch";
/// Name of the hook that holds leaving instances until what they still have to do is done.
pub const TERMINATE_HOOK: &str = "windlass-terminate";
/// Seconds without a heartbeat after which it lets them go on, so that the fleet heals without us.
pub const HOOK_HEARTBEAT: u32 = 900;

/// Namespace of the metrics that the CloudWatch agent puts.
pub const AGENT_NAMESPACE: &str = "CWAgent";

/// Beginning of the names of the group's scheduled actions; a number follows.
pub const SCHEDULE: &str = "windlass-";

/// Name of the step policy with which AWS itself adds instances.
pub const BACKSTOP: &str = "windlass-backstop";

/// Longest load balancer and target group name (rule 35).
const ELB_LIMIT: usize = 32;
/// Longest IAM role and instance profile name.
const IAM_LIMIT: usize = 64;

/// Tags of a resource: the user's own, ours, and a `Name` for people.
#[must_use]
pub fn tags(spec: &Spec, id: &Id) -> Tags {
    let mut tags = spec.tags.clone();
    tags.insert(STACK_TAG.into(), spec.stack.to_string());
    tags.insert(RESOURCE_TAG.into(), id.to_string());
    tags.insert(
        "Name".into(),
        format!("{}-{}", stack(&spec.stack), id.as_str().replace('/', "-")),
    );
    tags
}

/// Filter that finds everything of a stack.
#[must_use]
pub fn filters(stack: &StackId) -> Filters {
    Filters::from([(stack_filter(), vec![stack.to_string()])])
}

/// Name of the filter that asks for one stack's resources.
#[must_use]
pub fn stack_filter() -> String {
    format!("tag:{STACK_TAG}")
}

/// The logical id that tags say a resource has.
#[must_use]
pub fn resource(tags: &Tags) -> Option<Id> {
    tags.get(RESOURCE_TAG).map(|id| Id::parse(id))
}

/// Whether tags say that a resource is this one.
#[must_use]
pub fn is(tags: &Tags, id: &Id) -> bool {
    tags.get(RESOURCE_TAG).is_some_and(|value| value == id.as_str())
}

/// The stack whose fixed instance these tags say an instance is; `None` for a group's instance and a foreign one.
#[must_use]
pub fn fixed_instance_of(tags: &Tags) -> Option<StackId> {
    let resource = tags.get(RESOURCE_TAG)?;
    resource.strip_prefix("instance/")?;
    stack_of(tags)
}

/// The stack that tags name.
#[must_use]
pub fn stack_of(tags: &Tags) -> Option<StackId> {
    windlass_spec::parse_key(&format!("specs/{}.yaml", tags.get(STACK_TAG)?)).ok()
}

/// Whether tags say that a resource belongs to this stack.
#[must_use]
pub fn owned(tags: &Tags, stack: &StackId) -> bool {
    tags.get(STACK_TAG)
        .is_some_and(|value| *value == stack.to_string())
}

/// `windlass-<env>-<name>`: the prefix of all names of a stack, and the name of its launch template and group.
#[must_use]
pub fn stack(stack: &StackId) -> String {
    format!("windlass-{}-{}", stack.environment, stack.name)
}

/// Name of the instance role and of its profile. IAM has no Regions, so the name carries it.
#[must_use]
pub fn instance_role(id: &StackId, region: &str) -> String {
    fit(&format!("{}-{region}-instance", stack(id)), IAM_LIMIT)
}

/// Name of the policy within the instance role.
pub const INSTANCE_POLICY: &str = "windlass";

/// Name of the dashboard. Dashboards have no Regions, so the name carries it.
#[must_use]
pub fn dashboard(id: &StackId, region: &str) -> String {
    format!("{}-{region}", stack(id))
}

/// Name of the log group of the stack's containers.
#[must_use]
pub fn log_group(id: &StackId) -> String {
    format!("/windlass/{id}")
}

/// Beginning of the names of the stack's alarms, and of no other stack's.
#[must_use]
pub fn alarms(id: &StackId) -> String {
    format!("windlass/{id}/")
}

/// Name of an alarm: `windlass/dev/web/cpu-out`.
#[must_use]
pub fn alarm(id: &StackId, part: &str) -> String {
    format!("{}{part}", alarms(id))
}

/// The stack that an alarm is of, and its own part of the name: `windlass/dev/web/cpu-out` is `dev/web`'s `cpu-out`.
#[must_use]
pub fn stack_of_alarm(alarm: &str) -> Option<(StackId, &str)> {
    let (stack, part) = alarm.strip_prefix("windlass/")?.rsplit_once('/')?;
    let stack = windlass_spec::parse_key(&format!("specs/{stack}.yaml")).ok()?;
    Some((stack, part))
}

/// Name of a load balancer or target group: at most 32 characters, with a hash of what it cannot change, so that an
/// old and a new one can live side by side.
#[must_use]
pub fn elb(id: &StackId, immutable: &str) -> String {
    format!("{}{}", elb_prefix(id), &digest(immutable)[..ELB_HASH])
}

/// Length of the hash at the end of the name of a load balancer or target group.
pub const ELB_HASH: usize = 6;

/// What the names of a stack's load balancers and target groups begin with, before the hash.
#[must_use]
pub fn elb_prefix(id: &StackId) -> String {
    format!("{}-", fit(&stack(id), ELB_LIMIT - ELB_HASH - 1))
}

/// Client token of a create: the same for the same incarnation of the same resource, and for no other.
#[must_use]
pub fn token(lineage: &str, id: &Id, incarnation: impl std::fmt::Display) -> String {
    digest(&format!("{lineage}\n{id}\n{incarnation}"))[..32].to_owned()
}

/// Cuts a name to AWS's limit, with a hash of the whole in place of what is lost.
fn fit(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let hash = &digest(name)[..8];
    let head = name[..limit - hash.len() - 1].trim_end_matches('-');
    format!("{head}-{hash}")
}

/// SHA-256 in lower-case hex.
fn digest(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let digits = [byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16));
        hex.extend(digits.into_iter().flatten());
    }
    hex
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(environment: &str, name: &str) -> StackId {
        StackId {
            environment: environment.into(),
            name: name.into(),
        }
    }

    proptest! {
        #[test]
        fn elb_names_are_valid_for_every_stack(environment in "[a-z]([a-z0-9-]{0,30}[a-z0-9])?", name in "[a-z]([a-z0-9-]{0,30}[a-z0-9])?") {
            let elb = elb(&id(&environment, &name), "internet-facing");
            prop_assert!(elb.len() <= 32);
            prop_assert!(elb.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
            prop_assert!(!elb.starts_with('-') && !elb.ends_with('-') && !elb.starts_with("internal-"));
            let role = instance_role(&id(&environment, &name), "ap-southeast-2");
            prop_assert!(role.len() <= 64 && role.starts_with("windlass-"));
        }
    }

    #[test]
    fn only_a_fixed_instance_of_a_possible_stack_is_one() {
        let of = |stack: &str, resource: &str| {
            fixed_instance_of(&Tags::from([
                (STACK_TAG.into(), stack.into()),
                (RESOURCE_TAG.into(), resource.into()),
            ]))
        };
        assert_eq!(of("dev/web", "instance/0"), Some(id("dev", "web")));
        for (stack, resource) in [
            ("dev/web", "instance"),
            ("dev/web", "auto-scaling-group"),
            ("../etc", "instance/0"),
            ("", "instance/0"),
        ] {
            assert_eq!(of(stack, resource), None, "{stack} {resource}");
        }
        assert_eq!(fixed_instance_of(&Tags::new()), None);
    }

    #[test]
    fn long_names_that_differ_at_the_end_stay_different() {
        let long = "a".repeat(31);
        assert_ne!(
            elb(&id("dev", &format!("{long}x")), ""),
            elb(&id("dev", &format!("{long}y")), "")
        );
    }

    #[test]
    fn a_token_changes_with_the_incarnation_and_with_nothing_else_of_the_pass() {
        let nat = Id::of("nat-gateway", "a");
        assert_eq!(token("l1", &nat, 1), token("l1", &nat, 1));
        assert_ne!(token("l1", &nat, 1), token("l1", &nat, 2));
        assert_ne!(token("l1", &nat, 1), token("l2", &nat, 1));
    }
}
