//! Network interfaces: what keeps subnets, security groups and internet gateways from being deleted. None is wanted for
//! itself. Those of load balancers, NAT gateways and endpoints go minutes after them, taken away by AWS; those that
//! somebody else put into the network are never touched, and named.

use windlass_calls::ec2::{
    self, DescribeNetworkInterfaces, DescribeVpcs, NetworkInterface as Interface, Response as Ec2,
};
use windlass_calls::{Filters, Request, Response};

use super::present;
use crate::context::{Context, Id, Known};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A network interface. Ids carry AWS's: `network-interface/eni-0123456789abcdef0`.
pub struct NetworkInterface;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    vpcs: Vec<ec2::Vpc>,
    interfaces: Vec<Interface>,
}

impl Kind for NetworkInterface {
    type Seen = Seen;
    const NAME: &'static str = "network-interface";
    const AFTER: &'static [&'static str] = &[
        "auto-scaling-group",
        "instance",
        "load-balancer",
        "nat-gateway",
        "vpc-endpoint",
    ];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![])
    }

    /// Asked only while a network of the stack goes.
    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let replaced = cx
            .record(&Id::only("vpc"))
            .is_some_and(|vpc| !vpc.leaving.is_empty());
        if !cx.destroying && !replaced {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeVpcs { filters }.into()];
        let going = going(cx, seen);
        if !going.is_empty() {
            let filters = Filters::from([("vpc-id".to_owned(), going)]);
            queries.push(DescribeNetworkInterfaces { filters }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeVpcs(vpcs)) => seen.vpcs.clone_from(vpcs),
            Response::Ec2(Ec2::DescribeNetworkInterfaces(found)) => seen.interfaces.clone_from(found),
            _ => {}
        }
    }

    fn next(_: &Context, id: &Id, _: &Seen, _: &Known) -> Result<Next, Blocked> {
        Ok(Next::refuse(format!("the spec has no {id}")))
    }

    fn present(_: &Context, seen: &Seen) -> Vec<Present> {
        let interfaces = seen.interfaces.iter();
        interfaces
            .map(|interface| Present::new(Id::of(Self::NAME, &interface.id), &interface.id))
            .collect()
    }

    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let interface = seen.interfaces.iter().find(|one| one.id == it.physical);
        let what = interface.map_or_else(String::new, |one| match &one.instance {
            Some(instance) => format!(" of {instance}"),
            None if one.description.is_empty() => String::new(),
            None => format!(" ({})", one.description),
        });
        Removal::wait(match interface {
            Some(one) if one.managed => format!("AWS is taking away {}{what}", one.id),
            _ => format!(
                "network interface {}{what} is not Windlass's, and is not touched: its subnet cannot go before it does; delete it",
                it.physical
            ),
        })
    }
}

/// The networks of the stack that go.
fn going(cx: &Context, seen: &Seen) -> Vec<String> {
    let wanted = cx.spec.network.cidr.to_string();
    let own = present(cx, "vpc", &seen.vpcs).into_iter();
    own.map(|vpc| vpc.physical)
        .filter(|id| cx.destroying || seen.vpcs.iter().any(|vpc| vpc.id == *id && vpc.cidr != wanted))
        .collect()
}
