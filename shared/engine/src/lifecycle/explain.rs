//! Why an instance was given up: what can be asked about it is asked, and the likely cause computed.

use futures::future::join;
use jiff::Timestamp;
use serde::Serialize;
use windlass_calls::ec2::{DescribeInstances, GetConsoleOutput};
use windlass_calls::elb::TargetHealth;
use windlass_planner::names;
use windlass_readiness::cause::evidence::{Asked, Check, Evidence, Instance, Target};
use windlass_readiness::cause::{Cause, cause};
use windlass_spec::{Spec, StackId};

use crate::port::Port;

/// A journal entry about an instance that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    stack: String,
    instance: String,
    at: Timestamp,
    /// The likely cause.
    pub(super) cause: Cause,
    /// What it follows from, but for the console: a script may have printed a secret there.
    evidence: Evidence,
}

/// Asks AWS, and computes the cause. What does not answer is missing from the evidence.
pub(super) async fn explain<P: Port>(
    port: &P,
    stack: &StackId,
    spec: &Spec,
    id: &str,
    target: Option<&TargetHealth>,
    at: Timestamp,
) -> Entry {
    let filters = names::filters(stack);
    let console = port.call(GetConsoleOutput {
        instance: id.to_owned(),
    });
    let (console, instances) = join(console, port.call(DescribeInstances { filters })).await;
    let instances = instances.unwrap_or_default();
    let check = &spec.load_balancer.health_check;
    let evidence = Evidence {
        target: target.map(Target::from),
        check: Some(Check {
            protocol: Some("HTTP".into()),
            path: Some(check.path.clone()),
            port: Some(spec.compute.app.port),
            codes: Some(check.codes.clone()),
            timeout: None,
        }),
        instance: instances
            .iter()
            .find(|instance| instance.id == id)
            .map(Instance::from),
        console: console.ok().flatten(),
        asked: Some(Asked::from(&spec.compute.app)),
        ..Evidence::default()
    };
    Entry {
        stack: stack.to_string(),
        instance: id.to_owned(),
        at,
        cause: cause(&evidence),
        evidence: Evidence {
            console: None,
            ..evidence
        },
    }
}
