//! Commands that the SSM agent of an instance runs. Its instance reaches the internet, and is launched without anything to
//! run: what a command prints is not compared.

use windlass_calls::Class;
use windlass_calls::ec2::{AssociateRouteTable, CreateRoute, ModifySubnetAttribute, RouteTarget, Vpc};
use windlass_calls::ssm::{
    DescribeInstanceInformation, GetCommandInvocation, InstanceInformation, Invocation, SendCommand,
};
use windlass_engine::Port;

use super::ground::{NO_INSTANCE, gateway};
use super::{instances, routes};
use crate::check::{Check, Mismatch, different, only, same};
use crate::place::Place;

/// Id of the right form that names no command.
const NO_COMMAND: &str = "01234567-89ab-cdef-0123-456789abcdef";

pub(super) async fn a_command_runs_and_ends<P: Port>(place: &Place<P>) -> Check {
    let instance = managed(place, "ssm-run").await?;
    let command = place.call(command(&instance)).await?.0;
    let ended = ended(place, &command, &instance).await?;
    same("status", ended.status.as_str(), "Success")
}

pub(super) async fn a_repeated_command_is_another_one<P: Port>(place: &Place<P>) -> Check {
    let instance = managed(place, "ssm-twice").await?;
    let first = place.call(command(&instance)).await?;
    let second = place.call(command(&instance)).await?;
    different("command", first.0, second.0)
}

pub(super) async fn a_missing_instance_takes_no_command<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(command(NO_INSTANCE), Class::NotYet, "InvalidInstanceId")
        .await
}

pub(super) async fn an_agent_that_has_less_than_half_a_minute_to_begin_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let hasty = SendCommand {
        delivery: 29,
        ..command(NO_INSTANCE)
    };
    place.refuses(hasty, Class::Terminal, "ValidationException").await
}

pub(super) async fn a_command_that_was_never_sent_is_not_known_yet<P: Port>(place: &Place<P>) -> Check {
    let call = GetCommandInvocation {
        command: NO_COMMAND.into(),
        instance: NO_INSTANCE.into(),
    };
    place.refuses(call, Class::NotYet, "InvocationDoesNotExist").await
}

pub(super) async fn an_agent_that_registered_is_online<P: Port>(place: &Place<P>) -> Check {
    let instance = managed(place, "ssm-online").await?;
    let call = DescribeInstanceInformation {
        instances: vec![instance.clone(), NO_INSTANCE.into()],
    };
    let known = only("agents", place.call(call).await?)?;
    let wanted = InstanceInformation {
        instance,
        ping: "Online".into(),
    };
    same("agent", known, wanted)
}

pub(super) async fn an_instance_whose_agent_never_registered_is_left_out<P: Port>(place: &Place<P>) -> Check {
    let call = DescribeInstanceInformation {
        instances: vec![NO_INSTANCE.into()],
    };
    same("agents", place.call(call).await?, Vec::new())
}

fn command(instance: &str) -> SendCommand {
    SendCommand {
        instance: instance.into(),
        commands: vec!["echo begins".into(), "echo ends".into()],
        delivery: 30,
        timeout: 60,
    }
}

/// The command, once it runs no more.
async fn ended<P: Port>(place: &Place<P>, command: &str, instance: &str) -> Result<Invocation, Mismatch> {
    let call = GetCommandInvocation {
        command: command.into(),
        instance: instance.into(),
    };
    place.settled(call.clone()).await?;
    place
        .eventually("the command ends", call, Invocation::has_ended)
        .await
}

/// An instance in a public subnet of a VPC of its own, once its agent answers.
async fn managed<P: Port>(place: &Place<P>, case: &str) -> Result<String, Mismatch> {
    let request = instances::request(place, case).await?;
    open(place, case, &request.subnet).await?;
    let instance = place.settled(request).await?.id;
    let call = DescribeInstanceInformation {
        instances: vec![instance.clone()],
    };
    let online = |agents: &Vec<InstanceInformation>| agents.iter().any(InstanceInformation::is_online);
    place.eventually("the agent answers", call, online).await?;
    Ok(instance)
}

/// Leads a subnet to the internet.
async fn open<P: Port>(place: &Place<P>, case: &str, subnet: &str) -> Check {
    let vpc: Vpc = instances::network(place, case).await?;
    let gateway = gateway(place, case, &vpc).await?;
    let table = place.call(routes::request(place, case, &vpc.id)).await?.id;
    let route = CreateRoute {
        route_table: table.clone(),
        destination: "0.0.0.0/0".into(),
        target: RouteTarget::InternetGateway(gateway),
    };
    place.call(route).await?;
    let associate = AssociateRouteTable {
        route_table: table,
        subnet: subnet.into(),
    };
    place.call(associate).await?;
    let public = ModifySubnetAttribute {
        subnet: subnet.into(),
        map_public_ip: true,
    };
    place.call(public).await
}
