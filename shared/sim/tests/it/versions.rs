use windlass_calls::ec2::{
    CreateLaunchTemplateVersion, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, RunInstances,
};
use windlass_calls::{Class, Filters};

use crate::account::{Account, tags, template};

const TEMPLATE: &str = "lt-00000001";

/// Another version, with this instance type.
fn version(token: &str, instance_type: &str) -> CreateLaunchTemplateVersion {
    let mut data = template("web", "sg-00000001").data;
    data.instance_type = instance_type.into();
    CreateLaunchTemplateVersion {
        launch_template: TEMPLATE.into(),
        token: token.into(),
        data,
    }
}

#[test]
fn a_version_is_one_above_the_newest_and_its_token_makes_it_once() {
    let mut account = Account::new();
    account.call(template("web", "sg-00000001"));
    let second = account.call(version("two", "t3.small"));
    assert_eq!(second.version, 2);
    assert_eq!(account.call(version("three", "t3.medium")).version, 3);
    assert_eq!(account.call(version("two", "t3.small")), second);
    assert_eq!(
        account.code(version("two", "t3.large")).0,
        "IdempotentParameterMismatch"
    );
    let found = account.call(DescribeLaunchTemplates {
        filters: Filters::new(),
    });
    assert_eq!((found[0].default_version, found[0].latest_version), (1, 3));
}

#[test]
fn the_newest_version_is_the_one_described() {
    let mut account = Account::new();
    account.call(template("web", "sg-00000001"));
    let made = account.call(version("two", "t3.small"));
    let described = account.call(DescribeLaunchTemplateVersions {
        launch_template: TEMPLATE.into(),
    });
    assert_eq!(described, [made]);
}

#[test]
fn a_version_of_a_missing_template_is_refused() {
    let missing = Account::new().code(version("two", "t3.small"));
    assert_eq!(
        missing,
        ("InvalidLaunchTemplateId.NotFound".to_owned(), Class::Gone)
    );
}

#[test]
fn an_instance_is_made_from_the_version_that_is_named() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    account.call(version("two", "t3.small"));
    let mut run = |version: u64| {
        account.call(RunInstances {
            launch_template: TEMPLATE.into(),
            version,
            subnet: network.private[0].clone(),
            token: format!("run-{version}"),
            tags: tags("instance/0"),
        })
    };
    let (first, second) = (run(1), run(2));
    assert_eq!(
        [first.instance_type.as_str(), second.instance_type.as_str()],
        ["t3.micro", "t3.small"]
    );
    assert_eq!(second.tags["aws:ec2launchtemplate:version"], "2");
}
