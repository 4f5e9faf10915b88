use std::collections::BTreeMap;

use rstest::rstest;
use windlass_calls::elb::{
    Action, CreateListener, CreateLoadBalancer, CreateTargetGroup, DeleteListener, DeleteLoadBalancer,
    DeleteTargetGroup, DeregisterTargets, DescribeListeners, DescribeLoadBalancers, DescribeTargetGroups,
    HealthCheck, ModifyListener, ModifyLoadBalancerAttributes, ModifyTargetGroup, Protocol, RegisterTargets,
    SetSubnets, TargetGroup,
};
use windlass_calls::{Class, Tags};

use crate::account::{Account, Front, Network, health_check, tags};

fn listener(account: &mut Account, front: &Front) -> String {
    account
        .call(DescribeListeners {
            load_balancer: front.balancer.clone(),
        })
        .remove(0)
        .arn
}

fn modify(account: &mut Account, front: &Front, action: Action) -> ModifyListener {
    ModifyListener {
        listener: listener(account, front),
        protocol: Protocol::Http,
        action,
    }
}

/// Another target group in the VPC.
fn other_group(account: &mut Account, network: &Network) -> String {
    account
        .call(CreateTargetGroup {
            name: "green".into(),
            ..Account::target_group_call(&network.vpc)
        })
        .arn
}

fn split(front: &Front, other: &str, weight: u16) -> Action {
    Action::Split(BTreeMap::from([
        (front.target_group.clone(), 100),
        (other.to_owned(), weight),
    ]))
}

fn groups(account: &mut Account) -> Vec<TargetGroup> {
    account.call(DescribeTargetGroups { name: None })
}

/// An account with a healthy group behind a load balancer, and an unused target group with its first instance.
fn ready() -> (Account, Front, String) {
    let mut account = Account::new();
    let (network, front) = account.stack();
    account.wait(60);
    let other = other_group(&mut account, &network);
    let target = account.web().instances[0].id.clone();
    account.call(RegisterTargets {
        target_group: other.clone(),
        targets: vec![target],
    });
    (account, front, other)
}

#[test]
fn all_target_groups_are_listed_without_a_name() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    assert_eq!(groups(&mut account), []);
    account.front(&network);
    other_group(&mut account, &network);
    let names: Vec<_> = groups(&mut account).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["green", "web"]);
}

#[test]
fn targets_of_a_group_of_weight_0_are_checked() {
    let (mut account, front, other) = ready();
    assert_eq!(account.states(&other), ["unused"]);
    let action = split(&front, &other, 0);
    let call = modify(&mut account, &front, action);
    account.call(call);
    assert_eq!(account.states(&other), ["initial"]);
    account.wait(15);
    assert_eq!(account.states(&other), ["healthy"]);
    assert_eq!(
        account.states(&front.target_group),
        ["healthy"; 3],
        "the first group is checked as before"
    );
    let users: Vec<_> = groups(&mut account)
        .into_iter()
        .map(|it| it.load_balancers)
        .collect();
    assert_eq!(users, [[front.balancer.clone()], [front.balancer]]);
}

#[test]
fn targets_of_a_group_that_is_not_used_any_more_are_unused() {
    let (mut account, front, other) = ready();
    let call = modify(&mut account, &front, Action::Forward(other.clone()));
    account.call(call);
    account.wait(15);
    assert_eq!(account.states(&front.target_group), ["unused"; 3]);
    assert_eq!(account.states(&other), ["healthy"]);
}

#[test]
fn a_modified_listener_keeps_its_port_and_its_arn() {
    let (mut account, front, _) = ready();
    let call = modify(&mut account, &front, Action::RedirectToHttps(443));
    account.call(call.clone());
    let listeners = account.call(DescribeListeners {
        load_balancer: front.balancer,
    });
    assert_eq!((&listeners[0].arn, listeners[0].port), (&call.listener, 80));
    assert_eq!(listeners[0].action, Some(call.action));
}

#[rstest]
#[case::heavy(|it: &mut ModifyListener| it.action = Action::Split([("arn".to_owned(), 1000)].into()), "ValidationError")]
#[case::empty(|it: &mut ModifyListener| it.action = Action::Split(BTreeMap::new()), "ValidationError")]
#[case::group(|it: &mut ModifyListener| it.action = Action::Forward("arn".into()), "TargetGroupNotFound")]
#[case::listener(|it: &mut ModifyListener| it.listener = "arn".into(), "ListenerNotFound")]
#[case::policy(|it: &mut ModifyListener| it.protocol = Protocol::Https { certificate: String::new(), policy: "x".into() }, "SSLPolicyNotFound")]
fn a_listener_modified_wrongly_is_refused(#[case] change: fn(&mut ModifyListener), #[case] code: &str) {
    let (mut account, front, _) = ready();
    let action = Action::Forward(front.target_group.clone());
    let mut call = modify(&mut account, &front, action);
    change(&mut call);
    assert_eq!(account.code(call).0, code);
}

#[test]
fn a_split_over_more_than_five_groups_is_refused() {
    let (mut account, front, _) = ready();
    let weights = (0..6).map(|number| (format!("arn-{number}"), 1)).collect();
    let call = modify(&mut account, &front, Action::Split(weights));
    assert_eq!(account.code(call).0, "ValidationError");
}

#[test]
fn a_target_group_that_a_listener_uses_stays() {
    let (mut account, front, other) = ready();
    let action = split(&front, &other, 0);
    let call = modify(&mut account, &front, action);
    account.call(call);
    let delete = DeleteTargetGroup { target_group: other };
    let in_use = ("ResourceInUse".to_owned(), Class::NotYet);
    assert_eq!(account.code(delete.clone()), in_use);
    let listener = listener(&mut account, &front);
    account.call(DeleteListener {
        listener: listener.clone(),
    });
    let gone = ("ListenerNotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(DeleteListener { listener }), gone);
    account.call(delete.clone());
    account.call(delete);
    assert_eq!(groups(&mut account).len(), 1);
}

#[test]
fn a_load_balancer_takes_its_listeners_with_it_and_can_be_deleted_twice() {
    let (mut account, front, _) = ready();
    let delete = DeleteLoadBalancer {
        load_balancer: front.balancer,
    };
    account.call(delete.clone());
    account.call(delete);
    account.call(DeleteTargetGroup {
        target_group: front.target_group,
    });
    let left = account.world.inventory().into_iter();
    assert!(
        left.map(|live| live.kind)
            .all(|kind| kind != "listener" && kind != "load-balancer")
    );
}

#[test]
fn a_protected_load_balancer_cannot_be_deleted() {
    let (mut account, front, _) = ready();
    account.call(ModifyLoadBalancerAttributes {
        load_balancer: front.balancer.clone(),
        attributes: Tags::from([("deletion_protection.enabled".into(), "true".into())]),
    });
    let delete = DeleteLoadBalancer {
        load_balancer: front.balancer,
    };
    assert_eq!(account.code(delete).0, "OperationNotPermitted");
}

#[test]
fn other_subnets_leave_a_load_balancer_active() {
    let mut account = Account::new();
    let network = account.network(&["a", "b", "c"]);
    let load_balancer = account
        .call(CreateLoadBalancer {
            subnets: network.public[..2].to_vec(),
            ..Account::balancer_call(&network)
        })
        .arn;
    account.wait(150);
    let set = |subnets: &[String]| SetSubnets {
        load_balancer: load_balancer.clone(),
        subnets: subnets.to_vec(),
    };
    account.call(set(&network.public));
    let found = account.call(DescribeLoadBalancers { name: None });
    assert_eq!(
        (found[0].state.as_str(), &found[0].subnets),
        ("active", &network.public)
    );
    assert_eq!(account.code(set(&network.public[..1])).0, "ValidationError");
    assert_eq!(account.call(Account::balancer_call(&network)).arn, load_balancer);
}

#[test]
fn a_health_check_can_be_changed() {
    let (mut account, front, _) = ready();
    let modify = |interval| ModifyTargetGroup {
        target_group: front.target_group.clone(),
        health_check: HealthCheck {
            interval,
            ..health_check()
        },
    };
    account.call(modify(30));
    let found = account.call(DescribeTargetGroups {
        name: Some("web".into()),
    });
    assert_eq!(found[0].health_check.interval, 30);
    assert_eq!(account.code(modify(1)).0, "ValidationError");
    let again = account.code(Account::target_group_call(&found[0].vpc));
    assert_eq!(again.0, "DuplicateTargetGroupName", "its settings are others now");
}

#[test]
fn a_deregistered_target_drains_and_is_gone_then() {
    let (mut account, front, other) = ready();
    let action = split(&front, &other, 0);
    let call = modify(&mut account, &front, action);
    account.call(call);
    account.wait(15);
    let target = account.web().instances[0].id.clone();
    let deregister = DeregisterTargets {
        target_group: other.clone(),
        targets: vec![target.clone()],
    };
    account.call(deregister.clone());
    account.wait(299);
    assert_eq!(account.states(&other), ["draining"]);
    account.call(deregister.clone());
    account.wait(1);
    assert!(account.states(&other).is_empty());
    account.call(deregister);
    account.call(RegisterTargets {
        target_group: other.clone(),
        targets: vec![target],
    });
    assert_eq!(account.states(&other), ["initial"]);
}

#[test]
fn a_target_of_a_group_can_be_taken_out_by_hand_too() {
    let (mut account, front, _) = ready();
    let target = account.web().instances[0].id.clone();
    account.call(DeregisterTargets {
        target_group: front.target_group.clone(),
        targets: vec![target],
    });
    assert_eq!(
        account.states(&front.target_group),
        ["draining", "healthy", "healthy"]
    );
    account.wait(300);
    assert_eq!(account.states(&front.target_group), ["healthy"; 2]);
}

#[test]
fn two_listeners_of_one_load_balancer_can_use_one_target_group() {
    let (mut account, front, _) = ready();
    account.call(CreateListener {
        load_balancer: front.balancer.clone(),
        port: 8080,
        protocol: Protocol::Http,
        action: Action::Split([(front.target_group.clone(), 1)].into()),
        tags: tags("listener"),
    });
    let users = groups(&mut account).remove(1).load_balancers;
    assert_eq!(users, [front.balancer]);
}
