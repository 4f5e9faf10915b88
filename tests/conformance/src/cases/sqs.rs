//! Messages. Nothing reads them back: the port only sends.

use windlass_calls::Class;
use windlass_calls::sqs::SendMessage;
use windlass_engine::Port;

use crate::check::Check;
use crate::place::Place;

/// Rule 22.
pub(super) async fn a_message_may_be_delayed_for_fifteen_minutes<P: Port>(place: &Place<P>) -> Check {
    place.call(message(place, 900)).await
}

pub(super) async fn a_repeated_message_is_taken_again<P: Port>(place: &Place<P>) -> Check {
    place.call(message(place, 1)).await?;
    place.call(message(place, 1)).await
}

pub(super) async fn a_longer_delay_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = message(place, 901);
    place
        .refuses(call, Class::Terminal, "InvalidParameterValue")
        .await
}

pub(super) async fn a_missing_queue_takes_no_message<P: Port>(place: &Place<P>) -> Check {
    let call = SendMessage {
        queue: format!("{}-none", place.queue),
        ..message(place, 0)
    };
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    place.refuses(call, Class::Terminal, code).await
}

fn message<P: Port>(place: &Place<P>, delay: u16) -> SendMessage {
    SendMessage {
        queue: place.queue.clone(),
        body: place.name("message"),
        delay,
    }
}
