//! One state into the archive.

use std::cell::Cell;

use futures::future::join_all;
use rstest::rstest;
use windlass_archive::{ArchiveError, LARGEST, Outcome, archive_state};
use windlass_calls::s3::{GetObject, Request as S3Request};
use windlass_calls::{Request, Tags};
use windlass_sim::{Sent, Verdict};

use crate::lab::{Lab, body, is_put, key, refused};

const ARCHIVED: &str = "archive/dev/web/00000001.json.zst";

#[test]
fn a_state_is_archived_with_its_hash_and_reads_back_as_it_was() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    let outcome = lab.archive(&key("dev/web", 1)).unwrap();
    let size = body("dev/web", 1).len();
    assert!(
        matches!(outcome, Outcome::Archived { size: of, packed } if of == size && packed < size),
        "{outcome:?}"
    );
    lab.assert_archived();
    let (_, metadata) = lab.object("archive/dev/web/00000001.json.zst").unwrap();
    assert_eq!(metadata["size"], size.to_string());
    assert_eq!(metadata["sha256"].len(), 64);
    let calls: Vec<_> = lab
        .sim
        .trace()
        .iter()
        .map(|entry| entry.request.action())
        .collect();
    assert_eq!(calls, ["s3:GetObject", "s3:PutObject", "s3:GetObject"]);
}

#[test]
fn archiving_again_finds_it_the_same_and_leaves_it() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.archive(&key("dev/web", 1)).unwrap();
    let before = lab.object("archive/dev/web/00000001.json.zst");
    assert_eq!(lab.archive(&key("dev/web", 1)).unwrap(), Outcome::Same);
    assert_eq!(lab.object("archive/dev/web/00000001.json.zst"), before);
}

#[rstest]
fn of_several_at_once_one_archives_and_the_others_find_it_the_same(
    #[values(1, 2, 3, 4, 5, 6, 7, 8)] seed: u64,
) {
    let lab = Lab::new(seed);
    lab.record("dev/web", 1);
    let key = key("dev/web", 1);
    let all = join_all((0..5).map(|_| archive_state(&lab.sim, &lab.settings, &key)));
    let outcomes = lab.sim.run(all).finished().unwrap();
    let same = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Outcome::Same)));
    assert_eq!(same.count(), 4, "{outcomes:?}");
    lab.assert_archived();
}

#[test]
fn a_state_that_is_gone_asks_for_nothing() {
    let lab = Lab::new(1);
    assert_eq!(lab.archive(&key("dev/web", 1)).unwrap(), Outcome::Gone);
    lab.record("dev/web", 1);
    lab.delete("states/dev/web/00000001.json");
    assert_eq!(lab.archive(&key("dev/web", 1)).unwrap(), Outcome::Gone);
    assert_eq!(lab.changes(), 0);
}

#[rstest]
#[case::no_compression(b"not compressed".to_vec(), &[], "does not unpack")]
#[case::other_bytes(zstd(&vec![b'x'; body("dev/web", 1).len()]), &[], "other bytes")]
#[case::shorter(zstd(b"{}"), &[], "other bytes")]
#[case::a_bomb(zstd(&vec![0; LARGEST]), &[], "size of the state")]
#[case::no_hash(zstd(&body("dev/web", 1)), &[], "lacks sha256")]
#[case::another_hash(zstd(&body("dev/web", 1)), &[("sha256", "00ff")], "says sha256 00ff")]
#[case::empty(vec![], &[], "other bytes")]
fn what_the_archive_holds_instead_is_an_error_each_time_and_never_overwritten(
    #[case] there: Vec<u8>,
    #[case] metadata: &[(&str, &str)],
    #[case] why: &str,
) {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    let metadata: Tags = metadata
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    lab.put_with("archive/dev/web/00000001.json.zst", &there, metadata);
    let before = lab.object("archive/dev/web/00000001.json.zst");
    for _ in 0..2 {
        let error = lab.archive(&key("dev/web", 1)).unwrap_err();
        assert!(matches!(error, ArchiveError::Differs { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(why) && text.contains("archive/dev/web/00000001.json.zst"),
            "{text}"
        );
        assert_eq!(lab.object("archive/dev/web/00000001.json.zst"), before);
    }
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

#[test]
fn nothing_larger_than_any_state_is_read() {
    let lab = Lab::new(1);
    lab.put("states/dev/web/00000001.json", &vec![b'x'; LARGEST + 1]);
    let error = lab.archive(&key("dev/web", 1)).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { .. }), "{error}");
    assert_eq!(lab.changes(), 0);
}

#[test]
fn the_largest_state_is_archived_even_if_it_does_not_compress() {
    let lab = Lab::new(1);
    let mut random = 1u64;
    let noise: Vec<u8> = (0..LARGEST)
        .map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 56) as u8
        })
        .collect();
    lab.put("states/dev/web/00000001.json", &noise);
    assert!(matches!(
        lab.archive(&key("dev/web", 1)),
        Ok(Outcome::Archived { .. })
    ));
    lab.assert_archived();
}

#[test]
fn a_race_that_s3_could_not_settle_is_tried_once_more() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    let left = Cell::new(1);
    lab.faults(move |sent| {
        if is_put(sent.request) && left.replace(0) > 0 {
            refused("ConditionalRequestConflict", 409)
        } else {
            Verdict::Deliver
        }
    });
    assert!(matches!(
        lab.archive(&key("dev/web", 1)),
        Ok(Outcome::Archived { .. })
    ));
    lab.assert_archived();
}

#[test]
fn a_race_that_s3_cannot_settle_twice_is_for_the_next_delivery() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.faults(|sent| {
        if is_put(sent.request) {
            refused("ConditionalRequestConflict", 409)
        } else {
            Verdict::Deliver
        }
    });
    let error = lab.archive(&key("dev/web", 1)).unwrap_err();
    assert!(matches!(&error, ArchiveError::Call(error) if error.code == "ConditionalRequestConflict"));
    assert_eq!(lab.changes(), 2);
    lab.no_faults();
    lab.archive(&key("dev/web", 1)).unwrap();
    lab.assert_archived();
}

#[test]
fn a_lost_answer_is_settled_by_reading_back() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.faults(|sent| {
        if is_put(sent.request) {
            Verdict::LoseAnswer
        } else {
            Verdict::Deliver
        }
    });
    assert!(matches!(
        lab.archive(&key("dev/web", 1)),
        Ok(Outcome::Archived { .. })
    ));
    assert_eq!(lab.changes(), 1, "it was there: no second put");
    lab.assert_archived();
}

/// Does this to the archive between our own put and reading back.
fn tampered(lab: &Lab, tamper: impl Fn(&Lab) + 'static) -> ArchiveError {
    let outside = Lab {
        sim: lab.sim.clone(),
        settings: lab.settings.clone(),
    };
    lab.faults(move |sent: &Sent| {
        if let Request::S3(S3Request::GetObject(GetObject { key, .. })) = sent.request
            && key == ARCHIVED
        {
            assert!(
                outside.object(ARCHIVED).is_some(),
                "it is read back after the put"
            );
            tamper(&outside);
        }
        Verdict::Deliver
    });
    let error = lab.archive(&key("dev/web", 1)).unwrap_err();
    lab.no_faults();
    assert_eq!(lab.changes(), 1, "one put, and no other after it");
    error
}

#[rstest]
#[case::other_bytes(b"not compressed".to_vec(), "does not unpack")]
#[case::another_state(zstd(&body("dev/web", 2)), "size of the state")]
#[case::cut_short(vec![], "other bytes")]
fn what_reads_back_otherwise_than_it_was_put_is_an_error(#[case] there: Vec<u8>, #[case] why: &str) {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    let error = tampered(&lab, move |lab| lab.put_with(ARCHIVED, &there, Tags::new()));
    assert!(
        matches!(&error, ArchiveError::Differs { archived, .. } if archived == ARCHIVED),
        "{error}"
    );
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn what_cannot_be_read_back_is_an_error_and_the_next_delivery_puts_it_again() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    let error = tampered(&lab, |lab| lab.delete(ARCHIVED));
    assert!(
        matches!(&error, ArchiveError::Vanished { archived } if archived == ARCHIVED),
        "{error}"
    );
    assert!(matches!(
        lab.archive(&key("dev/web", 1)),
        Ok(Outcome::Archived { .. })
    ));
    lab.assert_archived();
}

#[rstest]
#[case("InternalError", 500, 2)]
#[case("AccessDenied", 403, 1)]
#[case("SlowDown", 503, 1)]
fn a_put_that_keeps_failing_is_an_error_within_two_tries(
    #[case] code: &'static str,
    #[case] status: u16,
    #[case] tries: u64,
) {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.faults(move |sent| {
        if is_put(sent.request) {
            refused(code, status)
        } else {
            Verdict::Deliver
        }
    });
    let error = lab.archive(&key("dev/web", 1)).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Call(error) if error.code == code),
        "{error}"
    );
    assert_eq!(lab.changes(), tries);
}

#[test]
fn behind_a_delete_marker_a_state_is_archived_anew() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.archive(&key("dev/web", 1)).unwrap();
    lab.delete("archive/dev/web/00000001.json.zst");
    assert!(matches!(
        lab.archive(&key("dev/web", 1)),
        Ok(Outcome::Archived { .. })
    ));
    lab.assert_archived();
}
