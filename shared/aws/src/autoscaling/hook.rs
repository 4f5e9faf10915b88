//! Lifecycle hooks, and what lets instances go on past them; and the processes of a group.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{
    CompleteLifecycleAction, DeleteLifecycleHook, DescribeLifecycleHooks, HookResult, LifecycleHook,
    PutLifecycleHook, RecordLifecycleActionHeartbeat, ResumeProcesses, SuspendProcesses, Transition,
};

use crate::answer::{field, or_zero, signed};
use crate::fault::Fault;

/// A hook of a transition that we do not know is left out: AWS has two.
pub(super) async fn describe(
    client: &Client,
    call: DescribeLifecycleHooks,
) -> Result<Vec<LifecycleHook>, Fault> {
    let request = client.describe_lifecycle_hooks();
    let answer = request.auto_scaling_group_name(call.group).send().await?;
    let hooks = answer.lifecycle_hooks.unwrap_or_default().into_iter();
    hooks.filter_map(|found| hook(found).transpose()).collect()
}

pub(super) async fn put(client: &Client, call: PutLifecycleHook) -> Result<(), Fault> {
    client
        .put_lifecycle_hook()
        .auto_scaling_group_name(call.group)
        .lifecycle_hook_name(call.hook.name)
        .lifecycle_transition(call.hook.transition.as_str())
        .heartbeat_timeout(signed(call.hook.heartbeat))
        .default_result(call.hook.default.as_str())
        .send()
        .await?;
    Ok(())
}

pub(super) async fn delete(client: &Client, call: DeleteLifecycleHook) -> Result<(), Fault> {
    client
        .delete_lifecycle_hook()
        .auto_scaling_group_name(call.group)
        .lifecycle_hook_name(call.hook)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn complete(client: &Client, call: CompleteLifecycleAction) -> Result<(), Fault> {
    client
        .complete_lifecycle_action()
        .auto_scaling_group_name(call.group)
        .lifecycle_hook_name(call.hook)
        .instance_id(call.instance)
        .lifecycle_action_result(call.result.as_str())
        .send()
        .await?;
    Ok(())
}

pub(super) async fn heartbeat(client: &Client, call: RecordLifecycleActionHeartbeat) -> Result<(), Fault> {
    client
        .record_lifecycle_action_heartbeat()
        .auto_scaling_group_name(call.group)
        .lifecycle_hook_name(call.hook)
        .instance_id(call.instance)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn suspend(client: &Client, call: SuspendProcesses) -> Result<(), Fault> {
    client
        .suspend_processes()
        .auto_scaling_group_name(call.group)
        .set_scaling_processes(Some(call.processes))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn resume(client: &Client, call: ResumeProcesses) -> Result<(), Fault> {
    client
        .resume_processes()
        .auto_scaling_group_name(call.group)
        .set_scaling_processes(Some(call.processes))
        .send()
        .await?;
    Ok(())
}

/// Hooks as a group is created with them; `None` without any, which an empty list would not be.
pub(super) fn specifications(hooks: Vec<LifecycleHook>) -> Option<Vec<sdk::LifecycleHookSpecification>> {
    let specifications = hooks.into_iter().map(|hook| {
        sdk::LifecycleHookSpecification::builder()
            .lifecycle_hook_name(hook.name)
            .lifecycle_transition(hook.transition.as_str())
            .heartbeat_timeout(signed(hook.heartbeat))
            .default_result(hook.default.as_str())
            .build()
    });
    let specifications: Vec<_> = specifications.collect();
    (!specifications.is_empty()).then_some(specifications)
}

fn hook(found: sdk::LifecycleHook) -> Result<Option<LifecycleHook>, Fault> {
    let transition = field(found.lifecycle_transition, "LifecycleTransition")?;
    let result = found.default_result.as_deref().and_then(HookResult::parse);
    let name = field(found.lifecycle_hook_name, "LifecycleHookName")?;
    Ok(Transition::parse(&transition).map(|transition| LifecycleHook {
        name,
        transition,
        heartbeat: or_zero(found.heartbeat_timeout),
        default: result.unwrap_or(HookResult::Abandon),
    }))
}
