//! Systems Manager.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types as sdk;
use windlass_calls::CallError;
use windlass_calls::ssm::{
    CommandId, DescribeInstanceInformation, GetCommandInvocation, GetParameter, InstanceInformation,
    Invocation, Request, Response, SendCommand,
};

use crate::answer::{every, field, or_empty, part, signed};
use crate::fault::Fault;

/// AWS's own document that runs a shell script.
const RUN_SHELL_SCRIPT: &str = "AWS-RunShellScript";

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, ssm;
        GetParameter => get_parameter,
        DescribeInstanceInformation => describe_agents,
        GetCommandInvocation => get_invocation,
        SendCommand => send_command,
    )
}

async fn get_parameter(client: &Client, call: GetParameter) -> Result<String, Fault> {
    let answer = client.get_parameter().name(call.name).send().await?;
    field(part(answer.parameter, "Parameter")?.value, "Parameter.Value")
}

async fn describe_agents(
    client: &Client,
    call: DescribeInstanceInformation,
) -> Result<Vec<InstanceInformation>, Fault> {
    let named = sdk::InstanceInformationStringFilter::builder()
        .key("InstanceIds")
        .set_values(Some(call.instances))
        .build()?;
    let request = client.describe_instance_information().filters(named);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(agent).collect()
}

async fn get_invocation(client: &Client, call: GetCommandInvocation) -> Result<Invocation, Fault> {
    let answer = client
        .get_command_invocation()
        .command_id(call.command)
        .instance_id(call.instance)
        .send()
        .await?;
    Ok(Invocation {
        status: field(answer.status, "Status")?,
        output: or_empty(answer.standard_output_content),
    })
}

async fn send_command(client: &Client, call: SendCommand) -> Result<CommandId, Fault> {
    let answer = client
        .send_command()
        .document_name(RUN_SHELL_SCRIPT)
        .instance_ids(call.instance)
        .timeout_seconds(signed(call.delivery))
        .parameters("commands", call.commands)
        .parameters("executionTimeout", vec![call.timeout.to_string()])
        .send()
        .await?;
    let command = part(answer.command, "Command")?;
    Ok(CommandId(field(command.command_id, "Command.CommandId")?))
}

fn agent(found: sdk::InstanceInformation) -> Result<InstanceInformation, Fault> {
    Ok(InstanceInformation {
        instance: field(found.instance_id, "InstanceId")?,
        ping: field(found.ping_status, "PingStatus")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_lost_its_connection_does_not_answer() {
        let ping = |status: sdk::PingStatus| {
            let found = sdk::InstanceInformation::builder().instance_id("i-1");
            agent(found.ping_status(status).build())
                .ok()
                .map(|agent| agent.is_online())
        };
        assert_eq!(ping(sdk::PingStatus::Online), Some(true));
        assert_eq!(ping(sdk::PingStatus::ConnectionLost), Some(false));
    }
}
