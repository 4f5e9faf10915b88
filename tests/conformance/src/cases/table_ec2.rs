//! What the cases are about: Amazon EC2.

use super::{
    addresses, associations, balancers, endpoints, hooks, instances, network, reads, routes, security,
    subnets, tags, templates,
};

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
        Works: associations::an_associated_route_table_shows_its_subnet;
        Again: associations::a_repeated_association_answers_that_it_exists;
        Fails: associations::a_second_route_table_of_a_subnet_is_refused
               associations::a_missing_route_table_cannot_be_associated
               associations::a_route_table_cannot_be_associated_with_a_missing_subnet;
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
    ec2::RevokeSecurityGroupIngress {
        Works: security::a_revoked_inbound_rule_leaves_the_others;
        Again: security::a_repeated_inbound_revocation_answers_that_the_rule_is_gone;
        Fails: security::revoking_an_inbound_rule_of_a_missing_group_is_refused;
    }
    ec2::CreateLaunchTemplateVersion {
        Works: templates::a_new_version_is_the_newest_and_reads_back_as_it_was_written;
        Again: templates::a_version_token_answers_the_first_version;
        Fails: templates::a_version_token_with_other_parameters_is_refused
               templates::a_version_of_a_missing_launch_template_is_refused;
    }
    ec2::ReplaceRoute {
        Works: routes::a_replaced_route_leads_elsewhere;
        Again: routes::a_route_replaced_twice_leads_elsewhere;
        Fails: routes::a_route_that_is_not_there_cannot_be_replaced
               routes::a_route_cannot_be_replaced_in_a_missing_table;
    }
    ec2::ModifyVpcEndpoint {
        Works: endpoints::a_changed_interface_endpoint_stands_elsewhere
               endpoints::a_changed_gateway_endpoint_is_in_another_route_table_too;
        Again: endpoints::an_interface_endpoint_changed_twice_stands_elsewhere;
        Fails: endpoints::a_missing_endpoint_cannot_be_changed
               endpoints::an_endpoint_cannot_be_moved_to_a_missing_route_table;
    }
    ec2::CreateTags {
        Works: tags::new_tags_are_set_and_old_ones_stay_or_are_written_over;
        Again: tags::tags_set_twice_are_set_once;
        Fails: tags::a_missing_resource_gets_no_tags_nor_do_the_others;
    }
    ec2::DeleteTags {
        Works: tags::tags_that_are_taken_away_are_gone_and_the_others_stay;
        Again: tags::tags_taken_away_twice_are_no_error;
        Fails: tags::a_missing_resource_has_no_tags_to_take_away;
    }
    ec2::TerminateInstances {
        Works: instances::a_terminated_instance_is_still_shown_without_its_subnet;
        Again: instances::an_instance_terminated_twice_is_terminated;
        Fails: instances::a_missing_instance_cannot_be_terminated;
    }
    ec2::DeleteVpcEndpoints {
        Works: endpoints::deleted_endpoints_are_gone_in_a_while;
        Again: endpoints::an_endpoint_deleted_twice_is_gone;
        Fails: endpoints::a_missing_endpoint_is_gone;
    }
    ec2::DeleteNatGateway {
        Works: addresses::a_deleted_nat_gateway_is_deleting_then_deleted_and_lets_its_address_go;
        Again: addresses::a_nat_gateway_deleted_twice_goes_once;
        Fails: addresses::a_missing_nat_gateway_cannot_be_deleted;
    }
    ec2::ReleaseAddress {
        Works: addresses::a_released_address_is_gone;
        Again: addresses::an_address_released_twice_answers_that_it_is_gone;
        Fails: addresses::an_address_of_a_nat_gateway_stays;
    }
    ec2::DeleteRoute {
        Works: routes::a_deleted_route_leaves_the_local_one;
        Again: routes::a_route_deleted_twice_answers_that_it_is_gone;
        Fails: routes::a_route_of_a_missing_table_cannot_be_deleted;
    }
    ec2::DisassociateRouteTable {
        Works: associations::a_disassociated_route_table_shows_no_subnet;
        Again: associations::a_route_table_disassociated_twice_answers_that_it_is_gone;
        Fails: associations::a_missing_association_cannot_be_ended;
    }
    ec2::DeleteRouteTable {
        Works: associations::a_deleted_route_table_is_gone;
        Again: associations::a_route_table_deleted_twice_answers_that_it_is_gone;
        Fails: associations::a_route_table_of_a_subnet_stays;
    }
    ec2::DeleteSecurityGroup {
        Works: security::a_deleted_security_group_is_gone;
        Again: security::a_security_group_deleted_twice_answers_that_it_is_gone;
        Fails: security::a_security_group_that_a_rule_names_stays
               security::a_security_group_of_a_load_balancer_stays;
    }
    ec2::DeleteSubnet {
        Works: subnets::a_deleted_subnet_is_gone;
        Again: subnets::a_subnet_deleted_twice_answers_that_it_is_gone;
        Fails: subnets::a_subnet_with_a_network_interface_stays;
    }
    ec2::DetachInternetGateway {
        Works: network::a_detached_internet_gateway_shows_no_vpc;
        Again: network::an_internet_gateway_detached_twice_answers_that_it_is_not_attached;
        Fails: network::an_internet_gateway_stays_while_a_public_address_is_mapped;
    }
    ec2::DeleteInternetGateway {
        Works: network::a_deleted_internet_gateway_is_gone;
        Again: network::an_internet_gateway_deleted_twice_answers_that_it_is_gone;
        Fails: network::an_attached_internet_gateway_stays;
    }
    ec2::DeleteVpc {
        Works: network::a_deleted_vpc_is_gone;
        Again: network::a_vpc_deleted_twice_answers_that_it_is_gone;
        Fails: network::a_vpc_with_a_subnet_stays
               network::a_vpc_with_an_internet_gateway_stays;
    }
    ec2::DeleteLaunchTemplate {
        Works: templates::a_deleted_launch_template_is_gone_with_its_versions;
        Again: templates::a_launch_template_deleted_twice_answers_that_it_is_gone;
        Fails: templates::a_missing_launch_template_cannot_be_deleted;
    }
    ec2::DescribeAvailabilityZones { Works: reads::a_region_has_three_zones_that_are_available; }
    ec2::DescribeInstanceTypeOfferings { Works: reads::not_every_zone_offers_every_instance_type_but_one_does; }
    ec2::DescribeImages { Fails: reads::a_missing_image_is_gone; }
    ec2::DescribeVpcs { Works: reads::a_search_that_finds_nothing_is_no_error; }
    ec2::GetConsoleOutput { Fails: hooks::the_console_of_a_missing_instance_is_gone; }
    ec2::DescribeInstanceStatus {
        Works: instances::a_running_instance_passes_both_of_its_checks_in_the_end;
        Fails: instances::the_status_of_a_missing_instance_is_gone;
    }
    ec2::DescribeInstances { Works: instances::instances_are_found_by_id_and_state; }
    ec2::DescribeInstanceTypes {
        Works: reads::the_size_of_an_instance_type_is_known;
        Fails: reads::an_instance_type_that_does_not_exist_is_refused;
    }
    ec2::DescribeVpcEndpoints { Works: endpoints::endpoints_are_found_by_vpc; }
    ec2::DescribeLaunchTemplateVersions { Fails: reads::versions_of_a_missing_launch_template_are_refused; }
    ec2::DescribeNetworkInterfaces {
        Works: instances::a_network_interface_names_its_instance_and_its_groups
               balancers::a_load_balancer_has_a_network_interface_of_awss_in_each_subnet;
    }
}
