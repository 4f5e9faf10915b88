//! Packages, containers and scripts.

use rstest::rstest;
use windlass_spec::Runtime;

use crate::common::decode_text;
use crate::{APP, accepts, container, refuses};

#[rstest]
#[case("nginx")]
#[case("g++")]
#[case("python3.11")]
#[case("7zip")]
#[case("lib_x-y")]
fn a_package_has_a_plain_name(#[case] name: &str) {
    accepts(&format!("compute: {{app: {{packages: [\"{name}\"]}}}}"));
}

#[rstest]
#[case("")]
#[case("-y")]
#[case("Nginx")]
#[case("a b")]
#[case("a;b")]
#[case("$(id)")]
#[case("`id`")]
#[case("a|b")]
#[case("../a")]
#[case("a\\nb")]
fn any_other_package_is_refused(#[case] name: &str) {
    refuses(
        &format!("compute: {{app: {{packages: [\"{name}\"]}}}}"),
        "compute.app.packages[0]",
        "not a package name",
    );
}

#[rstest]
#[case("nginx")]
#[case("nginx:1.27-alpine")]
#[case("ghcr.io/example/shop_web:v1.4.2")]
#[case("localhost:5000/shop")]
#[case("shop@sha256:0123456789abcdef")]
fn a_container_image_is_a_reference(#[case] image: &str) {
    accepts(&format!(
        "compute: {{app: {{container: {{image: \"{image}\", port: 80}}}}}}"
    ));
}

#[rstest]
#[case("")]
#[case("https://ghcr.io/shop")]
#[case("shop:")]
#[case("/shop")]
#[case("a//b")]
#[case("shop web")]
#[case("shop;id")]
#[case("$(id)")]
#[case("--privileged")]
#[case("a@b@c")]
fn any_other_image_reference_is_refused(#[case] image: &str) {
    let text = format!("compute: {{app: {{container: {{image: \"{image}\", port: 80}}}}}}");
    refuses(&text, "compute.app.container.image", "not an image reference");
}

#[test]
fn environment_variables_have_plain_names_and_values_of_one_line() {
    let spec = decode_text(&container("env: {_A1: \"x=$HOME; `id` 'q'\"}")).unwrap();
    let Runtime::Container { env, .. } = spec.compute.app.runtime else {
        panic!("not a container")
    };
    assert_eq!(env["_A1"], "x=$HOME; `id` 'q'");
    let env = "compute.app.container.env";
    for name in ["1A", "A-B", "A B", "Ä", ""] {
        refuses(
            &container(&format!("env: {{\"{name}\": x}}")),
            &format!("{env}.{name}"),
            "not a variable name",
        );
    }
    for value in ["a\\nb", "a\\rb", "a\\0b"] {
        refuses(
            &container(&format!("env: {{A: \"{value}\"}}")),
            &format!("{env}.A"),
            "more than one line",
        );
    }
}

#[test]
fn the_application_is_said_once() {
    refuses("network: {}\ncompute: {}", "compute.app", "required");
    refuses(
        "compute: {app: {port: 80}}",
        "compute.app",
        "nothing says what to run",
    );
    refuses(
        "compute: {app: {packages: [a], userData: x, port: 1}}",
        "compute.app",
        "packages and userData",
    );
    refuses(
        "compute: {app: {container: {image: a, port: 1}, port: 1}}",
        "compute.app.port",
        "within `container`",
    );
    refuses(
        "compute: {app: {container: {image: a}}}",
        "compute.app.container.port",
        "required",
    );
    refuses(
        "compute: {app: {container: {port: 1}}}",
        "compute.app.container.image",
        "required",
    );
    refuses("compute: {app: {userData: x}}", "compute.app.port", "required");
    refuses(
        "compute: {app: {packages: []}}",
        "compute.app.packages",
        "no package",
    );
}

#[test]
fn packages_listen_on_port_80_unless_they_say_otherwise() {
    assert_eq!(decode_text(APP).unwrap().compute.app.port, 80);
    assert_eq!(
        decode_text("compute: {app: {packages: [a], port: 81}}")
            .unwrap()
            .compute
            .app
            .port,
        81
    );
}

#[test]
fn user_data_is_at_most_16_kib_and_not_empty() {
    let script = |size: usize| {
        format!(
            "compute: {{app: {{port: 80, userData: \"{}\"}}}}",
            "x".repeat(size)
        )
    };
    accepts(&script(16 * 1024));
    refuses(&script(16 * 1024 + 1), "compute.app.userData", "has 16385 bytes");
    refuses(
        "compute: {app: {port: 80, userData: ' '}}",
        "compute.app.userData",
        "is empty",
    );
}
