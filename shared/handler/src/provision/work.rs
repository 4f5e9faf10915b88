//! From the records of a batch to the work they ask for: what to run, what to reject, what to leave alone.
//!
//! Pure. Passes are level-triggered, so that one pass answers all messages of its stack that say the same. A wake-up is
//! the exception: it carries the only token of its chain, and a pass for another reason may refuse to continue that
//! chain (a spec that was just found invalid, say). So a wake-up counts as answered only by a pass that went through.

use windlass_engine::Trigger;
use windlass_spec::StackId;

use crate::batch::{How, LeftAlone, Record};
use crate::provision::event::{self, Message};

/// The work of a batch, in the order of the first message of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Stacks to look at.
    pub(crate) stacks: Vec<StackWork>,
    /// Instances to look up.
    pub(crate) instances: Vec<InstanceWork>,
    /// Keys to reject.
    pub(crate) bad_keys: Vec<BadKey>,
    /// Messages that ask for nothing.
    pub(crate) left_alone: Vec<LeftAlone>,
}

/// The passes that one stack needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StackWork {
    pub(crate) stack: StackId,
    /// In the order in which they run. One that is not woken comes first.
    pub(crate) passes: Vec<PassWork>,
}

/// One pass and the messages it answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PassWork {
    pub(crate) trigger: Trigger,
    pub(crate) messages: Vec<String>,
}

/// One instance and the messages about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InstanceWork {
    pub(crate) instance: String,
    pub(crate) messages: Vec<String>,
}

/// One key and the messages about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadKey {
    pub(crate) key: String,
    pub(crate) messages: Vec<String>,
}

/// Sorts the records of a batch.
pub(crate) fn sort(spec_bucket: &str, records: &[Record]) -> Work {
    let mut work = Work::default();
    for record in records {
        let left_alone = |why: String, how: How| LeftAlone::new(record, why, how);
        match event::read(spec_bucket, &record.body) {
            Message::Pass { stack, trigger } => work.add_pass(stack, trigger, &record.message_id),
            Message::Instance { instance } => work.add_instance(instance, &record.message_id),
            Message::BadKey { key } => work.add_key(key, &record.message_id),
            Message::Nothing { why } => work.left_alone.push(left_alone(why, How::Nothing)),
            Message::Foreign { why } => work.left_alone.push(left_alone(why, How::Foreign)),
            Message::Unknown { why } => work.left_alone.push(left_alone(why, How::Poison)),
        }
    }
    work
}

impl Work {
    /// Adds looks at a stack, as far as the batch does not look at it anyway.
    pub(crate) fn add_looks(&mut self, stack: &StackId, messages: &[String]) {
        for message in messages {
            self.add_pass(stack.clone(), Trigger::Look, message);
        }
    }

    fn add_instance(&mut self, instance: String, message: &str) {
        let message = message.to_owned();
        match self.instances.iter_mut().find(|work| work.instance == instance) {
            Some(work) => work.messages.push(message),
            None => self.instances.push(InstanceWork {
                instance,
                messages: vec![message],
            }),
        }
    }

    fn add_pass(&mut self, stack: StackId, trigger: Trigger, message: &str) {
        let message = message.to_owned();
        if let Some(work) = self.stacks.iter_mut().find(|work| work.stack == stack) {
            return work.add(trigger, message);
        }
        let messages = vec![message];
        let passes = vec![PassWork { trigger, messages }];
        self.stacks.push(StackWork { stack, passes });
    }

    fn add_key(&mut self, key: String, message: &str) {
        let message = message.to_owned();
        match self.bad_keys.iter_mut().find(|bad| bad.key == key) {
            Some(bad) => bad.messages.push(message),
            None => self.bad_keys.push(BadKey {
                key,
                messages: vec![message],
            }),
        }
    }
}

impl StackWork {
    fn add(&mut self, trigger: Trigger, message: String) {
        let woken = |trigger: &Trigger| matches!(trigger, Trigger::Woken { .. });
        let same = |other: &Trigger| *other == trigger || (!woken(other) && !woken(&trigger));
        if let Some(pass) = self.passes.iter_mut().find(|pass| same(&pass.trigger)) {
            pass.messages.push(message);
            if trigger == Trigger::SpecChanged {
                pass.trigger = trigger;
            }
            return;
        }
        let place = if woken(&trigger) { self.passes.len() } else { 0 };
        let messages = vec![message];
        self.passes.insert(place, PassWork { trigger, messages });
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn spec(key: &str) -> String {
        json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "specs"}, "object": {"key": key}}})
            .to_string()
    }

    fn wake(token: Option<&str>) -> String {
        json!({"wake": {"stack": {"environment": "dev", "name": "web"}, "token": token}}).to_string()
    }

    fn sorted(bodies: &[String]) -> Work {
        let records: Vec<Record> = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| Record {
                message_id: index.to_string(),
                body: body.clone(),
            })
            .collect();
        sort("specs", &records)
    }

    fn passes(work: &Work) -> Vec<(Trigger, String)> {
        let passes = work.stacks.iter().flat_map(|work| &work.passes);
        passes
            .map(|pass| (pass.trigger.clone(), pass.messages.join(" ")))
            .collect()
    }

    fn woken(token: &str) -> Trigger {
        Trigger::Woken { token: token.into() }
    }

    #[rstest]
    #[case(vec![spec("specs/dev/web.yaml"), spec("specs/dev/web.yaml")], vec![(Trigger::SpecChanged, "0 1")])]
    #[case(vec![wake(None), spec("specs/dev/web.yaml")], vec![(Trigger::SpecChanged, "0 1")])]
    #[case(vec![spec("specs/dev/web.yaml"), wake(None)], vec![(Trigger::SpecChanged, "0 1")])]
    #[case(vec![wake(None), wake(None)], vec![(Trigger::Look, "0 1")])]
    #[case(vec![wake(Some("a")), wake(Some("b")), wake(Some("a"))], vec![(woken("a"), "0 2"), (woken("b"), "1")])]
    #[case(vec![wake(Some("a")), spec("specs/dev/web.yaml")], vec![(Trigger::SpecChanged, "1"), (woken("a"), "0")])]
    #[case(vec![wake(Some("a")), wake(None)], vec![(Trigger::Look, "1"), (woken("a"), "0")])]
    fn messages_of_one_stack_share_a_pass_and_its_wake_ups_come_last(
        #[case] bodies: Vec<String>,
        #[case] expected: Vec<(Trigger, &str)>,
    ) {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(trigger, messages)| (trigger, messages.to_owned()))
            .collect();
        assert_eq!(passes(&sorted(&bodies)), expected);
    }

    #[test]
    fn different_stacks_have_passes_of_their_own() {
        let work = sorted(&[spec("specs/dev/web.yaml"), spec("specs/prod/web.yaml")]);
        assert_eq!(work.stacks.len(), 2);
    }

    #[test]
    fn one_key_is_rejected_once_for_all_its_messages() {
        let work = sorted(&[spec("specs/x.yaml"), spec("specs/x.yaml")]);
        assert_eq!(work.bad_keys[0].messages, ["0", "1"]);
    }
}
