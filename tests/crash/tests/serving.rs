//! A stack serves all the time while it changes, unless its load balancer or its network must be made anew; and it goes
//! on serving with what it has if what is new fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use rstest::rstest;
use windlass_crash::{Lab, Stopped, runs_and_serves, verify};
use windlass_engine::Phase;
use windlass_sim::{Lag, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const FIXED: &str = "
allowReplace: true
network: {zones: 2}
compute: {mode: ec2, app: {packages: [nginx], port: 80}}
scaling: {min: 3}
";
/// The same as a group.
const GROUP: &str = "
allowReplace: true
network: {zones: 2}
compute: {mode: asg, app: {packages: [nginx], port: 80}}
scaling: {min: 3, max: 5}
";
/// The same, and nobody is asked whether an instance is healthy.
const UNGATED: &str = "
allowReplace: true
network: {zones: 2}
compute: {mode: asg, app: {packages: [nginx], port: 80}}
scaling: {min: 3, max: 5}
lifecycle: {launch: {verify: none}}
";
const LIMIT: usize = 1200;

fn ready(spec: &str, lag: Lag) -> Lab {
    let config = WorldConfig {
        visibility_lag: lag,
        elb_lag: lag,
        autoscaling_lag: lag,
        ghost_lag: lag,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(&spec.replace("allowReplace: false", "allowReplace: true"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.advance(lab.settings.consistency);
    verify(&lab).unwrap();
    lab
}

#[rstest]
#[case::more(WEB, &[("min: 3", "min: 5")], 3)]
#[case::fewer(WEB, &[("min: 3", "min: 2")], 2)]
#[case::packages(WEB, &[("[nginx]", "[nginx, htop]")], 3)]
#[case::a_type(WEB, &[("t3.micro", "t3.small")], 3)]
#[case::types(WEB, &[("t3.micro", "t3.small, t3.micro")], 3)]
#[case::port(WEB, &[("port: 80\n", "port: 8080\n")], 3)]
#[case::port_and_packages(WEB, &[("port: 80\n", "port: 8080\n"), ("[nginx]", "[nginx, htop]")], 3)]
#[case::port_and_bounds(WEB, &[("port: 80\n", "port: 8080\n"), ("min: 3", "min: 2")], 2)]
#[case::another_listener(WEB, &[("- {port: 80, protocol: HTTP}", "- {port: 8080, protocol: HTTP}")], 3)]
#[case::one_nat(WEB, &[("per-zone", "single")], 3)]
#[case::zones(WEB, &[("zones: 3", "zones: 4")], 3)]
#[case::health_check(WEB, &[("path: /\n", "path: /health\n"), ("15s", "5s")], 3)]
#[case::drain_and_port(WEB, &[("drain: 60s", "drain: 5m"), ("port: 80\n", "port: 8080\n")], 3)]
#[case::fewer_fixed(FIXED, &[("min: 3", "min: 2")], 2)]
#[case::port_of_a_group_that_gets_a_gate(UNGATED, &[("verify: none", "verify: load-balancer"), ("port: 80", "port: 8080")], 3)]
#[case::port_of_a_group_without_a_gate(UNGATED, &[("port: 80", "port: 8080")], 3)]
#[case::more_fixed(FIXED, &[("min: 3", "min: 5")], 3)]
#[case::packages_of_fixed(FIXED, &[("[nginx]", "[nginx, htop]")], 3)]
#[case::type_of_fixed(FIXED, &[("{mode: ec2,", "{mode: ec2, instanceTypes: [t3.small],")], 3)]
#[case::port_of_fixed(FIXED, &[("port: 80", "port: 8080")], 3)]
#[case::zones_of_fixed(FIXED, &[("zones: 2", "zones: 3")], 3)]
#[case::mode_to_group(FIXED, &[(FIXED, GROUP)], 3)]
#[case::mode_to_fixed(GROUP, &[(GROUP, FIXED)], 3)]
#[case::mode_and_port(GROUP, &[(GROUP, FIXED), ("port: 80", "port: 8080")], 3)]
#[case::mode_and_port_back(FIXED, &[(FIXED, GROUP), ("port: 80", "port: 8080")], 3)]
fn a_changing_stack_serves_all_the_time(
    #[case] spec: &str,
    #[case] changes: &[(&str, &str)],
    #[case] least: usize,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
) {
    let lab = ready(spec, lag);
    let before = spec.replace("allowReplace: false", "allowReplace: true");
    let after = changes
        .iter()
        .fold(before.clone(), |spec, (from, to)| spec.replacen(from, to, 1));
    assert_ne!(after, before);
    lab.upload(&after);
    assert_eq!(runs_and_serves(&lab, LIMIT, least).unwrap(), Stopped::Quiet);
    verify(&lab).unwrap();
    if !after.contains("zones: 4")
        && spec.contains("zones")
        && !changes.iter().any(|(from, _)| from.contains("zones"))
    {
        lab.upload(&before);
        assert_eq!(runs_and_serves(&lab, LIMIT, least).unwrap(), Stopped::Quiet);
        verify(&lab).unwrap();
    }
}

/// A stack whose next version, which is uploaded, never gets healthy.
fn broken(spec: &str, changes: &[(&str, &str)]) -> (Lab, String) {
    let lab = ready(spec, Lag::None);
    lab.sim.world_mut().config_mut().broken_versions = BTreeSet::from([2]);
    let broken = changes
        .iter()
        .fold(spec.to_owned(), |spec, (from, to)| spec.replacen(from, to, 1));
    lab.upload(&broken);
    (lab, broken)
}

/// The version is corrected, and then the first one is wanted again.
fn corrected_and_back(lab: &Lab, broken: &str, spec: &str) {
    for corrected in [
        broken.replace("[nginx, broken]", "[nginx, htop]"),
        spec.to_owned(),
    ] {
        lab.upload(&corrected);
        assert_eq!(runs_and_serves(lab, LIMIT, 3).unwrap(), Stopped::Quiet);
        verify(lab).unwrap();
    }
}

/// The next version never gets healthy.
#[rstest]
#[case::group(GROUP, &[("[nginx]", "[nginx, broken]")])]
#[case::group_without_a_gate(UNGATED, &[("[nginx]", "[nginx, broken]")])]
#[case::group_on_another_port(UNGATED, &[("[nginx]", "[nginx, broken]"), ("port: 80", "port: 8080")])]
#[case::fixed(FIXED, &[("[nginx]", "[nginx, broken]")])]
#[case::fixed_on_another_port(FIXED, &[("[nginx]", "[nginx, broken]"), ("port: 80", "port: 8080")])]
#[case::as_another_mode(GROUP, &[(GROUP, FIXED), ("[nginx]", "[nginx, broken]")])]
#[case::as_the_other_mode(FIXED, &[(FIXED, UNGATED), ("[nginx]", "[nginx, broken]")])]
fn a_version_that_fails_takes_nothing_away_and_a_corrected_one_takes_its_place(
    #[case] spec: &str,
    #[case] changes: &[(&str, &str)],
) {
    let (lab, broken) = broken(spec, changes);
    assert_eq!(runs_and_serves(&lab, LIMIT, 3).unwrap(), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed, "{status:#?}");
    assert!(!status.errors.is_empty(), "{status:#?}");
    // Nothing of it stays behind.
    let rolled_out = status
        .errors
        .iter()
        .filter(|error| error.message.contains("did not become healthy"));
    for error in rolled_out {
        assert!(error.message.contains("rollback successful"), "{error:?}");
    }
    corrected_and_back(&lab, &broken, spec);
}

/// The same where a gate tries it again for ever.
#[rstest]
#[case::on_another_port(GROUP, &[("[nginx]", "[nginx, broken]"), ("port: 80", "port: 8080")])]
#[case::as_the_other_mode(FIXED, &[(FIXED, GROUP), ("[nginx]", "[nginx, broken]")])]
fn a_group_that_fails_beside_what_serves_is_degraded_until_it_is_corrected(
    #[case] spec: &str,
    #[case] changes: &[(&str, &str)],
) {
    let (lab, broken) = broken(spec, changes);
    assert_eq!(runs_and_serves(&lab, LIMIT, 3).unwrap(), Stopped::StillBusy);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Degraded, "{status:#?}");
    assert!(!status.unhealthy_instances.is_empty(), "{status:#?}");
    corrected_and_back(&lab, &broken, spec);
}

/// How many instances a group wants is the scaler's business (rule 47), whatever else of it changes.
#[rstest]
#[case::packages("[nginx]", "[nginx, htop]")]
#[case::bounds("max: 5", "max: 8")]
#[case::health_check("scaling:", "loadBalancer: {healthCheck: {interval: 40s}}\nscaling:")]
#[case::port("port: 80", "port: 8080")]
fn the_scalers_capacity_is_kept(#[case] from: &str, #[case] to: &str) {
    let lab = ready(GROUP, Lag::None);
    let (now, group) = (lab.sim.now(), lab.status().unwrap().outputs.asg_name);
    let change = windlass_calls::autoscaling::GroupChange {
        desired: Some(5),
        ..Default::default()
    };
    let scaled = windlass_calls::autoscaling::UpdateAutoScalingGroup {
        group,
        change: Box::new(change),
    };
    lab.sim.world_mut().call(now, scaled).unwrap();
    lab.sim.advance(lab.settings.consistency);
    lab.upload(&GROUP.replacen(from, to, 1));
    assert_eq!(runs_and_serves(&lab, LIMIT, 3).unwrap(), Stopped::Quiet);
    verify(&lab).unwrap();
    let (now, name) = (lab.sim.now(), lab.status().unwrap().outputs.asg_name);
    let describe = windlass_calls::autoscaling::DescribeAutoScalingGroups { names: vec![name] };
    let groups = lab.sim.world_mut().call(now, describe).unwrap();
    assert_eq!(groups[0].desired, 5);
}
