//! Spot instances of a group: which are some, how EC2 takes them back, and what the group does about it (rule 19).

use std::collections::BTreeSet;

use rstest::rstest;
use windlass_calls::Class;
use windlass_calls::autoscaling::{
    Distribution, GroupChange, HookResult, Launch, LifecycleHook, PutLifecycleHook, SetInstanceHealth,
    Transition, UpdateAutoScalingGroup,
};
use windlass_calls::ec2::{DescribeInstances, Instance};
use windlass_calls::{CallError, Filters};

use crate::account::{Account, Front};

const QUEUE: &str = "instances";

fn distribution(on_demand_base: u32, on_demand_percent: u32) -> Distribution {
    Distribution {
        on_demand_base,
        on_demand_percent,
        spot_strategy: "price-capacity-optimized".into(),
    }
}

fn change(change: GroupChange) -> UpdateAutoScalingGroup {
    UpdateAutoScalingGroup {
        group: "web".into(),
        change: Box::new(change),
    }
}

/// Gives the group another share of spot instances.
fn share(account: &mut Account, types: &[&str], spot: Option<Distribution>) {
    let settings = account.web().settings;
    let launch = Launch {
        launch_template: settings.launch_template,
        version: settings.version,
        instance_types: types.iter().map(|name| (*name).to_owned()).collect(),
        spot,
    };
    account.call(change(GroupChange {
        launch: Some(launch),
        rebalance: Some(true),
        ..GroupChange::default()
    }));
}

fn running(account: &mut Account) -> Vec<Instance> {
    let all = account.call(DescribeInstances {
        filters: Filters::new(),
    });
    let up = |instance: &Instance| matches!(instance.state.as_str(), "pending" | "running");
    all.into_iter().filter(up).collect()
}

/// How many run on demand, and how many as spot instances.
fn kinds(account: &mut Account) -> (usize, usize) {
    let running = running(account);
    let spot = running.iter().filter(|instance| instance.spot).count();
    (running.len() - spot, spot)
}

/// A group of one instance on demand and two spot instances, in service for a while.
fn account() -> (Account, Front) {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.world.create_queue(QUEUE, 30);
    account.world.route_instance_events(QUEUE);
    account.wait(100);
    share(&mut account, &["t3.micro"], Some(distribution(1, 0)));
    account.wait(900);
    assert_eq!(kinds(&mut account), (1, 2));
    (account, front)
}

fn spot_instance(account: &mut Account) -> String {
    let found = running(account).into_iter().find(|instance| instance.spot);
    found.unwrap().id
}

/// State and health of an instance of the group; `None` if it left.
fn member(account: &mut Account, id: &str) -> Option<(String, String)> {
    let found = account.web().instances.into_iter().find(|one| one.id == id);
    found.map(|one| (one.lifecycle_state, one.health))
}

fn unhealthy(instance: &str) -> SetInstanceHealth {
    SetInstanceHealth {
        instance: instance.into(),
        health: "Unhealthy".into(),
        respects_grace: false,
    }
}

#[test]
fn a_share_that_changes_replaces_running_instances_one_by_one_the_new_ones_first() {
    let (mut account, front) = account();
    share(&mut account, &["t3.micro"], Some(distribution(0, 100)));
    let mut seen = BTreeSet::new();
    for _ in 0..90 {
        account.wait(10);
        let instances = account.web().instances.into_iter();
        let staying = instances.filter(|one| one.lifecycle_state != "Terminating");
        let staying = staying.count();
        assert!((3..=4).contains(&staying), "{staying}");
        let health = account.states(&front.target_group);
        assert!(
            health.iter().filter(|state| *state == "healthy").count() >= 2,
            "{health:?}"
        );
        seen.insert(kinds(&mut account).1);
    }
    assert_eq!(kinds(&mut account), (3, 0));
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
    assert_eq!(account.web().settings.spot, None);
    assert_eq!(account.web().settings.instance_types, ["t3.micro"]);
}

#[test]
fn a_launch_template_alone_leaves_the_spot_instances_that_run() {
    let (mut account, _) = account();
    share(&mut account, &[], None);
    account.wait(900);
    assert_eq!(kinds(&mut account), (1, 2));
    assert_eq!(account.web().settings.instance_types, Vec::<String>::new());
    let spot = spot_instance(&mut account);
    account.call(unhealthy(&spot));
    account.wait(600);
    assert_eq!(kinds(&mut account), (2, 1));
}

#[test]
fn what_is_too_many_goes_by_the_share() {
    let (mut account, _) = account();
    account.call(change(GroupChange {
        min: Some(1),
        desired: Some(1),
        ..GroupChange::default()
    }));
    account.wait(600);
    assert_eq!(kinds(&mut account), (1, 0));
}

#[test]
fn a_spot_instance_is_gone_two_minutes_after_its_notice_whatever_holds_it() {
    let (mut account, front) = account();
    account.call(PutLifecycleHook {
        group: "web".into(),
        hook: LifecycleHook {
            name: "drain".into(),
            transition: Transition::Terminating,
            heartbeat: 3600,
            default: HookResult::Continue,
        },
    });
    let spot = spot_instance(&mut account);
    account.call(unhealthy(&spot));
    assert!(account.world.interrupt_spot(&spot));
    assert!(!account.world.interrupt_spot(&spot), "it has its notice");
    account.wait(119);
    assert!(running(&mut account).iter().any(|instance| instance.id == spot));
    account.wait(1);
    assert!(running(&mut account).iter().all(|instance| instance.id != spot));
    let all = account.call(DescribeInstances {
        filters: Filters::from([("instance-id".to_owned(), vec![spot.clone()])]),
    });
    let reason = all[0].state_reason.clone().unwrap_or_default();
    assert!(reason.starts_with("Server.SpotInstanceTermination"), "{reason}");
    account.wait(900);
    assert_eq!(member(&mut account, &spot), None);
    assert_eq!(kinds(&mut account), (1, 2));
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn a_notice_alone_starts_no_replacement_before_the_instance_is_gone() {
    let (mut account, _) = account();
    let spot = spot_instance(&mut account);
    account.world.interrupt_spot(&spot);
    account.wait(119);
    assert_eq!(account.web().instances.len(), 3);
    assert_eq!(
        member(&mut account, &spot),
        Some(("InService".into(), "Healthy".into()))
    );
    account.wait(120);
    assert_eq!(kinds(&mut account), (1, 2), "the group noticed");
}

#[rstest]
#[case::notice(true)]
#[case::recommendation(false)]
fn only_a_spot_instance_that_lives_is_taken_back(#[case] notice: bool) {
    let (mut account, _) = account();
    let mut tell = |id: &str| {
        let world = &mut account.world;
        if notice {
            world.interrupt_spot(id)
        } else {
            world.recommend_rebalance(id)
        }
    };
    assert!(!tell("i-none"));
    let running = running(&mut account);
    let on_demand = running.iter().find(|instance| !instance.spot).unwrap();
    let world = &mut account.world;
    let told = if notice {
        world.interrupt_spot(&on_demand.id)
    } else {
        world.recommend_rebalance(&on_demand.id)
    };
    assert!(!told);
    assert_eq!(account.world.messages(QUEUE), []);
}

#[test]
fn notice_and_recommendation_come_as_events_without_tags() {
    let (mut account, _) = account();
    let spot = spot_instance(&mut account);
    account.world.recommend_rebalance(&spot);
    account.world.interrupt_spot(&spot);
    let messages = account.world.messages(QUEUE).iter();
    let events: Vec<serde_json::Value> = messages
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect();
    let [recommendation, notice] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        recommendation["detail-type"],
        "EC2 Instance Rebalance Recommendation"
    );
    assert_eq!(recommendation["detail"], serde_json::json!({"instance-id": spot}));
    assert_eq!(notice["detail-type"], "EC2 Spot Instance Interruption Warning");
    let detail = serde_json::json!({"instance-id": spot, "instance-action": "terminate"});
    assert_eq!(
        (&notice["source"], &notice["detail"]),
        (&"aws.ec2".into(), &detail)
    );
}

#[test]
fn a_group_that_rebalances_launches_the_replacement_of_what_is_at_risk_first() {
    let (mut account, front) = account();
    let spot = spot_instance(&mut account);
    account.world.recommend_rebalance(&spot);
    assert_eq!(account.web().instances.len(), 4);
    assert_eq!(
        member(&mut account, &spot),
        Some(("InService".into(), "Healthy".into()))
    );
    account.wait(900);
    assert_eq!(member(&mut account, &spot), None);
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
    assert_eq!(kinds(&mut account), (1, 2));
}

#[test]
fn a_group_that_does_not_rebalance_only_hears_of_it() {
    let (mut account, _) = account();
    account.call(change(GroupChange {
        rebalance: Some(false),
        ..GroupChange::default()
    }));
    let spot = spot_instance(&mut account);
    assert!(account.world.recommend_rebalance(&spot));
    account.wait(900);
    assert!(member(&mut account, &spot).is_some());
}

#[test]
fn an_instance_that_is_said_to_be_unhealthy_is_replaced_at_once() {
    let (mut account, _) = account();
    let spot = spot_instance(&mut account);
    account.call(unhealthy(&spot));
    account.call(unhealthy(&spot));
    assert_eq!(account.web().instances.len(), 4);
    assert_eq!(
        member(&mut account, &spot),
        Some(("InService".into(), "Unhealthy".into()))
    );
    let well = SetInstanceHealth {
        health: "Healthy".into(),
        ..unhealthy(&spot)
    };
    account.call(well);
    assert_eq!(
        member(&mut account, &spot),
        Some(("InService".into(), "Healthy".into()))
    );
}

#[test]
fn within_a_grace_period_that_counts_nothing_happens() {
    let (mut account, _) = account();
    let spot = spot_instance(&mut account);
    account.call(unhealthy(&spot));
    account.wait(100);
    let newest = account.web().instances.pop().unwrap().id;
    let gentle = SetInstanceHealth {
        respects_grace: true,
        ..unhealthy(&newest)
    };
    account.call(gentle);
    let (_, health) = member(&mut account, &newest).unwrap();
    assert_eq!(health, "Healthy");
}

#[test]
fn the_health_of_an_instance_of_no_group_cannot_be_said() {
    let (mut account, _) = account();
    let error: CallError = account.refusal(unhealthy("i-none"));
    assert_eq!(
        (error.code.as_str(), error.class),
        ("ValidationError", Class::Gone)
    );
    let spot = spot_instance(&mut account);
    let unknown = SetInstanceHealth {
        health: "Sick".into(),
        ..unhealthy(&spot)
    };
    assert_eq!(account.code(unknown).0, "ValidationError");
}

#[test]
fn spot_instances_have_a_quota_of_their_own() {
    let mut account = Account::new();
    account.world.config_mut().spot_vcpu_quota = 2;
    account.stack();
    account.wait(100);
    share(&mut account, &["t3.micro"], Some(distribution(1, 0)));
    account.wait(900);
    assert_eq!(kinds(&mut account), (2, 1));
}

#[rstest]
#[case::percentage(distribution(1, 101), "percentage")]
#[case::strategy(Distribution { spot_strategy: "cheapest".into(), ..distribution(1, 50) }, "SpotAllocationStrategy")]
fn a_share_that_cannot_be_is_refused(#[case] spot: Distribution, #[case] words: &str) {
    let (mut account, _) = account();
    let settings = account.web().settings;
    let launch = Launch {
        launch_template: settings.launch_template,
        version: settings.version,
        instance_types: vec!["t3.micro".into()],
        spot: Some(spot),
    };
    let error = account.refusal(change(GroupChange {
        launch: Some(launch),
        ..GroupChange::default()
    }));
    assert!(error.message.contains(words), "{error}");
}
