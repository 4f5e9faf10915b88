use windlass_calls::ec2::RunInstances;
use windlass_calls::elb::{DescribeTargetHealth, ModifyTargetGroupAttributes, RegisterTargets};
use windlass_calls::{Class, Tags};
use windlass_sim::Lag;

use crate::account::{Account, Front, tags, template};

/// An account with a load balancer in front of one instance, launched just now and registered nowhere.
fn account() -> (Account, Front, String) {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.profile();
    account.wait(200);
    let call = RunInstances {
        launch_template: account.call(template("web", &network.group)).id,
        version: 1,
        subnet: network.private[0].clone(),
        token: "first".into(),
        tags: tags("instance/0"),
    };
    let instance = account.call(call).id;
    (account, front, instance)
}

fn register(front: &Front, instance: &str) -> RegisterTargets {
    RegisterTargets {
        target_group: front.target_group.clone(),
        targets: vec![instance.into()],
    }
}

/// The same, registered once it runs.
fn registered() -> (Account, Front, String) {
    let (mut account, front, instance) = account();
    account.wait(10);
    account.call(register(&front, &instance));
    (account, front, instance)
}

#[test]
fn a_registered_instance_is_healthy_one_check_after_booting() {
    let (mut account, front, instance) = registered();
    let health = account.health(&front.target_group);
    assert_eq!(
        (health[0].target.as_str(), health[0].state.as_str()),
        (instance.as_str(), "initial")
    );
    account.wait(29);
    assert_eq!(account.states(&front.target_group), ["initial"]);
    account.wait(1);
    assert_eq!(account.states(&front.target_group), ["healthy"]);
}

#[test]
fn an_instance_must_run_before_it_is_registered() {
    let (mut account, front, instance) = account();
    let early = account.refusal(register(&front, &instance));
    assert_eq!(
        (early.code.as_str(), early.class),
        ("InvalidTarget", Class::NotYet)
    );
    assert!(early.message.contains("not in a running state"));
    account.wait(10);
    account.call(register(&front, &instance));
    account.world.deregister_target(&front.target_group, &instance);
    account.world.stop_instance(&instance);
    assert_eq!(account.code(register(&front, &instance)).0, "InvalidTarget");
}

#[test]
fn registering_again_does_not_start_the_checks_again() {
    let (mut account, front, instance) = registered();
    account.wait(29);
    account.call(register(&front, &instance));
    account.wait(1);
    assert_eq!(account.states(&front.target_group), ["healthy"]);
}

#[test]
fn what_a_registration_names_must_exist_and_be_in_one_vpc() {
    let (mut account, front, instance) = account();
    account.wait(10);
    assert_eq!(
        account.code(register(&front, "i-ffffffff")),
        ("InvalidTarget".to_owned(), Class::NotYet)
    );
    let no_group = RegisterTargets {
        target_group: "arn:none".into(),
        targets: vec![instance.clone()],
    };
    assert_eq!(
        account.code(no_group),
        ("TargetGroupNotFound".to_owned(), Class::Gone)
    );
    let other = account.vpc();
    let mut call = Account::target_group_call(&other);
    call.name = "other".into();
    let elsewhere = RegisterTargets {
        target_group: account.call(call).arn,
        targets: vec![instance],
    };
    assert_eq!(account.code(elsewhere).0, "InvalidTarget");
}

#[test]
fn an_instance_out_of_sight_cannot_be_registered() {
    let (mut account, front, instance) = account();
    account.world.delete(&instance);
    account.world.config_mut().visibility_lag = Lag::Fixed(60);
    let call = RunInstances {
        launch_template: "lt-00000001".into(),
        version: 1,
        subnet: "subnet-00000002".into(),
        token: "second".into(),
        tags: Tags::new(),
    };
    let late = account.call(call).id;
    account.wait(59);
    assert_eq!(account.code(register(&front, &late)).0, "InvalidTarget");
    account.wait(1);
    account.call(register(&front, &late));
}

#[test]
fn a_terminated_instance_drains_and_then_leaves_the_target_group() {
    let (mut account, front, instance) = registered();
    account.wait(60);
    account.call(ModifyTargetGroupAttributes {
        target_group: front.target_group.clone(),
        attributes: Tags::from([("deregistration_delay.timeout_seconds".into(), "60".into())]),
    });
    account.world.terminate_instance(&instance);
    let health = account.health(&front.target_group);
    assert_eq!(
        (health[0].state.as_str(), health[0].reason.as_deref()),
        ("draining", Some("Target.DeregistrationInProgress"))
    );
    account.wait(59);
    assert_eq!(account.states(&front.target_group), ["draining"]);
    account.wait(1);
    assert!(account.states(&front.target_group).is_empty());
    assert_eq!(account.code(register(&front, &instance)).0, "InvalidTarget");
}

#[test]
fn a_stopped_instance_stays_registered_and_unused() {
    let (mut account, front, instance) = registered();
    account.wait(60);
    account.world.stop_instance(&instance);
    let health = account.health(&front.target_group);
    assert_eq!(
        (health[0].state.as_str(), health[0].reason.as_deref()),
        ("unused", Some("Target.InvalidState"))
    );
}

#[test]
fn an_instance_that_stops_answering_turns_unhealthy() {
    let (mut account, front, instance) = registered();
    account.wait(60);
    assert!(account.world.break_instance(&instance));
    account.wait(30);
    assert_eq!(account.states(&front.target_group), ["unhealthy"]);
}

#[test]
fn a_deregistered_instance_can_be_registered_again() {
    let (mut account, front, instance) = registered();
    account.wait(60);
    assert!(account.world.deregister_target(&front.target_group, &instance));
    assert!(!account.world.deregister_target(&front.target_group, &instance));
    assert!(account.states(&front.target_group).is_empty());
    account.call(register(&front, &instance));
    assert_eq!(account.states(&front.target_group), ["initial"]);
    account.wait(15);
    assert_eq!(account.states(&front.target_group), ["healthy"]);
}

#[test]
fn an_instance_of_a_group_can_be_in_a_second_target_group() {
    let mut account = Account::new();
    let (network, front) = account.stack();
    let mut probe = Account::target_group_call(&network.vpc);
    probe.name = "probe".into();
    let probe = account.call(probe).arn;
    account.wait(10);
    let instance = account.web().instances[0].id.clone();
    account.call(RegisterTargets {
        target_group: probe.clone(),
        targets: vec![instance.clone()],
    });
    assert!(
        account.states(&front.target_group).is_empty(),
        "not in service yet"
    );
    let health = account.call(DescribeTargetHealth { target_group: probe });
    assert_eq!(
        (health[0].target.as_str(), health[0].reason.as_deref()),
        (instance.as_str(), Some("Target.NotInUse"))
    );
    account.call(RegisterTargets {
        target_group: front.target_group.clone(),
        targets: vec![instance],
    });
    account.wait(10);
    assert_eq!(account.states(&front.target_group).len(), 3, "each once");
}
