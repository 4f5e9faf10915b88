//! The cases, and the table of what they are about.

mod addresses;
mod alarms;
mod autoscaling;
mod balancers;
mod dashboards;
mod endpoints;
mod ground;
mod iam;
mod instances;
mod listeners;
mod log_groups;
mod network;
mod reads;
mod routes;
mod s3;
mod security;
mod sqs;
mod subnets;
mod target_groups;
mod targets;
mod templates;
mod topics;

use windlass_calls::Call;
use windlass_engine::Port;

use crate::{Case, Check, Place, Question};

/// For each operation and question the cases that answer it.
macro_rules! cases {
    ($($service:ident::$call:ident { $($question:ident: $($module:ident::$name:ident)+;)+ })+) => {
        /// All cases, in the order they run.
        pub const CASES: &[Case] = &[$($($(Case {
            action: <windlass_calls::$service::$call as Call>::ACTION,
            question: Question::$question,
            name: stringify!($name),
        },)+)+)+];

        /// Runs all cases, one after the other, and says how each ended.
        pub async fn all<P: Port>(place: &Place<P>) -> Vec<(Case, Check)> {
            let mut ended = Vec::with_capacity(CASES.len());
            $($($(ended.push(Box::pin($module::$name(place)).await);)+)+)+
            CASES.iter().copied().zip(ended).collect()
        }
    };
}

cases! {
    ec2::CreateVpc {
        Works: network::a_new_vpc_shows_its_range_and_tags;
        Again: network::a_repeated_create_makes_a_second_vpc;
        Fails: network::a_vpc_of_a_size_that_aws_does_not_take_is_refused
               network::a_vpc_beyond_the_quota_is_refused;
    }
    ec2::ModifyVpcAttribute {
        Works: network::dns_host_names_are_off_until_turned_on;
        Again: network::turning_dns_host_names_on_twice_leaves_them_on;
        Fails: network::dns_host_names_of_a_missing_vpc_are_refused;
    }
    ec2::CreateSubnet {
        Works: subnets::a_new_subnet_shows_its_vpc_range_zone_and_tags;
        Again: subnets::a_repeated_subnet_conflicts_with_the_first;
        Fails: subnets::an_overlapping_subnet_is_refused
               subnets::a_subnet_outside_its_vpc_is_refused
               subnets::a_subnet_in_a_missing_vpc_is_refused
               subnets::a_subnet_in_an_unknown_zone_is_refused;
    }
    ec2::ModifySubnetAttribute {
        Works: subnets::public_addresses_are_off_until_turned_on;
        Again: subnets::turning_public_addresses_on_twice_leaves_them_on;
        Fails: subnets::public_addresses_of_a_missing_subnet_are_refused;
    }
    ec2::CreateInternetGateway {
        Works: network::a_new_internet_gateway_is_detached_and_shows_its_tags;
        Again: network::a_repeated_create_makes_a_second_internet_gateway;
        Fails: network::an_internet_gateway_beyond_the_quota_is_refused;
    }
    ec2::AttachInternetGateway {
        Works: network::an_attached_internet_gateway_shows_its_vpc;
        Again: network::a_repeated_attachment_answers_that_it_exists;
        Fails: network::a_second_internet_gateway_of_a_vpc_is_refused
               network::a_missing_internet_gateway_cannot_be_attached
               network::an_internet_gateway_cannot_be_attached_to_a_missing_vpc;
    }
    ec2::AllocateAddress {
        Works: addresses::a_new_address_is_unused_and_shows_its_tags;
        Again: addresses::a_repeated_allocation_makes_a_second_address;
        Fails: addresses::an_address_beyond_the_quota_is_refused;
    }
    ec2::CreateNatGateway {
        Works: addresses::a_nat_gateway_is_pending_then_available_and_holds_its_address;
        Again: addresses::a_nat_gateway_token_answers_the_first_gateway;
        Fails: addresses::a_nat_gateway_token_with_other_parameters_is_refused
               addresses::a_nat_gateway_in_a_missing_subnet_is_refused
               addresses::a_nat_gateway_with_a_missing_address_is_refused
               addresses::a_nat_gateway_fails_later_without_an_internet_gateway_or_with_a_taken_address;
    }
    ec2::CreateRouteTable {
        Works: routes::a_new_route_table_has_the_local_route_and_its_tags;
        Again: routes::a_route_table_token_answers_the_first_table;
        Fails: routes::a_route_table_token_with_other_parameters_is_refused
               routes::a_route_table_in_a_missing_vpc_is_refused;
    }
    ec2::CreateRoute {
        Works: routes::a_route_leads_to_an_internet_gateway
               routes::a_route_leads_to_a_nat_gateway;
        Again: routes::a_repeated_route_answers_that_it_exists;
        Fails: routes::a_second_target_for_a_destination_is_refused
               routes::a_route_in_a_missing_table_is_refused
               routes::a_route_to_a_missing_internet_gateway_is_refused
               routes::a_route_to_a_missing_nat_gateway_is_refused;
    }
    ec2::AssociateRouteTable {
        Works: routes::an_associated_route_table_shows_its_subnet;
        Again: routes::a_repeated_association_answers_that_it_exists;
        Fails: routes::a_second_route_table_of_a_subnet_is_refused
               routes::a_missing_route_table_cannot_be_associated
               routes::a_route_table_cannot_be_associated_with_a_missing_subnet;
    }
    ec2::CreateSecurityGroup {
        Works: security::a_new_security_group_lets_everything_out_and_nothing_in
               security::a_security_group_name_is_free_in_another_vpc;
        Again: security::a_repeated_security_group_answers_that_it_exists;
        Fails: security::a_security_group_in_a_missing_vpc_is_refused
               security::a_security_group_name_like_an_id_is_refused;
    }
    ec2::AuthorizeSecurityGroupIngress {
        Works: security::inbound_rules_read_back_one_per_peer;
        Again: security::a_repeated_inbound_rule_answers_that_it_exists;
        Fails: security::an_inbound_rule_of_a_missing_group_is_refused
               security::an_inbound_rule_from_a_missing_group_is_refused;
    }
    ec2::AuthorizeSecurityGroupEgress {
        Works: security::an_outbound_rule_reads_back_beside_the_first;
        Again: security::a_repeated_outbound_rule_answers_that_it_exists;
        Fails: security::an_outbound_rule_of_a_missing_group_is_refused;
    }
    ec2::RevokeSecurityGroupEgress {
        Works: security::a_group_can_lose_the_outbound_rule_that_aws_gave_it;
        Again: security::a_repeated_revocation_answers_that_the_rule_is_gone;
        Fails: security::revoking_from_a_missing_group_is_refused;
    }
    ec2::CreateLaunchTemplate {
        Works: templates::a_launch_template_reads_back_as_it_was_written;
        Again: templates::a_launch_template_token_answers_the_first_template;
        Fails: templates::a_launch_template_token_with_other_parameters_is_refused
               templates::a_launch_template_name_that_is_taken_is_refused;
    }
    ec2::CreateVpcEndpoint {
        Works: endpoints::an_interface_endpoint_is_pending_then_available_under_the_services_own_name
               endpoints::a_gateway_endpoint_is_available_at_once;
        Again: endpoints::an_endpoint_token_answers_the_first_endpoint;
        Fails: endpoints::an_endpoint_token_with_other_parameters_is_refused
               endpoints::an_endpoint_to_an_unknown_service_is_refused
               endpoints::an_endpoint_in_a_missing_vpc_is_refused
               endpoints::an_endpoint_in_a_missing_subnet_is_refused
               endpoints::an_endpoint_behind_a_missing_security_group_is_refused
               endpoints::an_endpoint_in_a_missing_route_table_is_refused
               endpoints::the_services_own_name_needs_the_dns_names_of_the_vpc
               endpoints::a_second_endpoint_under_the_services_own_name_is_refused
               endpoints::a_second_gateway_in_a_route_table_answers_that_it_exists;
    }
    ec2::RunInstances {
        Works: instances::a_new_instance_is_pending_then_running_with_its_tags_over_those_of_its_template;
        Again: instances::an_instance_token_answers_the_first_instance;
        Fails: instances::an_instance_token_with_other_parameters_is_refused
               instances::an_instance_without_its_launch_template_is_refused
               instances::an_instance_of_a_missing_version_is_refused
               instances::an_instance_in_a_missing_subnet_is_refused
               instances::an_instance_waits_for_its_instance_profile;
    }
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
    elb::RegisterTargets {
        Works: targets::a_registered_instance_is_shown_and_unused_without_a_listener;
        Again: targets::an_instance_registered_twice_is_shown_once;
        Fails: targets::an_instance_that_is_not_running_yet_waits_for_it
               targets::a_missing_instance_cannot_be_registered
               targets::an_instance_of_another_vpc_cannot_be_registered
               targets::a_missing_target_group_takes_no_instance;
    }
    autoscaling::CreateAutoScalingGroup {
        Works: autoscaling::a_new_group_shows_its_settings_and_tags_and_wants_its_minimum
               autoscaling::a_group_with_one_instance_type_leaves_it_to_its_template;
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
    ec2::DescribeAvailabilityZones { Works: reads::a_region_has_three_zones_that_are_available; }
    ec2::DescribeInstanceTypeOfferings { Works: reads::not_every_zone_offers_every_instance_type_but_one_does; }
    ssm::GetParameter {
        Works: reads::a_public_parameter_names_an_image_that_exists;
        Fails: reads::a_missing_parameter_is_gone;
    }
    ec2::DescribeImages { Fails: reads::a_missing_image_is_gone; }
    ec2::DescribeVpcs { Works: reads::a_search_that_finds_nothing_is_no_error; }
    ec2::DescribeInstances { Works: instances::instances_are_found_by_id_and_state; }
    ec2::DescribeInstanceTypes {
        Works: reads::the_size_of_an_instance_type_is_known;
        Fails: reads::an_instance_type_that_does_not_exist_is_refused;
    }
    ec2::DescribeVpcEndpoints { Works: endpoints::endpoints_are_found_by_vpc; }
    ec2::DescribeLaunchTemplateVersions { Fails: reads::versions_of_a_missing_launch_template_are_refused; }
    elb::DescribeLoadBalancers {
        Works: reads::all_load_balancers_are_listed_without_a_name;
        Fails: reads::a_missing_load_balancer_is_gone;
    }
    elb::DescribeTargetGroups { Fails: reads::a_missing_target_group_is_gone; }
    elb::DescribeTargetHealth { Works: reads::a_target_group_without_targets_has_no_health; }
    autoscaling::DescribeAutoScalingGroups { Works: reads::a_missing_group_is_an_empty_list; }
    autoscaling::DescribeScalingActivities { Fails: reads::activities_of_a_missing_group_are_refused; }
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
