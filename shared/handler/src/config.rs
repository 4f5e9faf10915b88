//! Configuration: from environment variables, given as a map, to the settings of the engine and of the archive.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use thiserror::Error;
use windlass_engine::{LifecycleSettings, ScaleSettings, Settings};

use crate::log::Level;

/// Longest a function runs: `Timeout` in `template.yaml`.
const FUNCTION_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// Longest one call takes: the time-out of the port on AWS.
pub(crate) const CALL: SignedDuration = SignedDuration::from_secs(10);
/// How much the clocks of two functions may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(20);
/// What is left on top, so that a limit met exactly is not a race.
const SPARE: SignedDuration = SignedDuration::from_secs(10);
/// Time a pass has before it hands over to the next.
const BUDGET: SignedDuration = SignedDuration::from_secs(40);
/// Seconds after which AWS shows everything that was created (rule 34), where nothing else is configured.
const CONSISTENCY: u32 = 300;
/// Seconds between the deletion of a spec and the first step of destroying its stack, where nothing else is configured.
const GRACE: u32 = 300;
/// Time after which an operation that still waits needs a person.
const DEADLINE: SignedDuration = SignedDuration::from_mins(60);
/// Seconds between two looks, where nothing else is configured.
const WAKE_SECONDS: u32 = 10;
/// Longest delay that SQS takes, in seconds (rule 22).
const LONGEST: u32 = 900;

/// An environment variable that the function cannot start with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("environment variable {variable} {problem}: {remedy}")]
pub struct ConfigError {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

/// The engine's settings.
///
/// # Errors
/// The first variable that is missing or cannot be used.
pub fn settings(env: &BTreeMap<String, String>) -> Result<Settings, ConfigError> {
    Ok(Settings {
        spec_bucket: required(
            env,
            "SPEC_BUCKET",
            "set it to the name of the bucket that specs are put in",
        )?,
        state_bucket: state_bucket(env)?,
        queue: own_queue(env)?,
        region: required(
            env,
            "AWS_REGION",
            "Lambda sets it; elsewhere set it to the Region, as in us-east-1",
        )?,
        boundary: boundary(env)?,
        lease: FUNCTION_TIMEOUT + CALL + SKEW + SPARE,
        call: CALL,
        budget: BUDGET,
        consistency: SignedDuration::from_secs(seconds(env, "CONSISTENCY_SECONDS", CONSISTENCY, 0)?.into()),
        wake_seconds: seconds(env, "WAKE_SECONDS", WAKE_SECONDS, 1)?,
        deadline: DEADLINE,
        grace: SignedDuration::from_secs(seconds(env, "GRACE_SECONDS", GRACE, 0)?.into()),
    })
}

/// The archive's settings.
///
/// # Errors
/// The first variable that is missing or cannot be used.
pub fn archive_settings(env: &BTreeMap<String, String>) -> Result<windlass_archive::Settings, ConfigError> {
    Ok(windlass_archive::Settings {
        state_bucket: state_bucket(env)?,
        provision_queue: provision_queue(env)?,
        lifecycle_queue: required(
            env,
            "LIFECYCLE_QUEUE_URL",
            "set it to the URL of the queue that feeds the lifecycle function",
        )?,
        scale_queue: required(
            env,
            "SCALE_QUEUE_URL",
            "set it to the URL of the queue that feeds the scale function",
        )?,
        expires: expire_days(env)? > 0,
    })
}

/// The lifecycle function's settings.
///
/// # Errors
/// The first variable that is missing.
pub fn lifecycle_settings(env: &BTreeMap<String, String>) -> Result<LifecycleSettings, ConfigError> {
    Ok(LifecycleSettings {
        state_bucket: state_bucket(env)?,
        queue: own_queue(env)?,
        provision_queue: provision_queue(env)?,
    })
}

/// The scale function's settings.
///
/// # Errors
/// The first variable that is missing.
pub fn scale_settings(env: &BTreeMap<String, String>) -> Result<ScaleSettings, ConfigError> {
    Ok(ScaleSettings {
        state_bucket: state_bucket(env)?,
        queue: own_queue(env)?,
    })
}

/// The least severe log line that is written; `info` where nothing is configured.
///
/// # Errors
/// The variable holds something else than a level.
pub fn log_level(env: &BTreeMap<String, String>) -> Result<Level, ConfigError> {
    let Some(text) = value(env, "LOG_LEVEL") else {
        return Ok(Level::Info);
    };
    Level::parse(text).ok_or_else(|| ConfigError {
        variable: "LOG_LEVEL",
        problem: format!("is `{text}`"),
        remedy: "set it to error, warn, info or debug",
    })
}

/// A variable's value; an empty one counts as absent, because CloudFormation cannot leave one out.
fn value<'a>(env: &'a BTreeMap<String, String>, variable: &str) -> Option<&'a str> {
    env.get(variable)
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

fn required(
    env: &BTreeMap<String, String>,
    variable: &'static str,
    remedy: &'static str,
) -> Result<String, ConfigError> {
    value(env, variable).map(str::to_owned).ok_or(ConfigError {
        variable,
        problem: "is not set".to_owned(),
        remedy,
    })
}

fn state_bucket(env: &BTreeMap<String, String>) -> Result<String, ConfigError> {
    required(
        env,
        "STATE_BUCKET",
        "set it to the name of the bucket that states and statuses go to",
    )
}

fn own_queue(env: &BTreeMap<String, String>) -> Result<String, ConfigError> {
    required(
        env,
        "QUEUE_URL",
        "set it to the URL of the queue that feeds this function",
    )
}

fn provision_queue(env: &BTreeMap<String, String>) -> Result<String, ConfigError> {
    required(
        env,
        "PROVISION_QUEUE_URL",
        "set it to the URL of the queue that feeds the provision function",
    )
}

fn boundary(env: &BTreeMap<String, String>) -> Result<Option<String>, ConfigError> {
    match value(env, "INSTANCE_BOUNDARY_ARN") {
        Some(text) if !text.starts_with("arn:") => Err(ConfigError {
            variable: "INSTANCE_BOUNDARY_ARN",
            problem: format!("is `{text}`"),
            remedy: "set it to the ARN of a managed policy, or leave it out where none is required",
        }),
        boundary => Ok(boundary.map(str::to_owned)),
    }
}

/// A number of seconds, from `least` to the longest delay of a message.
fn seconds(
    env: &BTreeMap<String, String>,
    variable: &'static str,
    default: u32,
    least: u32,
) -> Result<u32, ConfigError> {
    let Some(text) = value(env, variable) else {
        return Ok(default);
    };
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds| (least..=LONGEST).contains(seconds))
        .ok_or_else(|| ConfigError {
            variable,
            problem: format!("is `{text}`"),
            remedy: if least == 0 {
                "set it to a number of seconds from 0 to 900"
            } else {
                "set it to a number of seconds from 1 to 900"
            },
        })
}

/// Days after which archived states expire; 0 for never.
fn expire_days(env: &BTreeMap<String, String>) -> Result<u32, ConfigError> {
    let Some(text) = value(env, "ARCHIVE_EXPIRE_DAYS") else {
        return Ok(0);
    };
    text.parse().map_err(|_| ConfigError {
        variable: "ARCHIVE_EXPIRE_DAYS",
        problem: format!("is `{text}`"),
        remedy: "set it to the days of the bucket's expiry rule, or to 0 where there is none",
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn environment(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
        let given = [
            ("SPEC_BUCKET", "specs"),
            ("STATE_BUCKET", "states"),
            ("QUEUE_URL", "https://sqs/queue"),
            ("AWS_REGION", "us-east-1"),
        ];
        given
            .iter()
            .chain(changes)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn four_variables_are_enough_and_the_rest_has_defaults() {
        let settings = settings(&environment(&[])).unwrap();
        assert_eq!(settings.wake_seconds, 10);
        assert_eq!(settings.boundary, None);
        assert_eq!(log_level(&environment(&[])), Ok(Level::Info));
    }

    #[test]
    fn a_lease_outlives_a_function_its_last_call_and_the_skew_of_clocks() {
        let settings = settings(&environment(&[])).unwrap();
        assert_eq!(settings.lease, SignedDuration::from_secs(100));
        assert!(settings.lease > FUNCTION_TIMEOUT + settings.call + SKEW);
        assert!(settings.budget + settings.call < FUNCTION_TIMEOUT);
    }

    #[rstest]
    #[case("SPEC_BUCKET", "")]
    #[case("STATE_BUCKET", " ")]
    #[case("QUEUE_URL", "")]
    #[case("AWS_REGION", "")]
    #[case("INSTANCE_BOUNDARY_ARN", "my-policy")]
    #[case("GRACE_SECONDS", "-1")]
    #[case("GRACE_SECONDS", "901")]
    #[case("CONSISTENCY_SECONDS", "never")]
    #[case("WAKE_SECONDS", "0")]
    #[case("WAKE_SECONDS", "901")]
    #[case("WAKE_SECONDS", "soon")]
    fn a_variable_that_cannot_be_used_is_named_with_its_remedy(#[case] variable: &str, #[case] value: &str) {
        let error = settings(&environment(&[(variable, value)])).unwrap_err();
        assert_eq!(error.variable, variable);
        assert!(!error.remedy.is_empty());
    }

    fn archive_environment(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
        let given = [
            ("STATE_BUCKET", "states"),
            ("PROVISION_QUEUE_URL", "https://sqs/queue"),
            ("LIFECYCLE_QUEUE_URL", "https://sqs/lifecycle"),
            ("SCALE_QUEUE_URL", "https://sqs/scale"),
        ];
        let all = given.iter().chain(changes);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[rstest]
    #[case(&[], false)]
    #[case(&[("ARCHIVE_EXPIRE_DAYS", "0")], false)]
    #[case(&[("ARCHIVE_EXPIRE_DAYS", "365")], true)]
    fn the_archive_knows_whether_anything_in_it_expires(
        #[case] changes: &[(&str, &str)],
        #[case] expires: bool,
    ) {
        let settings = archive_settings(&archive_environment(changes)).unwrap();
        assert_eq!(settings.expires, expires);
    }

    #[rstest]
    #[case("STATE_BUCKET", "")]
    #[case("PROVISION_QUEUE_URL", "")]
    #[case("LIFECYCLE_QUEUE_URL", "")]
    #[case("SCALE_QUEUE_URL", "")]
    #[case("ARCHIVE_EXPIRE_DAYS", "never")]
    fn a_variable_the_archive_cannot_use_is_named_with_its_remedy(
        #[case] variable: &str,
        #[case] value: &str,
    ) {
        let error = archive_settings(&archive_environment(&[(variable, value)])).unwrap_err();
        assert_eq!(error.variable, variable);
        assert!(!error.remedy.is_empty());
    }

    #[rstest]
    #[case("STATE_BUCKET")]
    #[case("QUEUE_URL")]
    #[case("PROVISION_QUEUE_URL")]
    fn a_variable_the_lifecycle_function_lacks_is_named_with_its_remedy(#[case] variable: &str) {
        let all = [
            ("STATE_BUCKET", "states"),
            ("QUEUE_URL", "https://sqs/lifecycle"),
            ("PROVISION_QUEUE_URL", "https://sqs/queue"),
        ];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let full: BTreeMap<String, String> = all.iter().map(owned).collect();
        assert_eq!(lifecycle_settings(&full).unwrap().queue, "https://sqs/lifecycle");
        let mut lacking = full;
        lacking.remove(variable);
        assert_eq!(lifecycle_settings(&lacking).unwrap_err().variable, variable);
    }

    #[rstest]
    #[case("STATE_BUCKET")]
    #[case("QUEUE_URL")]
    fn a_variable_the_scale_function_lacks_is_named_with_its_remedy(#[case] variable: &str) {
        let all = [("STATE_BUCKET", "states"), ("QUEUE_URL", "https://sqs/scale")];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut env: BTreeMap<String, String> = all.iter().map(owned).collect();
        assert_eq!(scale_settings(&env).unwrap().queue, "https://sqs/scale");
        env.remove(variable);
        assert_eq!(scale_settings(&env).unwrap_err().variable, variable);
    }

    #[test]
    fn an_unknown_log_level_is_named_with_its_remedy() {
        let error = log_level(&environment(&[("LOG_LEVEL", "loud")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment variable LOG_LEVEL is `loud`: set it to error, warn, info or debug"
        );
    }
}
