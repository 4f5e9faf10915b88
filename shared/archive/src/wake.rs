//! Whether a stack's wake-up is overdue, or it is time to look whether somebody changed it by hand. Pure.
//!
//! A chain of wake-ups is one message at a time. Where that message was lost, or its pass died and its message with it,
//! nothing looks at the stack any more, and the head still says when somebody should have. A wake-up that is only late
//! may then be sent twice, which is harmless: both carry the head's own token, and the second one finds a newer.

use jiff::{SignedDuration, Timestamp};
use windlass_engine::Head;
use windlass_spec::StackId;

/// How late a wake-up is overdue: a queue with a backlog is no loss.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// How late it is sent anew only now and then: a stack whose every pass fails must not fill the dead-letter queue.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is sent anew from then on.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Time between two sweeps: one of them falls into the beginning of each period.
const SWEEPS: SignedDuration = SignedDuration::from_mins(5);

/// Whether it is time to look at a stack that nothing is under way with: once in the interval that its head names, each
/// stack at its own time.
pub(crate) fn look_is_due(head: &Head, stack: &StackId, now: Timestamp) -> bool {
    let quiet = head.wake.is_none() && head.lease.is_none() && head.deletion.is_none();
    let Some(interval) = head
        .drift
        .map(i64::from)
        .filter(|interval| quiet && *interval > 0)
    else {
        return false;
    };
    let name = stack.to_string();
    let offset = name
        .bytes()
        .fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % interval);
    (now.as_second() - offset).rem_euclid(interval) < SWEEPS.as_secs()
}

/// The token to wake a stack with, if its wake-up is overdue.
///
/// A lease that ran out is a pass that died, and as good as a wake-up of that time; any token continues from there.
pub(crate) fn overdue(head: &Head, now: Timestamp) -> Option<&str> {
    if head.lease.as_ref().is_some_and(|lease| lease.until > now) {
        return None;
    }
    let (token, since) = match (&head.wake, &head.lease) {
        (Some(wake), _) => (wake.token.as_str(), wake.due),
        (None, Some(lease)) => (lease.owner.as_str(), lease.until),
        (None, None) => return None,
    };
    is_time(now.duration_since(since)).then_some(token)
}

/// Whether what is so late was lost.
pub(crate) fn is_overdue(late: SignedDuration) -> bool {
    late > MARGIN
}

/// Whether what is so late is to be sent anew: at first with each sweep, then now and then.
pub(crate) fn is_time(late: SignedDuration) -> bool {
    is_overdue(late) && (late < PATIENCE || late.as_secs() % PERIOD.as_secs() < SWEEPS.as_secs())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use windlass_engine::{Lease, Wake};

    use super::*;

    fn now() -> Timestamp {
        "2026-05-04T09:00:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> Timestamp {
        now() - SignedDuration::from_secs(seconds)
    }

    fn head(due: Option<i64>, lease: Option<i64>) -> Head {
        Head {
            wake: due.map(|seconds| Wake {
                token: "t1".into(),
                due: ago(seconds),
                attempt: 0,
            }),
            lease: lease.map(|seconds| Lease {
                owner: "r-1".into(),
                until: ago(seconds),
            }),
            ..Head::default()
        }
    }

    #[rstest]
    #[case::nothing_is_awaited(None, None, None)]
    #[case::not_due(Some(-10), None, None)]
    #[case::late(Some(120), None, None)]
    #[case::overdue(Some(121), None, Some("t1"))]
    #[case::a_pass_is_at_it(Some(600), Some(-1), None)]
    #[case::the_pass_died(Some(600), Some(1), Some("t1"))]
    #[case::the_first_pass_died(None, Some(121), Some("r-1"))]
    #[case::the_first_pass_may_come_again(None, Some(120), None)]
    fn a_wake_up_is_overdue_when_nobody_came_for_long(
        #[case] due: Option<i64>,
        #[case] lease: Option<i64>,
        #[case] token: Option<&str>,
    ) {
        assert_eq!(overdue(&head(due, lease), now()), token);
    }

    #[test]
    fn a_settled_stack_is_looked_at_once_in_its_interval() {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let looks = |head: &Head, hours: i64| {
            let sweeps = (0..hours * 12).map(|sweep| now() + SignedDuration::from_secs(sweep * 300 + 17));
            sweeps.filter(|at| look_is_due(head, &stack, *at)).count()
        };
        let settled = |interval| Head {
            drift: Some(interval),
            ..Head::default()
        };
        assert_eq!(looks(&settled(3600), 24), 24);
        assert_eq!(looks(&settled(300), 1), 12);
        assert_eq!(looks(&settled(86_400), 48), 2);
        assert_eq!(looks(&Head::default(), 24), 0, "it was never ready");
        let busy = Head {
            drift: Some(300),
            ..head(Some(-10), None)
        };
        assert_eq!(looks(&busy, 1), 0, "somebody looks anyway");
        let destroyed = Head {
            deletion: Some(windlass_engine::Deletion::default()),
            ..settled(300)
        };
        assert_eq!(looks(&destroyed, 1), 0);
    }

    #[test]
    fn the_longer_it_is_overdue_the_more_seldom_it_is_sent() {
        let sent_on_day = |day: i64| {
            let sweeps = (0..24 * 12).map(|sweep| day * 86_400 + sweep * 300 + 17);
            sweeps
                .filter(|late| overdue(&head(Some(*late), None), now()).is_some())
                .count()
        };
        assert_eq!(
            sent_on_day(0),
            11 + 23,
            "each sweep of the first hour, then each hour"
        );
        assert_eq!(sent_on_day(1), 24);
        assert_eq!(sent_on_day(100), 24);
    }
}
