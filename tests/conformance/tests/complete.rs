//! Every operation that changes something is asked all three questions, and the table of deviations is in order.

use std::collections::BTreeSet;

use windlass_conformance::cases::listed;
use windlass_conformance::{DEVIATIONS, Question};

#[test]
fn every_mutating_operation_is_asked_every_question() {
    let asked: BTreeSet<_> = listed().map(|case| (case.action, case.question)).collect();
    let mutating = windlass_calls::operations()
        .into_iter()
        .filter(|(_, effect)| effect.is_mutating());
    let missing: Vec<_> = mutating
        .flat_map(|(action, _)| {
            [Question::Works, Question::Again, Question::Fails].map(|question| (action, question))
        })
        .filter(|question| !asked.contains(question))
        .collect();
    assert!(missing.is_empty(), "no case in src/cases/ for {missing:?}");
}

#[test]
fn no_case_has_the_name_of_another() {
    let names: BTreeSet<_> = listed().map(|case| case.name).collect();
    assert_eq!(names.len(), listed().count());
}

#[test]
fn every_deviation_cites_a_rule_of_the_aws_facts_and_shows_itself() {
    for deviation in DEVIATIONS {
        assert!((1..=69).contains(&deviation.rule), "{}", deviation.case);
        assert!(!deviation.shows.is_empty(), "{}", deviation.case);
        assert!(!deviation.instead.is_empty(), "{}", deviation.case);
    }
}
