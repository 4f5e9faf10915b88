//! What the kinds answer when they are asked over all examples.

use std::collections::{BTreeMap, BTreeSet};

use windlass_planner::{
    Blocked, Change, Context, Id, Kind, Known, Need, Next, Outputs, Present, Removal, kinds,
};
use windlass_spec::{Spec, StackId, decode};

use crate::reading::files;

/// What a kind does in an empty account, over all examples.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Its logical ids.
    pub(crate) ids: BTreeSet<String>,
    /// The kinds that must be there, or ready, before its first call.
    pub(crate) needs: BTreeMap<String, Need>,
    /// Actions that create one.
    pub(crate) creates: BTreeSet<&'static str>,
    /// The kinds that have to be gone before it.
    pub(crate) after: BTreeSet<&'static str>,
    /// It is taken away by itself when a stack is destroyed.
    pub(crate) goes: bool,
    /// The first action that takes one away, where that does not depend on what was seen of it.
    pub(crate) removes: BTreeSet<&'static str>,
}

impl Facts {
    /// Asks until nothing is missing, and notes what was.
    fn given<T>(&mut self, cx: &Context, known: &mut Known, ask: impl Fn(&Known) -> Result<T, Blocked>) -> T {
        for _ in 0..1000 {
            let Blocked { on, need } = match ask(known) {
                Ok(answer) => return answer,
                Err(blocked) => blocked,
            };
            let noted = self.needs.entry(on.kind().to_owned()).or_insert(need);
            *noted = need.max(*noted);
            let outputs = stand_in(cx, &on);
            known.insert(on, outputs, need == Need::Ready);
        }
        panic!("a kind asks for the same thing again and again");
    }

    fn look<K: Kind>(&mut self, cx: &Context) {
        let (mut known, seen) = (Known::default(), K::Seen::default());
        let ids = self.given(cx, &mut known, |known| K::wants(cx, known));
        if !ids.is_empty() {
            self.given(cx, &mut known, |known| K::queries(cx, known, &seen));
        }
        for id in ids {
            let next = self.given(cx, &mut known, |known| K::next(cx, &id, &seen, known));
            if let Next::Ensure {
                request,
                change: Change::Create,
                ..
            } = next
            {
                self.creates.insert(request.action());
            }
            self.ids.insert(id.to_string());
        }
        let present = Present::new(Id::only(K::NAME), "physical");
        if let Removal::Send { request, .. } = K::remove(cx, &present, &seen) {
            self.removes.insert(request.action());
        }
    }
}

/// Outputs of what a kind asked for: real ones where others read them apart.
pub(crate) fn stand_in(cx: &Context, id: &Id) -> Outputs {
    let zones = [
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
        "us-east-1d",
        "us-east-1e",
        "us-east-1f",
    ];
    match id.as_str() {
        "zones" => Outputs::default().with("names", zones[..cx.spec.network.zones.into()].join(",")),
        "instance-role" => Outputs::id("role").with("arn", "arn:aws:iam::123456789012:role/role"),
        _ => Outputs::planned(id, false),
    }
}

pub(crate) fn facts<K: Kind>() -> (&'static str, Facts) {
    let mut facts = Facts {
        after: K::AFTER.iter().copied().collect(),
        goes: K::GOES,
        ..Facts::default()
    };
    for spec in examples() {
        facts.look::<K>(&Context::of_new(&spec, "us-east-1"));
    }
    (K::NAME, facts)
}

/// All examples, and what none of them has together: fixed instances with a log group, endpoints and a dashboard.
pub(crate) fn examples() -> Vec<Spec> {
    const OTHERS: &str = "
compute: {mode: ec2, app: {container: {image: app, port: 8000}}}
network: {endpoints: [s3, ssm]}
monitoring: {dashboard: true}
";
    let examples = files("events/specs", "yaml");
    let examples = examples
        .iter()
        .filter(|path| !path.to_string_lossy().contains("/invalid/"));
    let examples = examples.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    let all = examples.chain([("others".to_owned(), OTHERS.to_owned())]);
    let specs = all.map(|(name, text)| {
        let environment = "dev".to_owned();
        decode(&StackId { environment, name }, text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong}"))
    });
    specs.collect()
}

macro_rules! kinds {
    ($($module:ident::$kind:ident),* $(,)?) => {
        pub(crate) fn all_facts() -> BTreeMap<&'static str, Facts> {
            BTreeMap::from([$(facts::<kinds::$module::$kind>()),*])
        }
    };
}

kinds! {
    zones::Zones, image::Image, quotas::Quotas, vpc::Vpc, internet_gateway::InternetGateway, subnet::Subnet,
    address::Address, nat_gateway::NatGateway, route_table::RouteTable, route::Route,
    route_table_association::RouteTableAssociation, security_group::SecurityGroup,
    security_group_rule::SecurityGroupRule, vpc_endpoint::VpcEndpoint, instance_role::InstanceRole,
    instance_role_policy::InstanceRolePolicy, instance_profile::InstanceProfile, log_group::LogGroup,
    launch_template::LaunchTemplate, load_balancer::LoadBalancer, load_balancer_attributes::LoadBalancerAttributes,
    target_group::TargetGroup, target_group_attributes::TargetGroupAttributes, listener::Listener,
    probe_target_group::ProbeTargetGroup, probe_rule::ProbeRule,
    auto_scaling_group::AutoScalingGroup, lifecycle_hook::LifecycleHook, scaling_policy::ScalingPolicy, scheduled_action::ScheduledAction, group_metrics::GroupMetrics, instance::Instance,
    target_registration::TargetRegistration, targets::Targets, network_interface::NetworkInterface, topic::Topic, subscription::Subscription, alarm::Alarm,
    dashboard::Dashboard, tags::Tags,
}
