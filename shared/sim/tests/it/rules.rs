use rstest::rstest;
use windlass_calls::elb::{
    Action, CreateRule, DeleteListener, DeleteLoadBalancer, DeleteRule, DeleteTargetGroup, DescribeListeners,
    DescribeRules, DescribeTags, DescribeTargetGroups, RegisterTargets, Rule,
};
use windlass_calls::{Class, Tags};
use windlass_sim::Lag;

use crate::account::{Account, Front, tags};

/// An account with a healthy group behind a load balancer, a second target group with all of its instances, and a rule
/// for that, not made yet.
fn account() -> (Account, Front, CreateRule) {
    let mut account = Account::new();
    let (network, front) = account.stack();
    account.wait(60);
    let mut probe = Account::target_group_call(&network.vpc);
    probe.name = "probe".into();
    let probe = account.call(probe).arn;
    let targets = account.web().instances.into_iter().map(|it| it.id).collect();
    account.call(RegisterTargets {
        target_group: probe.clone(),
        targets,
    });
    let load_balancer = front.balancer.clone();
    let listener = account.call(DescribeListeners { load_balancer }).remove(0).arn;
    let call = CreateRule {
        listener,
        priority: 1,
        source_ips: vec!["127.0.0.1/32".into()],
        action: Action::Forward(probe),
        tags: tags("probe-rule"),
    };
    (account, front, call)
}

fn probe(call: &CreateRule) -> &str {
    match &call.action {
        Action::Forward(group) => group,
        other => panic!("{other:?}"),
    }
}

fn rules(account: &mut Account, call: &CreateRule) -> Vec<Rule> {
    let listener = call.listener.clone();
    account.call(DescribeRules { listener })
}

#[test]
fn a_rule_is_shown_as_it_was_made_and_has_its_tags() {
    let (mut account, _, call) = account();
    assert_eq!(rules(&mut account, &call), [], "the default rule is left out");
    let made = account.call(call.clone());
    assert_eq!(rules(&mut account, &call), std::slice::from_ref(&made));
    assert_eq!((made.priority, &made.source_ips), (1, &call.source_ips));
    assert_eq!(made.action.as_ref(), Some(&call.action));
    assert!(made.arn.contains(":listener-rule/app/web/"), "{}", made.arn);
    let resources = vec![made.arn];
    assert_eq!(account.call(DescribeTags { resources })[0].tags, call.tags);
}

/// Rule 49: it is in use, and its targets are checked although no request can come.
#[test]
fn a_target_group_that_only_a_rule_uses_is_checked() {
    let (mut account, front, call) = account();
    let group = probe(&call).to_owned();
    assert_eq!(account.states(&group), ["unused"; 3]);
    account.call(call);
    assert_eq!(account.states(&group), ["initial"; 3]);
    account.wait(15);
    assert_eq!(account.states(&group), ["healthy"; 3]);
    let name = Some("probe".to_owned());
    let shown = account.call(DescribeTargetGroups { name }).remove(0);
    assert_eq!(shown.load_balancers, [front.balancer]);
}

#[test]
fn a_target_group_that_a_rule_uses_stays_until_the_rule_goes() {
    let (mut account, _, call) = account();
    let rule = account.call(call.clone()).arn;
    let target_group = probe(&call).to_owned();
    let delete = DeleteTargetGroup { target_group };
    assert_eq!(
        account.code(delete.clone()),
        ("ResourceInUse".to_owned(), Class::NotYet)
    );
    account.call(DeleteRule { rule });
    assert_eq!(account.states(probe(&call)), ["unused"; 3]);
    account.call(delete);
}

#[test]
fn a_priority_is_taken_once_on_each_listener() {
    let (mut account, _, call) = account();
    account.call(call.clone());
    assert_eq!(
        account.code(call.clone()),
        ("PriorityInUse".to_owned(), Class::Exists)
    );
    account.call(CreateRule {
        priority: 2,
        ..call.clone()
    });
    let priorities: Vec<u32> = rules(&mut account, &call).iter().map(|it| it.priority).collect();
    assert_eq!(priorities, [1, 2]);
}

#[rstest]
#[case::listener(|it: &mut CreateRule| it.listener = "arn".into(), "ListenerNotFound")]
#[case::group(|it: &mut CreateRule| it.action = Action::Forward("arn".into()), "TargetGroupNotFound")]
#[case::weights(|it: &mut CreateRule| it.action = Action::Split([].into()), "ValidationError")]
#[case::first(|it: &mut CreateRule| it.priority = 0, "ValidationError")]
#[case::last(|it: &mut CreateRule| it.priority = 50_001, "ValidationError")]
#[case::nowhere(|it: &mut CreateRule| it.source_ips.clear(), "ValidationError")]
#[case::address(|it: &mut CreateRule| it.source_ips = vec!["127.0.0.1".into()], "ValidationError")]
#[case::many(|it: &mut CreateRule| it.source_ips = vec!["127.0.0.1/32".into(); 6], "ValidationError")]
fn a_wrong_rule_is_refused(#[case] change: fn(&mut CreateRule), #[case] code: &str) {
    let (mut account, _, mut call) = account();
    change(&mut call);
    assert_eq!(account.code(call).0, code);
}

#[test]
fn a_rule_is_deleted_once() {
    let (mut account, _, call) = account();
    let rule = account.call(call.clone()).arn;
    account.call(DeleteRule { rule: rule.clone() });
    assert_eq!(rules(&mut account, &call), []);
    assert_eq!(
        account.code(DeleteRule { rule }),
        ("RuleNotFound".to_owned(), Class::Gone)
    );
}

#[rstest]
fn a_rule_goes_with_its_listener(#[values(false, true)] with_the_balancer: bool) {
    let (mut account, front, call) = account();
    let rule = account.call(call.clone()).arn;
    if with_the_balancer {
        account.call(DeleteLoadBalancer {
            load_balancer: front.balancer,
        });
    } else {
        account.call(DeleteListener {
            listener: call.listener.clone(),
        });
    }
    assert_eq!(account.code(DeleteRule { rule }).0, "RuleNotFound");
    let target_group = probe(&call).to_owned();
    account.call(DeleteTargetGroup { target_group });
    let kinds: Vec<_> = account.world.inventory().into_iter().map(|it| it.kind).collect();
    assert!(!kinds.contains(&"listener-rule"), "{kinds:?}");
}

#[test]
fn a_new_rule_may_be_out_of_sight_and_its_priority_is_taken_all_the_same() {
    let (mut account, _, call) = account();
    account.world.config_mut().elb_lag = Lag::Fixed(60);
    let rule = account.call(call.clone()).arn;
    assert_eq!(rules(&mut account, &call), []);
    assert_eq!(account.code(DeleteRule { rule }).0, "RuleNotFound");
    assert_eq!(account.code(call.clone()).0, "PriorityInUse");
    account.wait(60);
    assert_eq!(rules(&mut account, &call).len(), 1);
}

#[test]
fn a_rule_that_somebody_deletes_takes_nothing_along_and_a_listener_its_rules() {
    let (mut account, _, call) = account();
    let rule = account.call(call.clone()).arn;
    assert!(account.world.delete(&rule) && !account.world.delete(&rule));
    account.call(CreateRule {
        tags: Tags::new(),
        ..call.clone()
    });
    assert!(account.world.delete(&call.listener));
    assert_eq!(
        account
            .code(DescribeRules {
                listener: call.listener.clone()
            })
            .0,
        "ListenerNotFound"
    );
    assert_eq!(account.states(probe(&call)), ["unused"; 3]);
}

/// All of them or none.
#[test]
fn instances_are_registered_and_deregistered_together() {
    let (mut account, front, call) = account();
    account.call(call.clone());
    let group = probe(&call).to_owned();
    let mut targets: Vec<String> = account.web().instances.into_iter().map(|it| it.id).collect();
    account.call(windlass_calls::elb::DeregisterTargets {
        target_group: group.clone(),
        targets: targets.clone(),
    });
    assert_eq!(account.states(&group), ["draining"; 3]);
    account.wait(300);
    assert!(account.states(&group).is_empty());
    targets.push("i-ffffffff".into());
    let all = RegisterTargets {
        target_group: group.clone(),
        targets,
    };
    assert_eq!(account.code(all).0, "InvalidTarget");
    assert!(account.states(&group).is_empty());
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}
