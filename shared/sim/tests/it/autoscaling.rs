use rstest::rstest;
use windlass_calls::autoscaling::{
    CreateAutoScalingGroup, DescribeAutoScalingGroups, DescribeScalingActivities, EnableMetricsCollection,
    GroupSettings,
};
use windlass_calls::ec2::LaunchTemplateData;
use windlass_calls::{CallError, Class};
use windlass_sim::WorldConfig;

use crate::account::{Account, settings, tags, template};

/// Creates the group, its settings changed, in an account where everything else is ready.
fn refusal(change: impl FnOnce(&mut GroupSettings)) -> CallError {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.profile();
    account.wait(200);
    let launch_template = account.call(template("web", &network.group)).id;
    let mut settings = settings(&network.private, &front.target_group, &launch_template);
    change(&mut settings);
    account.refusal(CreateAutoScalingGroup {
        settings: Box::new(settings),
        desired: None,
        hooks: vec![],
        tags: tags("group"),
    })
}

fn lifecycle(account: &mut Account) -> Vec<String> {
    account
        .web()
        .instances
        .into_iter()
        .map(|instance| instance.lifecycle_state)
        .collect()
}

#[test]
fn a_group_launches_min_instances_one_in_each_zone() {
    let mut account = Account::new();
    account.stack();
    let group = account.web();
    assert_eq!((group.desired, group.health_check.as_str()), (3, "ELB"));
    let zones: Vec<_> = group
        .instances
        .iter()
        .map(|instance| instance.zone.as_str())
        .collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert!(
        group
            .instances
            .iter()
            .all(|instance| instance.lifecycle_state == "Pending")
    );
    account.wait(20);
    assert_eq!(lifecycle(&mut account), ["InService"; 3]);
    let activities = account.call(DescribeScalingActivities { group: "web".into() });
    assert_eq!(activities.len(), 3);
    assert_eq!(
        activities[0].description,
        "Launching a new EC2 instance: i-00000003"
    );
    assert_eq!(activities[0].status, "Successful");
}

#[test]
fn instances_register_in_service_and_are_healthy_one_check_after_booting() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    assert!(account.states(&front.target_group).is_empty());
    account.wait(20);
    assert_eq!(account.states(&front.target_group), ["initial"; 3]);
    account.wait(14);
    assert_eq!(account.states(&front.target_group), ["initial"; 3]);
    account.wait(1);
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn a_group_exists_once() {
    let mut account = Account::new();
    let (network, front) = account.stack();
    let settings = settings(&network.private, &front.target_group, "lt-00000001");
    let again = account.code(CreateAutoScalingGroup {
        settings: Box::new(settings),
        desired: None,
        hooks: vec![],
        tags: tags("group"),
    });
    assert_eq!(again, ("AlreadyExists".to_owned(), Class::Exists));
}

#[rstest]
#[case::bounds(|it: &mut GroupSettings| it.max = 2, "Max bound")]
#[case::no_subnet(|it: &mut GroupSettings| it.subnets.clear(), "At least one Availability Zone")]
#[case::subnet(|it: &mut GroupSettings| it.subnets[0] = "subnet-0".into(), "The subnet ID")]
#[case::target_group(|it: &mut GroupSettings| it.target_groups[0] = "arn:none".into(), "Provided Target Groups")]
#[case::template(|it: &mut GroupSettings| it.launch_template = "lt-0".into(), "You must use a valid")]
#[case::version(|it: &mut GroupSettings| it.version = 2, "You must use a valid")]
#[case::maintenance(|it: &mut GroupSettings| it.maintenance = (100, 300), "The instance maintenance policy")]
fn a_group_with_wrong_settings_is_refused(#[case] change: fn(&mut GroupSettings), #[case] message: &str) {
    let error = refusal(change);
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.starts_with(message), "{}", error.message);
}

#[test]
fn a_new_instance_profile_is_accepted_only_once_it_has_propagated() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let launch_template = account.call(template("web", &network.group)).id;
    let settings = Box::new(settings(&network.private, &front.target_group, &launch_template));
    let call = CreateAutoScalingGroup {
        settings,
        desired: None,
        hooks: vec![],
        tags: tags("group"),
    };
    account.profile();
    account.wait(9);
    let early = account.refusal(call.clone());
    assert_eq!(
        (early.code.as_str(), early.class),
        ("ValidationError", Class::NotYet)
    );
    assert!(early.message.contains("Invalid IAM Instance Profile name"));
    account.wait(1);
    account.call(call);
}

#[rstest]
#[case::image(|data: &mut LaunchTemplateData| data.image = "ami-0".into())]
#[case::security_group(|data: &mut LaunchTemplateData| data.security_groups = vec!["sg-0".into()])]
fn a_template_that_names_what_does_not_exist_is_refused(#[case] change: fn(&mut LaunchTemplateData)) {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.profile();
    account.wait(60);
    let mut template = template("web", &network.group);
    change(&mut template.data);
    let launch_template = account.call(template).id;
    let settings = Box::new(settings(&network.private, &front.target_group, &launch_template));
    let error = account.refusal(CreateAutoScalingGroup {
        settings,
        desired: None,
        hooks: vec![],
        tags: tags("group"),
    });
    assert!(
        error
            .message
            .starts_with("You must use a valid fully-formed launch template.")
    );
}

#[test]
fn without_a_listener_targets_are_unused() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.wait(60);
    account.world.delete(&front.balancer);
    let health = account.health(&front.target_group);
    assert_eq!(
        (health[0].state.as_str(), health[0].reason.as_deref()),
        ("unused", Some("Target.NotInUse"))
    );
}

#[test]
fn instances_launched_before_the_nat_gateways_are_available_never_get_healthy_and_are_replaced() {
    let mut account = Account::with(WorldConfig {
        nat_delay: jiff::SignedDuration::from_secs(250),
        ..WorldConfig::default()
    });
    let (_, front) = account.stack();
    account.wait(51);
    assert_eq!(account.states(&front.target_group), ["unhealthy"; 3]);
    account.wait(400);
    let states = account.states(&front.target_group);
    assert_eq!(states.iter().filter(|state| *state == "healthy").count(), 3);
    assert_eq!(states.iter().filter(|state| *state == "draining").count(), 3);
}

#[test]
fn instances_that_need_no_internet_get_healthy_without_it() {
    let mut account = Account::with(WorldConfig {
        nat_delay: jiff::SignedDuration::from_secs(9999),
        instances_need_internet: false,
        ..WorldConfig::default()
    });
    let (_, front) = account.stack();
    account.wait(60);
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn a_broken_application_is_unhealthy_and_replaced_after_the_grace_period() {
    let mut account = Account::with(WorldConfig {
        broken_app: true,
        ..WorldConfig::default()
    });
    let (_, front) = account.stack();
    account.wait(139);
    let health = account.health(&front.target_group);
    assert!(
        health
            .iter()
            .all(|target| target.reason.as_deref() == Some("Target.FailedHealthChecks"))
    );
    assert_eq!(account.web().instances.len(), 3);
    account.wait(1);
    let group = account.web();
    assert_eq!(
        group.instances.len(),
        6,
        "replacements are launched first (rule 61)"
    );
    assert!(
        group.instances[..3]
            .iter()
            .all(|instance| instance.health == "Unhealthy")
    );
    account.wait(20);
    assert_eq!(lifecycle(&mut account)[..3], ["Terminating"; 3]);
    account.world.config_mut().broken_app = false;
    account.wait(3600);
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn a_terminated_instance_is_noticed_and_replaced_in_its_zone() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.wait(60);
    let lost = account.web().instances[1].id.clone();
    assert!(account.world.terminate_instance(&lost));
    assert!(!account.world.terminate_instance(&lost));
    assert_eq!(account.states(&front.target_group)[1], "draining");
    account.wait(120);
    let group = account.web();
    assert!(group.instances.iter().all(|instance| instance.id != lost));
    assert_eq!(group.instances[2].zone, "us-east-1b");
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn an_instance_that_stops_answering_is_replaced() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.wait(300);
    let sick = account.web().instances[0].id.clone();
    assert!(account.world.break_instance(&sick));
    account.wait(30);
    assert_eq!(account.states(&front.target_group)[0], "unhealthy");
    account.wait(600);
    assert!(account.web().instances.iter().all(|instance| instance.id != sick));
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
}

#[test]
fn failed_launches_are_activities_and_are_tried_again_every_minute() {
    let mut account = Account::with(WorldConfig {
        launch_failure: Some("You have requested more vCPU capacity than your current vCPU limit.".into()),
        ..WorldConfig::default()
    });
    account.stack();
    account.wait(3600);
    let activities = account.call(DescribeScalingActivities { group: "web".into() });
    assert_eq!(activities.len(), 20);
    assert_eq!(activities[0].status, "Failed");
    assert!(activities[0].message.as_ref().unwrap().contains("vCPU limit"));
    account.world.config_mut().launch_failure = None;
    account.wait(120);
    assert_eq!(lifecycle(&mut account), ["InService"; 3]);
}

#[test]
fn an_instance_type_the_zone_does_not_offer_fails_to_launch() {
    let mut account = Account::new();
    account.world.config_mut().not_offered = vec![("t3.".into(), "us-east-1a".into())];
    account.stack();
    let activities = account.call(DescribeScalingActivities { group: "web".into() });
    assert!(activities[0].message.as_ref().unwrap().contains("us-east-1a"));
}

#[test]
fn a_suspended_group_launches_nothing() {
    let mut account = Account::new();
    account.stack();
    account.wait(60);
    account.world.suspend_process("web", "Launch", true);
    let lost = account.web().instances[0].id.clone();
    account.world.terminate_instance(&lost);
    account.wait(600);
    assert_eq!(
        (account.web().instances.len(), account.web().suspended),
        (2, vec!["Launch".to_owned()])
    );
    account.world.suspend_process("web", "Launch", false);
    account.wait(60);
    assert_eq!(lifecycle(&mut account), ["InService"; 3]);
}

#[test]
fn a_missing_group_is_an_empty_list_and_has_no_activities() {
    let mut account = Account::new();
    assert!(
        account
            .call(DescribeAutoScalingGroups {
                names: vec!["web".into()]
            })
            .is_empty()
    );
    assert_eq!(
        account.code(DescribeScalingActivities { group: "web".into() }).0,
        "ValidationError"
    );
}

#[test]
fn a_group_reports_no_metrics_until_it_is_told_to_and_then_all() {
    let mut account = Account::new();
    let call = EnableMetricsCollection { group: "web".into() };
    assert_eq!(
        account.code(call.clone()),
        ("ValidationError".to_owned(), Class::NotYet)
    );
    account.stack();
    assert!(account.web().metrics.is_empty());
    account.call(call.clone());
    let metrics = account.web().metrics;
    assert!(metrics.contains(&"GroupInServiceInstances".to_owned()));
    account.call(call);
    assert_eq!(account.web().metrics, metrics);
}
