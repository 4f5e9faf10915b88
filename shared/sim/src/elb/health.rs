//! How the checks of one target go, computed ahead: the target's times decide everything.
//!
//! Checks run one interval apart, the first one interval after they start. A first registration needs one pass; a target
//! that was found unhealthy needs the healthy threshold (rule 60).

use jiff::{SignedDuration, Timestamp};
use windlass_calls::elb::HealthCheck;

use crate::time::{after, seconds_after};

/// What the load balancer thinks of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Not checked yet: the load balancer is not active.
    Registering,
    /// Checked, and no verdict.
    Initial,
    /// In rotation.
    Healthy,
    /// Out of rotation.
    Unhealthy,
}

/// Verdicts in order of time, each until the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Course(Vec<(Timestamp, Health)>);

impl Course {
    /// The course of a target that is checked from `start`, answers from `answers` on (`None`: never) and stops
    /// answering at `fails`.
    pub(crate) fn of(
        check: &HealthCheck,
        start: Timestamp,
        answers: Option<Timestamp>,
        fails: Option<Timestamp>,
    ) -> Self {
        let failed_from_start = seconds_after(start, check.interval.saturating_mul(check.unhealthy));
        let first_pass = answers.map(|answers| next_check(check, start, answers));
        let pass = first_pass.filter(|pass| fails.is_none_or(|fails| *pass < fails));
        let mut course = vec![(start, Health::Initial)];
        match pass {
            Some(pass) if pass <= failed_from_start => course.push((pass, Health::Healthy)),
            Some(pass) => {
                let rest = check.interval.saturating_mul(check.healthy.saturating_sub(1));
                course.extend([
                    (failed_from_start, Health::Unhealthy),
                    (seconds_after(pass, rest), Health::Healthy),
                ]);
            }
            None => course.push((failed_from_start, Health::Unhealthy)),
        }
        if let (Some(fails), Some(&(healthy, Health::Healthy))) = (fails, course.last()) {
            let rest = check.interval.saturating_mul(check.unhealthy.saturating_sub(1));
            let unhealthy = seconds_after(next_check(check, start, fails), rest);
            course.push((unhealthy.max(healthy), Health::Unhealthy));
        }
        Self(course)
    }

    /// The verdict at a time.
    pub(crate) fn at(&self, now: Timestamp) -> Health {
        let past = self.0.iter().take_while(|(from, _)| *from <= now);
        past.last().map_or(Health::Registering, |(_, health)| *health)
    }

    /// The first time from `from` on at which the target is unhealthy.
    pub(crate) fn unhealthy_from(&self, from: Timestamp) -> Option<Timestamp> {
        self.first(Health::Unhealthy, from)
    }

    /// The first time from `from` on at which the target is healthy.
    pub(crate) fn healthy_from(&self, from: Timestamp) -> Option<Timestamp> {
        self.first(Health::Healthy, from)
    }

    /// The first time from `from` on at which the target is not healthy.
    pub(crate) fn out_from(&self, from: Timestamp) -> Option<Timestamp> {
        if self.at(from) != Health::Healthy {
            return Some(from);
        }
        let mut later = self.0.iter().filter(|(at, _)| *at > from);
        later
            .find(|(_, health)| *health != Health::Healthy)
            .map(|(at, _)| *at)
    }

    fn first(&self, wanted: Health, from: Timestamp) -> Option<Timestamp> {
        let verdicts = self.0.iter().enumerate();
        let spans = verdicts.filter(|(_, (_, health))| *health == wanted);
        let mut found = spans.filter_map(|(index, (since, _))| {
            let until = self.0.get(index + 1).map(|(until, _)| *until);
            let at = from.max(*since);
            until.is_none_or(|until| at < until).then_some(at)
        });
        found.next()
    }
}

/// The first check at or after a time.
fn next_check(check: &HealthCheck, start: Timestamp, at: Timestamp) -> Timestamp {
    let interval = SignedDuration::from_secs(i64::from(check.interval.max(1)));
    let waited = at.duration_since(start).as_millis().max(0);
    let rounds = (waited.saturating_add(interval.as_millis() - 1) / interval.as_millis()).max(1);
    after(
        start,
        interval.saturating_mul(i32::try_from(rounds).unwrap_or(i32::MAX)),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(seconds: u32) -> Timestamp {
        seconds_after(Timestamp::UNIX_EPOCH, seconds)
    }

    fn check() -> HealthCheck {
        HealthCheck {
            path: "/".into(),
            interval: 10,
            timeout: 5,
            healthy: 3,
            unhealthy: 2,
            codes: "200".into(),
        }
    }

    #[rstest]
    #[case::one_pass_is_enough_for_a_target_that_answers_at_once(Some(0), None, &[(0, Health::Initial), (10, Health::Healthy)])]
    #[case::a_pass_at_the_last_check_before_the_verdict_counts(Some(20), None, &[(0, Health::Initial), (20, Health::Healthy)])]
    #[case::a_slow_target_turns_unhealthy_and_then_needs_the_healthy_threshold(Some(35), None, &[(0, Health::Initial), (20, Health::Unhealthy), (60, Health::Healthy)])]
    #[case::a_target_that_never_answers_is_unhealthy(None, None, &[(0, Health::Initial), (20, Health::Unhealthy)])]
    #[case::a_target_that_stops_answering_turns_unhealthy_at_the_threshold(Some(0), Some(101), &[(0, Health::Initial), (10, Health::Healthy), (120, Health::Unhealthy)])]
    #[case::a_target_that_stops_before_its_first_check_never_passes(Some(0), Some(5), &[(0, Health::Initial), (20, Health::Unhealthy)])]
    fn the_course_of_a_target(
        #[case] answers: Option<u32>,
        #[case] fails: Option<u32>,
        #[case] expected: &[(u32, Health)],
    ) {
        let course = Course::of(&check(), at(0), answers.map(at), fails.map(at));
        let expected = expected
            .iter()
            .map(|(seconds, health)| (at(*seconds), *health))
            .collect();
        assert_eq!(course, Course(expected));
    }

    #[test]
    fn a_target_that_recovers_within_the_grace_period_is_never_found_unhealthy() {
        let slow = Course::of(&check(), at(0), Some(at(35)), None);
        assert_eq!(slow.unhealthy_from(at(30)), Some(at(30)));
        assert_eq!(slow.unhealthy_from(at(60)), None);
        assert_eq!(slow.at(at(25)), Health::Unhealthy);
    }

    #[test]
    fn a_target_is_healthy_between_its_first_pass_and_its_failure() {
        let course = Course::of(&check(), at(10), Some(at(0)), Some(at(101)));
        assert_eq!(course.healthy_from(at(0)), Some(at(20)));
        assert_eq!(course.healthy_from(at(50)), Some(at(50)));
        assert_eq!(course.healthy_from(at(120)), None);
        assert_eq!(course.out_from(at(0)), Some(at(0)), "before its checks begin");
        assert_eq!(course.out_from(at(20)), Some(at(120)));
        let sound = Course::of(&check(), at(10), Some(at(0)), None);
        assert_eq!(sound.out_from(at(20)), None);
    }
}
