//! `windlass watch`: follows a stack's status to an end.

use std::io::Write;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use windlass_aws::Aws;
use windlass_calls::Class;
use windlass_engine::{Phase, Port, Status};
use windlass_planner::Plan;

use crate::cloud::{self, Look};
use crate::display::{self, Display};
use crate::{End, Failure, WatchArgs, report};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Which status to follow.
pub(crate) struct Watch<'a> {
    /// The bucket it is in.
    pub(crate) bucket: &'a str,
    /// Key of the spec it answers to.
    pub(crate) spec_key: &'a str,
    /// The spec's version, where only the answer to that one counts.
    pub(crate) version: Option<&'a str>,
    /// When to give up.
    pub(crate) until: Timestamp,
}

impl Watch<'_> {
    /// Follows it until it is settled. `None` when time ran out first.
    pub(crate) async fn follow<P: Port>(
        &self,
        port: &P,
        display: &mut dyn Display,
    ) -> Result<Option<Status>, Failure> {
        self.follow_to(port, display, &|_| false).await
    }

    /// Follows it until it is settled or says enough. `None` when time ran out first.
    pub(crate) async fn follow_to<P: Port>(
        &self,
        port: &P,
        display: &mut dyn Display,
        enough: &dyn Fn(&Status) -> bool,
    ) -> Result<Option<Status>, Failure> {
        let mut reached = false;
        loop {
            let look = cloud::look(port, self.bucket, self.spec_key).await?;
            let now = cloud::now();
            let settled = match look {
                Look::Found(status) if self.answers(&status) => {
                    display.show(now, &status)?;
                    (settled(status.phase) || enough(&status)).then_some(*status)
                }
                // Whoever could never be asked is not there: credentials, network, or the local cloud are missing.
                Look::Unreachable(error) if !reached && error.class == Class::Transient => {
                    return Err(error.into());
                }
                Look::Unreachable(error) => {
                    display.waiting(now, &error.to_string())?;
                    None
                }
                Look::Found(_) | Look::Nothing => {
                    display.waiting(now, &format!("no answer to {} yet", self.spec_key))?;
                    None
                }
            };
            reached = true;
            if settled.is_some() || now >= self.until {
                display.end();
                return Ok(settled);
            }
            cloud::pause(INTERVAL).await;
        }
    }

    /// Whether a status answers to the version that counts.
    fn answers(&self, status: &Status) -> bool {
        self.version.is_none_or(|version| status.spec_version == version)
    }
}

/// Whether nothing more happens by itself.
fn settled(phase: Phase) -> bool {
    match phase {
        Phase::Ready | Phase::Planned | Phase::Rejected | Phase::Failed | Phase::Deleted => true,
        Phase::Provisioning | Phase::Updating | Phase::Degraded | Phase::Deleting => false,
    }
}

/// Runs the command.
pub(crate) async fn run(out: &mut dyn Write, live: bool, args: WatchArgs) -> Result<End, Failure> {
    let port = Aws::from_environment().await;
    let spec_key = format!("specs/{}.yaml", args.stack);
    let now = cloud::now();
    let timeout = if args.once {
        SignedDuration::ZERO
    } else {
        args.timeout
    };
    let watch = Watch {
        bucket: &args.state_bucket,
        spec_key: &spec_key,
        version: args.version_id.as_deref(),
        until: now.checked_add(timeout).unwrap_or(Timestamp::MAX),
    };
    let mut display = display::of(&mut *out, live && !args.once);
    let settled = watch.follow(&port, display.as_mut()).await?;
    drop(display);
    match settled {
        Some(status) if status.phase == Phase::Ready => {
            write!(out, "{}", report::outputs(&status))?;
            Ok(End::Well)
        }
        Some(status) if status.phase == Phase::Deleted => {
            writeln!(out, "{} is deleted: nothing of it is left.", args.stack)?;
            Ok(End::Well)
        }
        Some(status) if status.phase == Phase::Planned && status.errors.is_empty() => {
            let steps = status.changes;
            let plan = Plan {
                steps,
                ..Plan::default()
            };
            write!(out, "{}", plan.text(&args.stack))?;
            Ok(End::Well)
        }
        Some(status) => {
            write!(out, "{}", report::problems(&status))?;
            Ok(End::Wrong)
        }
        None if args.once => Ok(End::NoAnswer),
        None => {
            writeln!(
                out,
                "{} is not settled after {timeout:#}; the pipeline goes on: watch it again",
                args.stack
            )?;
            Ok(End::NoAnswer)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use rstest::rstest;
    use windlass_calls::s3::{self, Object};
    use windlass_calls::{CallError, Request, Response};

    use super::*;
    use crate::progress::tests::{failing, provisioning};

    /// Answers one status after the other, the last one for ever.
    struct Statuses(RefCell<VecDeque<Option<Status>>>);

    impl Port for Statuses {
        async fn send(&self, request: Request) -> Result<Response, CallError> {
            let mut statuses = self.0.borrow_mut();
            let status = match statuses.len() {
                1 => statuses[0].clone(),
                _ => statuses.pop_front().unwrap(),
            };
            let Some(status) = status else {
                return Err(CallError::answered(request.action(), "NoSuchKey", "", 404));
            };
            Ok(Response::S3(s3::Response::GetObject(Object::Found {
                body: serde_json::to_vec(&status).unwrap(),
                etag: String::new(),
                version: String::new(),
                metadata: windlass_calls::Tags::new(),
            })))
        }
    }

    async fn follow(
        statuses: Vec<Option<Status>>,
        version: Option<&str>,
        seconds: i64,
    ) -> (Option<Phase>, String) {
        let mut out = Vec::new();
        let watch = Watch {
            bucket: "states",
            spec_key: "specs/dev/web.yaml",
            version,
            until: cloud::now() + SignedDuration::from_secs(seconds),
        };
        let port = Statuses(RefCell::new(statuses.into()));
        let mut display = display::of(&mut out, false);
        let status = watch.follow(&port, display.as_mut()).await.unwrap();
        drop(display);
        (status.map(|status| status.phase), String::from_utf8(out).unwrap())
    }

    fn ready(version: &str) -> Status {
        Status {
            phase: Phase::Ready,
            spec_version: version.into(),
            ..provisioning()
        }
    }

    #[tokio::test]
    async fn it_follows_from_no_status_to_a_settled_one() {
        let statuses = vec![None, Some(provisioning()), Some(ready("v1"))];
        let (phase, text) = follow(statuses, None, 60).await;
        assert_eq!(phase, Some(Phase::Ready));
        assert!(text.contains("no answer to specs/dev/web.yaml yet"), "{text}");
        assert!(text.contains("Provisioning"), "{text}");
    }

    #[tokio::test]
    async fn the_answer_to_an_older_version_does_not_count() {
        let statuses = vec![Some(ready("v1")), Some(ready("v2"))];
        let (phase, text) = follow(statuses, Some("v2"), 60).await;
        assert_eq!(phase, Some(Phase::Ready));
        assert!(text.contains("no answer"), "{text}");
    }

    #[tokio::test]
    async fn where_nothing_was_ever_reached_it_ends_at_once_with_the_error() {
        struct Dead;
        impl Port for Dead {
            async fn send(&self, request: Request) -> Result<Response, CallError> {
                Err(CallError::unsent(request.action(), "connection refused"))
            }
        }
        let watch = Watch {
            bucket: "states",
            spec_key: "specs/dev/web.yaml",
            version: None,
            until: cloud::now() + SignedDuration::from_secs(60),
        };
        let mut out = Vec::new();
        let mut display = display::of(&mut out, false);
        let error = watch.follow(&Dead, display.as_mut()).await.unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
    }

    #[rstest]
    #[case(Some(provisioning()), None)]
    #[case(Some(failing()), Some(Phase::Failed))]
    #[case(None, None)]
    #[tokio::test]
    async fn without_time_left_it_looks_once(#[case] status: Option<Status>, #[case] phase: Option<Phase>) {
        assert_eq!(follow(vec![status], None, 0).await.0, phase);
    }
}
