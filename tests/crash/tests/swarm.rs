//! A few hundred runs of the swarm, each twice: whatever happens to a stack, it becomes what its last spec says; and the
//! same seed always gives the same trace. `make soak` runs thousands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_crash::swarm::{Fresh, Run};

/// Runs of each test.
const RUNS: u64 = 32;

#[rstest]
fn whatever_happens_to_a_stack_it_becomes_what_its_last_spec_says(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] part: u64,
) {
    let mut fresh = Fresh::default();
    let mut wrong = Vec::new();
    for seed in part * RUNS..(part + 1) * RUNS {
        let run = Run::of(seed);
        let first = run.run(&mut fresh);
        let differs = run.run(&mut fresh) != first;
        match first {
            _ if differs => wrong.push(format!("seed {seed}: two runs differ")),
            Ok(ended) => assert!(ended.calls > 20, "seed {seed}"),
            Err(error) => wrong.push(format!("seed {seed}: {error}\n  make soak SEED={seed}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {RUNS}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Runs that went wrong once, by what went wrong.
#[rstest]
#[case::a_client_token_that_had_made_something_in_another_network_was_refused_for_good(7)]
#[case::two_groups_on_their_way_out_had_both_names_and_a_third_could_not_be_made(37)]
#[case::a_topic_that_a_dead_pass_had_made_and_the_next_spec_did_not_want_stayed(44)]
#[case::the_intent_of_something_no_longer_wanted_stayed_in_the_head(79)]
#[case::a_load_balancer_of_another_scheme_that_nobody_recorded_stayed(91)]
#[case::endpoints_of_a_network_being_replaced_were_not_looked_for_without_a_state(128)]
#[case::a_launch_template_made_again_had_the_tokens_of_the_earlier_ones_versions(417)]
#[case::a_plan_took_the_subnets_of_one_network_for_those_of_another(1233)]
#[case::a_nat_gateway_that_failed_beside_one_that_serves_stopped_everything(1499)]
#[case::an_old_answer_to_a_client_token_was_taken_for_a_new_gateway(2396)]
#[case::who_was_to_be_told_counted_as_asked_though_the_call_was_refused(1530)]
#[case::a_topic_that_showed_late_could_not_be_asked_for_once_the_role_was_gone(323)]
#[case::a_rollout_that_failed_for_want_of_a_load_balancer_was_not_begun_again_by_an_upload(3793)]
fn a_run_that_went_wrong_once_goes_well(#[case] seed: u64) {
    Run::calm(seed).run(&mut Fresh::default()).unwrap();
}

/// The same with what storms were over them.
#[rstest]
#[case::instances_started_before_the_nat_gateway_had_a_way_out_itself(1245)]
#[case::fixed_instances_that_booted_without_a_nat_gateway_stay_unhealthy_until_somebody_ends_them(7399)]
fn a_run_that_went_wrong_once_in_a_storm_goes_well(#[case] seed: u64) {
    Run::of(seed).run(&mut Fresh::default()).unwrap();
}
