use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_calls::ec2::{
    AuthorizeSecurityGroupIngress, CreateLaunchTemplate, CreateNatGateway, CreateRouteTable,
    CreateSecurityGroup, CreateSubnet, CreateVpc, DescribeNatGateways, DescribeSubnets, DescribeVpcs, Peer,
    Rule,
};
use windlass_calls::elb::DescribeTargetGroups;
use windlass_calls::{Class, Filters, Tags};
use windlass_sim::{Lag, WorldConfig};

use crate::account::{Account, tagged, template};

fn lagging(visibility_lag: Lag) -> Account {
    Account::with(WorldConfig {
        visibility_lag,
        ..WorldConfig::default()
    })
}

fn subnet(vpc: &str) -> CreateSubnet {
    CreateSubnet {
        vpc: vpc.into(),
        cidr: "10.0.1.0/24".into(),
        zone: "us-east-1a".into(),
        tags: Tags::new(),
    }
}

#[test]
fn a_new_resource_stays_out_of_sight_for_the_lag() {
    let mut account = lagging(Lag::Fixed(30));
    let vpc = account.vpc();
    account.wait(29);
    assert_eq!(
        account.call(DescribeVpcs {
            filters: tagged("vpc")
        }),
        []
    );
    assert_eq!(
        account.code(subnet(&vpc)),
        ("InvalidVpcID.NotFound".to_owned(), Class::Gone)
    );
    account.wait(1);
    assert_eq!(
        account.call(DescribeVpcs {
            filters: tagged("vpc")
        })[0]
            .id,
        vpc
    );
    account.call(subnet(&vpc));
}

#[test]
fn conflicts_and_quotas_are_judged_on_what_is_out_of_sight_too() {
    let mut account = lagging(Lag::Fixed(30));
    let vpc = account.vpc();
    account.wait(30);
    account.call(subnet(&vpc));
    assert_eq!(account.code(subnet(&vpc)).0, "InvalidSubnet.Conflict");
    assert_eq!(
        account.call(DescribeSubnets {
            filters: Filters::new()
        }),
        []
    );
    let group = CreateSecurityGroup {
        name: "web".into(),
        description: String::new(),
        vpc,
        tags: Tags::new(),
    };
    let made = account.call(group.clone());
    assert_eq!(account.code(group).0, "InvalidGroup.Duplicate");
    let rule = AuthorizeSecurityGroupIngress {
        group: made.id,
        rule: Rule::tcp(80, Peer::Cidr("0.0.0.0/0".into())),
    };
    assert_eq!(account.code(rule).0, "InvalidGroup.NotFound");
    account.world.config_mut().vpc_quota = 1;
    assert_eq!(
        account
            .code(CreateVpc {
                cidr: "10.0.0.0/16".into(),
                tags: Tags::new()
            })
            .0,
        "VpcLimitExceeded"
    );
}

#[test]
fn a_seeded_lag_differs_between_resources_and_not_between_worlds() {
    let seen = |seed| {
        let mut account = lagging(Lag::Seeded { seed, max: 300 });
        for _ in 0..5 {
            account.vpc();
        }
        let mut counts = Vec::new();
        for _ in 0..31 {
            counts.push(
                account
                    .call(DescribeVpcs {
                        filters: Filters::new(),
                    })
                    .len(),
            );
            account.wait(10);
        }
        counts
    };
    assert_eq!(seen(7), seen(7));
    assert_ne!(seen(7), seen(8));
    assert_eq!(seen(7).last(), Some(&5));
    assert!(seen(7).iter().any(|count| (1..5).contains(count)));
}

#[test]
fn load_balancing_and_groups_have_lags_of_their_own() {
    let mut account = Account::new();
    account.world.config_mut().elb_lag = Lag::Fixed(10);
    let vpc = account.vpc();
    let call = Account::target_group_call(&vpc);
    let made = account.call(call.clone());
    assert_eq!(account.call(call), made, "creates are consistent");
    assert_eq!(
        account
            .code(DescribeTargetGroups {
                name: Some("web".into())
            })
            .0,
        "TargetGroupNotFound"
    );
    account.wait(10);
    assert_eq!(
        account.call(DescribeTargetGroups {
            name: Some("web".into())
        }),
        [made]
    );

    let mut account = Account::new();
    account.world.config_mut().autoscaling_lag = Lag::Fixed(10);
    account.stack();
    assert!(
        account
            .call(DescribeAutoScalingGroups {
                names: vec!["web".into()]
            })
            .is_empty()
    );
    account.wait(10);
    assert_eq!(account.web().instances.len(), 3);
}

#[test]
fn a_repeated_token_answers_the_first_call_and_makes_nothing() {
    let mut account = lagging(Lag::Fixed(60));
    let vpc = account.vpc();
    let allocation = account.address();
    account.wait(60);
    let call = CreateNatGateway {
        subnet: account.call(subnet(&vpc)).id,
        allocation,
        token: "t".into(),
        tags: Tags::new(),
    };
    account.wait(60);
    let first = account.call(call.clone());
    assert_eq!(account.call(call.clone()), first);
    account.wait(600);
    assert_eq!(
        account.call(call),
        first,
        "the first answer, though it is available now"
    );
    assert_eq!(
        account
            .call(DescribeNatGateways {
                filters: Filters::new()
            })
            .len(),
        1
    );
}

#[test]
fn a_token_used_with_other_parameters_is_a_mismatch() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    account.table(&one, "t");
    let call = CreateRouteTable {
        vpc: other,
        token: "t".into(),
        tags: Tags::new(),
    };
    assert_eq!(
        account.code(call),
        ("IdempotentParameterMismatch".to_owned(), Class::Terminal)
    );
    account.call(template("web", "sg-1"));
    let renamed = CreateLaunchTemplate {
        name: "other".into(),
        ..template("web", "sg-1")
    };
    assert_eq!(account.code(renamed).0, "IdempotentParameterMismatch");
}

#[test]
fn a_refused_call_does_not_use_up_its_token() {
    let mut account = Account::new();
    let call = CreateRouteTable {
        vpc: "vpc-00000001".into(),
        token: "t".into(),
        tags: Tags::new(),
    };
    assert_eq!(account.code(call.clone()).0, "InvalidVpcID.NotFound");
    account.vpc();
    account.call(call);
}

#[test]
fn the_clock_never_runs_backwards() {
    let mut account = Account::new();
    account.network(&["a"]);
    account.wait(100);
    account.wait(-100);
    let nats = account.call(DescribeNatGateways {
        filters: Filters::new(),
    });
    assert_eq!(nats[0].state, "available");
    assert!(account.world.clock() > account.now);
}
