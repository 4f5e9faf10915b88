use rstest::rstest;
use windlass_calls::Class;
use windlass_calls::autoscaling::{
    CreateAutoScalingGroup, CreateOrUpdateTags, DeleteAutoScalingGroup, DeleteTags,
    DescribeAutoScalingGroups, GroupChange, Launch, UpdateAutoScalingGroup,
};
use windlass_calls::ec2::{CreateLaunchTemplateVersion, DescribeInstances};

use crate::account::{Account, settings, tagged, tags, template};

fn change(change: GroupChange) -> UpdateAutoScalingGroup {
    UpdateAutoScalingGroup {
        group: "web".into(),
        change: Box::new(change),
    }
}

fn bounds(min: u32, max: u32) -> UpdateAutoScalingGroup {
    change(GroupChange {
        min: Some(min),
        max: Some(max),
        ..GroupChange::default()
    })
}

fn desired(desired: u32) -> UpdateAutoScalingGroup {
    change(GroupChange {
        desired: Some(desired),
        ..GroupChange::default()
    })
}

fn staying(account: &mut Account) -> Vec<windlass_calls::autoscaling::Instance> {
    let instances = account.web().instances.into_iter();
    instances
        .filter(|it| it.lifecycle_state != "Terminating")
        .collect()
}

#[test]
fn a_group_starts_with_as_many_instances_as_its_call_says() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.profile();
    account.wait(200);
    let launch_template = account.call(template("web", &network.group)).id;
    let mut call = CreateAutoScalingGroup {
        settings: Box::new(settings(&network.private, &front.target_group, &launch_template)),
        desired: Some(10),
        hooks: vec![],
        tags: tags("group"),
    };
    assert_eq!(account.code(call.clone()).0, "ValidationError");
    call.desired = Some(5);
    account.call(call);
    assert_eq!((account.web().desired, account.web().instances.len()), (5, 5));
}

#[test]
fn a_higher_minimum_pulls_the_desired_capacity_up() {
    let mut account = Account::new();
    account.stack();
    account.call(bounds(5, 9));
    let group = account.web();
    assert_eq!(
        (group.desired, group.settings.min, group.instances.len()),
        (5, 5, 5)
    );
}

#[test]
fn a_lower_maximum_pulls_the_desired_capacity_down() {
    let mut account = Account::new();
    account.stack();
    account.wait(60);
    account.call(bounds(1, 2));
    let group = account.web();
    assert_eq!((group.desired, group.settings.max), (2, 2));
    assert_eq!(staying(&mut account).len(), 2);
}

#[test]
fn bounds_that_hold_the_desired_capacity_leave_it() {
    let mut account = Account::new();
    account.stack();
    account.call(desired(5));
    account.call(bounds(1, 6));
    assert_eq!(account.web().desired, 5);
}

#[test]
fn a_desired_capacity_outside_the_bounds_is_refused() {
    let mut account = Account::new();
    account.stack();
    let error = account.refusal(desired(10));
    assert_eq!(error.code, "ValidationError");
    assert_eq!(
        error.message,
        "Desired capacity:10 must be between the specified min size:3 and max size:9"
    );
}

#[test]
fn instances_that_are_too_many_drain_and_leave_one_of_the_fullest_zone_first() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    account.call(desired(4));
    account.wait(300);
    account.call(desired(3));
    let leaving = account.states(&front.target_group);
    assert_eq!(leaving.iter().filter(|state| *state == "draining").count(), 1);
    let zones: Vec<_> = staying(&mut account).into_iter().map(|it| it.zone).collect();
    assert_eq!(zones, ["us-east-1b", "us-east-1c", "us-east-1a"]);
    account.wait(299);
    assert_eq!(account.web().instances.len(), 4);
    account.wait(1);
    assert_eq!(account.web().instances.len(), 3);
}

#[test]
fn instances_of_the_oldest_version_leave_first() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    let launch_template = "lt-00000001".to_owned();
    account.call(CreateLaunchTemplateVersion {
        launch_template: launch_template.clone(),
        token: "two".into(),
        data: template("web", &network.group).data,
    });
    account.call(change(GroupChange {
        desired: Some(4),
        launch: Some(Launch {
            launch_template,
            version: 2,
            instance_types: Vec::new(),
            spot: None,
        }),
        ..GroupChange::default()
    }));
    account.wait(300);
    account.call(bounds(1, 1));
    let kept = staying(&mut account);
    let instances = account.call(DescribeInstances {
        filters: tagged("group"),
    });
    let instance = instances.iter().find(|it| it.id == kept[0].id).unwrap();
    assert_eq!(instance.tags["aws:ec2launchtemplate:version"], "2");
}

#[test]
fn an_update_leaves_what_it_does_not_name() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    let before = account.web().settings;
    account.call(change(GroupChange {
        subnets: Some(network.private[..2].to_vec()),
        grace: Some(30),
        maintenance: Some((90, 120)),
        ..GroupChange::default()
    }));
    let after = account.web().settings;
    assert_eq!(after.subnets, network.private[..2]);
    assert_eq!((after.grace, after.maintenance), (30, (90, 120)));
    assert_eq!(
        (after.min, after.max, after.warmup, after.version),
        (before.min, before.max, before.warmup, before.version)
    );
}

#[rstest]
#[case::bounds(GroupChange { max: Some(2), ..GroupChange::default() }, "Max bound")]
#[case::subnet(GroupChange { subnets: Some(vec!["subnet-0".into()]), ..GroupChange::default() }, "The subnet ID")]
#[case::no_subnet(GroupChange { subnets: Some(Vec::new()), ..GroupChange::default() }, "At least one")]
#[case::maintenance(GroupChange { maintenance: Some((0, 300)), ..GroupChange::default() }, "The instance maintenance")]
fn an_update_with_wrong_settings_is_refused(#[case] wrong: GroupChange, #[case] message: &str) {
    let mut account = Account::new();
    account.stack();
    let before = account.web();
    let error = account.refusal(change(wrong));
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.starts_with(message), "{}", error.message);
    assert_eq!(account.web(), before);
}

#[test]
fn a_group_with_instances_cannot_be_deleted() {
    let mut account = Account::new();
    account.stack();
    let delete = DeleteAutoScalingGroup { group: "web".into() };
    let error = account.refusal(delete.clone());
    assert_eq!(
        (error.code.as_str(), error.class),
        ("ResourceInUse", Class::NotYet)
    );
    account.call(bounds(0, 0));
    let error = account.refusal(delete.clone());
    assert_eq!(
        (error.code.as_str(), error.class),
        ("ScalingActivityInProgress", Class::NotYet)
    );
    account.wait(300);
    account.call(delete.clone());
    let groups = account.call(DescribeAutoScalingGroups {
        names: vec!["web".into()],
    });
    assert_eq!(groups, []);
    assert_eq!(account.code(delete).0, "ValidationError");
}

#[test]
fn tags_of_a_group_are_those_of_instances_launched_from_then_on() {
    let mut account = Account::new();
    account.stack();
    account.call(CreateOrUpdateTags {
        group: "web".into(),
        tags: [("team".to_owned(), "shop".to_owned())].into(),
    });
    account.call(desired(4));
    account.call(DeleteTags {
        group: "web".into(),
        keys: vec!["windlass:stack".into(), "none".into()],
    });
    let group = account.web();
    assert_eq!(
        (group.tags.get("team").unwrap(), group.tags.len()),
        (&"shop".to_owned(), 2)
    );
    let instances = account.call(DescribeInstances {
        filters: [("tag:team".to_owned(), vec!["shop".to_owned()])].into(),
    });
    assert_eq!(instances.len(), 1);
    let missing = CreateOrUpdateTags {
        group: "none".into(),
        tags: tags("group"),
    };
    assert_eq!(account.code(missing).0, "ValidationError");
}
