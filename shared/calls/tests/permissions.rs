//! Every action a function can send stands in its role, and no other: `template.yaml` against the list of operations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use windlass_calls::operations;

mod template;

/// Actions that AWS checks besides the call itself, and why.
const IMPLIED: &[(&str, &str)] = &[
    ("cloudwatch:TagResource", "creates carry their tags (rule 54)"),
    ("sns:TagResource", "creates carry their tags (rule 54)"),
    ("logs:TagResource", "creates carry their tags (rule 54)"),
    (
        "route53:AssociateVPCWithHostedZone",
        "an interface endpoint with private DNS (rule 42)",
    ),
    ("iam:TagRole", "creates carry their tags (rule 54)"),
    ("iam:TagInstanceProfile", "creates carry their tags (rule 54)"),
    (
        "iam:PassRole",
        "the launch template hands the role to the instances",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "the first load balancer and group of an account (rule 52)",
    ),
    ("sqs:ReceiveMessage", "the event source"),
    ("sqs:DeleteMessage", "the event source"),
    ("sqs:GetQueueAttributes", "the event source"),
    ("logs:CreateLogStream", "the function's log"),
    ("logs:PutLogEvents", "the function's log"),
];

/// What only other functions send: tests of their own hold their roles to it.
const OTHERS: [&str; 13] = [
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:SetInstanceHealth",
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:RecordLifecycleActionHeartbeat",
    "autoscaling:SuspendProcesses",
    "autoscaling:SetDesiredCapacity",
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstanceStatus",
    "ec2:GetConsoleOutput",
    "sns:Publish",
    "ssm:DescribeInstanceInformation",
    "ssm:GetCommandInvocation",
    "ssm:SendCommand",
];

#[test]
fn the_functions_role_allows_exactly_what_the_function_can_send() {
    let allowed = template::allowed("ProvisionFunctionRole");
    let sent: BTreeSet<String> = operations()
        .iter()
        .filter(|(action, _)| !OTHERS.contains(action))
        .map(|(action, _)| template::iam_name(action).to_owned())
        .collect();
    let implied: BTreeSet<String> = IMPLIED.iter().map(|(action, _)| (*action).to_owned()).collect();
    let needed: BTreeSet<String> = sent.union(&implied).cloned().collect();
    let missing: Vec<_> = needed.difference(&allowed).collect();
    let surplus: Vec<_> = allowed.difference(&needed).collect();
    assert!(missing.is_empty(), "template.yaml does not allow {missing:?}");
    assert!(
        surplus.is_empty(),
        "template.yaml allows {surplus:?}, which no call needs"
    );
    assert!(
        allowed.iter().all(|action| !action.contains('*')),
        "an action with a wildcard: {allowed:?}"
    );
}
