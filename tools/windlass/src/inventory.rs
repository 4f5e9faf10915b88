//! What AWS has of a stack, read with Describe calls alone: found by tag, or by the names in the stack's outputs.

use std::fmt::Write;

use windlass_calls::CallError;
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group};
use windlass_calls::cloudwatch::{Alarm, DescribeAlarms};
use windlass_calls::ec2::{
    Address, DescribeAddresses, DescribeInternetGateways, DescribeLaunchTemplateVersions,
    DescribeLaunchTemplates, DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups,
    DescribeSubnets, DescribeVpcEndpoints, DescribeVpcs, InternetGateway, LaunchTemplateVersion, NatGateway,
    Route, RouteTable, RouteTarget, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use windlass_calls::elb::{
    Action, DescribeListeners, DescribeLoadBalancers, DescribeTargetGroups, DescribeTargetHealth, Listener,
    LoadBalancer, Protocol, TargetGroup, TargetHealth,
};
use windlass_engine::Port;
use windlass_planner::{StackOutputs, names};
use windlass_spec::StackId;

/// Everything of a stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inventory {
    pub(crate) vpcs: Vec<Vpc>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) internet_gateways: Vec<InternetGateway>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) nat_gateways: Vec<NatGateway>,
    pub(crate) route_tables: Vec<RouteTable>,
    pub(crate) security_groups: Vec<SecurityGroup>,
    pub(crate) endpoints: Vec<VpcEndpoint>,
    pub(crate) templates: Vec<LaunchTemplateVersion>,
    pub(crate) load_balancers: Vec<LoadBalancer>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) target_groups: Vec<TargetGroup>,
    pub(crate) health: Vec<TargetHealth>,
    pub(crate) groups: Vec<Group>,
    pub(crate) alarms: Vec<Alarm>,
}

/// Reads it all.
pub(crate) async fn read<P: Port>(
    port: &P,
    stack: &StackId,
    outputs: &StackOutputs,
) -> Result<Inventory, CallError> {
    let filters = || names::filters(stack);
    let mut inventory = Inventory {
        vpcs: port.call(DescribeVpcs { filters: filters() }).await?,
        subnets: port.call(DescribeSubnets { filters: filters() }).await?,
        internet_gateways: port.call(DescribeInternetGateways { filters: filters() }).await?,
        addresses: port.call(DescribeAddresses { filters: filters() }).await?,
        nat_gateways: port.call(DescribeNatGateways { filters: filters() }).await?,
        route_tables: port.call(DescribeRouteTables { filters: filters() }).await?,
        security_groups: port.call(DescribeSecurityGroups { filters: filters() }).await?,
        ..Inventory::default()
    };
    // AWS shows deleted NAT gateways for about an hour.
    inventory.nat_gateways.retain(|nat| nat.state != "deleted");
    inventory
        .subnets
        .sort_by(|a, b| (!a.map_public_ip, &a.zone).cmp(&(!b.map_public_ip, &b.zone)));
    for template in port.call(DescribeLaunchTemplates { filters: filters() }).await? {
        let launch_template = template.id;
        let versions = port
            .call(DescribeLaunchTemplateVersions { launch_template })
            .await?;
        inventory.templates.extend(versions);
    }
    inventory.endpoints = port.call(DescribeVpcEndpoints { filters: filters() }).await?;
    let prefix = names::alarms(stack);
    inventory.alarms = port.call(DescribeAlarms { prefix }).await?;
    serving(port, outputs, &mut inventory).await?;
    Ok(inventory)
}

/// Load balancing and the group, by the names that the stack answered with.
async fn serving<P: Port>(
    port: &P,
    outputs: &StackOutputs,
    inventory: &mut Inventory,
) -> Result<(), CallError> {
    let name = part(&outputs.alb_arn, 2);
    inventory.load_balancers = port.call(DescribeLoadBalancers { name: Some(name) }).await?;
    let load_balancer = outputs.alb_arn.clone();
    inventory.listeners = port.call(DescribeListeners { load_balancer }).await?;
    let name = part(&outputs.target_group_arn, 1);
    inventory.target_groups = port.call(DescribeTargetGroups { name: Some(name) }).await?;
    let target_group = outputs.target_group_arn.clone();
    inventory.health = port.call(DescribeTargetHealth { target_group }).await?;
    let name = outputs.asg_name.clone();
    if !name.is_empty() {
        inventory.groups = port.call(DescribeAutoScalingGroups { names: vec![name] }).await?;
    }
    Ok(())
}

/// A part of an ARN's path: the name in `…:loadbalancer/app/<name>/<id>` is part 2.
fn part(arn: &str, index: usize) -> String {
    arn.split('/').nth(index).unwrap_or_default().to_owned()
}

impl Inventory {
    /// Where a subnet's default route leads: the route of its table for everything.
    pub(crate) fn way_out(&self, subnet: &str) -> Option<&Route> {
        let uses = |table: &&RouteTable| table.associations.iter().any(|link| link.subnet == subnet);
        let table = self.route_tables.iter().find(uses)?;
        table.routes.iter().find(|route| route.destination == "0.0.0.0/0")
    }

    /// Whether a subnet's default route leads to the internet gateway.
    pub(crate) fn is_public(&self, subnet: &str) -> bool {
        let target = self.way_out(subnet).and_then(|route| route.target.as_ref());
        matches!(target, Some(RouteTarget::InternetGateway(_)))
    }

    /// Instances that are in service and that the load balancer finds healthy.
    pub(crate) fn serving(&self) -> impl Iterator<Item = &windlass_calls::autoscaling::Instance> {
        let healthy = |id: &str| {
            self.health
                .iter()
                .any(|target| target.target == id && target.state == "healthy")
        };
        let instances = self.groups.iter().flat_map(|group| &group.instances);
        instances.filter(move |instance| instance.lifecycle_state == "InService" && healthy(&instance.id))
    }

    /// For people: one block per service, one line per resource.
    pub(crate) fn render(&self, stack: &StackId) -> String {
        let mut text = format!("Inventory of {stack}, read from AWS\n");
        for (title, rows) in [
            ("Network (EC2)", self.network()),
            ("Routes and rules (EC2)", self.rules()),
            ("Load balancing", self.balancing()),
            ("Instances (EC2, Auto Scaling)", self.instances()),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "\n{title}");
            for (kind, what) in rows {
                let _ = writeln!(text, "  {kind:17}  {what}");
            }
        }
        text
    }

    fn network(&self) -> Vec<(&'static str, String)> {
        let vpcs = self.vpcs.iter();
        let mut rows: Vec<_> = vpcs
            .map(|vpc| ("vpc", format!("{}  {}  {}", vpc.id, vpc.cidr, vpc.state)))
            .collect();
        rows.extend(self.subnets.iter().map(|subnet| {
            let tier = if self.is_public(&subnet.id) {
                "public"
            } else {
                "private"
            };
            let what = format!("{}  {}  {:14}  {tier}", subnet.id, subnet.zone, subnet.cidr);
            ("subnet", what)
        }));
        rows.extend(self.internet_gateways.iter().map(|gateway| {
            let attached = gateway.attachments.join(" ");
            (
                "internet gateway",
                format!("{}  attached to {attached}", gateway.id),
            )
        }));
        rows.extend(self.addresses.iter().map(|address| {
            let what = format!("{}  {}", address.allocation, address.public_ip);
            ("address", what)
        }));
        rows.extend(self.nat_gateways.iter().map(|nat| {
            let what = format!("{}  {}  in {}", nat.id, nat.state, nat.subnet);
            ("NAT gateway", what)
        }));
        rows
    }

    fn rules(&self) -> Vec<(&'static str, String)> {
        let tables = self.route_tables.iter();
        let mut rows: Vec<_> = tables
            .map(|table| {
                let routes: Vec<String> = table.routes.iter().filter_map(route).collect();
                let what = format!(
                    "{}  subnets: {}  {}",
                    table.id,
                    table.associations.len(),
                    routes.join(", ")
                );
                ("route table", what)
            })
            .collect();
        rows.extend(self.security_groups.iter().map(|group| {
            let (into, out) = (group.ingress.len(), group.egress.len());
            let what = format!("{}  {}  rules: {into} in, {out} out", group.id, group.name);
            ("security group", what)
        }));
        rows.extend(self.endpoints.iter().map(|endpoint| {
            let service = endpoint.service.rsplit('.').next().unwrap_or_default();
            let what = format!("{}  {service}  {}", endpoint.id, endpoint.state);
            ("VPC endpoint", what)
        }));
        rows
    }

    fn balancing(&self) -> Vec<(&'static str, String)> {
        let balancers = self.load_balancers.iter();
        let mut rows: Vec<_> = balancers
            .map(|balancer| {
                (
                    "load balancer",
                    format!("{}  {}", balancer.dns_name, balancer.state),
                )
            })
            .collect();
        rows.extend(self.listeners.iter().map(|listener| {
            let protocol = match &listener.protocol {
                Some(Protocol::Http) => "HTTP",
                Some(Protocol::Https { .. }) => "HTTPS",
                None => "another protocol",
            };
            let does = match &listener.action {
                Some(Action::Forward(_)) => "to the target group".to_owned(),
                Some(Action::Split(groups)) => format!("moves between {} target groups", groups.len()),
                Some(Action::RedirectToHttps(port)) => format!("redirects to HTTPS on {port}"),
                None => "does something else".to_owned(),
            };
            let what = format!("{protocol} {}  {does}", listener.port);
            ("listener", what)
        }));
        rows.extend(self.target_groups.iter().map(|group| {
            let check = &group.health_check;
            let what = format!(
                "{}  port {}, checks {} every {} s",
                group.name, group.port, check.path, check.interval
            );
            ("target group", what)
        }));
        rows
    }

    fn instances(&self) -> Vec<(&'static str, String)> {
        let templates = self.templates.iter();
        let mut rows: Vec<_> = templates
            .map(|template| {
                let data = &template.data;
                let what = format!(
                    "{}  version {}  {}  {}  metadata tokens {}, root {}",
                    template.launch_template,
                    template.version,
                    data.instance_type,
                    data.image,
                    data.http_tokens,
                    if data.encrypted {
                        "encrypted"
                    } else {
                        "not encrypted"
                    }
                );
                ("launch template", what)
            })
            .collect();
        for group in &self.groups {
            let settings = &group.settings;
            let what = format!(
                "{}  {} to {}, wants {}",
                settings.name, settings.min, settings.max, group.desired
            );
            rows.push(("group", what));
            rows.extend(group.instances.iter().map(|instance| {
                let health = self.health.iter().find(|target| target.target == instance.id);
                let health = health.map_or("not registered", |target| &target.state);
                let what = format!(
                    "{}  {}  {}  {health}",
                    instance.id, instance.zone, instance.lifecycle_state
                );
                ("instance", what)
            }));
        }
        rows.extend(self.alarms.iter().map(|alarm| {
            let what = format!("{}  {}", alarm.name, alarm.description);
            ("alarm", what)
        }));
        rows
    }
}

/// A route other than the local one, in words.
fn route(route: &Route) -> Option<String> {
    let (RouteTarget::InternetGateway(id) | RouteTarget::NatGateway(id)) = route.target.as_ref()?;
    Some(format!("{} to {id} ({})", route.destination, route.state))
}
