//! The range, the zones and the way out.

use rstest::rstest;
use windlass_spec::Endpoint;

use crate::common::decode_text;
use crate::{accepts, refuses, refuses_only, with};

const SCRIPT: &str = "compute: {app: {userData: x, port: 80}}";

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

/// The endpoints of the network that says `text`.
fn endpoints(text: &str) -> Vec<Endpoint> {
    let spec = decode_text(&format!("{SCRIPT}\nnetwork: {{{text}}}")).unwrap();
    spec.network.endpoints.into_iter().collect()
}

#[rstest]
#[case::open("nat: per-zone", &[])]
#[case::single("nat: single", &[])]
#[case::by_default("zones: 2", &[])]
#[case::closed("nat: none", &[Endpoint::S3, Endpoint::Ssm])]
#[case::closed_and_none_wanted("nat: none, endpoints: []", &[])]
#[case::closed_and_others_wanted("nat: none, endpoints: [sqs]", &[Endpoint::Sqs])]
#[case::open_and_some_wanted("endpoints: [ssm, s3]", &[Endpoint::S3, Endpoint::Ssm])]
fn a_closed_network_reaches_session_manager_and_s3_unless_it_says_otherwise(
    #[case] text: &str,
    #[case] expected: &[Endpoint],
) {
    assert_eq!(endpoints(text), expected);
}

#[rstest]
#[case("s3", Endpoint::S3)]
#[case("dynamodb", Endpoint::DynamoDb)]
#[case("ssm", Endpoint::Ssm)]
#[case("ecr", Endpoint::Ecr)]
#[case("logs", Endpoint::Logs)]
#[case("monitoring", Endpoint::Monitoring)]
#[case("secretsmanager", Endpoint::SecretsManager)]
#[case("kms", Endpoint::Kms)]
#[case("sts", Endpoint::Sts)]
#[case("sqs", Endpoint::Sqs)]
#[case("sns", Endpoint::Sns)]
fn every_endpoint_has_its_word_in_specs_and_in_records(#[case] word: &str, #[case] endpoint: Endpoint) {
    assert_eq!(endpoints(&format!("endpoints: [{word}]")), [endpoint]);
    assert_eq!(serde_json::to_value(endpoint).unwrap(), word);
}

#[test]
fn each_endpoint_is_known_and_listed_once() {
    refuses_only(
        "network: {endpoints: [ssm, s3, ssm]}",
        "network.endpoints[2]",
        "this endpoint is listed twice",
    );
    refuses_only(
        "network: {endpoints: [secrets-manager]}",
        "network.endpoints[0]",
        "unknown value `secrets-manager`",
    );
    let errors = decode_text(&with("network: {endpoints: [secrets-manager]}")).unwrap_err();
    let hint = errors.0[0].hint.as_deref().unwrap();
    assert!(hint.starts_with("did you mean `secretsmanager`?"), "{hint}");
    refuses_only(
        "network: {endpoints: ssm}",
        "network.endpoints",
        "expected a list",
    );
    refuses_only(
        "network: {endpoints: [1]}",
        "network.endpoints[0]",
        "expected one of s3,",
    );
}

#[test]
fn without_nat_the_registry_needs_s3() {
    let closed = |endpoints: &str| format!("{SCRIPT}\nnetwork: {{nat: none, endpoints: [{endpoints}]}}");
    accepts(&closed("ecr, s3"));
    accepts(&closed("s3, ecr"));
    accepts(&format!("{SCRIPT}\nnetwork: {{endpoints: [ecr]}}"));
    refuses_only(
        &closed("ssm, ecr"),
        "network.endpoints[1]",
        "its layers are in S3",
    );
}

#[rstest]
#[case("nat: none, endpoints: [ecr, s4]", "network.endpoints[1]")]
#[case("nat: nowhere, endpoints: [ecr]", "network.nat")]
#[case("nat: nowhere", "network.nat")]
fn a_word_that_could_not_be_read_is_not_missed_beside_it(#[case] text: &str, #[case] path: &str) {
    refuses_only(&format!("{SCRIPT}\nnetwork: {{{text}}}"), path, "unknown value");
}
