//! History: what changed from state to state.

use rstest::rstest;
use windlass_archive::{ArchiveError, History, Place, history, recorded};
use windlass_calls::Tags;
use windlass_sim::Verdict;

use crate::lab::{BUCKET, Lab, key, refused, stack_id};

fn read(lab: &Lab, last: usize) -> History {
    let stack = stack_id("dev/web");
    let history = lab.sim.run(history(&lab.sim, BUCKET, &stack, last));
    history.finished().unwrap().unwrap()
}

fn serials(history: &History) -> Vec<u64> {
    history.states.iter().map(|entry| entry.serial).collect()
}

#[test]
fn history_lists_serials_in_order_with_what_changed() {
    let lab = Lab::new(1);
    lab.record("dev/web", 3);
    lab.record("dev/web2", 1);
    let history = read(&lab, 20);
    assert_eq!((serials(&history), history.earlier), (vec![1, 2, 3], 0));
    assert!(history.states[0].changes.anew);
    let third = &history.states[2];
    assert_eq!(third.spec_version, "v3");
    assert_eq!(third.changes.added, ["vpc/3"]);
    assert_eq!(third.changes.spec[0].path, "/scaling/max");
    assert_eq!(third.at.unwrap().to_string(), "2026-05-04T09:00:03Z");
}

#[rstest]
#[case(1, &[12], 11)]
#[case(5, &[8, 9, 10, 11, 12], 7)]
#[case(12, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 0)]
#[case(100, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 0)]
fn the_first_of_the_newest_is_compared_with_the_one_before_it(
    #[case] last: usize,
    #[case] expected: &[u64],
    #[case] earlier: usize,
) {
    let lab = Lab::new(1);
    lab.record("dev/web", 12);
    let history = read(&lab, last);
    assert_eq!((serials(&history), history.earlier), (expected.to_vec(), earlier));
    let first = &history.states[0];
    assert_eq!(first.changes.anew, earlier == 0);
    assert_eq!(first.changes.added.len(), 1);
}

#[test]
fn what_is_gone_from_where_it_was_recorded_is_read_from_the_archive() {
    let lab = Lab::new(1);
    lab.record("dev/web", 3);
    let _ = lab.sweep();
    lab.delete("states/dev/web/00000002.json");
    let history = read(&lab, 20);
    let places: Vec<_> = history.states.iter().map(|entry| entry.place.unwrap()).collect();
    assert_eq!(places, [Place::States, Place::Archive, Place::States]);
    assert_eq!(history.states[1].changes.added, ["vpc/2"]);
}

#[test]
fn a_state_that_cannot_be_read_says_why_and_the_next_is_compared_with_the_one_before_it() {
    let lab = Lab::new(1);
    lab.record("dev/web", 4);
    lab.put("states/dev/web/00000002.json", b"{]");
    lab.archive(&key("dev/web", 3)).unwrap();
    lab.delete("states/dev/web/00000003.json");
    let (packed, _) = lab.object("archive/dev/web/00000003.json.zst").unwrap();
    let metadata = Tags::from([("sha256".to_owned(), "00ff".to_owned())]);
    lab.put_with("archive/dev/web/00000003.json.zst", &packed, metadata);
    let history = read(&lab, 20);
    assert_eq!(serials(&history), [1, 2, 3, 4]);
    let problem = |index: usize| history.states[index].problem.clone().unwrap_or_default();
    assert!(
        problem(1).contains("states/dev/web/00000002.json"),
        "{}",
        problem(1)
    );
    assert!(problem(2).contains("damaged"), "{}", problem(2));
    assert_eq!(history.states[3].changes.added, ["vpc/2", "vpc/3", "vpc/4"]);
}

#[test]
fn a_stack_without_states_has_an_empty_history() {
    let history = read(&Lab::new(1), 20);
    assert!(history.states.is_empty());
}

#[test]
fn whoever_may_not_read_the_states_is_told_so_once() {
    let lab = Lab::new(1);
    lab.record("dev/web", 4);
    lab.faults(|sent| match sent.request.action() {
        "s3:GetObject" => refused("AccessDenied", 403),
        _ => Verdict::Deliver,
    });
    let stack = stack_id("dev/web");
    let history = lab
        .sim
        .run(history(&lab.sim, BUCKET, &stack, 20))
        .finished()
        .unwrap();
    assert!(matches!(history, Err(ArchiveError::Call(_))));
}

#[test]
fn an_archived_state_in_cold_storage_says_how_to_thaw_it() {
    let lab = Lab::new(1);
    lab.faults(|sent| {
        if format!("{:?}", sent.request).contains("archive/") {
            refused("InvalidObjectState", 403)
        } else {
            Verdict::Deliver
        }
    });
    let key = key("dev/web", 1);
    let error = lab
        .sim
        .run(recorded(&lab.sim, BUCKET, &key))
        .finished()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("restore-object"), "{error}");
}
