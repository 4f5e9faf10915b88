//! What the instances of a stack may do: word for word, and never more than the boundary in `template.yaml` lets them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;
use windlass_calls::{Request, iam};
use windlass_planner::kinds::instance_role_policy::InstanceRolePolicy;
use windlass_planner::{Context, Id, Kind, Known, Next, Outputs};
use windlass_spec::{StackId, decode};

#[path = "../../calls/tests/template/mod.rs"]
mod template;

const PACKAGES: &str = "compute: {app: {packages: [nginx]}}";
const MEMORY: &str =
    "compute: {app: {packages: [nginx]}}\nscaling: {metrics: [{type: memory, scaleOut: {above: 80}}]}";
const PLAIN: &str =
    "compute: {app: {container: {image: 'ghcr.io/example/shop:1', port: 80, env: {MODE: live}}}}";
const REFERENCES: &str = "compute: {app: {container: {image: 'ghcr.io/example/shop:1', port: 80, env: {A: 'ssm:/shop/url', B: 'secret:shop/key', C: 'ssm:/shop/url'}}}}";
const ELSEWHERE: &str = "compute: {app: {container: {image: '999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/shop:1', port: 80}}}";

/// The policy that is written for a spec.
fn policy(text: &str) -> Value {
    let stack = StackId {
        environment: "dev".into(),
        name: "web".into(),
    };
    let spec = decode(&stack, text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let cx = Context::of_new(&spec, "us-east-1");
    let mut known = Known::default();
    let role = Outputs::id("windlass-dev-web").with("arn", "arn:aws:iam::123456789012:role/windlass-dev-web");
    known.insert(Id::only("instance-role"), role, true);
    let id = Id::only(InstanceRolePolicy::NAME);
    let seen = <InstanceRolePolicy as Kind>::Seen::default();
    match InstanceRolePolicy::next(&cx, &id, &seen, &known) {
        Ok(Next::Ensure {
            request: Request::Iam(iam::Request::PutRolePolicy(put)),
            ..
        }) => serde_json::from_str(&put.document).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::packages("packages", PACKAGES)]
#[case::memory("memory", MEMORY)]
#[case::plain("plain_container", PLAIN)]
#[case::references("parameters_and_secrets", REFERENCES)]
#[case::elsewhere("image_of_another_account", ELSEWHERE)]
fn the_policy_of_the_instances_is_as_it_was_approved(#[case] name: &str, #[case] spec: &str) {
    let text = serde_json::to_string_pretty(&policy(spec)).unwrap();
    insta::assert_snapshot!(format!("policy_of_{name}"), text);
}

/// What the boundary leaves out is refused at boot, however the policy says it.
#[test]
fn what_the_policy_allows_the_boundary_allows_too() {
    let boundary = template::allowed("InstanceBoundary");
    let mut asked = BTreeSet::new();
    for spec in [PACKAGES, MEMORY, PLAIN, REFERENCES, ELSEWHERE] {
        for statement in policy(spec)["Statement"].as_array().unwrap() {
            if statement["Effect"] == "Allow" {
                let actions = statement["Action"].as_array().unwrap().iter();
                asked.extend(actions.map(|action| template::iam_name(action.as_str().unwrap()).to_owned()));
            }
        }
    }
    assert!(asked.len() >= 9, "{asked:?}");
    let missing: Vec<_> = asked.difference(&boundary).collect();
    assert!(missing.is_empty(), "InstanceBoundary does not allow {missing:?}");
}
