//! Tags of everything that EC2 has, set and taken away later than at creation.

use windlass_calls::Tags;
use windlass_calls::ec2::{CreateTags, DeleteTags};

use super::{endpoint, instance, nat, not_found, template, vpc};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

/// Most resources that one call takes.
const RESOURCES: usize = 1000;

impl World {
    /// On all of them or on none.
    pub(super) fn create_tags(&mut self, call: &CreateTags) -> Answer<()> {
        self.change_tags(&call.resources, |tags| tags.extend(call.tags.clone()))
    }

    /// From all of them or from none.
    pub(super) fn delete_tags(&mut self, call: &DeleteTags) -> Answer<()> {
        self.change_tags(&call.resources, |tags| {
            tags.retain(|key, _| !call.keys.contains(key));
        })
    }

    fn change_tags(&mut self, resources: &[String], change: impl Fn(&mut Tags)) -> Answer<()> {
        if resources.len() > RESOURCES {
            let message = format!("The number of resources must not be larger than {RESOURCES}");
            return Err(refused("InvalidParameterValue", message));
        }
        let missing = |id: &&String| !self.has_taggable(id);
        if let Some(id) = resources.iter().find(missing) {
            return Err(no_resource(id));
        }
        for id in resources {
            change(self.ec2_tags_mut(id).ok_or_else(|| no_resource(id))?);
        }
        Ok(())
    }

    fn has_taggable(&mut self, id: &str) -> bool {
        self.ec2_tags_mut(id).is_some()
    }

    /// The tags of a resource that a call names.
    fn ec2_tags_mut(&mut self, id: &str) -> Option<&mut Tags> {
        let (ec2, now) = (&mut self.ec2, self.clock);
        match kind(id) {
            "eipalloc" => ec2.addresses.seen_mut(id, now).map(|it| &mut it.tags),
            "i" => {
                let machine = ec2.instances.seen_mut(id, now)?;
                machine.listed(now).then_some(machine.tags_mut())
            }
            "igw" => ec2.internet_gateways.seen_mut(id, now).map(|it| &mut it.tags),
            "lt" => ec2
                .launch_templates
                .seen_mut(id, now)
                .map(|it| &mut it.shown.tags),
            "nat" => ec2.nat_gateways.seen_mut(id, now)?.tags_mut(now),
            "rtb" => ec2.route_tables.seen_mut(id, now).map(|it| &mut it.tags),
            "sg" => ec2.security_groups.seen_mut(id, now).map(|it| &mut it.tags),
            "subnet" => ec2.subnets.seen_mut(id, now).map(|it| &mut it.tags),
            "vpc" => ec2.vpcs.seen_mut(id, now).map(|it| &mut it.shown.tags),
            "vpce" => ec2.endpoints.seen_mut(id, now)?.tags_mut(now),
            _ => None,
        }
    }
}

/// What stands before the number in an id.
fn kind(id: &str) -> &str {
    id.split_once('-').map_or(id, |(kind, _)| kind)
}

fn no_resource(id: &str) -> Refusal {
    match kind(id) {
        "eipalloc" => not_found("InvalidAllocationID.NotFound", "allocation", id),
        "i" => instance::no_instance(id),
        "igw" => not_found("InvalidInternetGatewayID.NotFound", "internetGateway", id),
        "lt" => template::no_template(id),
        "nat" => nat::no_nat(id),
        "rtb" => not_found("InvalidRouteTableID.NotFound", "routeTable", id),
        "sg" => not_found("InvalidGroup.NotFound", "security group", id),
        "subnet" => not_found("InvalidSubnetID.NotFound", "subnet", id),
        "vpc" => vpc::no_vpc(id),
        "vpce" => endpoint::no_endpoint(id),
        _ => refused("InvalidID", format!("The ID '{id}' is not valid")),
    }
}
