//! Systems Manager: the public parameters that hold image ids, those of tests, and commands run by agents of instances.
//!
//! Nothing is run. Every command prints [`WorldConfig::command_output`](crate::WorldConfig), and ends when [`WorldConfig::command_delay`](crate::WorldConfig) is
//! over; one that never ends times out. An agent registers if its instance reached Systems Manager at its launch.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use windlass_calls::ssm::{
    CommandId, DescribeInstanceInformation, GetCommandInvocation, GetParameter, InstanceInformation,
    Invocation, Request, Response, SendCommand,
};

use crate::ec2::Machine;
use crate::refusal::{Answer, refused};
use crate::shared::Shared;
use crate::time::{after, seconds_after};
use crate::world::{World, dispatch};

/// Parameters by path, and commands by id.
#[derive(Debug, Clone)]
pub(crate) struct Ssm {
    parameters: Shared<BTreeMap<String, String>>,
    commands: Shared<BTreeMap<String, Command>>,
}

/// A command that was sent.
#[derive(Debug, Clone)]
struct Command {
    instance: String,
    sent: Timestamp,
    /// When it has ended, if nothing comes between; `None` if it does not end by itself.
    ends: Option<Timestamp>,
    /// When it is ended.
    timeout: Timestamp,
    output: String,
}

/// How long a command is unknown after it was sent.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_secs(1);
/// Shortest time in seconds within which an agent may have to begin.
const LEAST_DELIVERY: u32 = 30;

/// Image ids behind the public parameters.
pub(crate) const AL2023_X86: &str = "ami-00000000000000a1";
pub(crate) const AL2023_ARM: &str = "ami-00000000000000a2";
pub(crate) const UBUNTU_X86: &str = "ami-00000000000000b1";
pub(crate) const UBUNTU_ARM: &str = "ami-00000000000000b2";

const PUBLIC: [(&str, &str); 4] = [
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        AL2023_X86,
    ),
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        AL2023_ARM,
    ),
    (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        UBUNTU_X86,
    ),
    (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
        UBUNTU_ARM,
    ),
];

impl Default for Ssm {
    fn default() -> Self {
        let named = PUBLIC.map(|(name, image)| (name.to_owned(), image.to_owned()));
        Self {
            parameters: Shared::new(named.into()),
            commands: Shared::default(),
        }
    }
}

impl World {
    pub(crate) fn ssm(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            GetParameter => get_parameter,
            DescribeInstanceInformation => describe_agents,
            GetCommandInvocation => get_invocation,
            SendCommand => send_command,
        )
    }

    /// Sets a parameter, as its owner would: a new image behind an alias, say.
    pub fn put_parameter(&mut self, name: &str, value: &str) {
        self.ssm.parameters.insert(name.to_owned(), value.to_owned());
    }

    fn get_parameter(&mut self, call: &GetParameter) -> Answer<String> {
        let value = self.ssm.parameters.get(&call.name).cloned();
        value.ok_or_else(|| refused("ParameterNotFound", format!("Parameter {} not found.", call.name)))
    }

    /// Whether the agent of an instance answers; `None` if it never registered.
    fn agent(&self, instance: &str) -> Option<bool> {
        let machine = self.seen_instance(instance)?;
        let registers = self.config.agent_delay.filter(|_| machine.reaches_ssm());
        let registered = after(machine.launched(), registers?);
        let in_time = machine.down_since().is_none_or(|down| registered <= down);
        (in_time && registered <= self.clock).then(|| machine.is_up())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn describe_agents(&mut self, call: &DescribeInstanceInformation) -> Answer<Vec<InstanceInformation>> {
        let known = call.instances.iter().filter_map(|instance| {
            let ping = if self.agent(instance)? {
                "Online"
            } else {
                "ConnectionLost"
            };
            Some(InstanceInformation {
                instance: instance.clone(),
                ping: ping.into(),
            })
        });
        Ok(known.collect())
    }

    fn send_command(&mut self, call: &SendCommand) -> Answer<CommandId> {
        if call.delivery < LEAST_DELIVERY {
            let message = format!(
                "1 validation error detected: Value '{}' at 'timeoutSeconds' failed to satisfy constraint: Member must \
                 have value greater than or equal to {LEAST_DELIVERY}",
                call.delivery
            );
            return Err(refused("ValidationException", message));
        }
        let lives = self.seen_instance(&call.instance).is_some_and(Machine::is_live);
        if !lives || self.agent(&call.instance).is_none() {
            let message = format!(
                "Instances [[{}]] not in a valid state for account {}",
                call.instance, self.config.account
            );
            return Err(refused("InvalidInstanceId", message));
        }
        let id = format!("00000000-0000-4000-8000-{:012x}", self.next_number("command"));
        let command = Command {
            instance: call.instance.clone(),
            sent: self.clock,
            ends: self.config.command_delay.map(|delay| after(self.clock, delay)),
            timeout: seconds_after(self.clock, call.timeout),
            output: self.config.command_output.clone(),
        };
        self.ssm.commands.insert(id.clone(), command);
        Ok(CommandId(id))
    }

    fn get_invocation(&mut self, call: &GetCommandInvocation) -> Answer<Invocation> {
        let now = self.clock;
        let command = self.ssm.commands.get(&call.command);
        let known = command
            .filter(|command| command.instance == call.instance && after(command.sent, UNKNOWN_FOR) <= now);
        let command = known.ok_or_else(|| refused("InvocationDoesNotExist", ""))?;
        let down = self.seen_instance(&call.instance).map(Machine::down_since);
        let runs_until = down.map(|down| down.unwrap_or(Timestamp::MAX));
        let ends = command
            .ends
            .filter(|ends| *ends < command.timeout && runs_until.is_some_and(|until| *ends < until));
        let status = match ends {
            Some(ends) if ends <= now => "Success",
            None if command.timeout <= now => "TimedOut",
            _ => "InProgress",
        };
        let output = if status == "Success" {
            command.output.as_str()
        } else {
            ""
        };
        Ok(Invocation {
            status: status.into(),
            output: output.into(),
        })
    }
}
