//! Preflight: whether the account has room for the whole stack, asked before the first create (rules 38 and 65).
//!
//! Nothing is created: having room is the resource, and what AWS counts against a quota comes after it. What is needed
//! is all that the spec wants, at its largest; what is used is all of the account but this stack's own, so that the
//! answer is the same halfway through a creation. It is asked once for the same needs, and again when they change.
//!
//! What the account is allowed is asked for each count, once: it may be more than what accounts start with, and less.
//! Where Service Quotas has no answer, what they start with counts.

use std::collections::{BTreeMap, BTreeSet};

use windlass_calls::ec2::{
    self, DescribeAddresses, DescribeInstanceTypes, DescribeInstances, DescribeInternetGateways,
    DescribeNatGateways, DescribeSubnets, DescribeVpcs, Response as Ec2,
};
use windlass_calls::elb::{self, DescribeLoadBalancers, Response as Elb};
use windlass_calls::quotas::{GetServiceQuota, Response as QuotasResponse};
use windlass_calls::{Filters, Request, Response, Tags};

use super::counted::{Counted, counted, processors, spot_processors};
use super::{nat_zones, spot};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, is_account_wide};
use crate::names;

/// Room for the stack.
pub struct Quotas;

const VPCS: Counted = counted("VPCs", "vpc", "L-F678F1CE", 5);
const INTERNET_GATEWAYS: Counted = counted("internet gateways", "vpc", "L-A4707A72", 5);
const NAT_GATEWAYS: Counted = counted("NAT gateways in one zone", "vpc", "L-FE5A380F", 5);
const ADDRESSES: Counted = counted("elastic IP addresses", "ec2", "L-0263D0A3", 5);
const LOAD_BALANCERS: Counted = counted(
    "application load balancers",
    "elasticloadbalancing",
    "L-53DA6B97",
    50,
);

/// What AWS shows of the whole account in the Region.
#[derive(Default, Clone)]
pub struct Seen {
    vpcs: Option<Vec<ec2::Vpc>>,
    internet_gateways: Option<Vec<Tags>>,
    addresses: Option<Vec<Tags>>,
    nat_gateways: Option<Vec<ec2::NatGateway>>,
    /// Subnet id to zone name.
    subnets: BTreeMap<String, String>,
    load_balancers: Option<Vec<elb::LoadBalancer>>,
    instances: Option<Vec<ec2::Instance>>,
    vcpus: BTreeMap<String, u32>,
    quotas: BTreeMap<String, u64>,
}

impl Kind for Quotas {
    type Seen = Seen;
    const NAME: &'static str = "quotas";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let open = open(cx);
        let all = Filters::new;
        let running = Filters::from([(
            "instance-state-name".to_owned(),
            vec!["pending".to_owned(), "running".to_owned()],
        )]);
        let mut queries: Vec<Request> = vec![];
        if open.network {
            queries.push(DescribeVpcs { filters: all() }.into());
            queries.push(DescribeInternetGateways { filters: all() }.into());
            queries.push(DescribeLoadBalancers { name: None }.into());
        }
        if open.machines {
            queries.push(DescribeInstances { filters: running }.into());
        }
        if open.network && cx.spec.network.nat != windlass_spec::Nat::None {
            queries.push(DescribeAddresses { filters: all() }.into());
            queries.push(DescribeNatGateways { filters: all() }.into());
        }
        // Only if there are any does it matter in which zones they are.
        let any_nat = seen.nat_gateways.iter().flatten().next().is_some();
        if open.network && any_nat {
            queries.push(DescribeSubnets { filters: all() }.into());
        }
        if let Some(instances) = seen.instances.as_ref().filter(|_| open.machines) {
            let instance_types = types(cx, instances);
            queries.push(DescribeInstanceTypes { instance_types }.into());
        }
        queries.extend(
            counts(cx, known, seen)?
                .into_iter()
                .filter(|count| count.needed > 0)
                .map(|count| {
                    GetServiceQuota {
                        service: count.of.service.to_owned(),
                        quota: count.of.code.to_owned(),
                    }
                    .into()
                }),
        );
        Ok(queries)
    }

    fn hears(question: &Request) -> bool {
        is_account_wide(question)
            || matches!(
                question,
                Request::Quotas(_) | Request::Ec2(ec2::Request::DescribeInstanceTypes(_))
            )
    }

    fn read(seen: &mut Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeVpcs(vpcs)) => seen.vpcs = Some(vpcs.clone()),
            Response::Ec2(Ec2::DescribeInternetGateways(gateways)) => {
                seen.internet_gateways = Some(tags(gateways, |gateway| &gateway.tags));
            }
            Response::Ec2(Ec2::DescribeAddresses(addresses)) => {
                seen.addresses = Some(tags(addresses, |address| &address.tags));
            }
            Response::Ec2(Ec2::DescribeNatGateways(gateways)) => {
                let counts = |state: &str| matches!(state, "pending" | "available" | "deleting");
                let live = gateways.iter().filter(|gateway| counts(&gateway.state));
                seen.nat_gateways = Some(live.cloned().collect());
            }
            Response::Ec2(Ec2::DescribeSubnets(subnets)) => {
                let zones = subnets
                    .iter()
                    .map(|subnet| (subnet.id.clone(), subnet.zone.clone()));
                seen.subnets = zones.collect();
            }
            Response::Elb(Elb::DescribeLoadBalancers(balancers)) => {
                let application = |balancer: &&elb::LoadBalancer| balancer.arn.contains(":loadbalancer/app/");
                seen.load_balancers = Some(balancers.iter().filter(application).cloned().collect());
            }
            Response::Ec2(Ec2::DescribeInstances(instances)) => seen.instances = Some(instances.clone()),
            Response::Ec2(Ec2::DescribeInstanceTypes(types)) => {
                let vcpus = types.iter().map(|kind| (kind.name.clone(), kind.vcpus));
                seen.vcpus = vcpus.collect();
            }
            Response::Quotas(QuotasResponse::GetServiceQuota(quota)) => {
                seen.quotas.insert(quota.code.clone(), quota.value);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, _: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let outputs = Outputs::default()
            .with("network", network_needs(cx))
            .with("machines", machine_needs(cx));
        let open = open(cx);
        if !open.network && !open.machines {
            return Ok(Next::InSync(outputs));
        }
        let short: Vec<String> = counts(cx, known, seen)?
            .iter()
            .filter_map(|count| count.shortage(cx, &seen.quotas))
            .collect();
        Ok(if short.is_empty() {
            Next::InSync(outputs)
        } else {
            Next::refuse(format!(
                "this stack does not fit into the account: {}. Nothing was created",
                short.join("; ")
            ))
        })
    }
}

fn tags<T>(found: &[T], tags: impl Fn(&T) -> &Tags) -> Vec<Tags> {
    found.iter().map(|one| tags(one).clone()).collect()
}

/// Everything of the spec that decides how much of the network is needed, in one word.
fn network_needs(cx: &Context) -> String {
    let network = &cx.spec.network;
    format!(
        "cidr={} zones={} nat={:?}",
        network.cidr, network.zones, network.nat
    )
}

/// Everything of the spec that decides how many processors are needed, in one word.
fn machine_needs(cx: &Context) -> String {
    let types = cx.spec.compute.instance_types.join("+");
    let max = cx.spec.scaling.most();
    match spot::wanted(cx) {
        None => format!("max={max} types={types}"),
        Some(spot) => format!("max={max} types={types} onDemand={}", spot.on_demand(max)),
    }
}

/// What has to be asked: what was recorded was the answer to the same needs.
struct Open {
    network: bool,
    machines: bool,
}

fn open(cx: &Context) -> Open {
    let recorded = |name: &str| {
        cx.record(&Id::only(Quotas::NAME))
            .map(|record| record.outputs.get(name))
    };
    Open {
        network: recorded("network") != Some(network_needs(cx)),
        machines: recorded("machines") != Some(machine_needs(cx)),
    }
}

/// One count against its quota.
struct Count {
    of: Counted,
    needed: u64,
    used: u64,
}

impl Count {
    fn new(of: Counted, needed: usize, used: usize) -> Self {
        Self {
            of,
            needed: needed as u64,
            used: used as u64,
        }
    }

    /// What is missing, in words: needed, used, allowed, and where to raise it.
    fn shortage(&self, cx: &Context, quotas: &BTreeMap<String, u64>) -> Option<String> {
        let allowed = quotas.get(self.of.code).copied().unwrap_or(self.of.default);
        (self.needed > 0 && self.needed + self.used > allowed).then(|| {
            format!(
                "{} {} needed, {} used by others, {allowed} allowed: raise the quota at https://{}.console.aws.amazon.com/servicequotas/home/services/{}/quotas/{}",
                self.needed, self.of.what, self.used, cx.region, self.of.service, self.of.code,
            )
        })
    }
}

/// Every count that can be made by now, of what has to be asked.
fn counts(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Count>, Blocked> {
    let open = open(cx);
    let mut counts = if open.network {
        network_counts(cx, known, seen)?
    } else {
        vec![]
    };
    if open.machines {
        counts.extend(processor_counts(cx, seen));
    }
    Ok(counts)
}

fn network_counts(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Count>, Blocked> {
    let nat_zones = nat_zones(cx, known)?;
    let is_old = |vpc: &ec2::Vpc| {
        names::owned(&vpc.tags, &cx.spec.stack) && vpc.cidr != cx.spec.network.cidr.to_string()
    };
    let replacing = seen.vpcs.iter().flatten().any(is_old);
    let vpcs = seen.vpcs.as_ref().map(|vpcs| tags(vpcs, |vpc| &vpc.tags));
    // A network that is being replaced lives on beside the new one, and so counts.
    let counts_against = |tags: &Tags| replacing || !names::owned(tags, &cx.spec.stack);
    let others = |tags: &[Tags]| tags.iter().filter(|tags| counts_against(tags)).count();
    let mut counts = Vec::new();
    let singles = [
        (VPCS, 1, &vpcs),
        (INTERNET_GATEWAYS, 1, &seen.internet_gateways),
        (ADDRESSES, nat_zones.len(), &seen.addresses),
    ];
    for (of, needed, found) in singles {
        counts.extend(found.as_ref().map(|found| Count::new(of, needed, others(found))));
    }
    if let Some(balancers) = &seen.load_balancers {
        let ours = super::load_balancer::names(cx);
        let used = balancers
            .iter()
            .filter(|balancer| !ours.contains(&balancer.name))
            .count();
        counts.push(Count::new(LOAD_BALANCERS, 1, used));
    }
    if let Some(gateways) = &seen.nat_gateways {
        let in_zone = |zone: &str| {
            let foreign = gateways.iter().filter(|gateway| counts_against(&gateway.tags));
            foreign
                .filter(|gateway| seen.subnets.get(&gateway.subnet).is_some_and(|at| at == zone))
                .count()
        };
        let fullest = nat_zones.iter().map(|zone| in_zone(&zone.name)).max();
        counts.extend(fullest.map(|used| Count::new(NAT_GATEWAYS, 1, used)));
    }
    Ok(counts)
}

/// Processors at the largest size, for each quota that the instance types count against: of those on demand, and of the
/// spot instances.
fn processor_counts(cx: &Context, seen: &Seen) -> Vec<Count> {
    let max = cx.spec.scaling.most();
    let on_demand = spot::wanted(cx).map_or(max, |spot| spot.on_demand(max));
    let mut counts = processors_of(cx, seen, false, on_demand, |kind| Some(processors(kind)));
    counts.extend(processors_of(cx, seen, true, max - on_demand, spot_processors));
    counts
}

/// The same of so many instances that are spot instances or not.
fn processors_of(
    cx: &Context,
    seen: &Seen,
    spot: bool,
    number: u32,
    quota: impl Fn(&str) -> Option<Counted>,
) -> Vec<Count> {
    let Some(instances) = &seen.instances else {
        return vec![];
    };
    let vcpus = |kind: &str| seen.vcpus.get(kind).copied().map_or(0, |vcpus| vcpus as usize);
    let mut wanted: BTreeMap<&'static str, (Counted, usize)> = BTreeMap::new();
    for kind in &cx.spec.compute.instance_types {
        let Some(of) = quota(kind) else { continue };
        let largest = &mut wanted.entry(of.code).or_insert((of, 0)).1;
        *largest = vcpus(kind).max(*largest);
    }
    let counts = wanted.into_values().map(|(of, each)| {
        let others = instances.iter().filter(|instance| {
            instance.spot == spot
                && !names::owned(&instance.tags, &cx.spec.stack)
                && quota(&instance.instance_type) == Some(of)
        });
        let used = others.map(|instance| vcpus(&instance.instance_type)).sum();
        Count::new(of, each * number as usize, used)
    });
    counts.collect()
}

/// The instance types whose processors must be known: the wanted ones and those that run.
fn types(cx: &Context, instances: &[ec2::Instance]) -> Vec<String> {
    let running = instances.iter().map(|instance| instance.instance_type.clone());
    let types: BTreeSet<String> = cx
        .spec
        .compute
        .instance_types
        .iter()
        .cloned()
        .chain(running)
        .collect();
    types.into_iter().collect()
}
