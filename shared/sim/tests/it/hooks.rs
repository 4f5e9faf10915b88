//! Instances held by lifecycle hooks on their way in and out (rules 10 to 17).

use rstest::rstest;
use windlass_calls::autoscaling::{
    CompleteLifecycleAction, DeleteLifecycleHook, DescribeLifecycleHooks, GroupChange, HookResult,
    LifecycleHook, PutLifecycleHook, RecordLifecycleActionHeartbeat, Transition, UpdateAutoScalingGroup,
};
use windlass_calls::{CallError, Class};

use crate::account::{Account, Front};

const QUEUE: &str = "instances";

fn hook(transition: Transition, default: HookResult) -> LifecycleHook {
    LifecycleHook {
        name: "gate".into(),
        transition,
        heartbeat: 300,
        default,
    }
}

/// A group of three instances whose next ones are held.
fn account(transition: Transition, default: HookResult) -> (Account, Front) {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.world.create_queue(QUEUE, 30);
    account.world.route_instance_events(QUEUE);
    account.call(PutLifecycleHook {
        group: "web".into(),
        hook: hook(transition, default),
    });
    account.wait(100);
    (account, front)
}

fn resize(account: &mut Account, desired: u32) {
    let change = GroupChange {
        desired: Some(desired),
        min: Some(1),
        ..GroupChange::default()
    };
    account.call(UpdateAutoScalingGroup {
        group: "web".into(),
        change: Box::new(change),
    });
}

/// Instances by lifecycle state, other than in service.
fn others(account: &mut Account) -> Vec<(String, String)> {
    let instances = account.web().instances.into_iter();
    let others = instances.filter(|instance| instance.lifecycle_state != "InService");
    others
        .map(|instance| (instance.id, instance.lifecycle_state))
        .collect()
}

/// The only one that is not in service, in this state.
fn only(account: &mut Account, state: &str) -> String {
    let mut others = others(account);
    assert_eq!(others.len(), 1, "{others:?}");
    let (id, found) = others.remove(0);
    assert_eq!(found, state);
    id
}

fn complete(instance: &str, result: HookResult) -> CompleteLifecycleAction {
    CompleteLifecycleAction {
        group: "web".into(),
        hook: "gate".into(),
        instance: instance.into(),
        result,
    }
}

fn heartbeat(instance: &str) -> RecordLifecycleActionHeartbeat {
    RecordLifecycleActionHeartbeat {
        group: "web".into(),
        hook: "gate".into(),
        instance: instance.into(),
    }
}

fn events(account: &Account) -> Vec<serde_json::Value> {
    let messages = account.world.messages(QUEUE).iter();
    messages
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect()
}

fn is_over(error: &CallError) -> bool {
    error.class == Class::Gone && error.code == "ValidationError"
}

#[test]
fn a_held_instance_is_neither_registered_nor_in_service_until_it_is_let_go_on() {
    let (mut account, front) = account(Transition::Launching, HookResult::Continue);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    account.wait(200);
    assert_eq!(only(&mut account, "Pending:Wait"), id);
    assert_eq!(account.states(&front.target_group).len(), 3);
    account.call(complete(&id, HookResult::Continue));
    assert_eq!(others(&mut account), []);
    assert_eq!(account.states(&front.target_group).len(), 4);
}

#[test]
fn the_event_says_who_waits_for_what() {
    let (mut account, _) = account(Transition::Launching, HookResult::Continue);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    let [event] = events(&account).try_into().unwrap();
    assert_eq!(event["detail-type"], "EC2 Instance-launch Lifecycle Action");
    let detail = &event["detail"];
    assert_eq!(
        (
            &detail["EC2InstanceId"],
            &detail["LifecycleHookName"],
            &detail["AutoScalingGroupName"]
        ),
        (&id.into(), &"gate".into(), &"web".into())
    );
    assert_eq!(
        detail["LifecycleTransition"],
        "autoscaling:EC2_INSTANCE_LAUNCHING"
    );
}

#[rstest]
#[case(HookResult::Continue, 4)]
#[case(HookResult::Abandon, 3)]
fn when_the_time_is_up_the_default_result_counts(#[case] default: HookResult, #[case] serving: usize) {
    let (mut account, _) = account(Transition::Launching, default);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    account.wait(290);
    assert_eq!(only(&mut account, "Pending:Wait"), id);
    account.wait(20);
    let instances = account.web().instances;
    let in_service = instances.iter().filter(|one| one.lifecycle_state == "InService");
    assert_eq!(in_service.count(), serving);
    let late = account.refusal(complete(&id, HookResult::Continue));
    assert!(is_over(&late), "{late:?}");
}

/// Rule 62.
#[test]
fn one_that_is_abandoned_is_replaced_at_once() {
    let (mut account, _) = account(Transition::Launching, HookResult::Continue);
    resize(&mut account, 4);
    let first = only(&mut account, "Pending:Wait");
    account.call(complete(&first, HookResult::Abandon));
    account.wait(1);
    let second = only(&mut account, "Pending:Wait");
    assert_ne!(first, second);
    assert_eq!(events(&account).len(), 2);
    let again = account.refusal(complete(&first, HookResult::Abandon));
    assert!(is_over(&again), "{again:?}");
}

#[test]
fn heartbeats_prolong_the_wait() {
    let (mut account, _) = account(Transition::Launching, HookResult::Abandon);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    for _ in 0..4 {
        account.wait(250);
        account.call(heartbeat(&id));
    }
    assert_eq!(only(&mut account, "Pending:Wait"), id);
    account.wait(310);
    assert_ne!(only(&mut account, "Pending:Wait"), id);
    let late = account.refusal(heartbeat(&id));
    assert!(is_over(&late), "{late:?}");
}

/// Rules 14 and 17.
#[rstest]
fn a_leaving_instance_drains_before_it_waits_and_goes_either_way(
    #[values(HookResult::Continue, HookResult::Abandon)] result: HookResult,
) {
    let (mut account, front) = account(Transition::Terminating, HookResult::Abandon);
    resize(&mut account, 2);
    let id = only(&mut account, "Terminating");
    assert_eq!(events(&account), [] as [serde_json::Value; 0]);
    account.wait(299);
    only(&mut account, "Terminating");
    account.wait(2);
    assert_eq!(only(&mut account, "Terminating:Wait"), id);
    assert_eq!(events(&account).len(), 1);
    account.wait(100);
    only(&mut account, "Terminating:Wait");
    account.call(complete(&id, result));
    assert_eq!(others(&mut account), []);
    assert_eq!(account.states(&front.target_group).len(), 2);
}

#[test]
fn a_deleted_hook_gives_up_launches_that_wait_for_it() {
    let (mut account, _) = account(Transition::Launching, HookResult::Continue);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    account.call(DeleteLifecycleHook {
        group: "web".into(),
        hook: "gate".into(),
    });
    assert!(account.web().instances.iter().all(|one| one.id != id));
    account.wait(60);
    assert_eq!(others(&mut account), []);
    let hooks = account.call(DescribeLifecycleHooks { group: "web".into() });
    assert_eq!(hooks, []);
    let gone = account.refusal(DeleteLifecycleHook {
        group: "web".into(),
        hook: "gate".into(),
    });
    assert_eq!(gone.code, "ValidationError");
}

#[test]
fn an_instance_that_dies_while_it_waits_is_replaced() {
    let (mut account, _) = account(Transition::Launching, HookResult::Continue);
    resize(&mut account, 4);
    let id = only(&mut account, "Pending:Wait");
    account.world.terminate_instance(&id);
    account.wait(70);
    assert_ne!(only(&mut account, "Pending:Wait"), id);
}

#[test]
fn a_hook_has_a_length_that_aws_takes() {
    let (mut account, _) = account(Transition::Launching, HookResult::Continue);
    for heartbeat in [29, 7201] {
        let hook = LifecycleHook {
            heartbeat,
            ..hook(Transition::Launching, HookResult::Continue)
        };
        let error = account.refusal(PutLifecycleHook {
            group: "web".into(),
            hook,
        });
        assert_eq!(error.code, "ValidationError");
    }
}
