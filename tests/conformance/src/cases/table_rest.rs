//! What the cases are about: all other services.

use super::{alarms, commands, dashboards, iam, log_groups, metrics, reads, s3, sqs, topics};

cases! {
    iam::CreateRole {
        Works: iam::a_new_role_shows_its_arn_and_tags_and_has_no_policy;
        Again: iam::a_repeated_role_answers_that_it_exists;
        Fails: iam::a_role_name_is_taken_whatever_the_rest;
    }
    iam::AttachRolePolicy {
        Works: iam::an_attached_policy_is_listed;
        Again: iam::a_policy_attached_twice_is_listed_once;
        Fails: iam::a_policy_cannot_be_attached_to_a_missing_role;
    }
    iam::PutRolePolicy {
        Works: iam::a_policy_within_a_role_reads_back;
        Again: iam::a_policy_within_a_role_is_as_it_was_written_last;
        Fails: iam::a_policy_cannot_be_written_into_a_missing_role
               iam::a_policy_that_is_not_json_is_refused;
    }
    iam::CreateInstanceProfile {
        Works: iam::a_new_instance_profile_is_empty_and_shows_its_tags;
        Again: iam::a_repeated_instance_profile_answers_that_it_exists;
        Fails: iam::an_instance_profile_name_is_taken_whatever_its_tags;
    }
    iam::AddRoleToInstanceProfile {
        Works: iam::an_instance_profile_shows_its_role;
        Again: iam::a_role_added_twice_answers_that_it_exists;
        Fails: iam::an_instance_profile_holds_one_role
               iam::a_missing_role_cannot_be_added
               iam::a_role_cannot_be_added_to_a_missing_profile;
    }
    s3::PutObject {
        Works: s3::a_new_object_reads_back_and_is_listed
               s3::an_object_keeps_its_metadata
               s3::an_object_beyond_the_limit_comes_without_its_body
               s3::a_put_over_the_version_that_was_read_succeeds;
        Again: s3::putting_the_same_bytes_again_keeps_the_entity_tag
               s3::a_repeated_put_if_absent_is_lost_to_the_first;
        Fails: s3::a_put_if_absent_over_an_object_is_a_conflict
               s3::a_put_over_a_stale_version_is_a_conflict
               s3::a_put_over_a_version_of_nothing_is_refused
               s3::a_put_into_a_missing_bucket_is_refused;
    }
    sqs::SendMessage {
        Works: sqs::a_message_may_be_delayed_for_fifteen_minutes;
        Again: sqs::a_repeated_message_is_taken_again;
        Fails: sqs::a_longer_delay_is_refused
               sqs::a_missing_queue_takes_no_message;
    }
    cloudwatch::PutMetricAlarm {
        Works: alarms::an_alarm_on_a_metric_reads_back_as_it_was_written
               alarms::an_alarm_on_an_expression_reads_back_as_it_was_written;
        Again: alarms::an_alarm_written_over_is_as_it_was_written_last;
        Fails: alarms::an_alarm_with_a_period_that_aws_does_not_take_is_refused
               alarms::an_alarm_that_looks_too_far_back_is_refused
               alarms::an_alarm_that_needs_more_datapoints_than_it_looks_at_is_refused
               alarms::an_expression_over_an_unknown_metric_is_refused;
    }
    cloudwatch::PutDashboard {
        Works: dashboards::a_dashboard_reads_back_as_it_was_written;
        Again: dashboards::a_dashboard_written_over_is_as_it_was_written_last;
        Fails: dashboards::a_dashboard_that_is_not_json_is_refused
               dashboards::a_dashboard_without_widgets_is_refused;
    }
    sns::CreateTopic {
        Works: topics::a_new_topic_carries_its_name_in_its_arn_and_shows_its_tags;
        Again: topics::a_repeated_topic_answers_the_first;
        Fails: topics::a_topic_with_other_tags_is_refused
               topics::a_topic_name_with_a_slash_is_refused;
    }
    sns::Subscribe {
        Works: topics::a_new_subscription_waits_for_its_confirmation;
        Again: topics::a_repeated_subscription_is_listed_once;
        Fails: topics::a_subscription_to_a_missing_topic_is_refused
               topics::an_address_that_is_none_is_refused;
    }
    sns::Publish {
        Works: topics::a_message_to_a_topic_is_taken;
        Again: topics::a_repeated_message_to_a_topic_is_taken_again;
        Fails: topics::a_message_to_a_missing_topic_is_refused
               topics::a_subject_of_two_lines_is_refused;
    }
    logs::CreateLogGroup {
        Works: log_groups::a_new_log_group_shows_its_arn_and_keeps_everything;
        Again: log_groups::a_repeated_log_group_answers_that_it_exists;
        Fails: log_groups::a_log_group_with_a_bad_name_is_refused;
    }
    logs::PutRetentionPolicy {
        Works: log_groups::a_log_group_keeps_what_it_gets_for_as_long_as_it_is_told;
        Again: log_groups::telling_a_log_group_twice_changes_nothing;
        Fails: log_groups::a_missing_log_group_keeps_nothing
               log_groups::a_retention_that_aws_does_not_take_is_refused;
    }
    iam::RemoveRoleFromInstanceProfile {
        Works: iam::a_profile_can_lose_its_role;
        Again: iam::a_role_removed_twice_answers_that_it_is_not_there;
        Fails: iam::a_missing_profile_has_no_role_to_lose;
    }
    iam::DeleteInstanceProfile {
        Works: iam::a_deleted_instance_profile_is_gone;
        Again: iam::an_instance_profile_deleted_twice_answers_that_it_is_gone;
        Fails: iam::an_instance_profile_with_a_role_stays;
    }
    iam::DetachRolePolicy {
        Works: iam::a_detached_policy_is_not_listed;
        Again: iam::a_policy_detached_twice_answers_that_it_is_gone;
        Fails: iam::a_missing_role_has_no_policy_to_detach;
    }
    iam::DeleteRolePolicy {
        Works: iam::a_deleted_policy_of_a_role_is_gone;
        Again: iam::a_policy_of_a_role_deleted_twice_answers_that_it_is_gone;
        Fails: iam::a_missing_role_has_no_policy_to_delete;
    }
    iam::DeleteRole {
        Works: iam::a_deleted_role_is_gone;
        Again: iam::a_role_deleted_twice_answers_that_it_is_gone;
        Fails: iam::a_role_in_a_profile_or_with_policies_stays;
    }
    cloudwatch::DeleteAlarms {
        Works: alarms::deleted_alarms_are_gone_and_the_others_stay;
        Again: alarms::alarms_deleted_twice_are_gone;
        Fails: alarms::more_than_a_hundred_alarms_at_once_stay;
    }
    cloudwatch::DeleteDashboards {
        Works: dashboards::a_deleted_dashboard_is_gone;
        Again: dashboards::a_dashboard_deleted_twice_answers_that_it_is_gone;
        Fails: dashboards::a_missing_dashboard_keeps_the_others_from_being_deleted;
    }
    sns::Unsubscribe {
        Works: topics::a_subscription_that_is_ended_is_not_listed;
        Again: topics::a_subscription_ended_twice_is_not_listed;
        Fails: topics::a_subscription_that_nobody_confirmed_cannot_be_ended;
    }
    sns::DeleteTopic {
        Works: topics::a_deleted_topic_is_gone_with_its_subscriptions;
        Again: topics::a_topic_deleted_twice_is_no_error;
        Fails: topics::a_topic_that_never_was_is_deleted_without_an_error;
    }
    logs::DeleteLogGroup {
        Works: log_groups::a_deleted_log_group_is_gone;
        Again: log_groups::a_log_group_deleted_twice_answers_that_it_is_gone;
        Fails: log_groups::a_missing_log_group_cannot_be_deleted;
    }
    ssm::GetParameter {
        Works: reads::a_public_parameter_names_an_image_that_exists;
        Fails: reads::a_missing_parameter_is_gone;
    }
    ssm::SendCommand {
        Works: commands::a_command_runs_and_ends;
        Again: commands::a_repeated_command_is_another_one;
        Fails: commands::a_missing_instance_takes_no_command
               commands::an_agent_that_has_less_than_half_a_minute_to_begin_is_refused;
    }
    ssm::GetCommandInvocation { Fails: commands::a_command_that_was_never_sent_is_not_known_yet; }
    ssm::DescribeInstanceInformation {
        Works: commands::an_agent_that_registered_is_online
               commands::an_instance_whose_agent_never_registered_is_left_out;
    }
    iam::GetRole { Fails: reads::a_missing_role_is_gone; }
    iam::GetRolePolicy {
        Fails: iam::a_role_without_the_policy_says_so
               reads::a_missing_policy_of_a_role_is_gone;
    }
    iam::GetInstanceProfile { Fails: reads::a_missing_instance_profile_is_gone; }
    s3::GetObject { Fails: reads::a_missing_object_is_gone; }
    s3::ListObjectsV2 { Works: reads::a_prefix_without_objects_is_an_empty_list; }
    cloudwatch::DescribeAlarms {
        Works: alarms::alarms_are_found_by_the_beginning_of_their_names
               reads::a_prefix_without_alarms_is_an_empty_list;
    }
    cloudwatch::GetMetricData {
        Works: metrics::several_metrics_are_answered_by_period_and_statistic
               metrics::a_metric_that_nobody_put_anything_in_has_no_points;
        Fails: metrics::a_span_that_ends_before_it_begins_is_refused
               metrics::a_name_that_is_none_of_a_query_is_refused;
    }
    cloudwatch::GetDashboard { Fails: reads::a_missing_dashboard_is_gone; }
    sns::ListTagsForResource { Fails: reads::tags_of_a_missing_topic_are_gone; }
    sns::ListSubscriptionsByTopic {
        Works: topics::a_topic_without_subscriptions_has_an_empty_list;
        Fails: reads::subscriptions_of_a_missing_topic_are_gone;
    }
    logs::DescribeLogGroups {
        Works: log_groups::log_groups_are_found_by_the_beginning_of_their_names
               reads::a_prefix_without_log_groups_is_an_empty_list;
    }
    logs::ListTagsForResource {
        Works: log_groups::a_log_group_shows_the_tags_it_was_made_with;
        Fails: log_groups::tags_of_a_missing_log_group_are_gone;
    }
    quotas::GetServiceQuota {
        Works: reads::a_quota_is_the_number_that_creates_are_held_to;
        Fails: reads::a_quota_that_does_not_exist_is_gone;
    }
}
