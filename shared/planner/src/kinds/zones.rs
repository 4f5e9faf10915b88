//! The availability zones: chosen once, kept in the state and in a tag of the VPC, never chosen again (rule 45).

use std::collections::BTreeSet;

use windlass_calls::ec2::{
    DescribeAvailabilityZones, DescribeInstanceTypeOfferings, DescribeVpcs, Response as Ec2,
};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The zones of a stack. Nothing is created: the choice is the resource.
pub struct Zones;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    available: Vec<String>,
    offered: BTreeSet<(String, String)>,
    tagged: Option<String>,
}

impl Kind for Zones {
    type Seen = Seen;
    const NAME: &'static str = "zones";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        let recorded = cx.record(&Id::only(Self::NAME));
        let enough = |record: &crate::context::Record| count(&record.outputs.get("names")) >= wanted(cx);
        if recorded.is_some_and(enough) {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        let instance_types = cx.spec.compute.instance_types.clone();
        Ok(vec![
            DescribeVpcs { filters }.into(),
            DescribeAvailabilityZones {}.into(),
            DescribeInstanceTypeOfferings { instance_types }.into(),
        ])
    }

    fn read(seen: &mut Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeVpcs(vpcs)) => {
                seen.tagged = vpcs
                    .iter()
                    .find_map(|vpc| vpc.tags.get(names::ZONES_TAG).cloned());
            }
            Response::Ec2(Ec2::DescribeAvailabilityZones(zones)) => {
                let open = zones.iter().filter(|zone| zone.state == "available");
                seen.available = open.map(|zone| zone.name.clone()).collect();
                seen.available.sort();
            }
            Response::Ec2(Ec2::DescribeInstanceTypeOfferings(offerings)) => {
                let pairs = offerings
                    .iter()
                    .map(|offering| (offering.zone.clone(), offering.instance_type.clone()));
                seen.offered = pairs.collect();
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, _: &Known) -> Result<Next, Blocked> {
        let recorded = cx.record(id).map(|record| record.outputs.get("names"));
        let kept = recorded.or_else(|| seen.tagged.clone().map(|tag| tag.replace(' ', ",")));
        let wanted = wanted(cx);
        Ok(match kept {
            Some(names) if count(&names) == wanted => chosen(&names),
            Some(names) if count(&names) > wanted => Next::refuse(format!(
                "giving up a zone of a running stack is not supported yet: it has {}, put network.zones back to that",
                count(&names)
            )),
            kept => choose(cx, seen, kept.as_deref(), wanted),
        })
    }
}

fn wanted(cx: &Context) -> usize {
    usize::from(cx.spec.network.zones)
}

fn count(names: &str) -> usize {
    names.split(',').count()
}

fn chosen(names: &str) -> Next {
    Next::InSync(Outputs::default().with("names", names))
}

/// The zones that were chosen before, if any, and after them the first others by name that offer every instance type
/// (rules 45 and 64).
fn choose(cx: &Context, seen: &Seen, kept: Option<&str>, wanted: usize) -> Next {
    let kept: Vec<String> = kept.map_or_else(Vec::new, |names| names.split(',').map(str::to_owned).collect());
    let types = &cx.spec.compute.instance_types;
    let offers = |zone: &String| {
        types
            .iter()
            .all(|kind| seen.offered.contains(&(zone.clone(), kind.clone())))
    };
    let fitting: Vec<String> = seen
        .available
        .iter()
        .filter(|zone| offers(zone) && !kept.contains(zone))
        .cloned()
        .collect();
    let fitting = [kept, fitting].concat();
    if fitting.len() < wanted {
        return Next::refuse(format!(
            "network.zones wants {wanted} zones, and {} of this Region's {} offer {}: lower network.zones or choose other instance types",
            fitting.len(),
            seen.available.len(),
            types.join(", "),
        ));
    }
    chosen(&fitting[..wanted].join(","))
}
