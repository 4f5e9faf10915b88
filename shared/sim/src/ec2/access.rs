//! What a VPC endpoint stands in: route tables, or subnets and security groups.

use std::collections::BTreeSet;

use windlass_calls::ec2::EndpointAccess;

use crate::refusal::{Answer, refused};

/// What an endpoint stands in after a change.
pub(super) fn changed(
    now: &EndpointAccess,
    add: &EndpointAccess,
    remove: &EndpointAccess,
) -> Answer<EndpointAccess> {
    use EndpointAccess::{Gateway, Interface};
    match (now, add, remove) {
        (Gateway { route_tables: now }, Gateway { route_tables: add }, Gateway { route_tables: remove }) => {
            Ok(Gateway {
                route_tables: joined(now, add, remove),
            })
        }
        (
            Interface {
                subnets,
                security_groups,
            },
            Interface {
                subnets: add_subnets,
                security_groups: add_groups,
            },
            Interface {
                subnets: remove_subnets,
                security_groups: remove_groups,
            },
        ) => Ok(Interface {
            subnets: joined(subnets, add_subnets, remove_subnets),
            security_groups: joined(security_groups, add_groups, remove_groups),
        }),
        _ => Err(refused(
            "InvalidParameter",
            "The parameters do not match the type of the endpoint.",
        )),
    }
}

fn joined(now: &[String], add: &[String], remove: &[String]) -> Vec<String> {
    let kept = now.iter().filter(|id| !remove.contains(id));
    in_order(kept.chain(add))
}

/// The same with its ids in order, each once.
pub(super) fn sorted(access: &EndpointAccess) -> EndpointAccess {
    match access {
        EndpointAccess::Gateway { route_tables } => EndpointAccess::Gateway {
            route_tables: in_order(route_tables),
        },
        EndpointAccess::Interface {
            subnets,
            security_groups,
        } => EndpointAccess::Interface {
            subnets: in_order(subnets),
            security_groups: in_order(security_groups),
        },
    }
}

/// Each id once, in order.
fn in_order<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let unique: BTreeSet<_> = ids.into_iter().cloned().collect();
    unique.into_iter().collect()
}
