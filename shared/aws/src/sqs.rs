//! Amazon SQS.

use aws_sdk_sqs::Client;
use windlass_calls::CallError;
use windlass_calls::sqs::{Request, Response, SendMessage};

use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, sqs; SendMessage => send_message)
}

async fn send_message(client: &Client, call: SendMessage) -> Result<(), Fault> {
    client
        .send_message()
        .queue_url(call.queue)
        .message_body(call.body)
        .delay_seconds(i32::from(call.delay))
        .send()
        .await?;
    Ok(())
}
