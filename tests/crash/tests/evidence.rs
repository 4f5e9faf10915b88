//! Instances that are given up: what is found out about them first, that nothing keeps them when it cannot be found out, and
//! who is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::Value;
use windlass_calls::autoscaling::{self, HookResult};
use windlass_calls::ec2::{DescribeRouteTables, DescribeSecurityGroups};
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::{CallError, Filters, Request};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, stack, verify};
use windlass_engine::{Phase, Readiness, readiness_key, status_key};
use windlass_sim::{Verdict, WorldConfig};

const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: load-balancer, timeout: 5m}}
monitoring: {notify: ['ops@example.com']}
";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:windlass-dev-web";
const LIMIT: usize = 3000;
const SECRET: &str = "hunter2";
/// Port 3000 is open, and 80 is what is checked.
const ELSEWHERE: &str = "<units>\n</units>\n<sockets>\n\
                         LISTEN 0      128          0.0.0.0:22         0.0.0.0:*\n\
                         LISTEN 0      511                *:3000             *:*\n\
                         </sockets>\n<cloud-init>\nstatus: done\n</cloud-init>\n<containers>\n";

/// What `dnf` prints without a way to its mirror.
const NO_MIRROR: &str = "[ 21.1] cloud-init[17]:   - Curl error (28): Timeout was reached for https://mirror/list [Failed to \
                         connect to mirror port 443 after 15201 ms: Connection timed out]\n\
                         [ 22.1] cloud-init[17]: Error: Failed to download metadata for repo 'amazonlinux'\n";

/// Whose instances never get healthy, and say this of themselves.
fn broken(output: &str) -> WorldConfig {
    WorldConfig {
        broken_app: true,
        command_output: output.into(),
        ..WorldConfig::default()
    }
}

/// As far as the third failed round.
fn degraded(config: WorldConfig) -> Lab {
    let lab = Lab::new(config, 1);
    lab.upload(GATED);
    until_degraded(&lab);
    lab
}

fn until_degraded(lab: &Lab) {
    for _ in 0..LIMIT {
        if lab.status().is_some_and(|status| status.phase == Phase::Degraded) || lab.step().is_none() {
            break;
        }
    }
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Degraded, "{status:#?}");
}

/// Waits that were ended so: when, and for which instance.
fn ended(lab: &Lab, wanted: HookResult) -> Vec<(Timestamp, String)> {
    let trace = lab.sim.trace();
    let ended = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::CompleteLifecycleAction(complete))
            if complete.result == wanted && entry.outcome.applied() =>
        {
            Some((entry.at, complete.instance.clone()))
        }
        _ => None,
    });
    ended.collect()
}

/// When calls of an action were sent.
fn sent(lab: &Lab, action: &str) -> Vec<Timestamp> {
    let trace = lab.sim.trace();
    let entries = trace.iter().filter(|entry| entry.action() == action);
    entries.map(|entry| entry.at).collect()
}

/// The text of an object of the state bucket.
fn text(lab: &Lab, key: &str) -> String {
    let world = lab.sim.world();
    let body = world.object(STATE_BUCKET, key).unwrap_or_default();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The journal's entries about instances that were given up.
fn entries(lab: &Lab) -> Vec<String> {
    let list = ListObjectsV2 {
        bucket: STATE_BUCKET.into(),
        prefix: "journal/dev/web/".into(),
    };
    let now = lab.sim.now();
    let keys = lab.sim.world_mut().call(now, list).unwrap();
    let rejected = keys.iter().filter(|key| key.contains("rejected-i-"));
    rejected.map(|key| text(lab, key)).collect()
}

/// Cause and remedy of the instance that was given up last.
fn said(lab: &Lab) -> String {
    let rejected = lab.readiness().rejected.pop().unwrap();
    format!("{} {}", rejected.cause, rejected.remedy)
}

fn by_stack() -> Filters {
    Filters::from([("tag:windlass:stack".into(), vec!["dev/web".into()])])
}

#[test]
fn what_an_instance_says_of_itself_decides_the_cause_and_the_remedy() {
    let lab = degraded(broken(ELSEWHERE));
    let said = said(&lab);
    assert!(said.contains("listens on port 3000"), "{said}");
    assert!(said.contains("write 3000 in compute.app.port"), "{said}");
    let status = format!("{:?}", lab.status().unwrap().unhealthy_instances);
    assert!(status.contains("write 3000 in compute.app.port"), "{status}");
    assert_eq!(
        sent(&lab, "ssm:SendCommand").len(),
        ended(&lab, HookResult::Abandon).len(),
        "each is asked once"
    );
}

/// One look sends the command, and the next one reads what it printed.
#[test]
fn an_instance_that_answers_is_given_up_one_look_later() {
    let lab = degraded(broken(ELSEWHERE));
    let asked = sent(&lab, "ssm:SendCommand")[0];
    let (given_up, _) = ended(&lab, HookResult::Abandon)[0];
    let took = given_up.duration_since(asked);
    assert!(took >= SignedDuration::from_secs(5), "{took:#}");
    assert!(took < SignedDuration::from_secs(10), "{took:#}");
}

#[test]
fn every_part_of_the_evidence_is_in_the_journal() {
    let lab = degraded(broken(ELSEWHERE));
    let entry: Value = serde_json::from_str(&entries(&lab)[0]).unwrap();
    let evidence = &entry["evidence"];
    for part in [
        "/target/reason",
        "/check/timeout",
        "/loadBalancer/state",
        "/instance/systemStatus",
        "/instance/instanceStatus",
        "/agent/listening/1/port",
        "/agent/cloudInit",
        "/network/balancerGroups/0/egress/0/ports",
        "/network/instanceGroups/0/ingress/0/ports",
        "/network/balancerSubnets/1/zone",
        "/network/subnet/cidr",
        "/network/routeTable/routes/1/target",
        "/network/natGateways/0/state",
        "/asked/port",
    ] {
        assert!(
            evidence.pointer(part).is_some_and(|value| !value.is_null()),
            "{part}: {evidence:#}"
        );
    }
    assert!(evidence["console"].is_null());
}

#[test]
fn an_instance_whose_agent_never_registered_is_given_up_at_once() {
    let lab = degraded(WorldConfig {
        agent_delay: None,
        ..broken(ELSEWHERE)
    });
    assert_eq!(sent(&lab, "ssm:SendCommand"), []);
    assert_eq!(sent(&lab, "ssm:GetCommandInvocation"), []);
    assert_eq!(ended(&lab, HookResult::Abandon).len(), 6);
    assert!(!said(&lab).contains("3000"), "{}", said(&lab));
    let entry: Value = serde_json::from_str(&entries(&lab)[0]).unwrap();
    assert!(entry["evidence"]["agent"].is_null(), "{entry:#}");
}

/// Four looks, and the one that asks.
#[test]
fn a_command_that_never_ends_is_waited_for_for_twenty_seconds() {
    let lab = degraded(WorldConfig {
        command_delay: None,
        ..broken(ELSEWHERE)
    });
    let asked = sent(&lab, "ssm:SendCommand")[0];
    let (given_up, _) = ended(&lab, HookResult::Abandon)[0];
    let took = given_up.duration_since(asked);
    assert!(took >= SignedDuration::from_secs(20), "{took:#}");
    assert!(took < SignedDuration::from_secs(30), "{took:#}");
    assert_eq!(ended(&lab, HookResult::Continue), []);
    assert!(!said(&lab).contains("3000"), "{}", said(&lab));
}

#[test]
fn failed_status_checks_are_the_cause() {
    let lab = degraded(WorldConfig {
        impaired: true,
        ..broken("")
    });
    assert!(said(&lab).contains("instance status check"), "{}", said(&lab));
}

#[test]
fn a_network_that_leads_nowhere_is_named() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(GATED);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    let now = lab.sim.now();
    let tables = lab
        .sim
        .world_mut()
        .call(now, DescribeRouteTables { filters: by_stack() })
        .unwrap();
    {
        let mut world = lab.sim.world_mut();
        for table in &tables {
            world.delete_route(&table.id, "0.0.0.0/0");
        }
        let config = world.config_mut();
        config.broken_app = true;
        config.console = NO_MIRROR.into();
    }
    let instance = ended(&lab, HookResult::Continue).pop().unwrap().1;
    lab.sim.world_mut().terminate_instance(&instance);
    while ended(&lab, HookResult::Abandon).is_empty() {
        let until = lab.sim.now() + SignedDuration::from_secs(20);
        lab.sim.world_mut().settle(until);
        if lab.step().is_none() {
            lab.sim.advance(SignedDuration::from_secs(20));
        }
    }
    let said = said(&lab);
    assert!(said.contains("has no default route"), "{said}");
    assert!(tables.iter().any(|table| said.contains(&table.id)), "{said}");
    let groups = lab
        .sim
        .world_mut()
        .call(now, DescribeSecurityGroups { filters: by_stack() })
        .unwrap();
    assert!(groups.iter().all(|group| entries(&lab)[0].contains(&group.id)));
}

/// What is found out is worth something, and not the gate itself.
#[rstest]
fn whatever_cannot_be_found_out_nothing_keeps_an_instance_that_is_late(
    #[values(
        "ec2:GetConsoleOutput",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstances",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeNatGateways",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "ssm:DescribeInstanceInformation",
        "ssm:SendCommand",
        "ssm:GetCommandInvocation",
        "sns:Publish"
    )]
    action: &'static str,
    #[values(("AccessDenied", 403), ("InternalError", 500), ("Throttling", 400))] error: (&'static str, u16),
) {
    let lab = Lab::new(broken(ELSEWHERE), 1);
    lab.upload(GATED);
    while !waits(&lab) {
        lab.step().unwrap();
    }
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.action() != action {
            return Verdict::Deliver;
        }
        Verdict::Fail(CallError::answered(action, error.0, "no", error.1))
    })));
    for _ in 0..LIMIT {
        if lab.readiness().suspended.is_some() || lab.step().is_none() {
            break;
        }
    }
    assert!(lab.readiness().suspended.is_some());
    assert_eq!(ended(&lab, HookResult::Abandon).len(), 6);
    assert_eq!(ended(&lab, HookResult::Continue), []);
    // It may be told in the very look that ends the last round.
    lab.step();
    assert!(!sent(&lab, action).is_empty(), "{action} was never tried");
}

/// Whether instances wait.
fn waits(lab: &Lab) -> bool {
    let world = lab.sim.world();
    let read = world.object(STATE_BUCKET, &readiness_key(&stack(), "windlass-dev-web"));
    read.is_some_and(|body| {
        !serde_json::from_slice::<Readiness>(body)
            .unwrap()
            .memory
            .waiting
            .is_empty()
    })
}

#[test]
fn people_are_told_once_a_round_whatever_the_number_of_instances() {
    let lab = degraded(broken(ELSEWHERE));
    assert_eq!(ended(&lab, HookResult::Abandon).len(), 6);
    let world = lab.sim.world();
    let told = world.published();
    assert_eq!(told.len(), 3, "{told:#?}");
    for one in told {
        assert_eq!(one.topic, TOPIC);
        assert_eq!(one.subject, "Windlass: an instance of dev/web was given up");
        for words in [
            "Instance i-",
            "of stack dev/web",
            "Cause: the application listens on port 3000",
            "Remedy: write 3000 in compute.app.port",
            "Evidence: s3://states/journal/dev/web/",
        ] {
            assert!(one.message.contains(words), "{words}: {}", one.message);
        }
    }
    let suspended: Vec<bool> = told
        .iter()
        .map(|one| one.message.contains("Nothing more is launched"))
        .collect();
    assert_eq!(suspended, [false, false, true]);
}

#[test]
fn without_anybody_to_tell_nothing_is_published() {
    let lab = Lab::new(broken(ELSEWHERE), 1);
    lab.upload(GATED.split_once("monitoring").unwrap().0);
    until_degraded(&lab);
    assert_eq!(sent(&lab, "sns:Publish"), []);
}

/// Of the console and of what the spec hands to the application.
#[test]
fn no_secret_is_in_the_journal_the_status_the_memory_or_a_message() {
    let container = format!("container: {{image: 'example/shop:1.4', port: 80, env: {{TOKEN: {SECRET}}}}}");
    let output = format!(
        "{ELSEWHERE}app Up={SECRET}\n</containers>\n{SECRET}\n<units>\napp.service loaded failed failed {SECRET}\n</units>\n"
    );
    let lab = Lab::new(
        WorldConfig {
            console: format!("[ 31.4] cloud-init[1621]: TOKEN={SECRET}\n"),
            ..broken(&output)
        },
        1,
    );
    lab.upload(&GATED.replace("packages: [nginx]", &container));
    until_degraded(&lab);
    assert!(lab.spec_text().unwrap().contains(SECRET));
    let mut kept = entries(&lab);
    assert!(kept.len() >= 6);
    kept.push(text(&lab, &status_key(&stack())));
    kept.push(text(&lab, &readiness_key(&stack(), "windlass-dev-web")));
    kept.extend(lab.sim.world().published().iter().map(|one| format!("{one:?}")));
    for text in kept {
        assert!(!text.is_empty() && !text.contains(SECRET), "{text}");
    }
}

/// The hook's own time is shorter than all of this takes.
#[test]
fn a_look_that_dies_while_it_finds_out_why_lets_nobody_go_on() {
    let lab = Lab::new(broken(ELSEWHERE), 1);
    lab.upload(GATED);
    while !waits(&lab) {
        lab.step().unwrap();
    }
    lab.sim.set_faults(Some(Box::new(|sent| {
        if sent.request.action() == "ec2:GetConsoleOutput" {
            Verdict::CrashBefore(windlass_sim::Peers::None)
        } else {
            Verdict::Deliver
        }
    })));
    let until = lab.sim.now() + SignedDuration::from_mins(45);
    while lab.sim.now() < until {
        let now = lab.sim.now();
        lab.sim.world_mut().settle(now);
        assert!(lab.in_service().is_empty());
        if lab.step().is_none() {
            lab.sim.advance(SignedDuration::from_secs(20));
        }
    }
    assert!(sent(&lab, "ec2:GetConsoleOutput").len() > 5);
    lab.sim.set_faults(None);
    until_degraded(&lab);
    assert!(lab.in_service().is_empty());
}
