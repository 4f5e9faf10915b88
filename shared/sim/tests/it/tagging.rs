use windlass_calls::ec2::{
    CreateTags, CreateVpcEndpoint, DeleteTags, DeleteVpcEndpoints, DescribeVpcs, EndpointAccess,
};
use windlass_calls::elb::{AddTags, DescribeListeners, DescribeTags, RemoveTags};
use windlass_calls::{Class, Filters, Tags};

use crate::account::{Account, tags};

fn team() -> Tags {
    Tags::from([("team".into(), "shop".into())])
}

/// Ids of this kind of everything there is.
fn ids(account: &Account, kind: &str) -> Vec<String> {
    let all = account.world.inventory().into_iter();
    all.filter(|live| live.kind == kind).map(|live| live.id).collect()
}

#[test]
fn everything_ec2_has_can_be_tagged_later() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    account.call(CreateVpcEndpoint {
        vpc: network.vpc,
        service: "com.amazonaws.us-east-1.s3".into(),
        access: EndpointAccess::Gateway {
            route_tables: network.private_tables,
        },
        token: "s3".into(),
        tags: tags("vpc-endpoint"),
    });
    let kinds = [
        "vpc",
        "subnet",
        "internet-gateway",
        "address",
        "nat-gateway",
        "route-table",
        "security-group",
        "vpc-endpoint",
        "launch-template",
        "instance",
    ];
    let resources: Vec<_> = kinds.iter().flat_map(|kind| ids(&account, kind)).collect();
    account.call(CreateTags {
        resources: resources.clone(),
        tags: team(),
    });
    let tagged = |account: &Account| {
        let all = account.world.inventory().into_iter();
        all.filter(|live| live.tags.contains_key("team")).count()
    };
    assert_eq!(tagged(&account), resources.len());
    let untag = DeleteTags {
        resources,
        keys: vec!["team".into()],
    };
    account.call(untag.clone());
    account.call(untag);
    assert_eq!(tagged(&account), 0);
}

#[test]
fn tags_are_set_over_earlier_values_and_others_stay() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.call(CreateTags {
        resources: vec![vpc],
        tags: Tags::from([("windlass:stack".into(), "dev/shop".into())]),
    });
    let found = account.call(DescribeVpcs {
        filters: Filters::new(),
    });
    let mut expected = tags("vpc");
    expected.insert("windlass:stack".into(), "dev/shop".into());
    assert_eq!(found[0].tags, expected);
}

#[test]
fn one_resource_that_is_missing_keeps_all_from_being_tagged() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let missing = [
        ("subnet-0", "InvalidSubnetID.NotFound"),
        ("igw-0", "InvalidInternetGatewayID.NotFound"),
        ("eipalloc-0", "InvalidAllocationID.NotFound"),
        ("nat-0", "NatGatewayNotFound"),
        ("rtb-0", "InvalidRouteTableID.NotFound"),
        ("sg-0", "InvalidGroup.NotFound"),
        ("vpce-0", "InvalidVpcEndpointId.NotFound"),
        ("lt-0", "InvalidLaunchTemplateId.NotFound"),
        ("i-0", "InvalidInstanceID.NotFound"),
    ];
    for (id, code) in missing {
        let call = CreateTags {
            resources: vec![vpc.clone(), id.into()],
            tags: team(),
        };
        assert_eq!(account.code(call), (code.to_owned(), Class::Gone));
    }
    let found = account.call(DescribeVpcs {
        filters: Filters::new(),
    });
    assert_eq!(found[0].tags, tags("vpc"));
}

#[test]
fn an_id_of_no_kind_is_not_valid() {
    let call = CreateTags {
        resources: vec!["web".into()],
        tags: team(),
    };
    assert_eq!(
        Account::new().code(call),
        ("InvalidID".to_owned(), Class::Terminal)
    );
}

#[test]
fn a_deleted_endpoint_cannot_be_tagged() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let endpoint = CreateVpcEndpoint {
        vpc,
        service: "com.amazonaws.us-east-1.s3".into(),
        access: EndpointAccess::Gateway {
            route_tables: Vec::new(),
        },
        token: "s3".into(),
        tags: tags("vpc-endpoint"),
    };
    let resources = vec![account.call(endpoint).id];
    account.call(DeleteVpcEndpoints {
        endpoints: resources.clone(),
    });
    let call = CreateTags {
        resources,
        tags: team(),
    };
    assert_eq!(account.code(call).0, "InvalidVpcEndpointId.NotFound");
}

#[test]
fn load_balancers_target_groups_and_listeners_can_be_tagged_later() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let listeners = account.call(DescribeListeners {
        load_balancer: front.balancer.clone(),
    });
    let resources = vec![front.balancer, front.target_group, listeners[0].arn.clone()];
    account.call(AddTags {
        resources: resources.clone(),
        tags: team(),
    });
    let describe = DescribeTags {
        resources: resources.clone(),
    };
    let described = account.call(describe.clone());
    assert!(described.iter().all(|it| it.tags["team"] == "shop"));
    assert!(described.iter().all(|it| it.tags.len() == 3));
    account.call(RemoveTags {
        resources,
        keys: vec!["team".into(), "none".into()],
    });
    assert!(account.call(describe).iter().all(|it| it.tags.len() == 2));
}

#[test]
fn a_load_balancer_that_is_missing_keeps_all_from_being_tagged() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let missing = format!("{}x", front.balancer);
    let call = AddTags {
        resources: vec![front.target_group.clone(), missing],
        tags: team(),
    };
    assert_eq!(account.code(call).0, "LoadBalancerNotFound");
    let described = account.call(DescribeTags {
        resources: vec![front.target_group],
    });
    assert_eq!(described[0].tags, tags("target-group"));
}
