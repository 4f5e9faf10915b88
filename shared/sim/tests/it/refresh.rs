use rstest::rstest;
use windlass_calls::Class;
use windlass_calls::autoscaling::{
    CancelInstanceRefresh, DescribeInstanceRefreshes, GroupChange, Launch, Refresh, RefreshPreferences,
    StartInstanceRefresh, UpdateAutoScalingGroup,
};
use windlass_calls::ec2::{CreateLaunchTemplateVersion, DescribeInstances, TerminateInstances};
use windlass_sim::WorldConfig;

use crate::account::{Account, Front, tagged, template};

const TEMPLATE: &str = "lt-00000001";

fn launch(version: u64) -> Launch {
    Launch {
        launch_template: TEMPLATE.into(),
        version,
        instance_types: Vec::new(),
        spot: None,
    }
}

fn start(version: u64) -> StartInstanceRefresh {
    StartInstanceRefresh {
        group: "web".into(),
        launch: launch(version),
        preferences: RefreshPreferences {
            healthy: (100, 110),
            bake: 60,
            rollback: true,
        },
    }
}

fn latest(account: &mut Account) -> Refresh {
    let mut refreshes = account.call(DescribeInstanceRefreshes { group: "web".into() });
    refreshes.remove(0)
}

fn status(account: &mut Account) -> (String, u32) {
    let refresh = latest(account);
    (refresh.status, refresh.percentage)
}

/// Version of the launch template that each living instance of the group was made from, in order.
fn versions(account: &mut Account) -> Vec<String> {
    let of_group = account.web().instances.into_iter();
    let leaving = |state: &str| state == "Terminating";
    let kept: Vec<_> = of_group
        .filter(|it| !leaving(&it.lifecycle_state))
        .map(|it| it.id)
        .collect();
    let instances = account.call(DescribeInstances {
        filters: tagged("group"),
    });
    let mut versions: Vec<_> = instances
        .into_iter()
        .filter(|instance| kept.contains(&instance.id))
        .map(|instance| instance.tags["aws:ec2launchtemplate:version"].clone())
        .collect();
    versions.sort();
    versions
}

fn healthy(account: &mut Account, front: &Front) -> usize {
    let states = account.states(&front.target_group);
    states.iter().filter(|state| *state == "healthy").count()
}

/// A group of three healthy instances of version 1, and a version 2.
fn ready(config: WorldConfig) -> (Account, Front) {
    let mut account = Account::with(config);
    let (network, front) = account.stack();
    let made = account.call(CreateLaunchTemplateVersion {
        launch_template: TEMPLATE.into(),
        token: "two".into(),
        data: template("web", &network.group).data,
    });
    assert_eq!(made.version, 2);
    account.wait(300);
    assert_eq!(account.states(&front.target_group), ["healthy"; 3]);
    (account, front)
}

/// The same where instances of version 2 never get healthy.
fn broken() -> (Account, Front) {
    ready(WorldConfig {
        broken_versions: [2].into(),
        ..WorldConfig::default()
    })
}

#[test]
fn a_refresh_replaces_one_instance_at_a_time_and_never_serves_with_fewer() {
    let (mut account, front) = ready(WorldConfig::default());
    account.call(start(2));
    assert_eq!(status(&mut account), ("InProgress".to_owned(), 0));
    assert_eq!(versions(&mut account), ["1", "1", "1", "2"]);
    let mut seen = Vec::new();
    for _ in 0..60 {
        assert!(healthy(&mut account, &front) >= 3);
        assert!(versions(&mut account).len() <= 4);
        let now = status(&mut account);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        account.wait(5);
    }
    let expected = [
        ("InProgress", 0),
        ("InProgress", 33),
        ("InProgress", 66),
        ("Baking", 100),
        ("Successful", 100),
    ];
    let expected = expected.map(|(status, percentage)| (status.to_owned(), percentage));
    assert_eq!(seen, expected);
    assert_eq!(versions(&mut account), ["2"; 3]);
}

#[test]
fn what_a_successful_refresh_brought_is_the_groups() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(2));
    assert_eq!(account.web().settings.version, 1);
    account.wait(600);
    assert_eq!(account.web().settings.version, 2);
    let zones: Vec<_> = account.web().instances.into_iter().map(|it| it.zone).collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert_eq!(latest(&mut account).version, Some(2));
}

#[test]
fn a_refresh_bakes_as_long_as_it_was_told_to() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(2));
    while status(&mut account).0 == "InProgress" {
        account.wait(1);
    }
    account.wait(59);
    assert_eq!(status(&mut account).0, "Baking");
    account.wait(1);
    assert_eq!(status(&mut account).0, "Successful");
}

#[test]
fn a_refresh_that_may_serve_with_fewer_lets_old_instances_go_first() {
    let (mut account, front) = ready(WorldConfig::default());
    let mut call = start(2);
    call.preferences.healthy = (50, 100);
    account.call(call);
    assert_eq!(versions(&mut account), ["1", "1", "2"]);
    account.wait(600);
    assert_eq!(versions(&mut account), ["2"; 3]);
    assert_eq!(healthy(&mut account, &front), 3);
}

#[test]
fn a_refresh_without_anything_to_replace_is_successful_at_once() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(1));
    assert_eq!(status(&mut account), ("Successful".to_owned(), 100));
    assert_eq!(versions(&mut account), ["1"; 3]);
}

#[test]
fn one_refresh_is_under_way_at_a_time() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(2));
    let again = account.code(start(2));
    assert_eq!(again, ("InstanceRefreshInProgress".to_owned(), Class::Exists));
    account.wait(600);
    account.call(start(1));
    let refreshes = account.call(DescribeInstanceRefreshes { group: "web".into() });
    let versions: Vec<_> = refreshes.iter().map(|refresh| refresh.version).collect();
    assert_eq!(versions, [Some(1), Some(2)], "the newest first");
}

#[test]
fn a_refresh_to_a_broken_version_rolls_back() {
    let (mut account, front) = broken();
    account.call(start(2));
    account.wait(719);
    assert_eq!(status(&mut account), ("InProgress".to_owned(), 0));
    account.wait(1);
    assert_eq!(status(&mut account).0, "RollbackSuccessful");
    assert_eq!(
        latest(&mut account).reason.as_deref(),
        Some("Replacement instances did not become healthy in time.")
    );
    account.wait(600);
    assert_eq!(versions(&mut account), ["1"; 3]);
    assert_eq!(healthy(&mut account, &front), 3);
    assert_eq!(account.web().settings.version, 1);
}

#[test]
fn a_rollback_puts_instances_of_the_old_version_in_place_of_the_new_ones() {
    let (mut account, front) = ready(WorldConfig::default());
    account.call(start(2));
    account.world.config_mut().broken_versions.insert(2);
    while status(&mut account).1 == 0 {
        account.wait(1);
    }
    account.wait(720);
    assert_eq!(status(&mut account), ("RollbackInProgress".to_owned(), 33));
    assert_eq!(versions(&mut account), ["1", "1", "1", "2"]);
    account.wait(100);
    assert_eq!(status(&mut account), ("RollbackSuccessful".to_owned(), 0));
    assert_eq!(versions(&mut account), ["1"; 3]);
    assert_eq!(healthy(&mut account, &front), 3);
}

#[test]
fn a_refresh_that_may_not_roll_back_fails_where_it_stands() {
    let (mut account, front) = broken();
    let mut call = start(2);
    call.preferences.rollback = false;
    account.call(call);
    account.wait(720);
    assert_eq!(status(&mut account), ("Failed".to_owned(), 0));
    assert_eq!(
        versions(&mut account),
        ["1"; 3],
        "what is too many and does not serve leaves"
    );
    assert_eq!(healthy(&mut account, &front), 3);
}

#[test]
fn a_rollback_can_fail_too() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(2));
    while status(&mut account).1 == 0 {
        account.wait(1);
    }
    account.world.config_mut().broken_versions.extend([1, 2]);
    account.wait(1500);
    assert_eq!(status(&mut account).0, "RollbackFailed");
}

#[test]
fn patience_with_a_refresh_can_be_set() {
    let (mut account, _) = broken();
    account.world.config_mut().refresh_patience = jiff::SignedDuration::from_secs(60);
    account.call(start(2));
    account.wait(180);
    assert_eq!(status(&mut account).0, "RollbackSuccessful");
}

#[test]
fn a_cancelled_refresh_leaves_what_is_replaced() {
    let (mut account, front) = ready(WorldConfig::default());
    account.call(start(2));
    while status(&mut account).1 < 33 {
        account.wait(1);
    }
    let cancel = CancelInstanceRefresh { group: "web".into() };
    account.call(cancel.clone());
    assert_eq!(status(&mut account), ("Cancelled".to_owned(), 33));
    account.wait(600);
    assert_eq!(versions(&mut account), ["1", "1", "2"]);
    assert_eq!(healthy(&mut account, &front), 3);
    assert_eq!(account.web().settings.version, 1);
    let again = ("ActiveInstanceRefreshNotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(cancel), again);
}

#[test]
fn how_often_a_world_is_asked_does_not_matter() {
    let run = |steps: u32| {
        let (mut account, _) = ready(WorldConfig::default());
        account.call(start(2));
        account.wait(10);
        let sick = account.web().instances.remove(1).id;
        account.world.break_instance(&sick);
        for _ in 0..steps {
            account.wait(900 / i64::from(steps));
        }
        (latest(&mut account), account.web(), account.world.inventory())
    };
    assert_eq!(run(1), run(900));
}

#[test]
fn an_instance_that_dies_during_a_refresh_is_replaced_by_a_new_one() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(start(2));
    let instance = account.web().instances[2].id.clone();
    account.call(TerminateInstances { instance });
    account.wait(900);
    assert_eq!(status(&mut account).0, "Successful");
    assert_eq!(versions(&mut account), ["2"; 3]);
}

#[test]
fn instances_launched_after_an_update_are_of_its_version_and_running_ones_stay() {
    let (mut account, _) = ready(WorldConfig::default());
    account.call(UpdateAutoScalingGroup {
        group: "web".into(),
        change: Box::new(GroupChange {
            launch: Some(launch(2)),
            desired: Some(4),
            ..GroupChange::default()
        }),
    });
    account.wait(600);
    assert_eq!(versions(&mut account), ["1", "1", "1", "2"]);
}

#[rstest]
#[case::version(|call: &mut StartInstanceRefresh| call.launch.version = 3, "You must use a valid")]
#[case::percentages(|call: &mut StartInstanceRefresh| call.preferences.healthy = (50, 180), "The healthy percentages")]
#[case::group(|call: &mut StartInstanceRefresh| call.group = "none".into(), "AutoScalingGroup name not found")]
fn a_refresh_with_wrong_settings_is_refused(
    #[case] change: fn(&mut StartInstanceRefresh),
    #[case] message: &str,
) {
    let (mut account, _) = ready(WorldConfig::default());
    let mut call = start(2);
    change(&mut call);
    let error = account.refusal(call);
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.starts_with(message), "{}", error.message);
}
