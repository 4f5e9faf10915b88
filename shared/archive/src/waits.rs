//! Instances that wait for a lifecycle hook, and looks at them that nobody had.
//!
//! The events of lifecycle hooks are best effort (rule 9 of the AWS facts): one that is lost leaves an instance waiting until
//! the hook's time is up. So each sweep asks which instances wait, whoever's they are, and has the lifecycle function look at
//! their groups; that one knows which are ours. A chain of looks that broke is found by its memory: its next look is
//! overdue. A look that was not needed changes nothing.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use windlass_calls::autoscaling::DescribeAutoScalingInstances;
use windlass_calls::sqs::SendMessage;
use windlass_engine::{Chain, Clock, GateMessage, GateWake, Port, Readiness};
use windlass_spec::StackId;

use crate::Settings;
use crate::error::ArchiveError;
use crate::key::gate_of;
use crate::store::read_document;
use crate::sweep::{AT_ONCE, SweepReport, in_time};
use crate::wake::is_overdue;

/// End of the state of an instance that waits for a hook, on its way in, out, or into a warm pool.
const WAITS: &str = ":Wait";
/// What the names of our groups begin with: others need not be asked about.
const OURS: &str = "windlass-";

/// Has the lifecycle function look at every group in which somebody waits, or in which a look is overdue.
pub(crate) async fn wake_gates<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    until: Timestamp,
    keys: &[String],
    report: &mut SweepReport,
) {
    let mut groups = BTreeSet::new();
    let everybody = DescribeAutoScalingInstances { instances: vec![] };
    match in_time(clock, until, port.call(everybody)).await {
        Some(Ok(members)) => {
            let waits = members.into_iter().filter(|member| {
                member.instance.lifecycle_state.ends_with(WAITS) && member.group.starts_with(OURS)
            });
            groups.extend(waits.map(|member| member.group));
        }
        Some(Err(error)) => report
            .failed
            .push(("instances that wait".into(), ArchiveError::Call(error))),
        None => report.left += 1,
    }
    let looks = stream::iter(keys).map(async |key| {
        let stack = gate_of(key)?;
        let wake = in_time(clock, until, overdue(port, clock, settings, stack, key)).await;
        Some((key, wake))
    });
    let mut looks = std::pin::pin!(looks.buffer_unordered(AT_ONCE));
    let mut wakes = Vec::new();
    while let Some(looked) = looks.next().await {
        let Some((key, wake)) = looked else { continue };
        match wake {
            Some(Ok(wake)) => wakes.extend(wake),
            Some(Err(error)) => report.failed.push((key.clone(), error)),
            None => report.left += 1,
        }
    }
    wakes.retain(|wake| !groups.contains(&wake.group));
    wakes.extend(groups.into_iter().map(|group| GateWake { group, chain: None }));
    for wake in wakes {
        let group = wake.group.clone();
        match in_time(clock, until, look(port, settings, wake)).await {
            Some(Ok(())) => report.gates.push(group),
            Some(Err(error)) => report.failed.push((group, error)),
            None => report.left += 1,
        }
    }
}

/// The look that is overdue: it continues the chain that broke, or ends it if the group is gone.
async fn overdue<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    stack: StackId,
    key: &str,
) -> Result<Option<GateWake>, ArchiveError> {
    let Some(memory) = read_document::<_, Readiness>(port, &settings.state_bucket, key).await? else {
        return Ok(None);
    };
    let late = |due| is_overdue(clock.now().duration_since(due));
    let group = memory.group;
    let wake = memory.wake.filter(|wake| late(wake.due));
    Ok(wake.map(|wake| GateWake {
        group,
        chain: Some(Chain {
            stack,
            token: wake.token,
        }),
    }))
}

async fn look<P: Port>(port: &P, settings: &Settings, wake: GateWake) -> Result<(), ArchiveError> {
    let key = wake.group.clone();
    let body = serde_json::to_string(&GateMessage { gate: wake })
        .map_err(|source| ArchiveError::Document { key, source })?;
    let queue = settings.lifecycle_queue.clone();
    Ok(port
        .call(SendMessage {
            queue,
            body,
            delay: 0,
        })
        .await?)
}
