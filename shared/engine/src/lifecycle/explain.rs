//! Why an instance was given up: what can be asked about it is asked, and the likely cause computed.
//!
//! What concerns all instances of a look is asked once, in [`Surroundings`]. A call that fails is a part of the evidence that
//! is missing, and nothing else.

use futures::future::{join, join_all};
use futures::join;
use jiff::Timestamp;
use serde::Serialize;
use windlass_calls::ec2::{
    self, DescribeInstanceStatus, DescribeInstances, DescribeNatGateways, DescribeRouteTables,
    DescribeSecurityGroups, DescribeSubnets, GetConsoleOutput,
};
use windlass_calls::elb::{
    DescribeLoadBalancers, DescribeTargetGroups, LoadBalancer, TargetGroup, TargetHealth,
};
use windlass_planner::{Id, names};
use windlass_readiness::cause::evidence::{Agent, Asked, Balancer, Check, Evidence, Instance, Target};
use windlass_readiness::cause::network::{NatGateway, Network, RouteTable, SecurityGroup, Subnet};
use windlass_readiness::cause::{Cause, cause};
use windlass_spec::{Spec, StackId};

use crate::document::StateDocument;
use crate::port::Port;

/// A journal entry about an instance that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) stack: String,
    pub(super) instance: String,
    at: Timestamp,
    /// The likely cause.
    pub(super) cause: Cause,
    /// What it follows from, but for the console: a script may have printed a secret there.
    evidence: Evidence,
}

impl Entry {
    pub(super) fn new(stack: &str, instance: &str, at: Timestamp, cause: Cause, evidence: Evidence) -> Self {
        Self {
            stack: stack.to_owned(),
            instance: instance.to_owned(),
            at,
            cause,
            evidence: Evidence {
                console: None,
                ..evidence
            },
        }
    }
}

/// An instance that is given up, as the look knows it.
pub(super) struct Subject<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// What the load balancer thinks of it.
    pub(super) target: Option<&'a TargetHealth>,
    /// What it said of itself.
    pub(super) agent: Option<&'a Agent>,
}

/// What is asked once for all instances of a stack. A part that is `None` did not answer.
struct Surroundings {
    probe: Option<TargetGroup>,
    balancer: Option<LoadBalancer>,
    instances: Option<Vec<ec2::Instance>>,
    groups: Option<Vec<ec2::SecurityGroup>>,
    subnets: Option<Vec<ec2::Subnet>>,
    tables: Option<Vec<ec2::RouteTable>>,
    nats: Option<Vec<ec2::NatGateway>>,
}

/// Asks AWS, and computes the causes, one for each.
pub(super) async fn explain<P: Port>(
    port: &P,
    stack: &StackId,
    state: &StateDocument,
    probe: &str,
    subjects: &[Subject<'_>],
    at: Timestamp,
) -> Vec<Entry> {
    let asked = subjects.iter().map(|subject| alone(port, subject.id));
    let (around, alone) = join(surroundings(port, stack, state, probe), join_all(asked)).await;
    let explained = subjects.iter().zip(alone).map(|(subject, (console, status))| {
        let evidence = evidence(&around, &state.spec, subject, console, status.as_ref());
        Entry::new(&stack.to_string(), subject.id, at, cause(&evidence), evidence)
    });
    explained.collect()
}

/// What is asked about one instance: its console, and its status checks.
async fn alone<P: Port>(port: &P, id: &str) -> (Option<String>, Option<ec2::InstanceStatus>) {
    let instance = id.to_owned();
    let console = port.call(GetConsoleOutput {
        instance: instance.clone(),
    });
    let (console, status) = join(console, port.call(DescribeInstanceStatus { instance })).await;
    (console.ok().flatten(), status.ok().flatten())
}

async fn surroundings<P: Port>(
    port: &P,
    stack: &StackId,
    state: &StateDocument,
    probe: &str,
) -> Surroundings {
    let filters = names::filters(stack);
    let balancer = state.resources.get(&Id::only("load-balancer"));
    let balancer = balancer.and_then(|record| name_in(&record.outputs.get("arn")));
    let balancers = async {
        let name = Some(balancer?);
        port.call(DescribeLoadBalancers { name }).await.ok()
    };
    let probes = async {
        let name = Some(name_in(probe)?);
        port.call(DescribeTargetGroups { name }).await.ok()
    };
    let (probes, balancers, instances, groups, subnets, tables, nats) = join!(
        probes,
        balancers,
        port.call(DescribeInstances {
            filters: filters.clone()
        }),
        port.call(DescribeSecurityGroups {
            filters: filters.clone()
        }),
        port.call(DescribeSubnets {
            filters: filters.clone()
        }),
        port.call(DescribeRouteTables {
            filters: filters.clone()
        }),
        port.call(DescribeNatGateways { filters }),
    );
    Surroundings {
        probe: probes.and_then(|found| found.into_iter().next()),
        balancer: balancers.and_then(|found| found.into_iter().next()),
        instances: instances.ok(),
        groups: groups.ok(),
        subnets: subnets.ok(),
        tables: tables.ok(),
        nats: nats.ok(),
    }
}

/// The name in the ARN of a load balancer or target group: `…:targetgroup/NAME/ID`.
fn name_in(arn: &str) -> Option<String> {
    arn.rsplit('/').nth(1).map(str::to_owned)
}

fn evidence(
    around: &Surroundings,
    spec: &Spec,
    subject: &Subject,
    console: Option<String>,
    status: Option<&ec2::InstanceStatus>,
) -> Evidence {
    let mut instances = around.instances.iter().flatten();
    let instance = instances.find(|instance| instance.id == subject.id);
    let instance_seen = instance.map(|instance| Instance {
        system_status: status.map(|status| status.system.clone()),
        instance_status: status.map(|status| status.instance.clone()),
        ..Instance::from(instance)
    });
    Evidence {
        target: subject.target.map(Target::from),
        check: Some(
            around
                .probe
                .as_ref()
                .map_or_else(|| asked_check(spec), Check::from),
        ),
        load_balancer: around.balancer.as_ref().map(Balancer::from),
        instance: instance_seen,
        console,
        agent: subject.agent.cloned(),
        network: Some(around.network(instance)),
        asked: Some(Asked::from(&spec.compute.app)),
    }
}

/// The check that the spec asks for, where the one that is configured is not known.
fn asked_check(spec: &Spec) -> Check {
    let check = &spec.load_balancer.health_check;
    Check {
        protocol: Some("HTTP".into()),
        path: Some(check.path.clone()),
        port: Some(spec.compute.app.port),
        codes: Some(check.codes.clone()),
        timeout: None,
    }
}

impl Surroundings {
    /// The network between the load balancer and an instance. What is not the stack's own is not known.
    fn network(&self, instance: Option<&ec2::Instance>) -> Network {
        let groups = |ids: &[String]| -> Option<Vec<SecurityGroup>> {
            all(self.groups.as_deref()?, ids, |group| &group.id)
        };
        let subnets = |ids: &[String]| -> Option<Vec<Subnet>> {
            all(self.subnets.as_deref()?, ids, |subnet| &subnet.id)
        };
        let balancer = self.balancer.as_ref();
        let home = instance.map(|instance| instance.subnet.as_str());
        let table = self.tables.iter().flatten().find(|table| {
            let mut used = table.associations.iter();
            used.any(|association| Some(association.subnet.as_str()) == home)
        });
        Network {
            balancer_groups: balancer.and_then(|balancer| groups(&balancer.security_groups)),
            instance_groups: instance.and_then(|instance| groups(&instance.security_groups)),
            balancer_subnets: balancer.and_then(|balancer| subnets(&balancer.subnets)),
            subnet: home
                .and_then(|id| subnets(&[id.to_owned()]))
                .and_then(|found| found.into_iter().next()),
            route_table: table.map(RouteTable::from),
            nat_gateways: self
                .nats
                .as_ref()
                .map(|nats| nats.iter().map(NatGateway::from).collect()),
        }
    }
}

/// Those with these ids, if every one of them was found: one that is missing might be the one that decides.
fn all<'a, T, U: From<&'a T>>(found: &'a [T], ids: &[String], id: fn(&T) -> &String) -> Option<Vec<U>> {
    let named = ids
        .iter()
        .map(|wanted| found.iter().find(|one| id(one) == wanted));
    let all: Option<Vec<U>> = named.map(|one| one.map(U::from)).collect();
    all.filter(|all| !all.is_empty())
}
