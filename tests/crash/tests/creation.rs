//! Creating the reference stack, with and without a crash at every mutating call.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rstest::rstest;
use windlass_calls::ec2::{self, RouteTarget};
use windlass_calls::{CallError, Effect, Request};
use windlass_crash::{Lab, Scenario, Step, Stopped, sweep, verify, verify_quickly};
use windlass_sim::{Lag, Peers, TraceEntry, Verdict, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
/// What the reference stack leaves out.
const OTHERS: &str = include_str!("others.yaml");
const GATE: &str = include_str!("../../../events/specs/gate.yaml");
/// Far more messages than any creation takes.
const LIMIT: usize = 400;
/// Seconds.
const LONGEST_LAG: u32 = 60;

/// Every example, under the name of the labs' stack.
fn examples() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/specs");
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let specs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut examples: Vec<(String, String)> = specs
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace(&format!("name: {name}"), "name: web");
            (name, text)
        })
        .collect();
    examples.sort();
    examples
}

#[test]
fn every_example_becomes_ready_and_stays_so() {
    let examples = examples();
    assert!(examples.len() >= 10, "only {} examples", examples.len());
    for (name, spec) in examples {
        let config = WorldConfig {
            instances_need_internet: !spec.contains("nat: none"),
            ..WorldConfig::default()
        };
        let lab = Lab::new(config, 1);
        lab.upload(&spec.replace("apply: plan", "apply: auto"));
        assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{name}");
        verify(&lab).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
}

/// Checks a stack once AWS shows all of it: until then a look waits for what it knows to be there.
fn seen(lab: &Lab) -> Result<(), String> {
    lab.sim.advance(SignedDuration::from_secs(LONGEST_LAG.into()));
    verify_quickly(lab)
}

#[rstest]
fn creation_survives_a_crash_at_every_mutating_call(
    #[values(Lag::None, Lag::Seeded { seed: 3, max: LONGEST_LAG })] lag: Lag,
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    sweep_creation(WEB, lag, &crash);
}

#[rstest]
fn creation_of_the_other_kinds_survives_it_too(
    #[values(OTHERS, GATE)] spec: &str,
    #[values(Verdict::CrashBefore(Peers::All), Verdict::CrashAfter(Peers::None))] crash: Verdict,
) {
    sweep_creation(
        spec,
        Lag::Seeded {
            seed: 5,
            max: LONGEST_LAG,
        },
        &crash,
    );
}

fn sweep_creation(spec: &str, lag: Lag, crash: &Verdict) {
    let config = WorldConfig {
        visibility_lag: lag,
        elb_lag: lag,
        autoscaling_lag: lag,
        monitoring_lag: lag,
        ..WorldConfig::default()
    };
    let scenario = Scenario {
        before: &Lab::new(config, 7),
        act: &|lab| lab.upload(spec),
        check: &seen,
    };
    let calls = sweep(&scenario, crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls > 50, "{calls}");
}

/// Calls that cannot be repeated (rule 33), as far as they took effect.
fn made_once(lab: &Lab) -> usize {
    let trace = lab.sim.trace();
    let made = trace
        .iter()
        .filter(|entry| entry.request.effect() == Effect::Once && entry.outcome.applied());
    made.count()
}

/// The pass dies, somebody looks as soon as its lease is over, and AWS still does not show what it made: nothing is made a
/// second time, not even for a while.
#[rstest]
fn what_cannot_be_repeated_is_made_once_although_its_pass_dies_and_it_shows_late(
    #[values(
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All),
        Verdict::LoseAnswer
    )]
    fault: Verdict,
) {
    let late = Lag::Seeded { seed: 3, max: 250 };
    let config = WorldConfig {
        visibility_lag: late,
        ..WorldConfig::default()
    };
    let created = |at: Option<u64>| {
        let lab = Lab::new(config.clone(), 1);
        let fault = fault.clone();
        lab.sim.set_faults(Some(Box::new(move |sent| {
            if at.is_some() && sent.mutating_index == at {
                fault.clone()
            } else {
                Verdict::Deliver
            }
        })));
        lab.upload(WEB);
        for _ in 0..LIMIT {
            match lab.step() {
                None => break,
                Some(Step::Crashed | Step::Returned(_)) => lab.look(),
                Some(_) => {}
            }
        }
        lab.sim.advance(lab.settings.consistency);
        lab
    };
    let undisturbed = created(None);
    let trace = undisturbed.sim.trace();
    let calls = trace.iter().filter(|entry| entry.request.effect().is_mutating());
    let once = (0_u64..)
        .zip(calls)
        .filter(|(_, entry)| entry.request.effect() == Effect::Once);
    let (once, wanted): (Vec<u64>, _) = (once.map(|(at, _)| at).collect(), made_once(&undisturbed));
    assert!(once.len() >= 10, "{once:?}");
    let calls = once.len();
    let wrong: Vec<String> = once
        .into_iter()
        .filter_map(|at| {
            let lab = created(Some(at));
            let made = made_once(&lab);
            let wrong = verify_quickly(&lab).err();
            let wrong = wrong.or((made != wanted).then(|| format!("{made} calls instead of {wanted}")));
            wrong.map(|wrong| format!("at mutating call {at}: {wrong}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{fault:?} {} of {calls}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What AWS does not show yet, and did not answer, is waited for, and not sent again.
#[test]
fn no_pass_sends_the_same_call_twice() {
    let late = Lag::Seeded {
        seed: 3,
        max: LONGEST_LAG,
    };
    let config = WorldConfig {
        visibility_lag: late,
        elb_lag: late,
        autoscaling_lag: late,
        monitoring_lag: late,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(WEB);
    lab.sim
        .set_faults(Some(Box::new(|sent| match sent.mutating_index {
            Some(number) if number % 3 == 0 && sent.request.service() != "s3" => Verdict::LoseAnswer,
            _ => Verdict::Deliver,
        })));
    for _ in 0..LIMIT {
        let before = lab.sim.trace().len();
        if lab.step().is_none() {
            break;
        }
        let trace = lab.sim.trace();
        let own = |entry: &&TraceEntry| matches!(entry.request.service(), "s3" | "sqs");
        let sent = trace[before..]
            .iter()
            .filter(|entry| entry.request.effect().is_mutating() && !own(entry));
        let mut seen = BTreeSet::new();
        for entry in sent {
            assert!(seen.insert(entry.request.clone()), "{entry}");
        }
    }
    verify(&lab).unwrap();
}

/// NAT gateways are available long before: what starts without a way out installs nothing, and stays so (rule 39).
#[rstest]
fn no_instance_starts_before_the_public_subnets_have_a_route(
    #[values("asg", "ec2")] mode: &str,
    #[values("ec2:CreateRoute", "ec2:AssociateRouteTable")] late: &'static str,
) {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(&format!(
        "network: {{zones: 2, nat: single}}\ncompute: {{mode: {mode}, app: {{packages: [nginx]}}}}\nscaling: {{min: 2}}\n"
    ));
    let until = lab.sim.now() + SignedDuration::from_mins(10);
    let mut public = None;
    lab.sim.set_faults(Some(Box::new(move |sent| {
        let concerned = match sent.request {
            Request::Ec2(ec2::Request::CreateRoute(route)) => {
                let of_public = matches!(route.target, RouteTarget::InternetGateway(_));
                public = public.take().or(of_public.then(|| route.route_table.clone()));
                of_public
            }
            Request::Ec2(ec2::Request::AssociateRouteTable(one)) => {
                public.as_ref().is_none_or(|public| *public == one.route_table)
            }
            _ => false,
        };
        if concerned && sent.request.action() == late && sent.now < until {
            Verdict::Fail(CallError::answered(
                late,
                "RequestLimitExceeded",
                "Request limit exceeded.",
                503,
            ))
        } else {
            Verdict::Deliver
        }
    })));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    let starts = ["ec2:RunInstances", "autoscaling:CreateAutoScalingGroup"];
    let trace = lab.sim.trace();
    let started = trace.iter().find(|entry| starts.contains(&entry.action()));
    assert!(started.unwrap().at >= until, "{}", started.unwrap());
}
