use windlass_calls::ec2::{
    CreateSubnet, CreateTags, DeleteLaunchTemplate, DeleteSubnet, DeleteVpc, DescribeLaunchTemplateVersions,
    DescribeSubnets, DescribeVpcAttribute, DescribeVpcs, ReleaseAddress,
};
use windlass_calls::elb::{
    AddTags, DeleteListener, DeleteLoadBalancer, DeleteTargetGroup, DescribeListeners, DescribeLoadBalancers,
    DescribeTags, DescribeTargetGroups, DescribeTargetHealth,
};
use windlass_calls::{Class, Filters};
use windlass_sim::{Lag, WorldConfig};

use crate::account::{Account, tagged, tags, template};

/// An account whose deleted resources stay in sight for this long.
fn haunted(ghost_lag: Lag) -> Account {
    Account::with(WorldConfig {
        ghost_lag,
        ..WorldConfig::default()
    })
}

fn vpcs(account: &mut Account) -> usize {
    let call = DescribeVpcs {
        filters: tagged("vpc"),
    };
    account.call(call).len()
}

#[test]
fn a_deleted_resource_stays_in_sight_for_the_lag() {
    let mut account = haunted(Lag::Fixed(60));
    let vpc = account.vpc();
    account.call(DeleteVpc { vpc: vpc.clone() });
    account.wait(59);
    assert_eq!(vpcs(&mut account), 1);
    account.call(DescribeVpcAttribute { vpc: vpc.clone() });
    account.wait(1);
    assert_eq!(vpcs(&mut account), 0);
    assert_eq!(
        account.code(DescribeVpcAttribute { vpc }).0,
        "InvalidVpcID.NotFound"
    );
}

#[test]
fn a_ghost_cannot_be_deleted_again_or_named() {
    let mut account = haunted(Lag::Fixed(60));
    let vpc = account.vpc();
    account.call(DeleteVpc { vpc: vpc.clone() });
    let gone = ("InvalidVpcID.NotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(DeleteVpc { vpc: vpc.clone() }), gone);
    let tag = CreateTags {
        resources: vec![vpc.clone()],
        tags: tags("vpc"),
    };
    assert_eq!(account.code(tag), gone);
    let subnet = CreateSubnet {
        vpc,
        cidr: "10.0.0.0/24".into(),
        zone: "us-east-1a".into(),
        tags: tags("subnet"),
    };
    assert_eq!(account.code(subnet), gone);
}

#[test]
fn a_ghost_is_in_nobodys_way() {
    let mut account = haunted(Lag::Fixed(60));
    account.world.config_mut().address_quota = 1;
    let vpc = account.vpc();
    for _ in 0..2 {
        let subnet = account.subnet(&vpc, "10.0.0.0/24", "a");
        account.call(DeleteSubnet { subnet });
        let allocation = account.address();
        account.call(ReleaseAddress { allocation });
    }
    let subnets = account.call(DescribeSubnets {
        filters: Filters::new(),
    });
    assert_eq!(subnets.len(), 2);
    account.call(DeleteVpc { vpc });
    assert_eq!(account.world.inventory(), []);
}

#[test]
fn ghosts_of_a_seeded_lag_go_one_by_one() {
    let mut account = haunted(Lag::Seeded { seed: 7, max: 300 });
    for _ in 0..5 {
        let vpc = account.vpc();
        account.call(DeleteVpc { vpc });
    }
    let mut counts = Vec::new();
    for _ in 0..31 {
        counts.push(vpcs(&mut account));
        account.wait(10);
    }
    assert!(counts.iter().any(|count| (1..5).contains(count)), "{counts:?}");
    assert_eq!(vpcs(&mut account), 0);
}

#[test]
fn versions_of_a_deleted_launch_template_stay_in_sight_too() {
    let mut account = haunted(Lag::Fixed(60));
    let launch_template = account.call(template("web", "sg-0")).id;
    account.call(DeleteLaunchTemplate {
        launch_template: launch_template.clone(),
    });
    let versions = DescribeLaunchTemplateVersions { launch_template };
    assert_eq!(account.call(versions.clone()).len(), 1);
    account.wait(60);
    assert_eq!(account.code(versions).0, "InvalidLaunchTemplateId.NotFound");
    account.call(template("web", "sg-0"));
}

#[test]
fn a_deleted_load_balancer_stays_in_sight_with_its_listeners() {
    let mut account = haunted(Lag::Fixed(60));
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let load_balancer = front.balancer;
    let listeners = DescribeListeners {
        load_balancer: load_balancer.clone(),
    };
    let listener = account.call(listeners.clone())[0].arn.clone();
    account.call(DeleteLoadBalancer {
        load_balancer: load_balancer.clone(),
    });
    let found = account.call(DescribeLoadBalancers {
        name: Some("web".into()),
    });
    assert_eq!(found.len(), 1);
    assert_eq!(account.call(listeners.clone()).len(), 1);
    let gone = ("ListenerNotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(DeleteListener { listener }), gone);
    let tag = AddTags {
        resources: vec![load_balancer],
        tags: tags("load-balancer"),
    };
    assert_eq!(account.code(tag).0, "LoadBalancerNotFound");
    account.wait(60);
    assert_eq!(account.code(listeners).0, "LoadBalancerNotFound");
}

#[test]
fn a_load_balancer_can_be_made_anew_beside_its_ghost() {
    let mut account = haunted(Lag::Fixed(60));
    let network = account.network(&["a", "b"]);
    let call = Account::balancer_call(&network);
    let load_balancer = account.call(call.clone()).arn;
    account.call(DeleteLoadBalancer {
        load_balancer: load_balancer.clone(),
    });
    assert_ne!(account.call(call).arn, load_balancer);
    let found = account.call(DescribeLoadBalancers {
        name: Some("web".into()),
    });
    assert_eq!(found.len(), 2);
}

#[test]
fn a_deleted_target_group_stays_in_sight_unused() {
    let mut account = haunted(Lag::Fixed(60));
    let vpc = account.vpc();
    let target_group = account.call(Account::target_group_call(&vpc)).arn;
    let delete = DeleteTargetGroup {
        target_group: target_group.clone(),
    };
    account.call(delete.clone());
    let named = DescribeTargetGroups {
        name: Some("web".into()),
    };
    assert_eq!(
        account.call(named.clone())[0].load_balancers,
        Vec::<String>::new()
    );
    account.call(DescribeTags {
        resources: vec![target_group.clone()],
    });
    assert_eq!(account.call(DescribeTargetHealth { target_group }), []);
    account.call(delete);
    account.wait(60);
    assert_eq!(account.code(named).0, "TargetGroupNotFound");
}
