//! The plan of each example, from its spec alone: golden, and the rules that the golden files must not hide.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_planner::{Plan, plan_from_spec};
use windlass_spec::{StackId, decode};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const DJANGO: &str = include_str!("../../../events/specs/django.yaml");
const INTERNAL: &str = include_str!("../../../events/specs/internal.yaml");
const HTTPS: &str = include_str!("../../../events/specs/https.yaml");
const FIXED: &str = include_str!("../../../events/specs/fixed.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
const GATE: &str = include_str!("../../../events/specs/gate.yaml");
const SPOT: &str = include_str!("../../../events/specs/spot.yaml");
const SCALING: &str = include_str!("../../../events/specs/scaling.yaml");
const ISOLATED: &str = include_str!("../../../events/specs/isolated.yaml");

fn plan(name: &str, spec: &str) -> Plan {
    let stack = StackId {
        environment: "dev".into(),
        name: name.into(),
    };
    let spec = decode(&stack, spec.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    plan_from_spec(&spec)
}

fn count(plan: &Plan, kind: &str) -> usize {
    plan.steps
        .iter()
        .filter(|step| step.resource.kind() == kind)
        .count()
}

#[rstest]
#[case::web("web", WEB)]
#[case::django("django", DJANGO)]
#[case::internal("internal", INTERNAL)]
#[case::https("https", HTTPS)]
#[case::fixed("fixed", FIXED)]
#[case::container("container", CONTAINER)]
#[case::isolated("isolated", ISOLATED)]
#[case::gate("gate", GATE)]
#[case::spot("spot", SPOT)]
#[case::scaling("scaling", SCALING)]
fn the_plan_of_an_example_is_as_it_was_approved(#[case] name: &str, #[case] spec: &str) {
    let plan = plan(name, spec);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let stack = StackId {
        environment: "dev".into(),
        name: name.into(),
    };
    insta::assert_snapshot!(format!("plan_of_{name}"), plan.text(&stack));
}

#[rstest]
#[case::per_zone("nat: per-zone", 3, 3)]
#[case::single("nat: single", 1, 3)]
fn nat_gateways_follow_the_spec_and_every_private_subnet_has_a_way_out(
    #[case] nat: &str,
    #[case] gateways: usize,
    #[case] private_routes: usize,
) {
    let plan = plan("web", &WEB.replace("nat: per-zone", nat));
    assert_eq!(
        (count(&plan, "nat-gateway"), count(&plan, "address")),
        (gateways, gateways)
    );
    assert_eq!(count(&plan, "route"), private_routes + 1);
}

#[test]
fn without_nat_there_is_no_private_route_and_the_rest_is_planned() {
    let spec = INTERNAL.replace("nat: single", "nat: none");
    let plan = plan("internal", &spec);
    assert_eq!(
        (
            count(&plan, "nat-gateway"),
            count(&plan, "address"),
            count(&plan, "route")
        ),
        (0, 0, 1)
    );
    assert_eq!(count(&plan, "auto-scaling-group"), 1);
}

#[rstest]
fn each_zone_has_a_public_and_a_private_subnet(#[values(2, 3, 4, 5, 6)] zones: usize) {
    let plan = plan("web", &WEB.replace("zones: 3", &format!("zones: {zones}")));
    assert_eq!(count(&plan, "subnet"), 2 * zones);
    assert_eq!(count(&plan, "route-table-association"), 2 * zones);
}

#[test]
fn every_step_says_why() {
    assert!(plan("web", WEB).steps.iter().all(|step| step.reason.len() > 10));
}
