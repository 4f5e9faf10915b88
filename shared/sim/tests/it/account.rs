//! An account to test in: a world with a clock, and what most tests need built in it.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::autoscaling::{CreateAutoScalingGroup, DescribeAutoScalingGroups, Group, GroupSettings};
use windlass_calls::ec2::{
    AllocateAddress, AssociateRouteTable, AttachInternetGateway, CreateInternetGateway, CreateLaunchTemplate,
    CreateNatGateway, CreateRoute, CreateRouteTable, CreateSecurityGroup, CreateSubnet, CreateVpc,
    LaunchTemplateData, RouteTarget,
};
use windlass_calls::elb::{
    Action, CreateListener, CreateLoadBalancer, CreateTargetGroup, DescribeTargetHealth, HealthCheck,
    Protocol, TargetHealth,
};
use windlass_calls::iam::{AddRoleToInstanceProfile, CreateInstanceProfile, CreateRole};
use windlass_calls::{Call, CallError, Class, Filters, Tags};
use windlass_sim::{World, WorldConfig};

pub(crate) const AL2023: &str = "ami-00000000000000a1";

pub(crate) struct Account {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
}

/// A VPC with an internet gateway and, in each zone, a public and a private subnet with their routes.
pub(crate) struct Network {
    pub(crate) vpc: String,
    pub(crate) gateway: String,
    pub(crate) public: Vec<String>,
    pub(crate) private: Vec<String>,
    pub(crate) private_tables: Vec<String>,
    pub(crate) nats: Vec<String>,
    pub(crate) group: String,
}

/// What stands in front of and behind a target group.
pub(crate) struct Front {
    pub(crate) balancer: String,
    pub(crate) target_group: String,
}

pub(crate) fn tags(resource: &str) -> Tags {
    Tags::from([
        ("windlass:stack".into(), "dev/web".into()),
        ("windlass:resource".into(), resource.into()),
    ])
}

pub(crate) fn tagged(resource: &str) -> Filters {
    Filters::from([("tag:windlass:resource".into(), vec![resource.into()])])
}

pub(crate) fn health_check() -> HealthCheck {
    HealthCheck {
        path: "/".into(),
        interval: 15,
        timeout: 5,
        healthy: 2,
        unhealthy: 2,
        codes: "200-399".into(),
    }
}

pub(crate) fn template(name: &str, group: &str) -> CreateLaunchTemplate {
    CreateLaunchTemplate {
        name: name.into(),
        token: name.into(),
        data: Box::new(LaunchTemplateData {
            image: AL2023.into(),
            instance_type: "t3.micro".into(),
            instance_profile: "instance".into(),
            security_groups: vec![group.into()],
            user_data: String::new(),
            http_tokens: "required".into(),
            http_hop_limit: 1,
            detailed_monitoring: true,
            root_device: "/dev/xvda".into(),
            encrypted: true,
            tags: tags("instance"),
        }),
        tags: tags("launch-template"),
    }
}

pub(crate) fn settings(subnets: &[String], target_group: &str, launch_template: &str) -> GroupSettings {
    GroupSettings {
        name: "web".into(),
        min: 3,
        max: 9,
        subnets: subnets.to_vec(),
        target_groups: vec![target_group.into()],
        launch_template: launch_template.into(),
        version: 1,
        instance_types: Vec::new(),
        spot: None,
        rebalance: false,
        grace: 120,
        warmup: 60,
        maintenance: (100, 110),
    }
}

impl Account {
    pub(crate) fn new() -> Self {
        Self::with(WorldConfig::default())
    }

    pub(crate) fn with(config: WorldConfig) -> Self {
        Self {
            world: World::new(config),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn call<C: Call>(&mut self, call: C) -> C::Response {
        self.world.call(self.now, call).unwrap()
    }

    pub(crate) fn refusal<C: Call>(&mut self, call: C) -> CallError {
        let action = C::ACTION;
        match self.world.call(self.now, call) {
            Ok(_) => panic!("{action} was accepted"),
            Err(error) => error,
        }
    }

    /// Code and class of a refusal.
    pub(crate) fn code<C: Call>(&mut self, call: C) -> (String, Class) {
        let error = self.refusal(call);
        (error.code, error.class)
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.world.settle(self.now);
    }

    pub(crate) fn vpc(&mut self) -> String {
        self.call(CreateVpc {
            cidr: "10.0.0.0/16".into(),
            tags: tags("vpc"),
        })
        .id
    }

    pub(crate) fn subnet(&mut self, vpc: &str, cidr: &str, zone: &str) -> String {
        let zone = format!("us-east-1{zone}");
        self.call(CreateSubnet {
            vpc: vpc.into(),
            cidr: cidr.into(),
            zone,
            tags: tags("subnet"),
        })
        .id
    }

    pub(crate) fn attached_gateway(&mut self, vpc: &str) -> String {
        let internet_gateway = self
            .call(CreateInternetGateway {
                tags: tags("internet-gateway"),
            })
            .id;
        self.call(AttachInternetGateway {
            internet_gateway: internet_gateway.clone(),
            vpc: vpc.into(),
        });
        internet_gateway
    }

    pub(crate) fn address(&mut self) -> String {
        self.call(AllocateAddress {
            tags: tags("address"),
        })
        .allocation
    }

    pub(crate) fn nat(&mut self, subnet: &str, allocation: &str, token: &str) -> String {
        self.call(CreateNatGateway {
            subnet: subnet.into(),
            allocation: allocation.into(),
            token: token.into(),
            tags: tags("nat-gateway"),
        })
        .id
    }

    pub(crate) fn table(&mut self, vpc: &str, token: &str) -> String {
        self.call(CreateRouteTable {
            vpc: vpc.into(),
            token: token.into(),
            tags: tags("route-table"),
        })
        .id
    }

    /// A table with a default route, used by the subnet.
    pub(crate) fn routed(&mut self, vpc: &str, subnet: &str, target: RouteTarget) -> String {
        let route_table = self.table(vpc, subnet);
        self.call(CreateRoute {
            route_table: route_table.clone(),
            destination: "0.0.0.0/0".into(),
            target,
        });
        self.call(AssociateRouteTable {
            route_table: route_table.clone(),
            subnet: subnet.into(),
        });
        route_table
    }

    pub(crate) fn group(&mut self, vpc: &str, name: &str) -> String {
        self.call(CreateSecurityGroup {
            name: name.into(),
            description: name.into(),
            vpc: vpc.into(),
            tags: tags("security-group"),
        })
        .id
    }

    /// The whole network, its NAT gateways still pending.
    pub(crate) fn network(&mut self, zones: &[&str]) -> Network {
        let vpc = self.vpc();
        let gateway = self.attached_gateway(&vpc);
        let mut network = Network {
            group: self.group(&vpc, "instances"),
            vpc: vpc.clone(),
            gateway: gateway.clone(),
            public: Vec::new(),
            private: Vec::new(),
            private_tables: Vec::new(),
            nats: Vec::new(),
        };
        for (index, zone) in zones.iter().enumerate() {
            let public = self.subnet(&vpc, &format!("10.0.{index}.0/24"), zone);
            let private = self.subnet(&vpc, &format!("10.0.{}.0/24", index + 100), zone);
            self.routed(&vpc, &public, RouteTarget::InternetGateway(gateway.clone()));
            let allocation = self.address();
            let nat = self.nat(&public, &allocation, zone);
            network
                .private_tables
                .push(self.routed(&vpc, &private, RouteTarget::NatGateway(nat.clone())));
            network.nats.push(nat);
            network.public.push(public);
            network.private.push(private);
        }
        network
    }

    pub(crate) fn balancer_call(network: &Network) -> CreateLoadBalancer {
        CreateLoadBalancer {
            name: "web".into(),
            scheme: "internet-facing".into(),
            subnets: network.public.clone(),
            security_groups: vec![network.group.clone()],
            tags: tags("load-balancer"),
        }
    }

    pub(crate) fn target_group_call(vpc: &str) -> CreateTargetGroup {
        CreateTargetGroup {
            name: "web".into(),
            vpc: vpc.into(),
            port: 80,
            health_check: health_check(),
            tags: tags("target-group"),
        }
    }

    /// Load balancer, target group and listener.
    pub(crate) fn front(&mut self, network: &Network) -> Front {
        let balancer = self.call(Self::balancer_call(network)).arn;
        let target_group = self.call(Self::target_group_call(&network.vpc)).arn;
        self.call(CreateListener {
            load_balancer: balancer.clone(),
            port: 80,
            protocol: Protocol::Http,
            action: Action::Forward(target_group.clone()),
            tags: tags("listener"),
        });
        Front {
            balancer,
            target_group,
        }
    }

    /// A role in an instance profile that has propagated.
    pub(crate) fn profile(&mut self) {
        self.call(CreateRole {
            name: "instance".into(),
            trust: "{}".into(),
            boundary: None,
            tags: tags("iam-role"),
        });
        self.call(CreateInstanceProfile {
            name: "instance".into(),
            tags: tags("instance-profile"),
        });
        self.call(AddRoleToInstanceProfile {
            profile: "instance".into(),
            role: "instance".into(),
        });
    }

    /// A group over the private subnets; NAT gateways and load balancer have had the time to be ready.
    pub(crate) fn stack(&mut self) -> (Network, Front) {
        let network = self.network(&["a", "b", "c"]);
        let front = self.front(&network);
        self.profile();
        self.wait(200);
        let launch_template = self.call(template("web", &network.group)).id;
        let settings = settings(&network.private, &front.target_group, &launch_template);
        self.call(CreateAutoScalingGroup {
            settings: Box::new(settings),
            desired: None,
            hooks: vec![],
            tags: tags("group"),
        });
        (network, front)
    }

    pub(crate) fn web(&mut self) -> Group {
        self.call(DescribeAutoScalingGroups {
            names: vec!["web".into()],
        })
        .remove(0)
    }

    pub(crate) fn health(&mut self, target_group: &str) -> Vec<TargetHealth> {
        self.call(DescribeTargetHealth {
            target_group: target_group.into(),
        })
    }

    /// State of each target, in the order of launch.
    pub(crate) fn states(&mut self, target_group: &str) -> Vec<String> {
        self.health(target_group)
            .into_iter()
            .map(|target| target.state)
            .collect()
    }
}
