//! A spot instance that EC2 takes back, or says to be at risk.
//!
//! Two minutes' notice is all there is, and no hook holds it (rule 19). The load balancer sends it no more requests at
//! once, so that those that it has can end in time; and the group is told at once that it is unhealthy, so that it
//! launches the replacement now, and not a while after the instance is gone. What is only at risk the group replaces by
//! itself (`CapacityRebalance`): that is written down.
//!
//! Repeated, each call leaves things as they are; the entry in the journal has the notice's own time and stays the same.
//! Dying in between, the message comes again. An instance that is no longer the group's, or on its way out, needs nothing.

use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group, SetInstanceHealth};
use windlass_calls::ec2::DescribeInstances;
use windlass_calls::elb::DeregisterTargets;
use windlass_calls::s3::Condition;
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Class, Filters};
use windlass_planner::names;
use windlass_spec::StackId;

use super::look::{Session, left_alone, stack_of};
use super::{EventError, LifecycleSettings, LookReport, SHORTLY};
use crate::pass::PassError;
use crate::port::Port;
use crate::store::journal_key;

/// Detail type of a notice.
const NOTICE: &str = "EC2 Spot Instance Interruption Warning";
/// Detail type of a recommendation.
const RECOMMENDATION: &str = "EC2 Instance Rebalance Recommendation";
/// The tag by which Auto Scaling says whose an instance is.
const GROUP_TAG: &str = "aws:autoscaling:groupName";
/// From the notice on, how long anything can be done (rule 19).
const LEFT: SignedDuration = SignedDuration::from_secs(120);

/// What EC2 says of a spot instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotNotice {
    /// Instance id.
    pub instance: String,
    /// What is coming.
    pub what: SpotEvent,
    /// When EC2 said so.
    pub at: Timestamp,
}

/// What is coming to a spot instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpotEvent {
    /// EC2 takes it back in two minutes: `terminate`, `stop` or `hibernate`.
    Interruption(String),
    /// It is at risk, and may be taken back any time, or never.
    Risk,
}

/// A journal entry about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    stack: String,
    instance: &'a str,
    group: &'a str,
    at: Timestamp,
    event: &'a str,
    decision: &'a str,
    remedy: &'a str,
}

impl SpotNotice {
    /// Reads an event of this detail type; `None` if it is of another.
    pub(super) fn parse(kind: &str, event: &Value) -> Result<Option<Self>, EventError> {
        let said = |field: &'static str| {
            let text = event["detail"][field].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(EventError::SpotLacks(field))
        };
        let what = match kind {
            NOTICE => SpotEvent::Interruption(said("instance-action")?),
            RECOMMENDATION => SpotEvent::Risk,
            _ => return Ok(None),
        };
        let time = event["time"].as_str().and_then(|time| time.parse().ok());
        Ok(Some(Self {
            instance: said("instance-id")?,
            what,
            at: time.ok_or(EventError::SpotLacks("time"))?,
        }))
    }

    /// Whether there is no time left to do anything about it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now > self.at + LEFT
    }

    /// The event again, to be looked at shortly.
    pub(super) async fn send_again<P: Port>(
        &self,
        port: &P,
        settings: &LifecycleSettings,
    ) -> Result<(), CallError> {
        let (kind, action) = match &self.what {
            SpotEvent::Interruption(action) => (NOTICE, Some(action)),
            SpotEvent::Risk => (RECOMMENDATION, None),
        };
        let event = json!({
            "detail-type": kind,
            "source": "aws.ec2",
            "time": self.at.to_string(),
            "detail": { "instance-id": self.instance, "instance-action": action },
        });
        let send = SendMessage {
            queue: settings.queue.clone(),
            body: event.to_string(),
            delay: SHORTLY,
        };
        port.call(send).await
    }
}

impl<P: Port> Session<'_, P> {
    /// Does about a spot instance what is to be done. One that is not ours is nobody's business (rule 58).
    pub(super) async fn spot(&self, notice: &SpotNotice) -> Result<LookReport, PassError> {
        let Some((stack, group)) = self.whose(&notice.instance).await? else {
            return Ok(left_alone("not an instance of ours"));
        };
        let member = group.instances.iter().find(|one| one.id == notice.instance);
        if member.is_none_or(|one| one.lifecycle_state.starts_with("Terminat")) {
            return Ok(LookReport {
                stack: Some(stack),
                ..left_alone("the instance is on its way out already")
            });
        }
        let mut report = LookReport::default();
        match &notice.what {
            SpotEvent::Interruption(_) => {
                self.replace(&group, &notice.instance).await?;
                report.interrupted.push(notice.instance.clone());
            }
            SpotEvent::Risk => report.at_risk.push(notice.instance.clone()),
        }
        self.journal(&stack, &group, notice).await?;
        Ok(LookReport {
            stack: Some(stack),
            ..report
        })
    }

    /// The stack whose instance it is, and the group; `None` if it is not one of ours.
    async fn whose(&self, instance: &str) -> Result<Option<(StackId, Group)>, PassError> {
        let filters = Filters::from([("instance-id".to_owned(), vec![instance.to_owned()])]);
        let found = self.port.call(DescribeInstances { filters }).await?;
        let tags = found.into_iter().next().map(|instance| instance.tags);
        let tags = tags.filter(|tags| names::stack_of(tags).is_some());
        let Some(group) = tags.and_then(|mut tags| tags.remove(GROUP_TAG)) else {
            return Ok(None);
        };
        let names = vec![group];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await?;
        let group = groups.into_iter().next();
        Ok(group.and_then(|group| Some((stack_of(&group)?, group))))
    }

    /// No more requests for it, and its replacement. Neither waits for the other.
    async fn replace(&self, group: &Group, instance: &str) -> Result<(), CallError> {
        let deregister = |target_group: &String| {
            self.port.call(DeregisterTargets {
                target_group: target_group.clone(),
                targets: vec![instance.to_owned()],
            })
        };
        let unhealthy = SetInstanceHealth {
            instance: instance.to_owned(),
            health: "Unhealthy".into(),
            respects_grace: false,
        };
        let deregistered = join_all(group.settings.target_groups.iter().map(deregister));
        let (deregistered, told) = join(deregistered, self.port.call(unhealthy)).await;
        for ended in deregistered.into_iter().chain([told]) {
            match ended {
                // The target group was replaced, or the instance went meanwhile.
                Err(error) if error.class != Class::Gone => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn journal(&self, stack: &StackId, group: &Group, notice: &SpotNotice) -> Result<(), PassError> {
        let SpotNotice { instance, what, at } = notice;
        let (event, decision, kind) = match what {
            SpotEvent::Interruption(action) => (
                format!("EC2 takes the spot instance back in two minutes: {action}"),
                "it gets no more requests, and its replacement is launched now",
                format!("spot-{instance}"),
            ),
            SpotEvent::Risk => (
                "EC2 says that the spot instance is at risk of being taken back".to_owned(),
                "none: the group replaces it by itself",
                format!("spot-{instance}-at-risk"),
            ),
        };
        let entry = Entry {
            stack: stack.to_string(),
            instance,
            group: &group.settings.name,
            at: *at,
            event: &event,
            decision,
            remedy: "nothing needs to be done; the more types compute.instanceTypes names, and the higher \
                     compute.spot.onDemandBase is, the less this matters",
        };
        let key = journal_key(&stack.to_string(), *at, &kind);
        self.store.put(&key, &entry, Condition::Always).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Occasion;
    use super::*;

    fn event(kind: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut event = json!({
            "detail-type": kind,
            "source": "aws.ec2",
            "time": "2026-01-01T00:00:00Z",
            "detail": {"instance-id": "i-1234567890abcdef0", "instance-action": "terminate"},
        });
        change(&mut event);
        event.to_string()
    }

    #[rstest]
    #[case(NOTICE, SpotEvent::Interruption("terminate".into()))]
    #[case(RECOMMENDATION, SpotEvent::Risk)]
    fn an_event_says_what_is_coming_to_whom_and_since_when(#[case] kind: &str, #[case] what: SpotEvent) {
        let notice = SpotNotice {
            instance: "i-1234567890abcdef0".into(),
            what,
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        let read = Occasion::parse(&event(kind, |_| {})).unwrap();
        assert_eq!(read, Some(Occasion::Spot(notice)));
    }

    #[rstest]
    #[case(NOTICE, "instance-id")]
    #[case(NOTICE, "instance-action")]
    #[case(RECOMMENDATION, "instance-id")]
    fn what_a_malformed_one_lacks_is_named(#[case] kind: &str, #[case] field: &str) {
        for bad in [Value::Null, json!(""), json!(7)] {
            let malformed = event(kind, |event| event["detail"][field] = bad);
            let error = Occasion::parse(&malformed).unwrap_err().to_string();
            assert!(error.contains(field) && error.contains("spot"), "{error}");
        }
    }

    #[rstest]
    #[case(Value::Null)]
    #[case(json!("today"))]
    fn one_without_a_time_is_an_error(#[case] time: Value) {
        let malformed = event(NOTICE, |event| event["time"] = time);
        let error = Occasion::parse(&malformed).unwrap_err().to_string();
        assert!(error.contains("`time`"), "{error}");
    }

    #[test]
    fn after_two_minutes_it_is_over() {
        let notice = SpotNotice {
            instance: "i-1".into(),
            what: SpotEvent::Risk,
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(!notice.is_over(Timestamp::UNIX_EPOCH + LEFT));
        assert!(notice.is_over(Timestamp::UNIX_EPOCH + LEFT + SignedDuration::from_secs(1)));
    }
}
