//! What is lost is found again, and what is there twice is there once afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::ec2::{
    AllocateAddress, CreateInternetGateway, CreateLaunchTemplate, CreateNatGateway, CreateRouteTable,
    CreateSecurityGroup, CreateSubnet, CreateVpc, CreateVpcEndpoint, DescribeLaunchTemplateVersions,
    EndpointAccess, RunInstances,
};
use windlass_calls::{Call, CallError, Tags};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, difference, shape, stack, verify, verify_gone};
use windlass_engine::{head_key, state_key, status_key};
use windlass_planner::Id;
use windlass_sim::{Lag, Live, Verdict, WorldConfig};

const SMALL: &str = "
allowReplace: true
network: {zones: 2, nat: single, endpoints: [ssm, s3]}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
monitoring: {dashboard: true, notify: [ops@example.com]}
";
const FIXED: &str = "
allowReplace: true
network: {zones: 2, nat: single, endpoints: [ssm]}
compute: {mode: ec2, app: {packages: [nginx]}}
scaling: {min: 2}
monitoring: {notify: [ops@example.com]}
";
const CONTAINER: &str = "
allowReplace: true
network: {zones: 2, nat: single}
compute: {app: {container: {image: 'shop:1', port: 8000}}}
loadBalancer: {listeners: [{port: 80, protocol: HTTP}, {port: 81, protocol: HTTP}]}
scaling: {min: 2, max: 4}
";
const LIMIT: usize = 600;

fn account(lag: Lag) -> Lab {
    let config = WorldConfig {
        vpc_quota: 20,
        internet_gateway_quota: 20,
        address_quota: 40,
        nat_gateway_quota: 20,
        visibility_lag: lag,
        elb_lag: lag,
        autoscaling_lag: lag,
        monitoring_lag: lag,
        ghost_lag: lag,
        ..WorldConfig::default()
    };
    Lab::new(config, 1)
}

fn become_(lab: &Lab, spec: &str) {
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(lab).unwrap();
}

fn lose_the_states(lab: &Lab) {
    let serials = (1..=lab.head().unwrap().serial + 5).map(|serial| state_key(&stack(), serial));
    let keys: Vec<String> = serials.collect();
    for key in keys {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
}

fn lose_the_head(lab: &Lab) {
    lab.sim
        .world_mut()
        .delete_object(STATE_BUCKET, &head_key(&stack()));
}

fn lose_everything(lab: &Lab) {
    lose_the_states(lab);
    lose_the_head(lab);
    lab.sim
        .world_mut()
        .delete_object(STATE_BUCKET, &status_key(&stack()));
}

/// All that AWS knows things by, but for a group's own instances.
fn ids(lab: &Lab) -> Vec<(&'static str, String)> {
    let all = lab.sim.world().inventory().into_iter();
    let kept = all.filter(|it| it.kind != "instance" || is_fixed(it));
    kept.map(|it| (it.kind, it.id)).collect()
}

fn is_fixed(it: &Live) -> bool {
    it.tags
        .get("windlass:resource")
        .is_some_and(|resource| resource.starts_with("instance/"))
}

/// After whatever a stack has been through, the state is found again from what AWS shows, and nothing is made anew.
#[rstest]
#[case::new(SMALL, None)]
#[case::fixed(FIXED, None)]
#[case::container(CONTAINER, None)]
#[case::rolled_out(SMALL, Some(SMALL.replace("[nginx]", "[nginx, htop]")))]
#[case::another_port(SMALL, Some(SMALL.replace("[nginx]", "[nginx], port: 8080")))]
#[case::another_scheme(SMALL, Some(format!("{SMALL}loadBalancer: {{scheme: internal}}\n")))]
#[case::another_network(SMALL, Some(SMALL.replace("{zones", "{cidr: 10.7.0.0/16, zones")))]
#[case::fixed_now(SMALL, Some(FIXED.to_owned()))]
#[case::fixed_and_rolled_out(FIXED, Some(FIXED.replace("[nginx]", "[nginx, htop]")))]
#[case::fixed_on_another_port(FIXED, Some(FIXED.replace("[nginx]", "[nginx], port: 8080")))]
#[case::a_group_now(FIXED, Some(SMALL.to_owned()))]
#[case::a_container_now(SMALL, Some(CONTAINER.to_owned()))]
#[case::no_endpoints(SMALL, Some(SMALL.replace(", endpoints: [ssm, s3]", "")))]
#[case::another_zone(SMALL, Some(SMALL.replace("zones: 2", "zones: 3")))]
fn what_is_lost_is_found_again_and_nothing_is_made_anew(
    #[case] spec: &str,
    #[case] after: Option<String>,
    #[values("the head", "the states", "everything")] lost: &str,
) {
    let lag = if lost == "everything" {
        Lag::Seeded { seed: 9, max: 60 }
    } else {
        Lag::None
    };
    let lab = account(lag);
    become_(&lab, spec);
    let last = after.as_deref().unwrap_or(spec);
    if after.is_some() {
        become_(&lab, last);
    }
    let (before, form) = (ids(&lab), shape(&lab).unwrap());
    let serial = lab.head().unwrap().serial;
    match lost {
        "the head" => lose_the_head(&lab),
        "the states" => lose_the_states(&lab),
        _ => lose_everything(&lab),
    }
    become_(&lab, last);
    assert_eq!(ids(&lab), before);
    assert_eq!(difference(&shape(&lab).unwrap(), &form), None);
    assert!(lab.head().unwrap().serial >= serial.min(1));
    // And once it is found it can go.
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
}

/// What is found again of a stack that goes is recorded by its name only: the role without its ARN, from which the topic's
/// follows. It was then asked for in an account without a number, and stayed.
#[test]
fn a_topic_that_could_not_go_in_the_first_pass_goes_in_a_later_one() {
    let lab = account(Lag::None);
    become_(&lab, SMALL);
    lose_everything(&lab);
    let refused = std::cell::Cell::new(0);
    lab.sim
        .set_faults(Some(Box::new(move |sent| match sent.request.action() {
            action @ "sns:DeleteTopic" if refused.get() < 2 => {
                refused.set(refused.get() + 1);
                Verdict::Fail(CallError::answered(action, "Throttling", "slow down", 400))
            }
            _ => Verdict::Deliver,
        })));
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
}

/// The state is lost in the middle of things: between any two passes of a change.
#[rstest]
#[case::creation(None, SMALL.to_owned())]
#[case::fixed(None, FIXED.to_owned())]
#[case::rollout(Some(SMALL), SMALL.replace("[nginx]", "[nginx, htop]"))]
#[case::port(Some(SMALL), SMALL.replace("[nginx]", "[nginx], port: 8080"))]
#[case::scheme(Some(SMALL), format!("{SMALL}loadBalancer: {{scheme: internal}}\n"))]
#[case::network(Some(SMALL), SMALL.replace("{zones", "{cidr: 10.7.0.0/16, zones"))]
#[case::mode(Some(SMALL), FIXED.to_owned())]
#[case::mode_back(Some(FIXED), SMALL.to_owned())]
fn a_state_that_is_lost_in_the_middle_of_a_change_keeps_it_from_nothing(
    #[case] before: Option<&str>,
    #[case] spec: String,
    #[values(lose_the_states, lose_everything)] lose: fn(&Lab),
) {
    let fresh = account(Lag::None);
    become_(&fresh, &spec);
    let fresh = shape(&fresh).unwrap();
    let mut lab = account(Lag::None);
    if let Some(before) = before {
        become_(&lab, before);
    }
    lab.upload(&spec);
    let (mut points, mut wrong) = (0, Vec::new());
    loop {
        let next = lab.fork(1);
        if next.step().is_none() {
            break;
        }
        lab = next;
        let lost = lab.fork(1);
        lose(&lost);
        lost.sim.advance(lost.settings.consistency);
        lost.look();
        let outcome = match lost.run(LIMIT) {
            Stopped::Quiet => {
                verify(&lost).and_then(|()| difference(&shape(&lost)?, &fresh).map_or(Ok(()), Err))
            }
            Stopped::StillBusy => Err("still busy".into()),
        };
        if let Err(error) = outcome {
            wrong.push(format!("after {points} passes: {error}"));
        }
        points += 1;
    }
    assert!(points > 4, "{points}");
    assert!(
        wrong.is_empty(),
        "{} of {points}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What the state knows a resource by.
fn id(lab: &Lab, resource: &str) -> String {
    lab.state().unwrap().resources[&Id::parse(resource)]
        .outputs
        .get("id")
}

fn make<C: Call>(lab: &Lab, call: C) -> C::Response {
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, call).unwrap()
}

/// The tags of a resource of the stack.
fn tags(lab: &Lab, resource: &str) -> Tags {
    let all = lab.sim.world().inventory().into_iter();
    let mut tags = all.map(|it| it.tags);
    tags.find(|tags| tags.get("windlass:resource").is_some_and(|tag| tag == resource))
        .unwrap()
}

/// Makes another one of a resource, with the same tags.
fn twin(lab: &Lab, resource: &str) {
    let (vpc, tags) = (id(lab, "vpc"), tags(lab, resource));
    let token = "somebody else's".to_owned();
    match resource.split('/').next().unwrap() {
        "vpc" => drop(make(
            lab,
            CreateVpc {
                cidr: "10.0.0.0/16".into(),
                tags,
            },
        )),
        "subnet" => {
            let (cidr, zone) = ("10.0.250.0/24".into(), "us-east-1a".into());
            make(
                lab,
                CreateSubnet {
                    vpc,
                    cidr,
                    zone,
                    tags,
                },
            );
        }
        "internet-gateway" => drop(make(lab, CreateInternetGateway { tags })),
        "address" => drop(make(lab, AllocateAddress { tags })),
        "nat-gateway" => {
            let allocation = make(
                lab,
                AllocateAddress {
                    tags: self::tags(lab, "address/a"),
                },
            )
            .allocation;
            let subnet = id(lab, "subnet/public-a");
            let create = CreateNatGateway {
                subnet,
                allocation,
                token,
                tags,
            };
            make(lab, create);
        }
        "route-table" => drop(make(lab, CreateRouteTable { vpc, token, tags })),
        "security-group" => {
            let (name, description) = ("twin".into(), "twin".into());
            let create = CreateSecurityGroup {
                name,
                description,
                vpc,
                tags,
            };
            make(lab, create);
        }
        "vpc-endpoint" => {
            let service = format!("com.amazonaws.us-east-1.{}", resource.split('/').nth(1).unwrap());
            let access = EndpointAccess::Gateway { route_tables: vec![] };
            let create = CreateVpcEndpoint {
                vpc,
                service,
                access,
                token,
                tags,
            };
            make(lab, create);
        }
        "launch-template" => {
            let launch_template = id(lab, "launch-template");
            let data = make(lab, DescribeLaunchTemplateVersions { launch_template })
                .remove(0)
                .data;
            let (name, data) = ("twin".into(), Box::new(data));
            let create = CreateLaunchTemplate {
                name,
                token,
                data,
                tags,
            };
            make(lab, create);
        }
        "instance" => {
            let run = RunInstances {
                launch_template: id(lab, "launch-template"),
                version: 1,
                subnet: id(lab, "subnet/private-a"),
                token,
                tags,
            };
            make(lab, run);
        }
        kind => panic!("no twin of {kind}"),
    }
}

const KINDS: [&str; 10] = [
    "vpc",
    "subnet/private-a",
    "internet-gateway",
    "address/a",
    "nat-gateway/a",
    "route-table/private-a",
    "security-group/instances",
    "vpc-endpoint/s3",
    "launch-template",
    "instance/0",
];

/// The recorded one stays (I2).
#[test]
fn of_two_the_recorded_one_stays_and_the_other_goes() {
    for resource in KINDS {
        let lab = account(Lag::None);
        become_(
            &lab,
            if resource.starts_with("instance") {
                FIXED
            } else {
                SMALL
            },
        );
        let before = ids(&lab);
        twin(&lab, resource);
        assert_ne!(ids(&lab), before, "{resource}");
        lab.look();
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        verify(&lab).unwrap_or_else(|error| panic!("{resource}: {error}"));
        assert_eq!(ids(&lab), before, "{resource}");
    }
}

/// With the state lost nothing says which one it was: one stays, and the stack is whole.
#[test]
fn of_two_that_nothing_tells_apart_one_stays() {
    for resource in KINDS {
        let lab = account(Lag::None);
        let spec = if resource.starts_with("instance") {
            FIXED
        } else {
            SMALL
        };
        become_(&lab, spec);
        let form = shape(&lab).unwrap();
        twin(&lab, resource);
        lose_everything(&lab);
        lab.upload(spec);
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        verify(&lab).unwrap_or_else(|error| panic!("{resource}: {error}"));
        let different = difference(&shape(&lab).unwrap(), &form);
        assert_eq!(
            different,
            None,
            "{resource}: {}",
            different.as_deref().unwrap_or_default()
        );
    }
}

/// A twin does not outlive its stack.
#[test]
fn twins_go_with_their_stack() {
    for resource in KINDS {
        let lab = account(Lag::None);
        become_(
            &lab,
            if resource.starts_with("instance") {
                FIXED
            } else {
                SMALL
            },
        );
        twin(&lab, resource);
        lab.delete_spec();
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        verify_gone(&lab).unwrap_or_else(|error| panic!("{resource}: {error}"));
    }
}

/// The newest state says all that the head did, how often each resource was made among it: client tokens derive from it.
#[test]
fn a_lost_head_continues_at_the_newest_state_in_its_lineage() {
    let lab = account(Lag::None);
    become_(&lab, SMALL);
    let (before, state) = (lab.head().unwrap(), lab.state().unwrap());
    lose_the_head(&lab);
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let after = lab.head().unwrap();
    assert!(after.serial >= before.serial);
    assert_eq!(after.lineage, before.lineage);
    assert_eq!(lab.state().unwrap().resources, state.resources);
    verify(&lab).unwrap();
}
