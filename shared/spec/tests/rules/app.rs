//! Packages, containers and scripts.

use rstest::rstest;
use windlass_spec::{Runtime, Variable};

use crate::common::decode_text;
use crate::{APP, accepts, container, refuses, refuses_only};

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
    assert_eq!(env["_A1"], Variable::Plain("x=$HOME; `id` 'q'".to_owned()));
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

fn variable(text: &str) -> String {
    container(&format!("env: {{A: \"{text}\"}}"))
}

#[rstest]
#[case("", Variable::Plain(String::new()))]
#[case("ssm:", Variable::Plain("ssm:".into()))]
#[case("ssm:a/b", Variable::Plain("ssm:a/b".into()))]
#[case(" ssm:/a", Variable::Plain(" ssm:/a".into()))]
#[case("SECRET:a", Variable::Plain("SECRET:a".into()))]
#[case("secrets:a", Variable::Plain("secrets:a".into()))]
#[case("ssm:/a", Variable::Parameter("/a".into()))]
#[case("ssm:/shop/prod.eu/db_host-1", Variable::Parameter("/shop/prod.eu/db_host-1".into()))]
#[case("secret:a", Variable::Secret("a".into()))]
#[case("secret:/shop/API_key+1=2.3@4-5", Variable::Secret("/shop/API_key+1=2.3@4-5".into()))]
fn a_variable_is_plain_or_names_a_parameter_or_a_secret(#[case] text: &str, #[case] expected: Variable) {
    let Runtime::Container { env, .. } = decode_text(&variable(text)).unwrap().compute.app.runtime else {
        panic!("not a container")
    };
    assert_eq!(env["A"], expected);
}

#[rstest]
#[case("ssm:/")]
#[case("ssm://a")]
#[case("ssm:/hunter2/")]
#[case("ssm:/hunter2//b")]
#[case("ssm:/hunter2 b")]
#[case("ssm:/hunter2\\nb")]
#[case("ssm:/hunter2$(id)")]
fn a_parameter_is_named_by_its_path(#[case] text: &str) {
    names_nothing(text, "not the path of an SSM parameter");
}

#[rstest]
#[case("secret:")]
#[case("secret:hunter2!")]
#[case("secret:hunter2 b")]
#[case("secret:hunter2\\nb")]
#[case("secret:hünter2")]
#[case("secret:arn:aws:secretsmanager:eu-central-1:123456789012:secret:hunter2")]
fn a_secret_is_named_by_its_name(#[case] text: &str) {
    names_nothing(text, "not the name of a Secrets Manager secret");
}

#[test]
fn the_name_of_a_secret_has_at_most_512_characters() {
    accepts(&variable(&format!("secret:{}", "x".repeat(512))));
    names_nothing(
        &format!("secret:{}", "x".repeat(513)),
        "not the name of a Secrets Manager secret",
    );
}

/// The error has the form that is right, and does not repeat what may be the secret itself.
#[track_caller]
fn names_nothing(text: &str, message: &str) {
    refuses_only(&variable(text), "compute.app.container.env.A", message);
    let shown = decode_text(&variable(text)).unwrap_err().to_string();
    assert!(!shown.contains("hunter2") && !shown.contains("xxx"), "{shown}");
    assert!(
        shown.contains("as in `ssm:/shop/") || shown.contains("as in `secret:shop/"),
        "{shown}"
    );
}
