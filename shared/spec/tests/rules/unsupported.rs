//! What is still to come.

use rstest::rstest;

use crate::{accepts, refuses, refuses_only};

#[rstest]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 70}}, {type: memory, scaleOut: {above: 70}}]}",
    "scaling.metrics[1].type"
)]
#[case("scaling: {schedule: [{cron: '0 7 * * *', min: 4}]}", "scaling.schedule")]
fn what_is_not_built_yet_is_refused_and_nothing_else_about_it(#[case] text: &str, #[case] path: &str) {
    refuses_only(text, path, "is not supported yet");
}

#[rstest]
#[case("scaling: {behavior: {}, schedule: []}")]
fn what_asks_for_nothing_new_is_taken(#[case] text: &str) {
    accepts(text);
}

#[rstest]
#[case(
    "scaling: {metrics: [{type: memory}]}",
    "scaling.metrics[0].scaleOut",
    "required"
)]
#[case(
    "scaling: {metrics: [{type: memory, scaleOut: {above: 101}}]}",
    "scaling.metrics[0].scaleOut.above",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: memory, scaleIn: {below: -1}}]}",
    "scaling.metrics[0].scaleIn.below",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: memory, scaleOut: {above: 5}}, {type: memory, scaleOut: {above: 5}}]}",
    "scaling.metrics[1].type",
    "twice"
)]
#[case(
    "scaling: {schedule: [{min: 1, max: 2}]}",
    "scaling.schedule[0].cron",
    "required"
)]
#[case(
    "scaling: {schedule: [{cron: x, min: 3, max: 2}]}",
    "scaling.schedule[0].min",
    "greater than max"
)]
fn what_is_not_built_yet_is_judged_all_the_same(
    #[case] text: &str,
    #[case] path: &str,
    #[case] message: &str,
) {
    refuses(text, path, message);
}
