//! What a message of the lifecycle queue says: an event of AWS's, or a wake-up of ours.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use windlass_calls::autoscaling::Transition;

use super::{GateMessage, Occasion, SpotNotice};

/// End of the detail types of lifecycle actions (rule 10).
const ACTION: &str = "Lifecycle Action";

/// A message that cannot be read.
#[derive(Debug, Error)]
pub enum EventError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// It is neither an event nor a wake-up.
    #[error("it is neither an event of AWS's nor a wake-up of ours")]
    Unknown,
    /// A lifecycle action that does not say what every one says.
    #[error("the lifecycle action lacks a usable `{0}`")]
    Lacks(&'static str),
    /// A change of an alarm that does not say what every one says.
    #[error("the change of an alarm cannot be read: {0}")]
    AlarmLacks(String),
    /// A notice about a spot instance that does not say what every one says.
    #[error("the notice about a spot instance lacks a usable `{0}`")]
    SpotLacks(&'static str),
}

/// What every lifecycle action says. Origin, destination and metadata are optional, and not needed (rule 10).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Detail {
    auto_scaling_group_name: String,
    lifecycle_hook_name: String,
    #[serde(rename = "EC2InstanceId")]
    instance: String,
    lifecycle_transition: String,
}

impl Occasion {
    /// Reads a message. `Ok(None)` is an event that is none of ours to act on: another detail type.
    ///
    /// # Errors
    /// It cannot be read: somebody has to look at it.
    pub fn parse(body: &str) -> Result<Option<Self>, EventError> {
        let value: Value = serde_json::from_str(body)?;
        if value.get("gate").is_some() {
            let message: GateMessage = serde_json::from_value(value)?;
            return Ok(Some(Self::Woken(message.gate)));
        }
        let kind = value.get("detail-type").and_then(Value::as_str);
        let Some(kind) = kind else {
            return Err(EventError::Unknown);
        };
        if let Some(notice) = SpotNotice::parse(kind, &value)? {
            return Ok(Some(Self::Spot(notice)));
        }
        if !kind.ends_with(ACTION) {
            return Ok(None);
        }
        let detail = value.get("detail").cloned().unwrap_or_default();
        let detail: Detail = serde_json::from_value(detail).map_err(|_| EventError::Lacks("detail"))?;
        let needed = [
            (&detail.auto_scaling_group_name, "AutoScalingGroupName"),
            (&detail.lifecycle_hook_name, "LifecycleHookName"),
            (&detail.instance, "EC2InstanceId"),
        ];
        if let Some((_, name)) = needed.into_iter().find(|(said, _)| said.is_empty()) {
            return Err(EventError::Lacks(name));
        }
        let transition = Transition::parse(&detail.lifecycle_transition);
        Ok(Some(Self::Waits {
            group: detail.auto_scaling_group_name,
            hook: detail.lifecycle_hook_name,
            instance: detail.instance,
            transition: transition.ok_or(EventError::Lacks("LifecycleTransition"))?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn event(change: impl FnOnce(&mut Value)) -> String {
        let mut event = json!({
            "detail-type": "EC2 Instance-launch Lifecycle Action",
            "source": "aws.autoscaling",
            "detail": {
                "LifecycleActionToken": "87654321-4321-4321-4321-210987654321",
                "AutoScalingGroupName": "windlass-dev-web",
                "LifecycleHookName": "windlass-launch",
                "EC2InstanceId": "i-1234567890abcdef0",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            },
        });
        change(&mut event);
        event.to_string()
    }

    #[test]
    fn a_lifecycle_action_says_who_waits_for_what() {
        let waits = Occasion::Waits {
            group: "windlass-dev-web".into(),
            hook: "windlass-launch".into(),
            instance: "i-1234567890abcdef0".into(),
            transition: Transition::Launching,
        };
        assert_eq!(Occasion::parse(&event(|_| {})).unwrap(), Some(waits));
    }

    #[test]
    fn another_event_is_nothing_to_act_on() {
        let other = event(|event| event["detail-type"] = "EC2 Instance Launch Successful".into());
        assert_eq!(Occasion::parse(&other).unwrap(), None);
    }

    #[rstest]
    #[case("AutoScalingGroupName")]
    #[case("LifecycleHookName")]
    #[case("EC2InstanceId")]
    #[case("LifecycleTransition")]
    fn what_a_malformed_one_lacks_is_named(#[case] field: &str) {
        let malformed = event(|event| {
            event["detail"].as_object_mut().unwrap().remove(field);
        });
        let error = Occasion::parse(&malformed).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }

    #[rstest]
    #[case("")]
    #[case("{")]
    #[case("{}")]
    #[case("[1]")]
    #[case(r#"{"gate": {}}"#)]
    fn anything_else_is_an_error(#[case] body: &str) {
        assert!(Occasion::parse(body).is_err());
    }
}
