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

use super::nat_zones;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, is_account_wide};
use crate::names;

/// Room for the stack.
pub struct Quotas;

/// Something that AWS counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    /// In people's words.
    what: &'static str,
    /// Service code of Service Quotas.
    service: &'static str,
    /// Quota code.
    code: &'static str,
    /// What a Region of an account starts with.
    default: u64,
}

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

const fn counted(what: &'static str, service: &'static str, code: &'static str, default: u64) -> Counted {
    Counted {
        what,
        service,
        code,
        default,
    }
}

/// The quota that running on-demand instances of a family count against.
fn processors(instance_type: &str) -> Counted {
    let family = instance_type.split('.').next().unwrap_or_default();
    let letters: String = family.chars().take_while(char::is_ascii_lowercase).collect();
    let (what, code) = match letters.as_str() {
        "f" => ("vCPUs of running F instances", "L-74FC7D96"),
        "g" | "gr" | "vt" => ("vCPUs of running G and VT instances", "L-DB2E81BA"),
        "p" => ("vCPUs of running P instances", "L-417A185B"),
        "inf" => ("vCPUs of running Inf instances", "L-1945791B"),
        "trn" => ("vCPUs of running Trn instances", "L-2C3B7624"),
        "dl" => ("vCPUs of running DL instances", "L-6E869C2A"),
        "hpc" => ("vCPUs of running HPC instances", "L-F7808C92"),
        "u" => ("vCPUs of running High Memory instances", "L-43DA4232"),
        "x" => ("vCPUs of running X instances", "L-7295265B"),
        _ => (
            "vCPUs of running Standard (A, C, D, H, I, M, R, T, Z) instances",
            "L-1216C47A",
        ),
    };
    counted(what, "ec2", code, 5)
}

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
    format!("max={} types={types}", cx.spec.scaling.max)
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

/// Processors at the largest size, for each quota that the instance types count against.
fn processor_counts(cx: &Context, seen: &Seen) -> Vec<Count> {
    let Some(instances) = &seen.instances else {
        return vec![];
    };
    let vcpus = |kind: &str| seen.vcpus.get(kind).copied().map_or(0, |vcpus| vcpus as usize);
    let mut wanted: BTreeMap<&'static str, (Counted, usize)> = BTreeMap::new();
    for kind in &cx.spec.compute.instance_types {
        let of = processors(kind);
        let largest = &mut wanted.entry(of.code).or_insert((of, 0)).1;
        *largest = vcpus(kind).max(*largest);
    }
    let counts = wanted.into_values().map(|(of, each)| {
        let others = instances.iter().filter(|instance| {
            !instance.spot
                && !names::owned(&instance.tags, &cx.spec.stack)
                && processors(&instance.instance_type) == of
        });
        let used = others.map(|instance| vcpus(&instance.instance_type)).sum();
        Count::new(of, each * cx.spec.scaling.max as usize, used)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_count_against_their_own_quotas() {
        for (kind, code) in [
            ("t3.micro", "L-1216C47A"),
            ("m7g.large", "L-1216C47A"),
            ("g5.xlarge", "L-DB2E81BA"),
            ("inf2.xlarge", "L-1945791B"),
            ("i4i.large", "L-1216C47A"),
            ("p5.48xlarge", "L-417A185B"),
            ("x2gd.medium", "L-7295265B"),
            ("u-6tb1.metal", "L-43DA4232"),
            ("dl1.24xlarge", "L-6E869C2A"),
            ("d3.xlarge", "L-1216C47A"),
        ] {
            assert_eq!(processors(kind).code, code, "{kind}");
        }
    }
}
