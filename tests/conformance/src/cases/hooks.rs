//! Lifecycle hooks, the waits for them, and the processes of a group.

use windlass_calls::Class;
use windlass_calls::autoscaling::{
    CompleteLifecycleAction, DeleteLifecycleHook, DescribeAutoScalingGroups, DescribeAutoScalingInstances,
    DescribeLifecycleHooks, HookResult, LifecycleHook, PutLifecycleHook, RecordLifecycleActionHeartbeat,
    ResumeProcesses, SuspendProcesses, Transition,
};
use windlass_calls::ec2::GetConsoleOutput;
use windlass_engine::Port;

use super::autoscaling::{described, made, request};
use crate::check::{Check, Mismatch, holds, same};
use crate::place::Place;

/// Long enough that no wait ends by itself, whichever clock an emulator has.
const HEARTBEAT: u32 = 3600;

fn hook(default: HookResult) -> LifecycleHook {
    LifecycleHook {
        name: "gate".into(),
        transition: Transition::Launching,
        heartbeat: HEARTBEAT,
        default,
    }
}

fn put<P: Port>(place: &Place<P>, case: &str, hook: LifecycleHook) -> PutLifecycleHook {
    let group = place.name(case);
    PutLifecycleHook { group, hook }
}

async fn hooks<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<LifecycleHook>, Mismatch> {
    place
        .call(DescribeLifecycleHooks {
            group: place.name(case),
        })
        .await
}

/// A group made with a hook, whose only instance waits for it.
async fn waiting<P: Port>(place: &Place<P>, case: &str) -> Result<String, Mismatch> {
    let mut call = request(place, case).await?;
    call.desired = Some(1);
    call.hooks = vec![hook(HookResult::Continue)];
    place.settled(call).await?;
    in_state(place, case, "Pending:Wait").await
}

/// The first instance of a group that is in this state, once there is one.
async fn in_state<P: Port>(place: &Place<P>, case: &str, state: &str) -> Result<String, Mismatch> {
    let names = vec![place.name(case)];
    let describe = DescribeAutoScalingGroups { names };
    let is = |groups: &Vec<windlass_calls::autoscaling::Group>| {
        let mut all = groups.iter().flat_map(|group| &group.instances);
        all.find(|one| one.lifecycle_state == state)
            .map(|one| one.id.clone())
    };
    let groups = place
        .eventually(state, describe, |groups| is(groups).is_some())
        .await?;
    is(&groups).ok_or_else(|| Mismatch::new(format!("nobody is {state}")))
}

fn complete<P: Port>(
    place: &Place<P>,
    case: &str,
    instance: &str,
    result: HookResult,
) -> CompleteLifecycleAction {
    CompleteLifecycleAction {
        group: place.name(case),
        hook: "gate".into(),
        instance: instance.to_owned(),
        result,
    }
}

fn heartbeat<P: Port>(place: &Place<P>, case: &str, instance: &str) -> RecordLifecycleActionHeartbeat {
    RecordLifecycleActionHeartbeat {
        group: place.name(case),
        hook: "gate".into(),
        instance: instance.to_owned(),
    }
}

pub(super) async fn a_new_group_has_the_hooks_it_was_made_with<P: Port>(place: &Place<P>) -> Check {
    let mut call = request(place, "hook-made").await?;
    call.hooks = vec![hook(HookResult::Continue)];
    place.settled(call).await?;
    same(
        "hooks",
        hooks(place, "hook-made").await?,
        vec![hook(HookResult::Continue)],
    )
}

pub(super) async fn hooks_of_a_missing_group_are_refused<P: Port>(place: &Place<P>) -> Check {
    let call = DescribeLifecycleHooks {
        group: place.name("hook-no-group"),
    };
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_hook_put_over_another_takes_its_place<P: Port>(place: &Place<P>) -> Check {
    put_in_turn(place, "hook-put", [HookResult::Abandon, HookResult::Continue]).await
}

pub(super) async fn a_hook_put_twice_is_there_once<P: Port>(place: &Place<P>) -> Check {
    put_in_turn(place, "hook-put-twice", [HookResult::Continue; 2]).await
}

async fn put_in_turn<P: Port>(place: &Place<P>, case: &str, defaults: [HookResult; 2]) -> Check {
    made(place, case).await?;
    for default in defaults {
        place.call(put(place, case, hook(default))).await?;
        same("hooks", hooks(place, case).await?, vec![hook(default)])?;
    }
    Ok(())
}

pub(super) async fn a_hook_that_waits_too_short_is_refused<P: Port>(place: &Place<P>) -> Check {
    made(place, "hook-short").await?;
    let short = LifecycleHook {
        heartbeat: 29,
        ..hook(HookResult::Continue)
    };
    place
        .refuses(
            put(place, "hook-short", short),
            Class::Terminal,
            "ValidationError",
        )
        .await?;
    same("hooks", hooks(place, "hook-short").await?, vec![])
}

pub(super) async fn a_missing_group_takes_no_hook<P: Port>(place: &Place<P>) -> Check {
    let call = put(place, "hook-nowhere", hook(HookResult::Continue));
    place.refuses(call, Class::NotYet, "ValidationError").await
}

fn delete<P: Port>(place: &Place<P>, case: &str) -> DeleteLifecycleHook {
    DeleteLifecycleHook {
        group: place.name(case),
        hook: "gate".into(),
    }
}

/// A group whose hook was deleted.
async fn without_its_hook<P: Port>(place: &Place<P>, case: &str) -> Check {
    made(place, case).await?;
    place.call(put(place, case, hook(HookResult::Continue))).await?;
    place.call(delete(place, case)).await?;
    same("hooks", hooks(place, case).await?, vec![])
}

pub(super) async fn a_deleted_hook_is_gone<P: Port>(place: &Place<P>) -> Check {
    without_its_hook(place, "hook-gone").await
}

pub(super) async fn a_hook_deleted_twice_is_not_found<P: Port>(place: &Place<P>) -> Check {
    without_its_hook(place, "hook-gone-twice").await?;
    let again = delete(place, "hook-gone-twice");
    place.refuses(again, Class::Gone, "ValidationError").await
}

pub(super) async fn a_hook_of_a_missing_group_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    let call = delete(place, "hook-gone-nowhere");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

/// Rule 16.
pub(super) async fn an_instance_that_is_let_go_on_serves_and_completing_it_again_finds_no_wait<P: Port>(
    place: &Place<P>,
) -> Check {
    let id = waiting(place, "hook-continue").await?;
    place
        .call(complete(place, "hook-continue", &id, HookResult::Continue))
        .await?;
    same(
        "instance",
        in_state(place, "hook-continue", "InService").await?,
        id.clone(),
    )?;
    let again = complete(place, "hook-continue", &id, HookResult::Continue);
    place.refuses(again, Class::Gone, "ValidationError").await
}

/// Rule 62.
/// Rule 9.
pub(super) async fn who_waits_is_found_among_all_instances<P: Port>(place: &Place<P>) -> Check {
    let case = "among-all";
    let waits = waiting(place, case).await?;
    for instances in [vec![], vec![waits.clone()]] {
        let alone = instances.len();
        let members = place.call(DescribeAutoScalingInstances { instances }).await?;
        let found = members.iter().find(|member| member.instance.id == waits);
        let found = found.map(|member| {
            (
                member.group.clone(),
                member.instance.lifecycle_state.as_str(),
                member.instance.health.as_str(),
            )
        });
        same(
            "who waits",
            found,
            Some((place.name(case), "Pending:Wait", "Healthy")),
        )?;
        holds(
            "only who was asked for",
            alone == 0 || members.len() == alone,
            &members,
        )?;
    }
    Ok(())
}

pub(super) async fn one_that_is_given_up_is_replaced_by_another_that_waits<P: Port>(
    place: &Place<P>,
) -> Check {
    let id = waiting(place, "hook-abandon").await?;
    place
        .call(complete(place, "hook-abandon", &id, HookResult::Abandon))
        .await?;
    let names = vec![place.name("hook-abandon")];
    let another = |groups: &Vec<windlass_calls::autoscaling::Group>| {
        let mut all = groups.iter().flat_map(|group| &group.instances);
        all.any(|one| one.lifecycle_state == "Pending:Wait" && one.id != id)
    };
    let describe = DescribeAutoScalingGroups { names };
    place.eventually("another one", describe, another).await.map(drop)
}

pub(super) async fn a_wait_for_a_missing_hook_cannot_be_ended<P: Port>(place: &Place<P>) -> Check {
    made(place, "hook-none").await?;
    let call = complete(place, "hook-none", "i-0123456789abcdef0", HookResult::Continue);
    place.refuses(call, Class::Gone, "ValidationError").await
}

pub(super) async fn a_heartbeat_keeps_an_instance_waiting<P: Port>(place: &Place<P>) -> Check {
    beaten(place, "hook-beat", 1).await
}

pub(super) async fn one_heartbeat_after_the_other_keeps_it_waiting<P: Port>(place: &Place<P>) -> Check {
    beaten(place, "hook-beats", 2).await
}

async fn beaten<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let id = waiting(place, case).await?;
    for _ in 0..times {
        place.call(heartbeat(place, case, &id)).await?;
    }
    same("instance", in_state(place, case, "Pending:Wait").await?, id)
}

pub(super) async fn a_heartbeat_without_a_wait_finds_none<P: Port>(place: &Place<P>) -> Check {
    made(place, "hook-no-beat").await?;
    place
        .call(put(place, "hook-no-beat", hook(HookResult::Continue)))
        .await?;
    let call = heartbeat(place, "hook-no-beat", "i-0123456789abcdef0");
    place.refuses(call, Class::Gone, "ValidationError").await
}

fn processes() -> Vec<String> {
    vec!["Launch".into()]
}

/// Suspends launching so many times, and resumes it so many times.
async fn suspended<P: Port>(place: &Place<P>, case: &str, times: usize, back: usize) -> Check {
    made(place, case).await?;
    let group = place.name(case);
    for _ in 0..times {
        let (group, processes) = (group.clone(), processes());
        place.call(SuspendProcesses { group, processes }).await?;
        same(
            "suspended",
            described(place, case).await?.suspended,
            self::processes(),
        )?;
    }
    for _ in 0..back {
        let (group, processes) = (group.clone(), processes());
        place.call(ResumeProcesses { group, processes }).await?;
        same(
            "suspended",
            described(place, case).await?.suspended,
            Vec::<String>::new(),
        )?;
    }
    Ok(())
}

pub(super) async fn a_suspended_process_is_shown<P: Port>(place: &Place<P>) -> Check {
    suspended(place, "asg-suspend", 1, 0).await
}

pub(super) async fn a_process_suspended_twice_is_shown_once<P: Port>(place: &Place<P>) -> Check {
    suspended(place, "asg-suspend-twice", 2, 0).await
}

pub(super) async fn a_resumed_process_is_no_longer_shown<P: Port>(place: &Place<P>) -> Check {
    suspended(place, "asg-resume", 1, 1).await
}

pub(super) async fn a_process_resumed_twice_is_no_longer_shown<P: Port>(place: &Place<P>) -> Check {
    suspended(place, "asg-resume-twice", 1, 2).await
}

pub(super) async fn processes_of_a_missing_group_cannot_be_suspended<P: Port>(place: &Place<P>) -> Check {
    let call = SuspendProcesses {
        group: place.name("asg-no-suspend"),
        processes: processes(),
    };
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn processes_of_a_missing_group_cannot_be_resumed<P: Port>(place: &Place<P>) -> Check {
    let call = ResumeProcesses {
        group: place.name("asg-no-resume"),
        processes: processes(),
    };
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn the_console_of_a_missing_instance_is_gone<P: Port>(place: &Place<P>) -> Check {
    let call = GetConsoleOutput {
        instance: "i-0123456789abcdef0".into(),
    };
    place
        .refuses(call, Class::Gone, "InvalidInstanceID.NotFound")
        .await
}
