//! Ticks of the scaler that were lost.
//!
//! An alarm says that it went off, and not that it goes on (rule 1 of the AWS facts): while it does, the scale function sends
//! itself a tick each minute. Where that was lost, the scaler's memory still says when it should have come.

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use windlass_calls::sqs::SendMessage;
use windlass_engine::{Clock, Port, ScaleMessage, ScaleWake, Scaling, scaling_key};
use windlass_spec::StackId;

use crate::Settings;
use crate::error::ArchiveError;
use crate::key::stack_of;
use crate::store::read_document;
use crate::sweep::{AT_ONCE, SweepReport, in_time};
use crate::wake::is_time;

/// Has the scale function decide about every stack whose tick is overdue.
pub(crate) async fn wake_scalers<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    until: Timestamp,
    keys: &[String],
    report: &mut SweepReport,
) {
    let stacks = keys.iter().filter_map(|key| stack_of(key, scaling_key));
    let ticks = stream::iter(stacks).map(async |stack| {
        let sent = in_time(clock, until, tick(port, clock, settings, &stack)).await;
        (stack, sent)
    });
    let mut ticks = std::pin::pin!(ticks.buffer_unordered(AT_ONCE));
    while let Some((stack, sent)) = ticks.next().await {
        match sent {
            Some(Ok(true)) => report.ticks.push(stack),
            Some(Ok(false)) => {}
            Some(Err(error)) => report.failed.push((scaling_key(&stack), error)),
            None => report.left += 1,
        }
    }
}

/// Sends the tick of a stack anew if it is overdue, and answers whether it was.
async fn tick<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    stack: &StackId,
) -> Result<bool, ArchiveError> {
    let key = scaling_key(stack);
    let memory = read_document::<_, Scaling>(port, &settings.state_bucket, &key).await?;
    let tick = memory.and_then(|memory| memory.tick);
    let Some(tick) = tick.filter(|tick| is_time(clock.now().duration_since(tick.due))) else {
        return Ok(false);
    };
    let scale = ScaleWake {
        stack: stack.clone(),
        token: Some(tick.token),
        attempt: 0,
    };
    let body = serde_json::to_string(&ScaleMessage { scale })
        .map_err(|source| ArchiveError::Document { key, source })?;
    let queue = settings.scale_queue.clone();
    let delay = 0;
    port.call(SendMessage { queue, body, delay }).await?;
    Ok(true)
}
