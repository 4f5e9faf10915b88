//! From a status to what people want to see of it: pure text, for the live display and for plain lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_engine::{Phase, ResourceState, Status, StatusError, WaitingOn};

/// How far the resources of one kind are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Kind {
    ready: usize,
    total: usize,
    begun: usize,
    failed: usize,
}

impl Kind {
    fn done(&self) -> bool {
        self.ready == self.total
    }
}

/// Resources that are ready, and all of them.
pub(crate) fn counts(status: &Status) -> (usize, usize) {
    let ready = status
        .resources
        .values()
        .filter(|state| **state == ResourceState::Ready);
    (ready.count(), status.resources.len())
}

fn kinds(status: &Status) -> BTreeMap<&str, Kind> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for (id, state) in &status.resources {
        let kind = kinds.entry(id.kind()).or_default();
        kind.total += 1;
        match state {
            ResourceState::Pending => {}
            ResourceState::Waiting | ResourceState::Leaving => kind.begun += 1,
            ResourceState::Ready => kind.ready += 1,
            ResourceState::Failed => kind.failed += 1,
        }
    }
    kinds
}

/// `subnet ×6`, or `vpc` where there is one.
fn several(name: &str, count: usize) -> String {
    if count == 1 {
        name.to_owned()
    } else {
        format!("{name} ×{count}")
    }
}

/// Kinds that are done, in words.
pub(crate) fn done(status: &Status) -> Vec<String> {
    let kinds = kinds(status);
    kinds
        .iter()
        .filter(|(_, kind)| kind.done())
        .map(|(name, kind)| several(name, kind.total))
        .collect()
}

/// One line for each kind that is under way, for each wait, and one for what is still to come.
pub(crate) fn under_way(status: &Status, now: Timestamp) -> Vec<String> {
    let kinds = kinds(status);
    let waited_for = |name: &str| status.waiting_on.iter().any(|wait| wait.resource.kind() == name);
    let begun = kinds.iter().filter(|(name, kind)| {
        !kind.done() && !waited_for(name) && kind.ready + kind.begun + kind.failed > 0
    });
    let mut lines: Vec<String> = begun
        .map(|(name, kind)| {
            let failed = match kind.failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            format!("{name}: {} of {}{failed}", kind.ready, kind.total)
        })
        .collect();
    lines.extend(status.waiting_on.iter().map(|wait| waiting(wait, now)));
    let to_come: Vec<&str> = kinds
        .iter()
        .filter(|(name, kind)| kind.ready + kind.begun + kind.failed == 0 && !waited_for(name))
        .map(|(name, _)| *name)
        .collect();
    if !to_come.is_empty() {
        lines.push(format!("to come: {}", to_come.join(", ")));
    }
    lines
}

/// `nat-gateway/a: the NAT gateway is pending (12 s)`.
fn waiting(wait: &WaitingOn, now: Timestamp) -> String {
    let seconds = now.duration_since(wait.since).as_secs().max(0);
    format!("{}: {} ({seconds} s)", wait.resource, wait.reason)
}

/// What is new since the status before, as plain lines.
pub(crate) fn changes(before: Option<&Status>, after: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let (ready, total) = counts(after);
    if before.is_none_or(|before| before.phase != after.phase) {
        let so_far = match total {
            0 => String::new(),
            total => format!(", {ready} of {total} resources ready"),
        };
        lines.push(format!("{} {:?}{so_far}", after.stack, after.phase));
    }
    let known = before.map(done).unwrap_or_default();
    let new: Vec<String> = done(after)
        .into_iter()
        .filter(|kind| !known.contains(kind))
        .collect();
    if !new.is_empty() {
        lines.push(format!("  done     {} ({ready} of {total})", new.join(", ")));
    }
    let waited = |wait: &WaitingOn| {
        before.is_some_and(|before| {
            let mut waits = before.waiting_on.iter();
            waits.any(|other| other.resource == wait.resource && other.reason == wait.reason)
        })
    };
    let waits = after.waiting_on.iter().filter(|wait| !waited(wait));
    lines.extend(waits.map(|wait| format!("  waiting  {}: {}", wait.resource, wait.reason)));
    let said = |error: &StatusError| before.is_some_and(|before| before.errors.contains(error));
    let errors = after.errors.iter().filter(|error| !said(error));
    // A stack that needs a person gets its errors in the closing report.
    let ended = matches!(after.phase, Phase::Rejected | Phase::Failed);
    lines.extend(errors.filter(|_| !ended).flat_map(error));
    lines
}

/// An error in one line for its place, and one for what to do.
pub(crate) fn error(error: &StatusError) -> Vec<String> {
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        _ => String::new(),
    };
    let path = match error.path.as_str() {
        "" => String::new(),
        path => format!("{path}: "),
    };
    let mut lines = vec![format!("  error    {place}{path}{}", error.message)];
    lines.extend(error.hint.iter().map(|hint| format!("           hint: {hint}")));
    lines
}

#[cfg(test)]
pub(crate) mod tests {
    use windlass_planner::Id;

    use super::*;

    pub(crate) fn at(second: i8) -> Timestamp {
        format!("2026-05-04T09:12:{second:02}Z").parse().unwrap()
    }

    fn wait(resource: Id, reason: &str) -> WaitingOn {
        WaitingOn {
            resource,
            reason: reason.into(),
            since: at(10),
        }
    }

    /// A stack whose network is there and whose gateways are warming up.
    pub(crate) fn provisioning() -> Status {
        let ready = ["vpc", "subnet/public-a", "subnet/public-b"];
        let waiting = ["nat-gateway/a", "load-balancer"];
        let pending = ["nat-gateway/b", "auto-scaling-group", "targets"];
        let id = |text: &&str| match text.split_once('/') {
            Some((kind, part)) => Id::of(kind, part),
            None => Id::only(text),
        };
        let states = ready.iter().map(|text| (id(text), ResourceState::Ready));
        let states = states.chain(waiting.iter().map(|text| (id(text), ResourceState::Waiting)));
        let states = states.chain(pending.iter().map(|text| (id(text), ResourceState::Pending)));
        Status {
            stack: "dev/web".into(),
            phase: Phase::Provisioning,
            spec_version: "v1".into(),
            waiting_on: vec![
                wait(Id::of("nat-gateway", "a"), "the NAT gateway is pending"),
                wait(Id::only("load-balancer"), "the load balancer is provisioning"),
            ],
            resources: states.collect(),
            ..Status::default()
        }
    }

    pub(crate) fn failing() -> Status {
        let before = provisioning();
        let mut resources = before.resources.clone();
        resources.insert(Id::only("load-balancer"), ResourceState::Ready);
        resources.insert(Id::of("nat-gateway", "a"), ResourceState::Failed);
        Status {
            phase: Phase::Failed,
            waiting_on: vec![],
            errors: vec![StatusError {
                path: "nat-gateway/a".into(),
                message: "AWS says: the subnet has no free addresses".into(),
                hint: Some("free some".into()),
                ..StatusError::default()
            }],
            resources,
            ..before
        }
    }

    #[test]
    fn the_live_lines_show_what_is_under_way_and_since_when() {
        let text = format!(
            "done: {}\n{}",
            done(&provisioning()).join(", "),
            under_way(&provisioning(), at(22)).join("\n")
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_plain_lines_show_what_is_new() {
        let first = changes(None, &provisioning());
        let degraded = Status {
            phase: Phase::Degraded,
            ..failing()
        };
        let second = changes(Some(&provisioning()), &degraded);
        let third = changes(Some(&degraded), &failing());
        let separator = vec!["--".to_owned()];
        let all = [first, separator.clone(), second, separator, third];
        insta::assert_snapshot!(all.concat().join("\n"));
    }

    #[test]
    fn a_status_that_says_the_same_makes_no_line() {
        assert_eq!(changes(Some(&failing()), &failing()), [""; 0]);
    }
}
