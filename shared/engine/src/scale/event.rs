//! What a message of the scale function's queue says: an alarm of AWS's, or a tick of ours.

use serde::Deserialize;
use serde_json::Value;
use windlass_planner::kinds::alarm::BACKSTOP;
use windlass_planner::names;

use super::{ScaleMessage, ScaleOccasion};
use crate::lifecycle::EventError;

/// Detail type of an alarm's change (rule 1).
const CHANGE: &str = "CloudWatch Alarm State Change";
/// The state in which an alarm asks for something.
const ALARM: &str = "ALARM";
/// The state in which it knows nothing. A load that rose until then is followed.
const NO_DATA: &str = "INSUFFICIENT_DATA";
/// Ends of the names of alarms that call for more instances.
const OUT: &str = "-out";
/// The same for more, for fewer, and for the group's own policy.
const STEPS: [&str; 3] = [OUT, "-in", BACKSTOP];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    alarm_name: String,
    state: State,
}

#[derive(Deserialize)]
struct State {
    value: String,
}

impl ScaleOccasion {
    /// Reads a message. `Ok(None)` is an event that asks for nothing: another detail type, an alarm that is over, or one
    /// that is no scaling alarm of a stack's.
    ///
    /// # Errors
    /// It cannot be read: somebody has to look at it.
    pub fn parse(body: &str) -> Result<Option<Self>, EventError> {
        let value: Value = serde_json::from_str(body)?;
        if value.get("scale").is_some() {
            let message: ScaleMessage = serde_json::from_value(value)?;
            return Ok(Some(Self::Woken(message.scale)));
        }
        let kind = value.get("detail-type").and_then(Value::as_str);
        if kind.ok_or(EventError::Unknown)? != CHANGE {
            return Ok(None);
        }
        let detail = value.get("detail").cloned().unwrap_or_default();
        let detail: Detail =
            serde_json::from_value(detail).map_err(|error| EventError::AlarmLacks(error.to_string()))?;
        let Some((stack, part)) = names::stack_of_alarm(&detail.alarm_name) else {
            return Ok(None);
        };
        let alarm = part.to_owned();
        Ok(match detail.state.value.as_str() {
            ALARM if STEPS.iter().any(|step| part.ends_with(step)) => Some(Self::Alarm { stack, alarm }),
            NO_DATA if part.ends_with(OUT) => Some(Self::Unheard { stack, alarm }),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use windlass_spec::StackId;

    use super::*;

    fn event(alarm: &str, state: &str) -> Value {
        json!({
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change",
            "detail": {"alarmName": alarm, "state": {"value": state}, "previousState": {"value": "OK"}},
        })
    }

    #[rstest]
    #[case::out("cpu-out")]
    #[case::shrink("cpu-in")]
    #[case::backstop("backstop")]
    fn an_alarm_that_goes_off_names_its_stack(#[case] part: &str) {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let alarm = ScaleOccasion::Alarm {
            stack,
            alarm: part.into(),
        };
        let body = event(&format!("windlass/dev/web/{part}"), "ALARM").to_string();
        assert_eq!(ScaleOccasion::parse(&body).unwrap(), Some(alarm));
    }

    #[test]
    fn an_alarm_for_more_that_has_no_data_any_more_names_its_stack_as_well() {
        let body = event("windlass/dev/web/cpu-out", "INSUFFICIENT_DATA").to_string();
        let occasion = ScaleOccasion::parse(&body).unwrap();
        assert!(matches!(occasion, Some(ScaleOccasion::Unheard { alarm, .. }) if alarm == "cpu-out"));
    }

    #[rstest]
    #[case::over("windlass/dev/web/cpu-out", "OK")]
    #[case::no_data_for_fewer("windlass/dev/web/cpu-in", "INSUFFICIENT_DATA")]
    #[case::no_data_of_the_backstop("windlass/dev/web/backstop", "INSUFFICIENT_DATA")]
    #[case::of_the_service("windlass/dev/web/5xx-rate", "ALARM")]
    #[case::somebody_elses("web-cpu-out", "ALARM")]
    #[case::no_stack("windlass/web/cpu-out", "ALARM")]
    fn an_alarm_that_asks_for_nothing_is_nothing_to_act_on(#[case] alarm: &str, #[case] state: &str) {
        let body = event(alarm, state).to_string();
        assert_eq!(ScaleOccasion::parse(&body).unwrap(), None);
    }

    #[test]
    fn another_event_is_nothing_to_act_on() {
        let body = json!({"detail-type": "CloudWatch Alarm Configuration Change", "detail": {}}).to_string();
        assert_eq!(ScaleOccasion::parse(&body).unwrap(), None);
    }

    #[rstest]
    #[case("alarmName")]
    #[case("state")]
    fn what_a_malformed_one_lacks_is_named(#[case] field: &str) {
        let mut malformed = event("windlass/dev/web/cpu-out", "ALARM");
        malformed["detail"].as_object_mut().unwrap().remove(field);
        let error = ScaleOccasion::parse(&malformed.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(field), "{error}");
    }

    #[rstest]
    #[case("")]
    #[case("{}")]
    #[case("[1]")]
    #[case(r#"{"scale": {}}"#)]
    fn anything_else_is_an_error(#[case] body: &str) {
        assert!(ScaleOccasion::parse(body).is_err());
    }
}
