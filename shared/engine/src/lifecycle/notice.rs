//! What people are told when a round of launches failed: one message, whatever the number of instances.
//!
//! It holds names, the cause and the remedy, and where the evidence is; the console and what it may hold are not in it.

use std::fmt::Write;

use windlass_calls::sns::Publish;

use super::explain::Entry;

/// Most characters of a subject.
const SUBJECT: usize = 100;

/// The message about the first instance of a round, `others` of which were given up with it.
pub(super) fn of(entry: &Entry, topic: &str, evidence: &str, others: usize, suspended: bool) -> Publish {
    let (stack, instance) = (&entry.stack, &entry.instance);
    let subject = format!("Windlass: an instance of {stack} was given up");
    let mut message = format!(
        "Instance {instance} of stack {stack} did not become healthy in time, and was given up.\n\n\
         Cause: {}\nRemedy: {}\n\n",
        entry.cause.cause, entry.cause.remedy
    );
    // Writing to a string does not fail.
    let _ = match others {
        0 => Ok(()),
        1 => writeln!(message, "One more instance was given up with it."),
        _ => writeln!(message, "{others} more instances were given up with it."),
    };
    if suspended {
        message.push_str("Nothing more is launched until another version of the spec is uploaded, but for a round now and then to see \
             whether it was something else: the group neither scales nor heals.\n");
    }
    let _ = writeln!(message, "Evidence: {evidence}");
    Publish {
        topic: topic.to_owned(),
        subject: subject.chars().take(SUBJECT).collect(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use windlass_readiness::cause::{Cause, Evidence};

    use super::*;

    fn entry(stack: &str) -> Entry {
        let cause = Cause {
            rule: "nothing-listens".into(),
            cause: "nothing listens on port 80".into(),
            remedy: "start the application".into(),
        };
        Entry::new(stack, "i-1", Timestamp::UNIX_EPOCH, cause, Evidence::default())
    }

    #[test]
    fn it_says_who_why_and_what_to_do() {
        let told = of(&entry("dev/web"), "arn", "s3://states/journal/x.json", 0, false);
        let expected = "Instance i-1 of stack dev/web did not become healthy in time, and was given up.\n\n\
                        Cause: nothing listens on port 80\nRemedy: start the application\n\n\
                        Evidence: s3://states/journal/x.json\n";
        assert_eq!(told.message, expected);
        assert_eq!(told.subject, "Windlass: an instance of dev/web was given up");
    }

    #[test]
    fn it_counts_the_others_and_says_when_nothing_more_is_launched() {
        let message = |others, suspended| of(&entry("dev/web"), "arn", "x", others, suspended).message;
        assert!(message(1, false).contains("One more instance was"));
        assert!(message(2, false).contains("2 more instances were"));
        assert!(!message(2, false).contains("Nothing more is launched"));
        assert!(message(0, true).contains("Nothing more is launched"));
    }

    #[test]
    fn its_subject_is_as_long_as_a_subject_may_be() {
        let long = "x".repeat(200);
        assert_eq!(of(&entry(&long), "arn", "x", 0, false).subject.len(), SUBJECT);
    }
}
