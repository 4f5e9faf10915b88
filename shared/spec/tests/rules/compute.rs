//! The mode, images and instance types.

use rstest::rstest;
use windlass_spec::{Image, Mode};

use crate::common::decode_text;
use crate::{APP, accepts, fixed, refuses, refuses_only};

#[rstest]
#[case("al2023", Image::Al2023)]
#[case("ubuntu-24.04", Image::Ubuntu2404)]
#[case("ami-0123abcd", Image::Ami("ami-0123abcd".into()))]
#[case("ami-0123456789abcdef0", Image::Ami("ami-0123456789abcdef0".into()))]
#[case("ssm:/images/web", Image::Parameter("/images/web".into()))]
fn an_image_is_an_alias_an_id_or_a_parameter(#[case] text: &str, #[case] image: Image) {
    let spec = decode_text(&format!(
        "compute: {{image: \"{text}\", app: {{packages: [nginx]}}}}"
    ))
    .unwrap();
    assert_eq!(spec.compute.image, image);
}

#[rstest]
#[case("al2", "unknown image")]
#[case("ubuntu-22.04", "unknown image")]
#[case("ami-0123abc", "unknown image")]
#[case("ami-0123456789abcdef01", "unknown image")]
#[case("ami-0123ABCD", "unknown image")]
#[case("ssm:images/web", "not the path")]
#[case("ssm:/", "not the path")]
#[case("ssm://a", "not the path")]
#[case("ssm:/a b", "not the path")]
fn any_other_image_is_refused(#[case] image: &str, #[case] message: &str) {
    refuses(
        &format!("compute: {{image: \"{image}\", app: {{packages: [nginx]}}}}"),
        "compute.image",
        message,
    );
}

#[rstest]
#[case("[t3.micro, m7i.large]")]
#[case("[t4g.micro, c7gn.16xlarge, a1.metal]")]
#[case("[g5.xlarge, g4dn.metal]")]
#[case("[u-6tb1.112xlarge, m7i.metal-24xl, c7i-flex.large]")]
fn instance_types_share_an_architecture(#[case] types: &str) {
    accepts(&format!(
        "compute: {{instanceTypes: {types}, app: {{packages: [nginx]}}}}"
    ));
}

#[rstest]
#[case("[]", "compute.instanceTypes", "0 instance types")]
#[case(
    "[t3.micro, t4g.micro]",
    "compute.instanceTypes",
    "t4g.micro is arm64, t3.micro is x86_64"
)]
#[case(
    "[g5.xlarge, g5g.xlarge]",
    "compute.instanceTypes",
    "g5g.xlarge is arm64, g5.xlarge is x86_64"
)]
#[case("[t3]", "compute.instanceTypes[0]", "not an instance type")]
#[case("[t3.]", "compute.instanceTypes[0]", "not an instance type")]
#[case("[.micro]", "compute.instanceTypes[0]", "not an instance type")]
#[case("[T3.micro]", "compute.instanceTypes[0]", "not an instance type")]
#[case("[large.t3]", "compute.instanceTypes[0]", "not an instance type")]
#[case("[t3.micro.x]", "compute.instanceTypes[0]", "no size that AWS knows")]
#[case("[t3.huge]", "compute.instanceTypes[0]", "no size that AWS knows")]
#[case("[t3.micro, t3.micro]", "compute.instanceTypes[1]", "listed twice")]
fn any_other_instance_types_are_refused(#[case] types: &str, #[case] path: &str, #[case] message: &str) {
    refuses(
        &format!("compute: {{instanceTypes: {types}, app: {{packages: [nginx]}}}}"),
        path,
        message,
    );
}

#[test]
fn at_most_twenty_instance_types_are_taken() {
    let types = |count: usize| {
        (1..=count)
            .map(|n| format!("m{n}.large"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let text = |count| {
        format!(
            "compute: {{instanceTypes: [{}], app: {{packages: [nginx]}}}}",
            types(count)
        )
    };
    accepts(&text(20));
    refuses(&text(21), "compute.instanceTypes", "21 instance types");
}

#[test]
fn an_auto_scaling_group_keeps_the_number_unless_the_spec_wants_it_fixed() {
    let mode = |text: &str| decode_text(text).unwrap().compute.mode;
    assert_eq!(mode(APP), Mode::Asg);
    assert_eq!(mode("compute: {mode: asg, app: {packages: [nginx]}}"), Mode::Asg);
    assert_eq!(mode(&fixed("")), Mode::Ec2);
    refuses_only(
        "compute: {mode: ecs, app: {packages: [nginx]}}",
        "compute.mode",
        "unknown value `ecs`",
    );
}

#[test]
fn instances_of_a_fixed_number_are_of_one_type() {
    let text = |mode: &str, types: &str| {
        format!("compute: {{mode: {mode}, instanceTypes: [{types}], app: {{packages: [nginx]}}}}")
    };
    accepts(&text("ec2", "t4g.small"));
    accepts(&text("asg", "t3.small, t3.medium"));
    refuses_only(
        &text("ec2", "t3.small, t3.medium"),
        "compute.instanceTypes",
        "2 instance types are listed, and with `mode: ec2`",
    );
    refuses_only(
        &text("ec3", "t3.small, t3.medium"),
        "compute.mode",
        "unknown value",
    );
}
