//! The range, the zones and the way out.

use rstest::rstest;

use crate::common::decode_text;
use crate::{accepts, refuses, with};

#[rstest]
#[case("10.0.0.0/16")]
#[case("10.255.254.0/23")]
#[case("172.16.0.0/16")]
#[case("172.31.0.0/20")]
#[case("192.168.0.0/16")]
fn a_private_range_of_fit_size_is_taken(#[case] cidr: &str) {
    accepts(&format!("network: {{cidr: {cidr}}}"));
}

#[rstest]
#[case("10.0.0.0/24", "too small for the zones")]
#[case("10.0.0.0/15", "too large")]
#[case("172.15.0.0/16", "not a private range")]
#[case("172.32.0.0/16", "not a private range")]
#[case("192.169.0.0/16", "not a private range")]
#[case("100.64.0.0/16", "not a private range")]
#[case("10.0.1.0/16", "does not begin at the start")]
#[case("10.0.0.0/33", "not an IPv4 range")]
#[case("10.0.0/16", "not an IPv4 range")]
#[case("'fd00::/16'", "not an IPv4 range")]
fn any_other_range_is_refused(#[case] cidr: &str, #[case] message: &str) {
    refuses(&format!("network: {{cidr: {cidr}}}"), "network.cidr", message);
}

#[test]
fn the_remedy_for_host_bits_is_the_right_network() {
    let errors = decode_text(&with("network: {cidr: 10.0.77.5/20}")).unwrap_err();
    assert_eq!(errors.0[0].hint.as_deref(), Some("did you mean `10.0.64.0/20`?"));
}

#[test]
fn the_remedy_for_a_small_range_can_be_pasted() {
    let errors = decode_text(&with("network: {cidr: 192.168.7.0/24}")).unwrap_err();
    assert_eq!(
        errors.0[0].hint.as_deref(),
        Some("use /23 or larger, such as 192.168.0.0/16")
    );
    accepts("network: {cidr: 192.168.0.0/16}");
}

#[test]
fn a_range_with_several_faults_names_them_all() {
    assert_eq!(
        decode_text(&with("network: {cidr: 8.8.8.8/25}"))
            .unwrap_err()
            .0
            .len(),
        3
    );
}

#[test]
fn without_nat_only_a_script_of_the_users_own_can_boot() {
    accepts("compute: {app: {userData: x, port: 80}}\nnetwork: {nat: none}");
    refuses(
        "network: {nat: none}",
        "network.nat",
        "installing packages needs the internet",
    );
    let text = "compute: {app: {container: {image: a, port: 80}}}\nnetwork: {nat: none}";
    refuses(
        text,
        "network.nat",
        "pulling a container image needs the internet",
    );
}

#[test]
fn a_wrong_field_hides_none_of_its_neighbours() {
    let text = "network: {zones: 9, cidr: 8.8.8.0/16, nat: maybe, color: blue}";
    assert_eq!(decode_text(&with(text)).unwrap_err().0.len(), 5);
}
