use jiff::SignedDuration;
use windlass_calls::Class;
use windlass_calls::ec2::{DeleteNatGateway, RunInstances};
use windlass_calls::ssm::{
    DescribeInstanceInformation, GetCommandInvocation, InstanceInformation, Invocation, SendCommand,
};
use windlass_sim::WorldConfig;

use crate::account::{Account, Network, tags, template};

/// An account with a network, and the call that launches an instance in it.
fn account(config: WorldConfig) -> (Account, Network, RunInstances) {
    let mut account = Account::with(config);
    let network = account.network(&["a"]);
    account.profile();
    account.wait(200);
    let call = RunInstances {
        launch_template: account.call(template("web", &network.group)).id,
        version: 1,
        subnet: network.private[0].clone(),
        token: "first".into(),
        tags: tags("instance/0"),
    };
    (account, network, call)
}

/// With an instance whose agent has registered.
fn registered(config: WorldConfig) -> (Account, String) {
    let (mut account, _, call) = account(config);
    let instance = account.call(call).id;
    account.wait(20);
    (account, instance)
}

fn command(instance: &str) -> SendCommand {
    SendCommand {
        instance: instance.into(),
        commands: vec!["uptime".into()],
        delivery: 30,
        timeout: 60,
    }
}

fn agents(account: &mut Account, instance: &str) -> Vec<InstanceInformation> {
    account.call(DescribeInstanceInformation {
        instances: vec![instance.into()],
    })
}

fn asked(command: &str, instance: &str) -> GetCommandInvocation {
    GetCommandInvocation {
        command: command.into(),
        instance: instance.into(),
    }
}

#[test]
fn an_agent_registers_a_while_after_the_launch_and_loses_its_connection_with_its_instance() {
    let (mut account, _, call) = account(WorldConfig::default());
    let instance = account.call(call).id;
    account.wait(19);
    assert_eq!(agents(&mut account, &instance), []);
    account.wait(1);
    let [agent] = agents(&mut account, &instance).try_into().unwrap();
    assert!(agent.is_online(), "{agent:?}");
    account.world.terminate_instance(&instance);
    let [agent] = agents(&mut account, &instance).try_into().unwrap();
    assert_eq!(agent.ping, "ConnectionLost");
    assert_eq!(account.code(command(&instance)).0, "InvalidInstanceId");
}

#[test]
fn an_agent_without_a_way_to_systems_manager_never_registers_and_takes_no_command() {
    let (mut account, network, call) = account(WorldConfig::default());
    let nat_gateway = network.nats[0].clone();
    account.call(DeleteNatGateway { nat_gateway });
    let instance = account.call(call).id;
    account.wait(600);
    assert_eq!(agents(&mut account, &instance), []);
    assert_eq!(
        account.code(command(&instance)),
        ("InvalidInstanceId".into(), Class::NotYet)
    );
}

#[test]
fn a_command_is_unknown_at_first_then_runs_and_then_has_printed() {
    let (mut account, instance) = registered(WorldConfig {
        command_output: "up 20 s".into(),
        ..WorldConfig::default()
    });
    let sent = account.call(command(&instance)).0;
    let ask = asked(&sent, &instance);
    let unknown = ("InvocationDoesNotExist".into(), Class::NotYet);
    assert_eq!(account.code(ask.clone()), unknown);
    account.wait(1);
    let running = account.call(ask.clone());
    assert_eq!(
        (running.status.as_str(), running.output.as_str()),
        ("InProgress", "")
    );
    assert!(!running.has_ended());
    account.wait(1);
    let ended = Invocation {
        status: "Success".into(),
        output: "up 20 s".into(),
    };
    assert_eq!(account.call(ask), ended);
    assert!(ended.has_ended());
    assert_eq!(account.code(asked(&sent, "i-other")), unknown);
}

#[test]
fn a_command_sent_twice_runs_twice() {
    let (mut account, instance) = registered(WorldConfig::default());
    let first = account.call(command(&instance));
    assert_ne!(first, account.call(command(&instance)));
}

#[test]
fn what_does_not_end_in_time_or_loses_its_instance_times_out() {
    let slow = WorldConfig {
        command_delay: None,
        ..WorldConfig::default()
    };
    let (mut account, instance) = registered(slow);
    let sent = account.call(command(&instance)).0;
    account.wait(59);
    assert_eq!(account.call(asked(&sent, &instance)).status, "InProgress");
    account.wait(1);
    assert_eq!(account.call(asked(&sent, &instance)).status, "TimedOut");

    let quick = WorldConfig {
        command_delay: Some(SignedDuration::from_secs(5)),
        ..WorldConfig::default()
    };
    let (mut account, instance) = registered(quick);
    let sent = account.call(command(&instance)).0;
    account.wait(4);
    account.world.terminate_instance(&instance);
    account.wait(10);
    assert_eq!(account.call(asked(&sent, &instance)).status, "InProgress");
    account.wait(46);
    assert_eq!(account.call(asked(&sent, &instance)).status, "TimedOut");
}

#[test]
fn an_agent_has_at_least_half_a_minute_to_begin() {
    let (mut account, instance) = registered(WorldConfig::default());
    let hasty = SendCommand {
        delivery: 29,
        ..command(&instance)
    };
    assert_eq!(account.code(hasty).0, "ValidationException");
}
