//! Instances that wait to be let into service: who is let in, who is given up and why, and what becomes of lost, repeated
//! and failing calls and events on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::autoscaling::{self, HookResult};
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Request};
use windlass_crash::{LIFECYCLE, Lab, STATE_BUCKET, Step, Stopped, trouble, verify, verify_gone};
use windlass_engine::Phase;
use windlass_sim::{TraceEntry, Verdict, WorldConfig};

#[path = "../../../shared/calls/tests/template/mod.rs"]
mod template;

const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: load-balancer, timeout: 5m}}
";
const LIMIT: usize = 3000;
/// What `dnf` prints of a package that it does not know.
const MISSPELT: &str = "[   31.4] cloud-init[1621]: No match for argument: ngnix\n\
                        [   31.5] cloud-init[1621]: Error: Unable to find a match: ngnix\n";

fn lab(seed: u64) -> Lab {
    let lab = Lab::new(WorldConfig::default(), seed);
    lab.upload(GATED);
    lab
}

/// Runs messages until something is so.
fn until(lab: &Lab, what: &str, is_so: impl Fn(&Lab) -> bool) {
    for _ in 0..LIMIT {
        if is_so(lab) {
            return;
        }
        lab.step()
            .unwrap_or_else(|| panic!("nothing happens any more, and never was it so: {what}"));
    }
    panic!("never was it so: {what}");
}

fn quiet(lab: &Lab) {
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
}

fn ready() -> Lab {
    let lab = lab(1);
    quiet(&lab);
    verify(&lab).unwrap();
    lab
}

/// Waits that were ended so: when, and for which instance.
fn ended(lab: &Lab, wanted: HookResult) -> Vec<(Timestamp, String)> {
    let trace = lab.sim.trace();
    let ended = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::CompleteLifecycleAction(complete))
            if complete.hook == "windlass-launch" && complete.result == wanted && entry.outcome.applied() =>
        {
            Some((entry.at, complete.instance.clone()))
        }
        _ => None,
    });
    ended.collect()
}

/// Puts a message on the lifecycle queue.
fn send(lab: &Lab, body: &str, delay: u16) {
    let now = lab.sim.now();
    let send = SendMessage {
        queue: LIFECYCLE.into(),
        body: body.into(),
        delay,
    };
    lab.sim.world_mut().call(now, send).unwrap();
}

#[test]
fn every_instance_is_let_in_by_the_gate_and_the_stack_is_ready() {
    let lab = ready();
    let admitted: BTreeSet<String> = ended(&lab, HookResult::Continue)
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    assert_eq!(admitted, lab.in_service());
    assert_eq!(admitted.len(), 2);
    assert!(lab.readiness().memory.waiting.is_empty());
}

#[test]
fn the_status_says_who_waits_at_the_gate() {
    let lab = lab(1);
    let mut said = BTreeSet::new();
    for _ in 0..LIMIT {
        if lab.step().is_none() {
            break;
        }
        let waits = lab.status().map(|status| status.waiting_on).unwrap_or_default();
        said.extend(waits.into_iter().map(|wait| wait.reason));
    }
    let gate = said
        .iter()
        .any(|reason| reason.contains("0 of 2 instances in service, 2 wait at the gate"));
    assert!(gate, "{said:#?}");
}

/// An instance that nobody can check would only wait.
#[test]
fn no_instance_is_launched_before_the_load_balancer_can_check_it() {
    let lab = lab(1);
    let until = lab.now() + SignedDuration::from_mins(8);
    lab.sim
        .set_faults(Some(Box::new(move |sent| match sent.request.action() {
            action @ "elasticloadbalancing:CreateRule" if sent.now < until => {
                Verdict::Fail(CallError::answered(action, "Throttling", "Rate exceeded", 400))
            }
            _ => Verdict::Deliver,
        })));
    quiet(&lab);
    verify(&lab).unwrap();
    let trace = lab.sim.trace();
    let group = trace
        .iter()
        .find(|entry| entry.action() == "autoscaling:CreateAutoScalingGroup")
        .unwrap();
    assert!(group.at >= until, "{group}");
}

/// Its time does not run while the load balancer does not check it.
#[test]
fn nobody_is_given_up_whom_nobody_checked() {
    let lab = lab(1);
    let until = lab.now() + SignedDuration::from_mins(12);
    lab.sim
        .set_faults(Some(Box::new(move |sent| match sent.request.action() {
            action @ "elasticloadbalancing:RegisterTargets" if sent.now < until => {
                Verdict::Fail(CallError::answered(action, "AccessDenied", "no", 403))
            }
            _ => Verdict::Deliver,
        })));
    quiet(&lab);
    assert!(lab.now() >= until, "its five minutes were over long ago");
    assert_eq!(ended(&lab, HookResult::Abandon), []);
    verify(&lab).unwrap();
}

/// Two intervals of the probe's checks, and ten seconds.
#[test]
fn a_healthy_instance_waits_no_longer_than_it_must() {
    let lab = ready().fork(1);
    let gone = lab.in_service().into_iter().next().unwrap();
    lab.sim.world_mut().terminate_instance(&gone);
    let died = lab.sim.now();
    // The group notices after a minute, and the instance answers half a minute after its launch.
    let answers = died + SignedDuration::from_secs(60 + 30);
    lab.sim.world_mut().settle(answers);
    quiet(&lab);
    let [(at, _)] = ended(&lab, HookResult::Continue).try_into().unwrap();
    let waited = at.duration_since(answers);
    assert!(waited <= SignedDuration::from_secs(2 * 5 + 10), "{waited:#}");
}

/// Beyond the looks: one to see who waits, one to register, one to let go on, one to leave the probe. What the provision
/// function reads for the status, once after all launches of a time, is not among them.
#[test]
fn a_launch_takes_at_most_6_calls_and_a_look_1() {
    let lab = ready().fork(1);
    let gone = lab.in_service().into_iter().next().unwrap();
    lab.sim.world_mut().terminate_instance(&gone);
    let noticed = lab.sim.now() + SignedDuration::from_secs(61);
    lab.sim.world_mut().settle(noticed);
    let (mut looks, mut passes) = (0, 0);
    let mut calls: Vec<&str> = Vec::new();
    loop {
        let before = lab.sim.trace().len();
        match lab.step() {
            Some(Step::Looked(_)) => looks += 1,
            Some(_) => {
                passes += 1;
                continue;
            }
            None => break,
        }
        let trace = lab.sim.trace();
        let aws = trace[before..].iter().map(TraceEntry::action);
        calls.extend(aws.filter(|action| !action.starts_with("s3:") && !action.starts_with("sqs:")));
    }
    let is_poll = |action: &&&str| **action == "elasticloadbalancing:DescribeTargetHealth";
    let polls = calls.iter().filter(is_poll).count();
    assert!(polls <= looks, "{polls} of {looks}");
    assert!(calls.len() - polls <= 6, "{calls:?}");
    assert_eq!(passes, 1, "the status names the new one");
    assert_eq!(lab.status().unwrap().outputs.instance_ids.len(), 2);
    assert!(!lab.status().unwrap().outputs.instance_ids.contains(&gone));
}

#[test]
fn what_never_gets_healthy_is_given_up_with_its_cause_and_after_three_rounds_nothing_is_launched_any_more() {
    let lab = Lab::new(
        WorldConfig {
            broken_app: true,
            console: MISSPELT.into(),
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload(&GATED.replace("nginx", "ngnix"));
    for _ in 0..LIMIT {
        assert_eq!(lab.in_service(), BTreeSet::new());
        if lab.status().is_some_and(|status| status.phase == Phase::Degraded) {
            break;
        }
        lab.step();
    }
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Degraded, "{status:#?}");
    let said = format!("{:?}", status.unhealthy_instances);
    assert!(said.contains("ngnix") && said.contains("nginx"), "{said}");
    let rounds = ended(&lab, HookResult::Abandon);
    assert_eq!(rounds.len(), 6, "{rounds:?}");
    let (now, list) = (
        lab.sim.now(),
        ListObjectsV2 {
            bucket: STATE_BUCKET.into(),
            prefix: "journal/dev/web/".into(),
        },
    );
    let journal = lab.sim.world_mut().call(now, list).unwrap();
    assert!(
        journal.iter().any(|key| key.contains("rejected-i-")),
        "{journal:?}"
    );
    // A corrected spec is tried at once, and what was suspended goes on.
    lab.sim.world_mut().config_mut().broken_app = false;
    lab.upload(GATED);
    quiet(&lab);
    verify(&lab).unwrap();
    assert_eq!(lab.status().unwrap().unhealthy_instances, []);
}

/// What was wrong may have been elsewhere: a package mirror, a database. One instance is tried after a quarter of an hour, the
/// next after half an hour, and so on; the first one that gets healthy ends it. Meanwhile the group wants one more than it
/// has, which no pass takes back, and afterwards what it wanted.
#[test]
fn a_suspended_group_is_tried_now_and_then_and_serves_once_what_was_wrong_is_right() {
    let lab = Lab::new(
        WorldConfig {
            broken_app: true,
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload(GATED);
    let suspended = |lab: &Lab| lab.readiness().suspended;
    until(&lab, "suspended", |lab| suspended(lab).is_some());
    assert_eq!(ended(&lab, HookResult::Abandon).len(), 6);
    // Somebody asks for more: that is kept.
    lab.want("windlass-dev-web", 3);
    for (minutes, given_up) in [(15, 7), (30, 8), (60, 9)] {
        let since = suspended(&lab).unwrap().at;
        until(&lab, "tried again", |lab| suspended(lab).is_none());
        assert_eq!(lab.now().duration_since(since).as_mins(), minutes);
        lab.sim.advance(SignedDuration::from_secs(30));
        lab.look();
        until(&lab, "looked at", |lab| {
            !lab.readiness().memory.waiting.is_empty()
        });
        assert_eq!(bounds(&lab), (1, 1), "one at a time");
        until(&lab, "suspended again", |lab| suspended(lab).is_some());
        assert_eq!(ended(&lab, HookResult::Abandon).len(), given_up, "one of them");
        assert_eq!(bounds(&lab), (2, 3), "what it wanted");
        let status = lab.status().unwrap();
        assert_eq!(status.phase, Phase::Degraded);
        assert!(!status.unhealthy_instances.is_empty());
    }
    lab.sim.advance(SignedDuration::from_secs(5));
    drop(lab.step());
    let said = lab.status().unwrap().errors;
    assert!(said[0].message.contains("neither scales nor heals"), "{said:?}");
    lab.sim.world_mut().config_mut().broken_app = false;
    quiet(&lab);
    verify(&lab).unwrap();
    assert_eq!(lab.status().unwrap().unhealthy_instances, []);
    assert_eq!(lab.readiness().canaries, 0);
}

/// How many instances the group keeps at least, and how many it wants.
fn bounds(lab: &Lab) -> (u32, u32) {
    let group = lab.group("windlass-dev-web");
    (group.settings.min, group.desired)
}

/// The instances that serve go on, and no new one gets a request.
#[test]
fn a_version_that_never_gets_healthy_takes_nothing_away() {
    let lab = ready().fork(1);
    let before = lab.in_service();
    lab.sim.world_mut().config_mut().broken_versions = [2].into();
    lab.upload(&GATED.replace("[nginx]", "[nginx, htop]"));
    for _ in 0..LIMIT {
        assert_eq!(lab.in_service(), before);
        if lab.step().is_none() {
            break;
        }
    }
    let status = lab.status().unwrap();
    assert!(
        matches!(status.phase, Phase::Degraded | Phase::Failed),
        "{status:#?}"
    );
    assert!(!status.unhealthy_instances.is_empty());
    lab.upload(&GATED.replace("[nginx]", "[nginx, vim]"));
    quiet(&lab);
    verify(&lab).unwrap();
}

/// Every event comes three times, some late.
#[rstest]
fn repeated_and_late_events_complete_nothing_wrongly(#[values(1, 2, 3)] seed: u64) {
    let lab = lab(seed);
    let mut late = Vec::new();
    let mut known = BTreeSet::new();
    for _ in 0..LIMIT {
        let messages = lab.sim.world().messages(LIFECYCLE).to_vec();
        for message in messages
            .into_iter()
            .filter(|message| message.body.contains("detail-type"))
        {
            if known.insert(message.id.clone()) {
                send(&lab, &message.body, 0);
                send(&lab, &message.body, 40);
                late.push(message.body.clone());
            }
        }
        known.extend(
            lab.sim
                .world()
                .messages(LIFECYCLE)
                .iter()
                .map(|message| message.id.clone()),
        );
        if lab.step().is_none() {
            break;
        }
    }
    verify(&lab).unwrap();
    for body in late {
        send(&lab, &body, 0);
    }
    quiet(&lab);
    verify(&lab).unwrap();
    assert_eq!(ended(&lab, HookResult::Continue).len(), 2);
    assert_eq!(ended(&lab, HookResult::Abandon), []);
}

/// Five hundred launches in all: calls fail, answers are lost, the function dies.
#[rstest]
fn whatever_fails_on_the_way_nobody_who_is_not_healthy_serves(#[values(0, 1, 2, 3, 4)] part: u64) {
    let many = GATED.replace("min: 2, max: 4", "min: 5, max: 9");
    let before = Lab::new(WorldConfig::default(), 1);
    before.upload(&many);
    quiet(&before);
    let mut launches = 0;
    for seed in part * 20..(part + 1) * 20 {
        let lab = before.fork(seed);
        lab.sim.set_faults(Some(Box::new(trouble(seed, seed % 7 + 8))));
        let broken = seed % 3 == 0;
        lab.sim.world_mut().config_mut().broken_app = broken;
        let old = lab.in_service();
        for id in &old {
            lab.sim.world_mut().terminate_instance(id);
        }
        let until = lab.sim.now() + SignedDuration::from_mins(25);
        while lab.sim.now() < until {
            let now = lab.sim.now();
            lab.sim.world_mut().settle(now);
            if broken {
                let new: Vec<String> = lab.in_service().difference(&old).cloned().collect();
                assert_eq!(new, Vec::<String>::new(), "seed {seed}");
            }
            if lab.step().is_none() {
                lab.sim.advance(SignedDuration::from_secs(20));
            }
        }
        launches += ended(&lab, HookResult::Continue).len() + ended(&lab, HookResult::Abandon).len();
        lab.sim.set_faults(None);
        lab.sim.world_mut().config_mut().broken_app = false;
        lab.sim.advance(lab.settings.lease);
        lab.upload(&many);
        quiet(&lab);
        verify(&lab).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(launches >= 100, "{launches}");
}

/// The probe that they were registered with is replaced, the gate given up, or the stack destroyed, while instances wait.
#[rstest]
#[case::another_port(Some(GATED.replace("[nginx]", "[nginx], port: 8080")))]
#[case::another_scheme(Some(format!("{GATED}loadBalancer: {{scheme: internal}}\n")))]
#[case::no_gate(Some(GATED.replace("verify: load-balancer, ", "")))]
#[case::no_stack(None)]
fn what_instances_wait_for_may_change_meanwhile(
    #[case] after: Option<String>,
    #[values(false, true)] broken: bool,
) {
    let allowed = |spec: &str| format!("allowReplace: true\n{spec}");
    let lab = Lab::new(
        WorldConfig {
            broken_app: broken,
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload(&allowed(GATED));
    until(&lab, "somebody waits", |lab| {
        !lab.readiness().memory.waiting.is_empty()
    });
    lab.sim.world_mut().config_mut().broken_app = false;
    match &after {
        Some(after) => lab.upload(&allowed(after)),
        None => lab.delete_spec(),
    }
    quiet(&lab);
    if after.is_some() {
        verify(&lab).unwrap();
        assert_eq!(lab.in_service().len(), 2);
    } else {
        verify_gone(&lab).unwrap();
    }
    assert!(lab.readiness().memory.waiting.is_empty(), "{:?}", lab.readiness());
}

#[test]
fn a_gated_stack_goes_to_the_last_piece() {
    let lab = ready().fork(1);
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
}

/// While instances wait.
#[test]
fn a_gated_stack_that_is_destroyed_while_instances_wait_goes_too() {
    let lab = Lab::new(
        WorldConfig {
            broken_app: true,
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload(GATED);
    until(&lab, "somebody waits", |lab| {
        !lab.readiness().memory.waiting.is_empty()
    });
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
}

/// Actions that AWS checks besides the calls themselves: the event source, and the function's log.
const IMPLIED: [&str; 5] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

#[test]
fn the_functions_role_allows_exactly_what_it_sends() {
    let lab = Lab::new(
        WorldConfig {
            broken_app: true,
            ..WorldConfig::default()
        },
        1,
    );
    // A heartbeat becomes due in the last third of a long wait.
    let told = "monitoring: {notify: ['ops@example.com']}\n";
    lab.upload(&format!("{}{told}", GATED.replace("timeout: 5m", "timeout: 10m")));
    for _ in 0..LIMIT {
        if lab.status().is_some_and(|status| status.phase == Phase::Degraded) || lab.step().is_none() {
            break;
        }
    }
    // One is tried.
    until(&lab, "tried again", |lab| lab.readiness().canaries > 0);
    // And instances that serve leave.
    lab.sim.world_mut().config_mut().broken_app = false;
    lab.upload(GATED);
    quiet(&lab);
    lab.delete_spec();
    quiet(&lab);
    let mut looked = lab.looked();
    let spot = Lab::new(WorldConfig::default(), 1);
    spot.upload(&GATED.replace("{app:", "{spot: {onDemandBase: 0, onDemandPercent: 0}, app:"));
    quiet(&spot);
    let one = spot.in_service().into_iter().next().unwrap();
    assert!(spot.sim.world_mut().interrupt_spot(&one));
    spot.step();
    looked.extend(spot.looked());
    let sent = looked.into_iter().map(template::iam_name);
    let needed: BTreeSet<String> = sent
        .chain(IMPLIED)
        .chain(["s3:ListBucket"])
        .map(str::to_owned)
        .collect();
    assert_eq!(template::allowed("LifecycleFunctionRole"), needed);
}
