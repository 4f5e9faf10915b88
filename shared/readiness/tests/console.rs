//! What a console shows when a boot tries again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_readiness::cause::console::{Progress, Pull, Signs, Source};

const MIRROR: &str =
    "  - Curl error (28): Timeout was reached for https://cdn.amazonlinux.com/al2023/mirror.list";
const NO_MATCH: &str = "No match for argument: nginx\nError: Unable to find a match: nginx";

fn signs(lines: &[&str]) -> Signs {
    Signs::read(lines.join("\n").as_bytes())
}

#[test]
fn a_mirror_that_hiccups_and_then_answers_is_no_sign() {
    let signs = signs(&[
        MIRROR,
        NO_MATCH,
        "Installed:",
        "  nginx-1:1.26.3-1.amzn2023.x86_64",
        "Complete!",
    ]);
    assert_eq!(signs.unreachable, None);
    assert!(signs.missing_packages.is_empty());
}

#[test]
fn a_package_that_is_not_found_without_its_mirror_is_the_mirrors_fault() {
    let signs = signs(&[MIRROR, NO_MATCH]);
    assert_eq!(signs.unreachable, Some(Source::Mirror));
    assert!(signs.missing_packages.is_empty());
}

#[test]
fn the_last_try_decides_between_mirror_and_package() {
    let signs = signs(&[
        MIRROR,
        NO_MATCH,
        "Last metadata expiration check: 0:00:01 ago",
        NO_MATCH,
    ]);
    assert_eq!(signs.unreachable, None);
    assert!(signs.missing_packages.contains("nginx"));
}

#[test]
fn another_package_that_is_installed_does_not_take_back_the_one_that_is_missing() {
    let signs = signs(&[
        "No match for argument: ngnix",
        "Error: Unable to find a match: ngnix",
        "Installed:",
    ]);
    assert!(signs.missing_packages.contains("ngnix"));
}

#[test]
fn a_package_that_is_set_up_after_all_is_not_missing() {
    let signs = signs(&[
        "E: Unable to locate package nginx",
        "Setting up nginx (1.24.0-2ubuntu7) ...",
    ]);
    assert!(signs.missing_packages.is_empty());
}

#[test]
fn an_address_that_a_script_cannot_reach_is_not_the_mirror() {
    assert_eq!(
        signs(&["curl: (6) Could not resolve host: example.com"]).unreachable,
        None
    );
}

#[test]
fn several_packages_are_listed_and_apts_other_words_are_known() {
    let dnf = signs(&["Error: Unable to find a match: ngnix reddis"]);
    assert_eq!(Vec::from_iter(dnf.missing_packages), ["ngnix", "reddis"]);
    let apt = signs(&["E: Package 'mongodb' has no installation candidate"]);
    assert_eq!(Vec::from_iter(apt.missing_packages), ["mongodb"]);
}

#[test]
fn an_image_that_comes_after_all_is_no_sign() {
    let refused = "Error response from daemon: toomanyrequests: You have reached your pull rate limit.";
    assert_eq!(signs(&[refused]).pull, Some(Pull::TooMany));
    assert_eq!(
        signs(&[refused, "Status: Downloaded newer image for nginx:1.27"]).pull,
        None
    );
}

#[test]
fn a_secret_that_can_be_read_after_all_is_no_sign() {
    let refused =
        "An error occurred (AccessDeniedException) when calling the GetSecretValue operation: User: x";
    assert_eq!(
        signs(&[refused]).unreadable.unwrap().code,
        "AccessDeniedException"
    );
    assert_eq!(signs(&[refused, "1.4: Pulling from shop"]).unreadable, None);
}

#[test]
fn a_service_that_starts_after_all_is_no_sign() {
    let failed = "\u{1b}[0;1;31mFAILED\u{1b}[0m] Failed to start nginx.service - The nginx HTTP server.";
    assert!(signs(&[failed]).failed_units.contains("nginx.service"));
    let started = "[  OK  ] Started nginx.service - The nginx HTTP server.";
    assert!(signs(&[failed, started]).failed_units.is_empty());
}

#[test]
fn cloud_inits_last_word_counts() {
    let running = "[   20.1] cloud-init[1]: Cloud-init v. 24.4 running 'modules:final' at Thu, 05 Jun 2025";
    let finished = "[   99.1] cloud-init[1]: Cloud-init v. 24.4 finished at Thu, 05 Jun 2025";
    assert_eq!(signs(&[running]).cloud_init, Progress::Running);
    assert_eq!(signs(&[running, finished]).cloud_init, Progress::Finished);
    assert_eq!(signs(&["login:"]).cloud_init, Progress::Unseen);
}
