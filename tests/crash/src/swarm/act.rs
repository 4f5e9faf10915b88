//! What happens to a stack, action by action.

use std::future::Future;

use jiff::SignedDuration;
use windlass_calls::ec2::{AuthorizeSecurityGroupIngress, Peer, Rule};
use windlass_engine::{Trigger, head_key, pass, state_key};

use super::draw::pick;
use super::{Action, SPECS, spec};
use crate::lab::{Lab, QUEUE, STATE_BUCKET, stack};
use crate::sleeper::{Sleep, Sleeper};

/// Furthest that a clock is wrong, in seconds.
const SKEW: i64 = 300;

/// Lets an action happen. `last` is the number of the spec that is wanted, if any.
pub(super) fn act(lab: &Lab, action: Action, last: &mut Option<usize>) {
    match action {
        Action::Upload(number) => {
            let number = usize::try_from(number % SPECS.len() as u64).unwrap_or_default();
            *last = Some(number);
            lab.upload(&spec(number));
        }
        Action::Delete => {
            *last = None;
            lab.delete_spec();
        }
        Action::Undelete => undelete(lab, last),
        Action::Steps(count) => {
            for _ in 0..count {
                if lab.step().is_none() {
                    break;
                }
            }
        }
        Action::Idle(seconds) => {
            let seconds = i64::try_from(seconds).unwrap_or_default();
            lab.sim.advance(SignedDuration::from_secs(seconds));
        }
        Action::Look => lab.look(),
        Action::Both => both(lab),
        Action::Zombie(number) => zombie(lab, number),
        Action::Duplicate(number) => {
            let messages = lab.sim.world().messages(QUEUE).to_vec();
            if let Some(message) = pick(&messages, number) {
                lab.enqueue(&message.body);
            }
        }
        Action::Drop(number) => drop(take_message(lab, number)),
        Action::Skew(number) => {
            let seconds = i64::try_from(number % (2 * SKEW.unsigned_abs() + 1)).unwrap_or_default();
            lab.set_skew(SignedDuration::from_secs(seconds - SKEW));
        }
        Action::Silence(number) => {
            let minutes = i64::try_from(number % 360).unwrap_or_default();
            lab.sim.advance(SignedDuration::from_mins(minutes));
        }
        Action::LoseHead => lab
            .sim
            .world_mut()
            .delete_object(STATE_BUCKET, &head_key(&stack())),
        Action::LoseStates => {
            let serial = lab.head().map_or(0, |head| head.serial);
            for serial in serial.saturating_sub(2)..=serial + 2 {
                let key = state_key(&stack(), serial);
                if lab.sim.world().object(STATE_BUCKET, &key).is_some() {
                    lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
                }
            }
        }
        Action::Terminate(_) | Action::Meddle(_) | Action::Open(_) => meddle(lab, action),
        // Between the calls and the queue.
        Action::Burst(_) | Action::Deny(_) | Action::Delay(_) => {}
    }
}

/// Takes a message off the queue. Answers what it said.
pub(super) fn take_message(lab: &Lab, number: u64) -> Option<String> {
    let messages = lab.sim.world().messages(QUEUE).to_vec();
    let message = pick(&messages, number)?;
    lab.sim.world_mut().delete_message(QUEUE, &message.id);
    Some(message.body)
}

/// The spec's last version is current again, whichever that is.
fn undelete(lab: &Lab, last: &mut Option<usize>) {
    if last.is_some() || lab.uploads() == 0 {
        return;
    }
    // Several deletions leave several markers.
    while lab.undelete_spec() {}
    let text = lab.spec_text().unwrap_or_default();
    *last = (0..SPECS.len()).find(|number| spec(*number) == text);
}

/// What people and AWS do to resources.
fn meddle(lab: &Lab, action: Action) {
    let now = lab.sim.now();
    let mut world = lab.sim.world_mut();
    let all = world.inventory();
    let of = |kinds: &[&str]| {
        let all = all.iter().filter(|it| kinds.contains(&it.kind));
        all.cloned().collect::<Vec<_>>()
    };
    match action {
        Action::Terminate(number) => {
            if let Some(it) = pick(&of(&["instance"]), number) {
                world.terminate_instance(&it.id);
            }
        }
        // What nothing keeps from being deleted.
        Action::Meddle(number) => {
            let kinds = [
                "nat-gateway",
                "vpc-endpoint",
                "load-balancer",
                "listener",
                "auto-scaling-group",
                "alarm",
                "dashboard",
                "topic",
                "log-group",
            ];
            if let Some(it) = pick(&of(&kinds), number) {
                world.delete_one(it.kind, &it.id);
            }
        }
        Action::Open(number) => {
            if let Some(it) = pick(&of(&["security-group"]), number) {
                let open = AuthorizeSecurityGroupIngress {
                    group: it.id,
                    rule: Rule::tcp(22, Peer::Cidr("0.0.0.0/0".into())),
                };
                drop(world.call(now, open));
            }
        }
        _ => {}
    }
}

/// Two invocations at once.
fn both(lab: &Lab) {
    let clock = || lab.now();
    let (one, two) = (
        lab.job(&stack(), Trigger::SpecChanged),
        lab.job(&stack(), Trigger::Look),
    );
    let run = |job| pass(&lab.sim, &clock, &lab.settings, job);
    let _ = lab.sim.run(futures::future::join(run(&one), run(&two)));
}

/// One that sleeps past its lease, and another meanwhile.
fn zombie(lab: &Lab, number: u64) {
    let sleep = Sleep::default();
    let sleeper = Sleeper {
        sim: &lab.sim,
        sleep: &sleep,
        at: number % 12,
    };
    let clock = || lab.sim.now();
    let skewed = || lab.now();
    let (old, new) = (
        lab.job(&stack(), Trigger::SpecChanged),
        lab.job(&stack(), Trigger::Look),
    );
    let old = async {
        let ended = pass(&sleeper, &skewed, &lab.settings, &old).await;
        sleep.asleep.set();
        ended
    };
    let new = async {
        sleep.asleep.wait().await;
        lab.sim
            .advance(lab.settings.lease + SignedDuration::from_secs(20));
        let ended = pass(&lab.sim, &clock, &lab.settings, &new).await;
        sleep.awake_again.set();
        ended
    };
    let _ = lab.sim.run(unheard(futures::future::join(new, old)));
}

/// Nobody cares how it ends.
async fn unheard<F: Future>(future: F) {
    future.await;
}
