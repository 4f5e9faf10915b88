//! The hooks that hold new instances until the load balancer found them healthy, and leaving ones until what they still
//! have to do is done. A new group is made with them: one that is put later misses the first instances (rule 12).
//!
//! Their default lets instances go on: if nobody looks, the fleet still heals, and the target group withholds requests
//! until its own first check.

use serde_json::json;
use windlass_calls::autoscaling::{
    self, DeleteLifecycleHook, DescribeLifecycleHooks, HookResult, LifecycleHook as Hook, PutLifecycleHook,
    Response as Autoscaling, Transition,
};
use windlass_calls::{Request, Response};
use windlass_spec::{Mode, Verify};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A lifecycle hook of the group: `lifecycle-hook/launch`, `lifecycle-hook/terminate`.
pub struct LifecycleHook;

/// The hooks that a spec needs.
pub(super) fn wanted(cx: &Context) -> Vec<Hook> {
    let lifecycle = &cx.spec.lifecycle;
    let gated = lifecycle.launch.verify == Verify::LoadBalancer;
    let hook = |name: &str, transition| Hook {
        name: name.into(),
        transition,
        heartbeat: names::HOOK_HEARTBEAT,
        default: HookResult::Continue,
    };
    let launch = gated.then(|| hook(names::LAUNCH_HOOK, Transition::Launching));
    let leaves = (gated || lifecycle.command.is_some()) && cx.spec.compute.mode == Mode::Asg;
    let terminate = leaves.then(|| hook(names::TERMINATE_HOOK, Transition::Terminating));
    launch.into_iter().chain(terminate).collect()
}

/// The logical id of a hook of ours.
fn id_of(hook: &str) -> Option<Id> {
    match hook {
        names::LAUNCH_HOOK => Some(Id::of(LifecycleHook::NAME, "launch")),
        names::TERMINATE_HOOK => Some(Id::of(LifecycleHook::NAME, "terminate")),
        _ => None,
    }
}

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    group: String,
    hooks: Vec<Hook>,
}

impl Kind for LifecycleHook {
    type Seen = Seen;
    const NAME: &'static str = "lifecycle-hook";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx).iter().filter_map(|hook| id_of(&hook.name)).collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.destroying || (wanted(cx).is_empty() && !cx.looks_for(Self::NAME, known)) {
            return Ok(vec![]);
        }
        // Without a group there are no hooks.
        let Some(group) = known.get(&Id::only("auto-scaling-group")) else {
            return Ok(vec![]);
        };
        let group = group.outputs.get("name");
        Ok(vec![DescribeLifecycleHooks { group }.into()])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Autoscaling(autoscaling::Request::DescribeLifecycleHooks(asked)),
                Response::Autoscaling(Autoscaling::DescribeLifecycleHooks(hooks)),
            ) => {
                seen.group.clone_from(&asked.group);
                seen.hooks.clone_from(hooks);
            }
            (Request::Autoscaling(autoscaling::Request::CreateAutoScalingGroup(create)), _) => {
                seen.group.clone_from(&create.settings.name);
                seen.hooks.clone_from(&create.hooks);
            }
            (Request::Autoscaling(autoscaling::Request::PutLifecycleHook(put)), _) => {
                seen.hooks.retain(|hook| hook.name != put.hook.name);
                seen.hooks.push(put.hook.clone());
            }
            (Request::Autoscaling(autoscaling::Request::DeleteLifecycleHook(delete)), _) => {
                seen.hooks.retain(|hook| hook.name != delete.hook);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        let mut hooks = wanted(cx).into_iter();
        let Some(hook) = hooks.find(|hook| id_of(&hook.name).as_ref() == Some(id)) else {
            return Ok(Next::refuse(format!("the spec has no {id}")));
        };
        let outputs = Outputs::id(&hook.name);
        let there = seen.hooks.iter().find(|there| there.name == hook.name);
        if there == Some(&hook) && seen.group == group {
            return Ok(Next::InSync(outputs));
        }
        let now = there.map(|there| json!({ "group": group, "hook": there }));
        let reason = match hook.transition {
            Transition::Launching => "new instances wait until they are found healthy",
            Transition::Terminating => "leaving instances wait until what they still have to do is done",
        };
        let put = PutLifecycleHook { group, hook };
        let next = super::set(cx, id, put, reason, outputs);
        Ok(match now {
            Some(now) => next.over(now),
            None => next,
        })
    }

    fn present(_: &Context, seen: &Seen) -> Vec<Present> {
        let ours = seen.hooks.iter();
        ours.filter_map(|hook| Some(Present::new(id_of(&hook.name)?, &hook.name)))
            .collect()
    }

    /// Launches that wait for it are given up, and launched again without it; leaving instances go on.
    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let delete = DeleteLifecycleHook {
            group: seen.group.clone(),
            hook: it.physical.clone(),
        };
        let reason = if it.physical == names::LAUNCH_HOOK {
            "new instances need not be found healthy any more"
        } else {
            "leaving instances have nothing left to do"
        };
        Removal::send(delete, reason)
    }
}
