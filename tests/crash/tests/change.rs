//! A changed spec changes its stack: in place where AWS allows it, beside what is there where it does not, and what is no
//! longer wanted goes last.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::{Request, ec2};
use windlass_crash::{Lab, Stopped, verify};
use windlass_engine::Phase;
use windlass_sim::{Lag, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const GATE: &str = include_str!("../../../events/specs/gate.yaml");
const FIXED: &str = "
network: {zones: 2}
compute: {mode: ec2, app: {packages: [nginx], port: 80}}
scaling: {min: 3}
";
const LIMIT: usize = 600;

fn ready(spec: &str, lag: Lag) -> Lab {
    let config = WorldConfig {
        visibility_lag: lag,
        elb_lag: lag,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Ready, "{:#?}", lab.status());
    lab
}

fn changed(spec: &str, from: &str, to: &str) -> String {
    let changed = spec.replacen(from, to, 1);
    assert_ne!(changed, spec, "{from}");
    changed
}

#[rstest]
#[case::bounds(WEB, "min: 3", "min: 4")]
#[case::health_check(WEB, "path: /", "path: /health")]
#[case::one_nat(WEB, "nat: per-zone", "nat: single")]
#[case::no_endpoints(WEB, "endpoints: [ssm, s3]", "endpoints: []")]
#[case::another_listener(
    WEB,
    "- {port: 80, protocol: HTTP}",
    "- {port: 80, protocol: HTTP}\n    - {port: 8080, protocol: HTTP}"
)]
#[case::another_port(WEB, "{port: 80, protocol: HTTP}", "{port: 8080, protocol: HTTP}")]
#[case::a_fourth_zone(WEB, "zones: 3", "zones: 4")]
#[case::packages(WEB, "packages: [nginx]", "packages: [nginx, htop]")]
#[case::type_(WEB, "t3.micro", "t3.small")]
#[case::types(WEB, "t3.micro", "t3.small, t3.micro")]
#[case::nobody_told(WEB, "notify: [ops@example.com]", "notify: []")]
#[case::another_tag(WEB, "team: storefront", "owner: ops")]
#[case::no_dashboard(WEB, "dashboard: true", "dashboard: false")]
#[case::ungated_and_gated_again(WEB, "verify: load-balancer", "verify: none")]
#[case::ungated(GATE, "verify: load-balancer", "verify: none")]
#[case::gate_on_another_port(GATE, "scaling:", "loadBalancer: {listeners: [{port: 8080}]}\nscaling:")]
#[case::gate_on_an_earlier_port(
    GATE,
    "scaling:",
    "loadBalancer: {listeners: [{port: 81}, {port: 80}]}\nscaling:"
)]
#[case::ungated_on_another_port(
    GATE,
    "lifecycle:\n  launch:\n    verify: load-balancer",
    "loadBalancer: {listeners: [{port: 8080}]}\nlifecycle:\n  launch:\n    verify: none"
)]
#[case::health_check_of_the_gate(GATE, "scaling:", "loadBalancer: {healthCheck: {path: /health}}\nscaling:")]
#[case::tag_of_the_gate(GATE, "network:", "metadata: {tags: {owner: ops}}\nnetwork:")]
#[case::fewer(FIXED, "min: 3", "min: 2")]
#[case::more(FIXED, "min: 3", "min: 5")]
#[case::fixed_packages(FIXED, "packages: [nginx]", "packages: [nginx, htop]")]
fn what_can_change_in_place_does(
    #[case] spec: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
) {
    let lab = ready(spec, lag);
    lab.upload(&changed(spec, from, to));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab.upload(spec);
    if from.contains("zones") {
        return;
    }
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// Instances of a new version that boot while the network changes under them would install nothing (rule 39).
#[test]
fn no_rollout_begins_before_the_new_way_out_is_there() {
    let lab = Lab::new(
        WorldConfig {
            instances_need_internet: false,
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload("network: {zones: 2, nat: none, endpoints: []}\ncompute: {app: {userData: \"#!/bin/sh\", port: 80}}\n");
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab.sim.world_mut().config_mut().instances_need_internet = true;
    let begun = lab.sim.trace().len();
    lab.upload("network: {zones: 2, nat: per-zone, endpoints: []}\ncompute: {app: {packages: [nginx]}}\n");
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    let trace = lab.sim.trace();
    let at = |action: &str| {
        let of = trace[begun..].iter().filter(|entry| entry.action() == action);
        of.map(|entry| entry.at).collect::<Vec<_>>()
    };
    let (routes, rollout) = (at("ec2:CreateRoute"), at("autoscaling:StartInstanceRefresh"));
    assert_eq!((routes.len(), rollout.len()), (2, 1));
    assert!(rollout[0] > routes[1], "{rollout:?} {routes:?}");
}

#[rstest]
#[case::app_port(WEB, "port: 80\n", "port: 8080\n")]
#[case::scheme(WEB, "internet-facing", "internal")]
#[case::network(WEB, "10.0.0.0/16", "10.1.0.0/16")]
#[case::gate_of_another_app_port(GATE, "packages: [nginx]", "packages: [nginx], port: 8080")]
#[case::gate_of_another_scheme(GATE, "scaling:", "loadBalancer: {scheme: internal}\nscaling:")]
#[case::gate_of_another_network(GATE, "10.8.0.0/16", "10.1.0.0/16")]
#[case::fixed_port(FIXED, "port: 80}", "port: 8080}")]
fn what_cannot_is_replaced_if_the_spec_allows_it(
    #[case] spec: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
) {
    let lab = ready(spec, lag);
    lab.sim.world_mut().config_mut().address_quota = 10;
    lab.upload(&changed(spec, from, to));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed, "{status:#?}");
    assert!(
        status
            .errors
            .iter()
            .all(|error| error.message.contains("allowReplace")),
        "{status:#?}"
    );
    for replaced in [changed(spec, from, to), spec.to_owned()] {
        lab.upload(&format!(
            "allowReplace: true\n{}",
            replaced.replace("allowReplace: false", "")
        ));
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        verify(&lab).unwrap();
    }
}

#[test]
fn the_mode_changes_with_both_beside_each_other() {
    let lab = ready(WEB, Lag::None);
    let fixed = changed(WEB, "mode: asg", "mode: ec2").replace("verify: load-balancer", "verify: none");
    let (head, tail) = fixed.split_once("  max: 9").unwrap();
    let fixed = format!(
        "{head}{}",
        tail.split_once("lifecycle:")
            .map(|(_, tail)| format!("lifecycle:{tail}"))
            .unwrap()
    );
    lab.upload(&fixed);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// What a refused spec would have chosen binds nobody: not a stack that is there, nor one that never came to be.
#[test]
fn a_refused_spec_chooses_nothing() {
    let lab = ready(WEB, Lag::None);
    lab.sim.world_mut().config_mut().address_quota = 3;
    lab.upload(&changed(WEB, "zones: 3", "zones: 4"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Failed);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();

    let config = WorldConfig {
        address_quota: 2,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Failed);
    lab.upload(&changed(WEB, "zones: 3", "zones: 2"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// An invalid or refused newer spec keeps nobody from replacing what died.
#[rstest]
#[case::invalid("scaling: {min: 5, max: 2}")]
#[case::refused(&FIXED.replace("zones: 2", "zones: 2, cidr: 10.9.0.0/16"))]
fn a_dead_instance_is_replaced_whatever_the_newest_spec_says(#[case] newest: &str) {
    let lab = ready(FIXED, Lag::None);
    let victim = lab.status().unwrap().outputs.instance_ids[0].clone();
    lab.upload(newest);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let said = lab.status().unwrap();
    assert!(matches!(said.phase, Phase::Rejected | Phase::Failed), "{said:#?}");
    lab.sim.advance(jiff::SignedDuration::from_hours(1));
    assert!(lab.sim.world_mut().terminate_instance(&victim));
    let look = r#"{"wake": {"stack": {"environment": "dev", "name": "web"}, "token": null}}"#;
    lab.enqueue(look);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, said.phase, "the spec is as wrong as before");
    let ids = &status.outputs.instance_ids;
    assert!(ids.len() == 3 && !ids.contains(&victim), "{status:#?}");
}

/// With `repair: false` a look says what it found, once, and changes nothing.
#[test]
fn drift_is_only_said_where_the_spec_says_so() {
    let lab = ready(&changed(WEB, "repair: true", "repair: false"), Lag::None);
    lab.sim.advance(jiff::SignedDuration::from_hours(1));
    let table = lab.state().unwrap().resources[&windlass_planner::Id::of("route-table", "private-a")].clone();
    assert!(
        lab.sim
            .world_mut()
            .delete_route(&table.outputs.get("id"), "0.0.0.0/0")
    );
    let before = lab.sim.world().inventory();
    let look = r#"{"wake": {"stack": {"environment": "dev", "name": "web"}, "token": null}}"#;
    for _ in 0..2 {
        lab.enqueue(look);
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    }
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Ready);
    assert_eq!(status.drift.len(), 1, "{status:#?}");
    assert_eq!(status.drift[0].resource.as_str(), "route/private-a");
    assert_eq!(lab.sim.world().inventory(), before);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    assert!(lab.status().unwrap().drift.is_empty());
}

/// AWS answers a client token for a day with what it made first, which is gone.
#[test]
fn what_is_wanted_again_has_a_client_token_of_its_own() {
    let with = "network: {zones: 2, nat: single, endpoints: [ssm, s3]}\ncompute: {app: {packages: [nginx]}}\nscaling: {min: 2}\n";
    let without = with.replace("[ssm, s3]", "[s3]");
    let lab = Lab::new(WorldConfig::default(), 1);
    for spec in [with, &without, with] {
        lab.upload(spec);
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        verify(&lab).unwrap();
    }
    let trace = lab.sim.trace();
    let tokens = trace.iter().filter_map(|entry| match &entry.request {
        Request::Ec2(ec2::Request::CreateVpcEndpoint(create))
            if create.service.split('.').next_back() == Some("ssm") =>
        {
            Some(create.token.clone())
        }
        _ => None,
    });
    let tokens: Vec<String> = tokens.collect();
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    assert_ne!(tokens[0], tokens[1]);
}
