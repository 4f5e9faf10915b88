//! Whatever a stack was before, it becomes what its spec says: the same as a new stack of that spec (I13).
//!
//! Specs come at random from the strategies of the spec crate. Each walk goes through several of them, and after each
//! step the stack is ready, nothing is orphaned or doubled, idle passes change nothing (two after each step, ten after the
//! last), and the shape of the account is that of a fresh one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rstest::rstest;
use serde_json::{Value, json};
use windlass_crash::{Lab, Shape, Stopped, difference, idle_passes_change_nothing, ready, shape};
use windlass_spec::arbitrary::transitions;

/// Far more messages than any change takes.
const LIMIT: usize = 600;
/// Time for a group to replace on-demand instances by spot instances, or the other way round, one after the other.
const EXCHANGE: SignedDuration = SignedDuration::from_mins(40);
/// Walks of each test, and the steps of each.
const WALKS: usize = 35;
const STEPS: usize = 5;
/// Pairs of related specs that the walks of a test go through.
const PAIRS: usize = 9;

/// A spec with leave to replace.
fn allowed(spec: &str) -> Value {
    let mut spec: Value = serde_json::from_str(spec).unwrap();
    spec["allowReplace"] = json!(true);
    spec
}

fn zones(spec: &Value) -> u64 {
    spec["network"]["zones"].as_u64().unwrap_or(3)
}

/// Specs of one test: pairs of related ones.
fn specs(seed: u8) -> Vec<Value> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut specs = Vec::new();
    for _ in 0..PAIRS {
        let (before, after) = transitions().new_tree(&mut runner).unwrap().current();
        specs.extend([allowed(&before), allowed(&after)]);
    }
    specs
}

/// Uploads a spec and runs to the end. Whoever is to be notified agrees to it.
fn become_(lab: &Lab, spec: &Value, idle: usize) -> Result<(), String> {
    // An application that downloads nothing needs no internet.
    let closed = spec["network"]["nat"] == "none";
    lab.sim.world_mut().config_mut().instances_need_internet = !closed;
    lab.upload(&spec.to_string());
    if lab.run(LIMIT) == Stopped::StillBusy {
        return Err(format!("still busy: {:?}", lab.status()));
    }
    // Another share of spot instances is the group's own work, after the pass: the next look records whom it has then.
    lab.sim.advance(EXCHANGE);
    lab.look();
    if lab.run(LIMIT) == Stopped::StillBusy {
        return Err(format!("busy again: {:?}", lab.status()));
    }
    ready(lab)?;
    idle_passes_change_nothing(lab, idle)?;
    let topics = lab
        .sim
        .world()
        .inventory()
        .into_iter()
        .filter(|it| it.kind == "topic");
    for topic in topics.collect::<Vec<_>>() {
        for contact in spec["monitoring"]["notify"].as_array().into_iter().flatten() {
            lab.sim
                .world_mut()
                .confirm_subscription(&topic.id, contact.as_str().unwrap());
        }
    }
    Ok(())
}

/// What is wrong after a step, beside a fresh stack of the same spec.
fn step(lab: &Lab, spec: &Value, fresh: &Shape, idle: usize) -> Result<(), String> {
    become_(lab, spec, idle)?;
    difference(&without(&shape(lab)?, spec), &without(fresh, spec)).map_or(Ok(()), Err)
}

/// A rollout by hand leaves the fixed instances that run as they are.
fn without(shape: &Shape, spec: &Value) -> Shape {
    let by_hand = spec["rollout"] == "manual";
    let kept = |line: &&String| !(by_hand && line.starts_with("Instance {"));
    shape.iter().filter(kept).cloned().collect()
}

fn account() -> Lab {
    let mut lab = Lab::roomy();
    // Some drain for an hour.
    lab.settings.wake_seconds = 60;
    lab
}

/// A number that depends on these.
fn mixed(seed: u64, walk: usize, step: usize) -> usize {
    let state = seed * 1_000_003 + walk as u64 * 1009 + step as u64;
    let state = (state ^ (state >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((state ^ (state >> 31)) >> 17).unwrap()
}

#[rstest]
fn a_stack_that_was_another_is_as_a_new_one(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] seed: u8) {
    let specs = specs(seed);
    let mut fresh: BTreeMap<usize, (Lab, Shape)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut steps = 0;
    for walk in 0..WALKS {
        let first = walk % specs.len();
        let mut at = first;
        let mut path = vec![at];
        let mut lab: Option<Lab> = None;
        for number in 0..=STEPS {
            let (ready, shape) = fresh.entry(at).or_insert_with(|| {
                let lab = account();
                become_(&lab, &specs[at], 1).unwrap_or_else(|error| panic!("{}: {error}", specs[at]));
                let shape = shape(&lab).unwrap();
                (lab, shape)
            });
            match &lab {
                None => lab = Some(ready.fork(seed.into())),
                Some(lab) => {
                    steps += 1;
                    if let Err(error) = step(lab, &specs[at], shape, if number == STEPS { 10 } else { 2 }) {
                        let path: Vec<String> = path.iter().map(|at| specs[*at].to_string()).collect();
                        wrong.push(format!("{error}\n  after {}", path.join("\n  then ")));
                        break;
                    }
                }
            }
            // Zones are chosen once, and never given up.
            let may = |next: &usize| *next != at && zones(&specs[*next]) >= zones(&specs[at]);
            let choices: Vec<usize> = (0..specs.len()).filter(may).collect();
            let Some(next) = choices.get(mixed(seed.into(), walk, number) % choices.len().max(1)) else {
                break;
            };
            // Half of the steps go between related specs.
            let related = at ^ 1;
            at = if number % 2 == 0 && may(&related) {
                related
            } else {
                *next
            };
            path.push(at);
        }
    }
    println!("{steps} steps");
    assert!(
        wrong.is_empty(),
        "{} of {steps}:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(steps >= 140, "{steps}");
}
