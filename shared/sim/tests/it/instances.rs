use rstest::rstest;
use windlass_calls::autoscaling::{CreateAutoScalingGroup, DescribeScalingActivities};
use windlass_calls::ec2::{
    DescribeInstanceStatus, DescribeInstanceTypes, DescribeInstances, Instance, InstanceStatus,
    LaunchTemplateData, RunInstances,
};
use windlass_calls::{Applied, Class, Filters, Tags};
use windlass_sim::{Lag, WorldConfig};

use crate::account::{Account, settings, tagged, tags, template};

/// An account where an instance can be launched, and the call that does it.
fn account(config: WorldConfig) -> (Account, RunInstances) {
    let mut account = Account::with(config);
    let network = account.network(&["a"]);
    account.profile();
    account.wait(200);
    let call = RunInstances {
        launch_template: account.call(template("web", &network.group)).id,
        version: 1,
        subnet: network.private[0].clone(),
        token: "first".into(),
        tags: Tags::from([("windlass:resource".into(), "instance/0".into())]),
    };
    (account, call)
}

fn ready() -> (Account, RunInstances) {
    account(WorldConfig::default())
}

fn again(call: &RunInstances, token: &str) -> RunInstances {
    RunInstances {
        token: token.into(),
        ..call.clone()
    }
}

fn found(account: &mut Account) -> Vec<Instance> {
    account.call(DescribeInstances {
        filters: tagged("instance/0"),
    })
}

fn states(account: &mut Account) -> Vec<String> {
    found(account)
        .into_iter()
        .map(|instance| instance.state)
        .collect()
}

#[test]
fn an_instance_is_pending_and_then_running_with_tags_over_those_of_its_template() {
    let (mut account, call) = ready();
    let made = account.call(call.clone());
    assert_eq!((made.state.as_str(), made.spot), ("pending", false));
    assert_eq!(
        (made.instance_type.as_str(), &made.subnet),
        ("t3.micro", &call.subnet)
    );
    assert_eq!(made.tags["windlass:stack"], "dev/web", "the template's");
    assert_eq!(
        made.tags["windlass:resource"], "instance/0",
        "the call's over the template's"
    );
    assert_eq!(
        made.tags["aws:ec2launchtemplate:id"], call.launch_template,
        "AWS's own"
    );
    assert_eq!(made.tags["aws:ec2launchtemplate:version"], "1");
    account.wait(9);
    assert_eq!(states(&mut account), ["pending"]);
    account.wait(1);
    let running = Instance {
        state: "running".into(),
        ..made
    };
    assert_eq!(found(&mut account), [running]);
}

#[rstest]
#[case(false, "ok")]
#[case(true, "impaired")]
fn the_checks_of_an_instance_begin_with_its_boot_and_end_with_it(#[case] impaired: bool, #[case] own: &str) {
    let (mut account, call) = account(WorldConfig {
        impaired,
        ..WorldConfig::default()
    });
    let instance = account.call(call).id;
    let ask = DescribeInstanceStatus {
        instance: instance.clone(),
    };
    let status = |system: &str, instance: &str| {
        Some(InstanceStatus {
            system: system.into(),
            instance: instance.into(),
        })
    };
    assert_eq!(account.call(ask.clone()), None, "it is pending");
    account.wait(10);
    assert_eq!(account.call(ask.clone()), status("initializing", "initializing"));
    account.wait(20);
    assert_eq!(account.call(ask.clone()), status("ok", own));
    account.world.stop_instance(&instance);
    assert_eq!(account.call(ask), None);
}

#[test]
fn a_terminated_instance_has_no_security_groups() {
    let (mut account, call) = ready();
    let instance = account.call(call).id;
    assert_eq!(found(&mut account)[0].security_groups.len(), 1);
    account.world.terminate_instance(&instance);
    account.wait(600);
    assert_eq!(found(&mut account)[0].security_groups, Vec::<String>::new());
}

#[test]
fn instances_are_found_by_id_and_state() {
    let (mut account, call) = ready();
    let old = account.call(call.clone()).id;
    account.wait(10);
    let new = account.call(again(&call, "second")).id;
    let mut found = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let filters = Filters::from([(name.to_owned(), values)]);
        let found = account.call(DescribeInstances { filters });
        found.into_iter().map(|instance| instance.id).collect::<Vec<_>>()
    };
    assert_eq!(found("instance-id", &[&new]), *std::slice::from_ref(&new));
    assert_eq!(
        found("instance-state-name", &["running"]),
        *std::slice::from_ref(&old)
    );
    assert_eq!(found("instance-state-name", &["pending", "running"]), [old, new]);
}

#[test]
fn a_repeated_token_launches_nothing_even_when_the_instance_is_gone() {
    let (mut account, call) = ready();
    let first = account.call(call.clone());
    assert_eq!(account.call(call.clone()), first);
    let other = RunInstances {
        tags: Tags::new(),
        ..call.clone()
    };
    assert_eq!(
        account.code(other),
        ("IdempotentParameterMismatch".to_owned(), Class::Terminal)
    );
    account.world.terminate_instance(&first.id);
    account.wait(60);
    assert_eq!(account.code(call).0, "IdempotentInstanceTerminated");
    assert_eq!(states(&mut account), ["terminated"]);
}

#[test]
fn a_terminated_instance_is_shown_for_an_hour_and_has_no_subnet() {
    let (mut account, call) = ready();
    let id = account.call(call).id;
    account.wait(60);
    assert!(account.world.terminate_instance(&id));
    assert!(!account.world.terminate_instance(&id));
    assert_eq!(states(&mut account), ["shutting-down"]);
    account.wait(30);
    let gone = found(&mut account).remove(0);
    assert_eq!((gone.state.as_str(), gone.subnet.as_str()), ("terminated", ""));
    assert!(
        gone.state_reason
            .unwrap()
            .starts_with("Client.UserInitiatedShutdown")
    );
    account.wait(3569);
    assert_eq!(states(&mut account), ["terminated"]);
    account.wait(1);
    assert!(found(&mut account).is_empty());
}

#[test]
fn a_stopped_instance_exists_and_does_not_run() {
    let (mut account, call) = ready();
    let id = account.call(call).id;
    account.wait(60);
    assert!(account.world.stop_instance(&id));
    assert!(!account.world.stop_instance(&id));
    assert_eq!(states(&mut account), ["stopping"]);
    account.wait(30);
    assert_eq!(states(&mut account), ["stopped"]);
    let all = account.world.inventory();
    assert!(all.iter().any(|live| live.id == id));
    assert!(account.world.delete(&id));
    account.wait(30);
    assert_eq!(states(&mut account), ["terminated"]);
}

#[test]
fn a_new_instance_stays_out_of_sight_for_the_lag() {
    let (mut account, call) = ready();
    account.world.config_mut().visibility_lag = Lag::Fixed(30);
    account.call(call.clone());
    assert!(found(&mut account).is_empty());
    account.wait(30);
    assert_eq!(states(&mut account), ["running"]);
}

#[test]
fn what_a_launch_names_must_exist() {
    let gone = |code: &str| (code.to_owned(), Class::Gone);
    let (mut account, call) = ready();
    let no_template = RunInstances {
        launch_template: "lt-0".into(),
        ..call.clone()
    };
    assert_eq!(
        account.code(no_template),
        gone("InvalidLaunchTemplateId.NotFound")
    );
    let no_version = RunInstances {
        version: 2,
        ..call.clone()
    };
    assert_eq!(
        account.code(no_version),
        gone("InvalidLaunchTemplateId.VersionNotFound")
    );
    let no_subnet = RunInstances {
        subnet: "subnet-0".into(),
        ..call
    };
    assert_eq!(account.code(no_subnet), gone("InvalidSubnetID.NotFound"));
}

#[rstest]
#[case::image(|data: &mut LaunchTemplateData| data.image = "ami-0".into(), "InvalidAMIID.NotFound", Class::Gone)]
#[case::security_group(|data: &mut LaunchTemplateData| data.security_groups = vec!["sg-0".into()], "InvalidGroup.NotFound", Class::Gone)]
#[case::profile(|data: &mut LaunchTemplateData| data.instance_profile = "none".into(), "InvalidParameterValue", Class::NotYet)]
#[case::instance_type(|data: &mut LaunchTemplateData| data.instance_type = "t3.mega".into(), "InvalidParameterValue", Class::Terminal)]
fn what_the_template_of_a_launch_names_must_exist(
    #[case] change: fn(&mut LaunchTemplateData),
    #[case] code: &str,
    #[case] class: Class,
) {
    let (mut account, call) = ready();
    let mut broken = template("broken", "sg-00000001");
    change(&mut broken.data);
    let launch_template = account.call(broken).id;
    let call = RunInstances {
        launch_template,
        ..call
    };
    assert_eq!(account.code(call), (code.to_owned(), class));
}

#[test]
fn the_security_groups_and_the_subnet_of_an_instance_are_in_one_vpc() {
    let (mut account, call) = ready();
    let other = account.vpc();
    let subnet = account.subnet(&other, "10.0.1.0/24", "a");
    assert_eq!(
        account.code(RunInstances { subnet, ..call }).0,
        "InvalidParameter"
    );
}

#[test]
fn a_zone_that_does_not_offer_the_type_launches_nothing() {
    let (mut account, call) = ready();
    account.world.config_mut().not_offered = vec![("t3.".into(), "us-east-1a".into())];
    assert_eq!(account.code(call), ("Unsupported".to_owned(), Class::Terminal));
}

#[test]
fn without_capacity_a_launch_may_be_tried_again_with_its_token() {
    let (mut account, call) = account(WorldConfig {
        launch_failure: Some("We currently do not have sufficient t3.micro capacity.".into()),
        ..WorldConfig::default()
    });
    let error = account.refusal(call.clone());
    assert_eq!(
        (error.code.as_str(), error.class, error.applied),
        ("InsufficientInstanceCapacity", Class::Transient, Applied::Unknown)
    );
    account.world.config_mut().launch_failure = None;
    account.call(call);
}

#[test]
fn processors_of_running_instances_count_against_the_quota() {
    let (mut account, call) = account(WorldConfig {
        vcpu_quota: 5,
        ..WorldConfig::default()
    });
    let first = account.call(call.clone()).id;
    let second = account.call(again(&call, "second")).id;
    let beyond = account.refusal(again(&call, "third"));
    assert_eq!(
        (beyond.code.as_str(), beyond.class),
        ("VcpuLimitExceeded", Class::Terminal)
    );
    assert!(beyond.message.contains("your current vCPU limit of 5"));
    account.world.stop_instance(&first);
    account.call(again(&call, "third"));
    account.world.terminate_instance(&second);
    account.call(again(&call, "fourth"));
}

#[test]
fn the_launches_of_a_group_count_and_fail_as_activities() {
    let mut account = Account::with(WorldConfig {
        vcpu_quota: 5,
        ..WorldConfig::default()
    });
    account.stack();
    assert_eq!(account.web().instances.len(), 2);
    let activities = account.call(DescribeScalingActivities { group: "web".into() });
    assert_eq!(activities[0].status, "Failed");
    assert!(
        activities[0]
            .message
            .as_ref()
            .unwrap()
            .contains("vCPU limit of 5")
    );
    account.world.config_mut().vcpu_quota = 6;
    account.wait(60);
    assert_eq!(account.web().instances.len(), 3);
}

#[test]
fn instances_of_a_group_are_shown_with_the_tags_of_template_and_group() {
    let mut account = Account::new();
    account.stack();
    account.wait(20);
    let all = account.call(DescribeInstances {
        filters: Filters::new(),
    });
    assert_eq!(all.len(), 3);
    for instance in &all {
        assert_eq!(instance.state, "running");
        assert_eq!(instance.tags["windlass:resource"], "group");
        assert_eq!(instance.tags["aws:autoscaling:groupName"], "web");
        assert!(instance.tags.contains_key("aws:ec2launchtemplate:id"));
    }
}

#[test]
fn an_instance_that_its_group_is_done_with_is_terminated() {
    let mut account = Account::with(WorldConfig {
        broken_app: true,
        ..WorldConfig::default()
    });
    account.stack();
    account.wait(160);
    let filters = Filters::from([("instance-state-name".into(), vec!["running".into()])]);
    let running = |account: &mut Account| {
        let filters = filters.clone();
        account.call(DescribeInstances { filters }).len()
    };
    assert_eq!(running(&mut account), 6, "the old ones drain");
    account.world.config_mut().broken_app = false;
    account.world.suspend_process("web", "Launch", true);
    account.wait(300);
    let all = account.call(DescribeInstances {
        filters: Filters::new(),
    });
    let ended = all.iter().filter(|instance| instance.state != "running").count();
    assert!(ended >= 3, "{all:?}");
}

#[test]
fn a_group_replaces_an_instance_that_somebody_stopped_and_terminates_it() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.wait(60);
    let stopped = account.web().instances[0].id.clone();
    assert!(account.world.stop_instance(&stopped));
    let health = account.health(&front.target_group);
    assert_eq!(
        (health[0].state.as_str(), health[0].reason.as_deref()),
        ("unused", Some("Target.InvalidState"))
    );
    account.wait(160);
    assert!(
        account
            .web()
            .instances
            .iter()
            .all(|instance| instance.id != stopped)
    );
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
    let filters = Filters::from([("instance-id".into(), vec![stopped])]);
    assert_eq!(account.call(DescribeInstances { filters })[0].state, "terminated");
}

#[test]
fn a_group_with_several_types_takes_the_first_that_can_start() {
    let mut account = Account::new();
    account.world.config_mut().not_offered = vec![("t3.".into(), "us-east-1a".into())];
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.profile();
    account.wait(200);
    let launch_template = account.call(template("web", &network.group)).id;
    let mut settings = settings(&network.private, &front.target_group, &launch_template);
    settings.min = 2;
    settings.instance_types = vec!["t3.micro".into(), "m5.large".into()];
    account.call(CreateAutoScalingGroup {
        settings: Box::new(settings),
        desired: None,
        hooks: vec![],
        tags: tags("group"),
    });
    let all = account.call(DescribeInstances {
        filters: Filters::new(),
    });
    let types: Vec<_> = all
        .iter()
        .map(|instance| instance.instance_type.as_str())
        .collect();
    assert_eq!(types, ["m5.large", "t3.micro"]);
}

#[rstest]
#[case("t2.micro", 1)]
#[case("t3.nano", 2)]
#[case("t4g.medium", 2)]
#[case("m7g.medium", 1)]
#[case("c5.large", 2)]
#[case("r5.xlarge", 4)]
#[case("m5.24xlarge", 96)]
#[case("c5.metal", 96)]
fn the_size_of_an_instance_type_tells_its_processors(#[case] name: &str, #[case] vcpus: u32) {
    let types = Account::new().call(DescribeInstanceTypes {
        instance_types: vec![name.into()],
    });
    assert_eq!((types[0].name.as_str(), types[0].vcpus), (name, vcpus));
}

#[rstest]
#[case("t3.mega")]
#[case("t3")]
#[case(".large")]
#[case("m5.nano")]
#[case("m5.0xlarge")]
fn an_instance_type_that_does_not_exist_is_refused(#[case] name: &str) {
    let refusal = Account::new().code(DescribeInstanceTypes {
        instance_types: vec!["t3.micro".into(), name.into()],
    });
    assert_eq!(refusal, ("InvalidInstanceType".to_owned(), Class::Terminal));
}
