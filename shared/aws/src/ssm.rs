//! Systems Manager.

use aws_sdk_ssm::Client;
use windlass_calls::CallError;
use windlass_calls::ssm::{GetParameter, Request, Response};

use crate::answer::{field, part};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, ssm; GetParameter => get_parameter)
}

async fn get_parameter(client: &Client, call: GetParameter) -> Result<String, Fault> {
    let answer = client.get_parameter().name(call.name).send().await?;
    field(part(answer.parameter, "Parameter")?.value, "Parameter.Value")
}
