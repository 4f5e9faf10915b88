//! What the cases are about: load balancing and Auto Scaling.

use super::{
    autoscaling, balancers, group_changes, group_spot, hooks, listeners, policies, reads, refreshes, rules,
    schedules, tags, target_groups, targets,
};

cases! {
    elb::CreateLoadBalancer {
        Works: balancers::a_new_load_balancer_is_provisioning_and_shows_its_settings_and_tags;
        Again: balancers::a_repeated_load_balancer_answers_the_first;
        Fails: balancers::a_load_balancer_name_with_other_settings_is_refused
               balancers::a_load_balancer_in_one_zone_is_refused
               balancers::a_load_balancer_in_a_missing_subnet_is_refused
               balancers::a_load_balancer_with_a_missing_security_group_waits_for_it
               balancers::a_public_load_balancer_waits_for_an_internet_gateway
               balancers::a_load_balancer_name_that_is_too_long_is_refused;
    }
    elb::ModifyLoadBalancerAttributes {
        Works: balancers::a_load_balancer_attribute_has_awss_default_until_it_is_set;
        Again: balancers::setting_a_load_balancer_attribute_twice_leaves_it_set;
        Fails: balancers::attributes_of_a_missing_load_balancer_are_refused
               balancers::an_attribute_that_load_balancers_do_not_have_is_refused;
    }
    elb::CreateTargetGroup {
        Works: target_groups::a_new_target_group_shows_its_health_check_and_tags;
        Again: target_groups::a_repeated_target_group_answers_the_first;
        Fails: target_groups::a_target_group_name_with_other_settings_is_refused
               target_groups::a_target_group_in_a_missing_vpc_waits_for_it;
    }
    elb::ModifyTargetGroupAttributes {
        Works: target_groups::the_draining_time_is_five_minutes_until_it_is_set;
        Again: target_groups::setting_the_draining_time_twice_leaves_it_set;
        Fails: target_groups::attributes_of_a_missing_target_group_are_refused;
    }
    elb::CreateListener {
        Works: listeners::a_new_listener_forwards_to_its_target_group_and_shows_its_tags
               listeners::a_listener_speaks_https_with_its_certificate
               listeners::a_listener_redirects_to_https_without_a_target_group;
        Again: listeners::a_repeated_listener_answers_the_first;
        Fails: listeners::a_second_listener_on_a_port_is_refused
               listeners::a_listener_of_a_missing_load_balancer_is_refused
               listeners::a_listener_to_a_missing_target_group_is_refused
               listeners::a_listener_without_its_certificate_is_refused
               listeners::a_listener_with_an_unknown_tls_policy_is_refused
               listeners::a_redirect_to_itself_is_refused;
    }
    elb::CreateRule {
        Works: rules::a_new_rule_forwards_from_its_addresses_and_shows_its_tags;
        Again: rules::a_repeated_rule_answers_that_its_priority_is_taken;
        Fails: rules::a_rule_of_a_missing_listener_is_refused
               rules::a_rule_to_a_missing_target_group_is_refused;
    }
    elb::RegisterTargets {
        Works: targets::a_registered_instance_is_shown_and_unused_without_a_listener
               targets::an_instance_is_registered_with_others_or_not_at_all;
        Again: targets::an_instance_registered_twice_is_shown_once;
        Fails: targets::an_instance_that_is_not_running_yet_waits_for_it
               targets::a_missing_instance_cannot_be_registered
               targets::an_instance_of_another_vpc_cannot_be_registered
               targets::a_missing_target_group_takes_no_instance;
    }
    autoscaling::CreateAutoScalingGroup {
        Works: autoscaling::a_new_group_shows_its_settings_and_tags_and_wants_its_minimum
               autoscaling::a_group_with_one_instance_type_leaves_it_to_its_template
               autoscaling::a_new_group_may_want_more_than_its_minimum
               group_spot::a_group_with_spot_instances_shows_its_share_and_its_one_type
               group_spot::instances_are_on_demand_or_spot_by_the_share;
        Again: autoscaling::a_repeated_group_answers_that_it_exists;
        Fails: autoscaling::a_group_with_its_bounds_the_wrong_way_round_is_refused
               autoscaling::a_group_in_a_missing_subnet_waits_for_it
               autoscaling::a_group_without_its_launch_template_waits_for_it
               autoscaling::a_group_waits_for_its_instance_profile;
    }
    autoscaling::EnableMetricsCollection {
        Works: autoscaling::a_group_reports_all_its_sizes_once_told_to;
        Again: autoscaling::telling_a_group_to_report_twice_changes_nothing;
        Fails: autoscaling::a_missing_group_cannot_report;
    }
    elb::SetSubnets {
        Works: balancers::a_load_balancer_spreads_to_another_zone;
        Again: balancers::a_load_balancer_spread_twice_is_spread_once;
        Fails: balancers::a_load_balancer_cannot_shrink_to_one_zone
               balancers::a_load_balancer_cannot_spread_to_a_missing_subnet
               balancers::a_missing_load_balancer_cannot_spread;
    }
    elb::ModifyListener {
        Works: listeners::a_changed_listener_spreads_requests_by_weight
               listeners::a_changed_listener_speaks_https_and_leads_elsewhere;
        Again: listeners::a_listener_changed_twice_is_changed_once;
        Fails: listeners::a_missing_listener_cannot_be_changed
               listeners::a_listener_cannot_be_led_to_a_missing_target_group
               listeners::a_weight_beyond_999_is_refused;
    }
    elb::ModifyTargetGroup {
        Works: target_groups::a_changed_health_check_is_shown_and_the_rest_stays;
        Again: target_groups::a_health_check_changed_twice_is_changed_once;
        Fails: target_groups::a_health_check_of_a_missing_target_group_is_refused
               target_groups::a_health_check_that_waits_longer_than_its_interval_is_refused;
    }
    elb::AddTags {
        Works: tags::balancers_listeners_and_target_groups_get_new_tags;
        Again: tags::a_load_balancers_tags_set_twice_are_set_once;
        Fails: tags::a_missing_load_balancer_gets_no_tags;
    }
    elb::RemoveTags {
        Works: tags::a_load_balancers_tags_that_are_taken_away_are_gone;
        Again: tags::a_load_balancers_tags_taken_away_twice_are_no_error;
        Fails: tags::a_missing_load_balancer_has_no_tags_to_take_away;
    }
    elb::DeregisterTargets {
        Works: targets::a_deregistered_instance_is_gone_once_it_has_drained
               targets::an_instance_that_is_not_registered_can_be_deregistered;
        Again: targets::an_instance_deregistered_twice_is_gone;
        Fails: targets::a_missing_target_group_loses_no_instance;
    }
    elb::DeleteRule {
        Works: rules::a_deleted_rule_is_gone_and_its_target_group_unused;
        Again: rules::a_rule_deleted_twice_answers_that_it_is_gone;
        Fails: rules::a_missing_rule_cannot_be_deleted;
    }
    elb::DeleteListener {
        Works: listeners::a_deleted_listener_is_gone
               rules::a_rule_goes_with_its_listener;
        Again: listeners::a_listener_deleted_twice_answers_that_it_is_gone;
        Fails: listeners::a_missing_listener_cannot_be_deleted;
    }
    elb::DeleteLoadBalancer {
        Works: balancers::a_deleted_load_balancer_is_gone_with_its_listeners_and_then_its_interfaces;
        Again: balancers::a_load_balancer_deleted_twice_is_no_error;
        Fails: balancers::a_protected_load_balancer_stays;
    }
    elb::DeleteTargetGroup {
        Works: target_groups::a_deleted_target_group_is_gone;
        Again: target_groups::a_target_group_deleted_twice_is_no_error;
        Fails: target_groups::a_target_group_of_a_listener_stays
               rules::a_target_group_of_a_rule_stays;
    }
    autoscaling::UpdateAutoScalingGroup {
        Works: group_changes::a_changed_group_shows_what_changed_and_the_rest_stays
               group_changes::new_bounds_pull_in_what_a_group_wants
               group_spot::a_share_comes_changes_and_goes_in_place;
        Again: group_changes::a_group_changed_twice_is_changed_once
               group_spot::a_share_changed_twice_is_changed_once;
        Fails: group_changes::a_missing_group_cannot_be_changed
               group_changes::a_group_cannot_want_more_than_its_maximum
               group_changes::a_group_cannot_change_to_a_missing_version
               group_spot::a_share_of_more_than_all_is_refused;
    }
    autoscaling::SetDesiredCapacity {
        Works: group_changes::a_group_wants_what_it_is_told_to;
        Again: group_changes::a_group_told_twice_wants_it_once;
        Fails: group_changes::a_group_cannot_be_told_to_leave_its_bounds
               group_changes::a_missing_group_cannot_be_told_what_to_want;
    }
    autoscaling::CreateOrUpdateTags {
        Works: group_changes::a_group_gets_new_tags_over_its_old_ones;
        Again: group_changes::a_groups_tags_set_twice_are_set_once;
        Fails: group_changes::a_missing_group_gets_no_tags;
    }
    autoscaling::DeleteTags {
        Works: group_changes::a_groups_tags_that_are_taken_away_are_gone;
        Again: group_changes::a_groups_tags_taken_away_twice_are_no_error;
        Fails: group_changes::a_missing_group_has_no_tags_to_take_away;
    }
    autoscaling::StartInstanceRefresh {
        Works: refreshes::a_refresh_replaces_the_instance_and_leaves_the_group_its_version;
        Again: refreshes::a_second_refresh_answers_that_one_is_under_way;
        Fails: refreshes::a_missing_group_cannot_be_refreshed
               refreshes::a_refresh_to_a_missing_version_is_refused;
    }
    autoscaling::CancelInstanceRefresh {
        Works: refreshes::a_cancelled_refresh_ends_where_it_stands;
        Again: refreshes::a_refresh_cancelled_twice_answers_that_there_is_none;
        Fails: refreshes::a_group_without_a_refresh_has_none_to_cancel;
    }
    autoscaling::DeleteAutoScalingGroup {
        Works: group_changes::a_deleted_group_is_gone;
        Again: group_changes::a_group_deleted_twice_is_not_found;
        Fails: group_changes::a_group_with_an_instance_stays;
    }
    elb::DescribeLoadBalancers {
        Works: reads::all_load_balancers_are_listed_without_a_name;
        Fails: reads::a_missing_load_balancer_is_gone;
    }
    elb::DescribeTargetGroups {
        Works: target_groups::all_target_groups_are_listed_without_a_name;
        Fails: reads::a_missing_target_group_is_gone;
    }
    elb::DescribeRules {
        Works: rules::a_listener_without_rules_has_an_empty_list;
        Fails: rules::rules_of_a_missing_listener_are_gone;
    }
    elb::DescribeTargetHealth { Works: reads::a_target_group_without_targets_has_no_health; }
    autoscaling::DescribeAutoScalingGroups {
        Works: autoscaling::several_groups_are_described_at_once_without_those_that_do_not_exist;
    }
    autoscaling::DescribeAutoScalingInstances { Works: hooks::who_waits_is_found_among_all_instances; }
    autoscaling::DescribeLifecycleHooks {
        Works: hooks::a_new_group_has_the_hooks_it_was_made_with;
        Fails: hooks::hooks_of_a_missing_group_are_refused;
    }
    autoscaling::PutLifecycleHook {
        Works: hooks::a_hook_put_over_another_takes_its_place;
        Again: hooks::a_hook_put_twice_is_there_once;
        Fails: hooks::a_hook_that_waits_too_short_is_refused
               hooks::a_missing_group_takes_no_hook;
    }
    autoscaling::DescribePolicies {
        Works: policies::an_alarm_runs_the_policy_that_it_names;
        Fails: policies::policies_of_a_missing_group_are_refused;
    }
    autoscaling::PutScalingPolicy {
        Works: policies::a_new_policy_shows_its_steps_and_the_arn_that_it_was_answered_with;
        Again: policies::a_policy_put_over_another_keeps_its_arn;
        Fails: policies::a_policy_without_steps_or_with_a_gap_between_them_is_refused
               policies::a_missing_group_takes_no_policy;
    }
    autoscaling::DeletePolicy {
        Works: policies::a_deleted_policy_is_gone;
        Again: policies::a_policy_deleted_twice_is_not_found;
        Fails: policies::a_policy_of_a_missing_group_cannot_be_deleted;
    }
    autoscaling::DescribeScheduledActions { Fails: schedules::scheduled_actions_of_a_missing_group_are_refused; }
    autoscaling::PutScheduledUpdateGroupAction {
        Works: schedules::a_new_scheduled_action_shows_its_times_and_bounds;
        Again: schedules::a_scheduled_action_put_over_another_takes_its_place;
        Fails: schedules::a_scheduled_action_that_makes_no_sense_is_refused
               schedules::a_missing_group_takes_no_scheduled_action;
    }
    autoscaling::DeleteScheduledAction {
        Works: schedules::a_deleted_scheduled_action_is_gone;
        Again: schedules::a_scheduled_action_deleted_twice_is_not_found;
        Fails: schedules::a_scheduled_action_of_a_missing_group_cannot_be_deleted;
    }
    autoscaling::DeleteLifecycleHook {
        Works: hooks::a_deleted_hook_is_gone;
        Again: hooks::a_hook_deleted_twice_is_not_found;
        Fails: hooks::a_hook_of_a_missing_group_cannot_be_deleted;
    }
    autoscaling::CompleteLifecycleAction {
        Works: hooks::one_that_is_given_up_is_replaced_by_another_that_waits;
        Again: hooks::an_instance_that_is_let_go_on_serves_and_completing_it_again_finds_no_wait;
        Fails: hooks::a_wait_for_a_missing_hook_cannot_be_ended;
    }
    autoscaling::RecordLifecycleActionHeartbeat {
        Works: hooks::a_heartbeat_keeps_an_instance_waiting;
        Again: hooks::one_heartbeat_after_the_other_keeps_it_waiting;
        Fails: hooks::a_heartbeat_without_a_wait_finds_none;
    }
    autoscaling::SetInstanceHealth {
        Works: group_spot::an_instance_that_is_said_to_be_unhealthy_is_replaced;
        Again: group_spot::an_instance_said_to_be_unhealthy_twice_is_replaced_once;
        Fails: group_spot::the_health_of_an_instance_of_no_group_cannot_be_said;
    }
    autoscaling::SuspendProcesses {
        Works: hooks::a_suspended_process_is_shown;
        Again: hooks::a_process_suspended_twice_is_shown_once;
        Fails: hooks::processes_of_a_missing_group_cannot_be_suspended;
    }
    autoscaling::ResumeProcesses {
        Works: hooks::a_resumed_process_is_no_longer_shown;
        Again: hooks::a_process_resumed_twice_is_no_longer_shown;
        Fails: hooks::processes_of_a_missing_group_cannot_be_resumed;
    }
    autoscaling::DescribeScalingActivities { Fails: reads::activities_of_a_missing_group_are_refused; }
    autoscaling::DescribeInstanceRefreshes {
        Works: refreshes::a_group_that_was_never_refreshed_has_an_empty_list;
    }
}
