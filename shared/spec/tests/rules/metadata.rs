//! Names, tags, protection, and what happens with a plan.

use rstest::rstest;
use windlass_spec::{Apply, decode, parse_key};

use crate::common::decode_text;
use crate::{accepts, refuses, refuses_only, with};

#[test]
fn tags_keep_to_what_every_service_takes() {
    let tags = |text: &str| format!("metadata: {{tags: {{{text}}}}}");
    accepts(&tags(
        "team: storefront, \"a b_.:/=+-@é\": \"x y_.:/=+-@é\", empty: ''",
    ));
    accepts(&tags(&format!("{}: {}", "k".repeat(128), "v".repeat(256))));
    let long = "k".repeat(129);
    refuses(
        &tags(&format!("{long}: v")),
        &format!("metadata.tags.{long}"),
        "has 129 characters",
    );
    refuses(
        &tags(&format!("k: {}", "v".repeat(257))),
        "metadata.tags.k",
        "has 257 characters",
    );
    for key in ["aws:x", "AWS:x", "windlass:stack"] {
        refuses(
            &tags(&format!("\"{key}\": v")),
            &format!("metadata.tags.{key}"),
            "reserved",
        );
    }
    refuses(&tags("Name: web"), "metadata.tags.Name", "set by Windlass");
    refuses(&tags("'': v"), "metadata.tags.", "key is empty");
    refuses(&tags("k: 'a*b'"), "metadata.tags.k", "contains '*'");
    refuses(&tags("'a*b': v"), "metadata.tags.a*b", "contains '*'");
    refuses(&tags("k: 1"), "metadata.tags.k", "expected text");
    let many = |count: usize| {
        (0..count)
            .map(|n| format!("k{n}: v"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    accepts(&tags(&many(40)));
    refuses(&tags(&many(41)), "metadata.tags", "41 tags are too many");
}

#[test]
fn what_the_spec_says_of_itself_must_be_what_its_key_says() {
    accepts("apiVersion: windlass/v1\nkind: Stack\nmetadata: {name: web, environment: dev}");
    refuses(
        "metadata: {name: shop}",
        "metadata.name",
        "`shop` here and `web` in the spec's key",
    );
    refuses(
        "metadata: {environment: prod}",
        "metadata.environment",
        "`prod` here and `dev` in",
    );
    refuses("apiVersion: windlass/v2", "apiVersion", "unknown value");
    refuses("kind: Deployment", "kind", "unknown value");
}

#[rstest]
#[case("dev", "", false)]
#[case("prod", "", true)]
#[case("prod", "protect: false", false)]
#[case("dev", "protect: true", true)]
fn only_prod_is_protected_by_default(#[case] environment: &str, #[case] text: &str, #[case] protect: bool) {
    let stack = parse_key(&format!("specs/{environment}/web.yaml")).unwrap();
    assert_eq!(decode(&stack, with(text).as_bytes()).unwrap().protect, protect);
}

#[test]
fn a_plan_is_carried_out_unless_the_spec_only_asks_for_it() {
    let apply = |text: &str| decode_text(&with(text)).unwrap().apply;
    assert_eq!(apply("protect: true"), Apply::Auto);
    assert_eq!(apply("apply: auto"), Apply::Auto);
    assert_eq!(apply("apply: plan"), Apply::Plan);
    refuses_only("apply: never", "apply", "unknown value `never`");
}
