//! What is still to come.

use rstest::rstest;

use crate::common::decode_text;
use crate::{accepts, refuses, with};

#[rstest]
#[case("apply: plan", "apply")]
#[case("allowReplace: true", "allowReplace")]
#[case("network: {endpoints: [ssm]}", "network.endpoints")]
#[case("compute: {mode: ec2, app: {packages: [nginx]}}", "compute.mode")]
#[case("compute: {spot: {}, app: {packages: [nginx]}}", "compute.spot")]
#[case(
    "compute: {app: {container: {image: a, port: 1, env: {A: 'ssm:/a'}}}}",
    "compute.app.container.env.A"
)]
#[case(
    "compute: {app: {container: {image: a, port: 1, env: {A: 'secret:a'}}}}",
    "compute.app.container.env.A"
)]
#[case(
    "loadBalancer: {listeners: [{port: 443, protocol: HTTPS}]}",
    "loadBalancer.listeners[0].protocol"
)]
#[case(
    "loadBalancer: {listeners: [{port: 80, certificateArn: a}]}",
    "loadBalancer.listeners[0].certificateArn"
)]
#[case(
    "loadBalancer: {listeners: [{port: 80, redirectTo: 443}]}",
    "loadBalancer.listeners[0].redirectTo"
)]
#[case("scaling: {metrics: [{type: cpu, scaleOut: {above: 70}}]}", "scaling.metrics")]
#[case("scaling: {behavior: {maxStep: 2}}", "scaling.behavior")]
#[case("scaling: {schedule: [{cron: '0 7 * * *', min: 4}]}", "scaling.schedule")]
#[case("lifecycle: {launch: {verify: load-balancer}}", "lifecycle.launch.verify")]
#[case("lifecycle: {launch: {timeout: 10m}}", "lifecycle.launch.timeout")]
#[case("monitoring: {dashboard: true}", "monitoring.dashboard")]
#[case("monitoring: {notify: [ops@example.com]}", "monitoring.notify")]
#[case("drift: {interval: 1h}", "drift")]
#[case("drift: {repair: false}", "drift")]
fn what_is_not_built_yet_is_refused_and_nothing_else_about_it(#[case] text: &str, #[case] path: &str) {
    let errors = decode_text(&with(text)).expect_err(text);
    assert_eq!(errors.0.len(), 1, "{errors}");
    refuses(text, path, "is not supported yet");
}

#[rstest]
#[case("apply: auto\nallowReplace: false")]
#[case("network: {endpoints: []}")]
#[case("compute: {mode: asg, app: {packages: [nginx]}}")]
#[case("loadBalancer: {listeners: [{port: 80, protocol: HTTP}]}")]
#[case("scaling: {metrics: [], behavior: {}, schedule: []}")]
#[case("lifecycle: {launch: {verify: none}}")]
#[case("lifecycle: {launch: {}, terminate: {}}")]
#[case("monitoring: {dashboard: false, notify: []}")]
#[case("drift: {}")]
fn what_asks_for_nothing_new_is_taken(#[case] text: &str) {
    accepts(text);
}

#[rstest]
#[case(
    "compute: {spot: {onDemandPercent: 101}, app: {packages: [a]}}",
    "compute.spot.onDemandPercent",
    "range"
)]
#[case(
    "compute: {spot: {onDemandBase: -1}, app: {packages: [a]}}",
    "compute.spot.onDemandBase",
    "range"
)]
#[case(
    "loadBalancer: {listeners: [{port: 80, redirectTo: 0}]}",
    "loadBalancer.listeners[0].redirectTo",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: cpus}]}",
    "scaling.metrics[0].type",
    "unknown value"
)]
#[case(
    "scaling: {metrics: [{scaleOut: {above: 7}}]}",
    "scaling.metrics[0].type",
    "required"
)]
#[case(
    "scaling: {metrics: [{type: cpu}]}",
    "scaling.metrics[0].scaleOut",
    "required"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {}}]}",
    "scaling.metrics[0].scaleOut.above",
    "required"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleIn: {}}]}",
    "scaling.metrics[0].scaleIn.below",
    "required"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 101}}]}",
    "scaling.metrics[0].scaleOut.above",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: memory, scaleIn: {below: -1}}]}",
    "scaling.metrics[0].scaleIn.below",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 7, periods: 0}}]}",
    "scaling.metrics[0].scaleOut.periods",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleIn: {below: 7, periods: 61}}]}",
    "scaling.metrics[0].scaleIn.periods",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: networkIn, scaleOut: {above: 5}, scaleIn: {below: 5}}]}",
    "scaling.metrics[0].scaleIn.below",
    "cross"
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 5}}, {type: cpu, scaleOut: {above: 5}}]}",
    "scaling.metrics[1].type",
    "twice"
)]
#[case("scaling: {behavior: {maxStep: 0}}", "scaling.behavior.maxStep", "range")]
#[case("scaling: {behavior: {cooldown: 60}}", "scaling.behavior.cooldown", "no unit")]
#[case(
    "scaling: {schedule: [{min: 1, max: 2}]}",
    "scaling.schedule[0].cron",
    "required"
)]
#[case(
    "scaling: {schedule: [{cron: x, min: 3, max: 2}]}",
    "scaling.schedule[0].min",
    "greater than max"
)]
#[case("drift: {repair: maybe}", "drift.repair", "expected true or false")]
fn what_is_not_built_yet_is_judged_all_the_same(
    #[case] text: &str,
    #[case] path: &str,
    #[case] message: &str,
) {
    refuses(text, path, message);
}

#[test]
fn thresholds_beyond_a_hundred_are_fine_where_they_are_no_percentage() {
    let text =
        "scaling: {metrics: [{type: requestsPerTarget, scaleOut: {above: 1000}, scaleIn: {below: 200.5}}]}";
    assert_eq!(
        decode_text(&with(text)).unwrap_err().0.len(),
        1,
        "only that metrics are not supported yet"
    );
}
