//! Where a world is known to be wrong about AWS, and the verdict over a run.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::{Case, Check, Mismatch};

/// A world that stands in for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `windlass-sim`.
    Simulator,
    /// moto and ministack with their plug-ins, through `windlass-aws`.
    Emulators,
}

/// A case that fails in one world, because that world is wrong about AWS.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Name of the case.
    pub case: &'static str,
    /// The world that is wrong.
    pub world: World,
    /// What it does instead.
    pub instead: &'static str,
    /// Words of the mismatch, so that the case cannot fail for another reason unnoticed.
    pub shows: &'static str,
    /// The rule it breaks, by its number in the list of AWS facts.
    pub rule: u8,
}

/// All known deviations.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        case: "a_security_group_in_a_missing_vpc_is_refused",
        world: World::Emulators,
        instead: "moto makes the group",
        shows: "but it succeeded",
        rule: 34,
    },
    Deviation {
        case: "a_longer_delay_is_refused",
        world: World::Emulators,
        instead: "ministack takes any delay",
        shows: "but it succeeded",
        rule: 22,
    },
];

/// A table of all cases of a world; fails if one of them, or one of the deviations, is not as expected.
///
/// # Errors
/// The table, with what is wrong below it.
pub fn judge(world: World, results: &[(Case, Check)]) -> Result<String, String> {
    let (mut table, mut wrong) = (format!("\n{world:?}\n"), String::new());
    let mut known: BTreeSet<_> = here(world).map(|deviation| deviation.case).collect();
    for (case, result) in results {
        known.remove(case.name);
        let (verdict, complaint) = verdict(world, case, result);
        let question = format!("{:?}", case.question);
        let _ = writeln!(
            table,
            "{verdict:<9}  {:<46}  {question:<5}  {}",
            case.action, case.name
        );
        if let Some(complaint) = complaint {
            let _ = writeln!(wrong, "{}: {complaint}", case.name);
        }
    }
    for case in known {
        let _ = writeln!(wrong, "{case}: a deviation is noted, but there is no such case");
    }
    if wrong.is_empty() {
        Ok(table)
    } else {
        Err(format!("{table}\n{wrong}"))
    }
}

fn here(world: World) -> impl Iterator<Item = &'static Deviation> {
    DEVIATIONS
        .iter()
        .filter(move |deviation| deviation.world == world)
}

/// One word for the table, and a complaint if it is not as expected.
fn verdict(world: World, case: &Case, result: &Check) -> (&'static str, Option<String>) {
    let deviation = here(world).find(|deviation| deviation.case == case.name);
    match (result, deviation) {
        (Ok(()), None) => ("ok", None),
        (Err(mismatch), Some(deviation)) if shows(mismatch, deviation) => ("deviation", None),
        (Err(mismatch), _) => ("FAILED", Some(mismatch.to_string())),
        (Ok(()), Some(_)) => (
            "FAILED",
            Some("it passes: take its deviation out of the table".to_owned()),
        ),
    }
}

fn shows(mismatch: &Mismatch, deviation: &Deviation) -> bool {
    mismatch.to_string().contains(deviation.shows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Question;

    const SOUND: &str = "a_case_that_no_world_gets_wrong";

    fn case(name: &'static str) -> Case {
        Case {
            action: "ec2:CreateVpc",
            question: Question::Works,
            name,
        }
    }

    /// All deviations of the emulators as the table expects them, and one sound case.
    fn as_expected() -> Vec<(Case, Check)> {
        let observed = |deviation: &Deviation| (case(deviation.case), Err(Mismatch::new(deviation.shows)));
        let mut results: Vec<_> = here(World::Emulators).map(observed).collect();
        results.push((case(SOUND), Ok(())));
        results
    }

    #[test]
    fn observed_deviations_are_no_failure() {
        let table = judge(World::Emulators, &as_expected()).unwrap();
        assert_eq!(
            table.matches("\ndeviation").count(),
            here(World::Emulators).count()
        );
        assert_eq!(table.matches("\nok").count(), 1);
    }

    #[test]
    fn a_deviation_that_is_gone_fails() {
        let mut results = as_expected();
        results[0].1 = Ok(());
        assert!(
            judge(World::Emulators, &results)
                .unwrap_err()
                .contains("it passes")
        );
    }

    #[test]
    fn a_deviation_that_shows_itself_otherwise_fails() {
        let mut results = as_expected();
        results[0].1 = Err(Mismatch::new("the emulator is not there"));
        assert!(judge(World::Emulators, &results).is_err());
    }

    #[test]
    fn a_deviation_counts_in_its_own_world_only() {
        assert!(judge(World::Simulator, &as_expected()).is_err());
    }

    #[test]
    fn a_deviation_without_its_case_fails() {
        let sound = [(case(SOUND), Ok(()))];
        assert!(
            judge(World::Emulators, &sound)
                .unwrap_err()
                .contains("no such case")
        );
    }

    #[test]
    fn a_failing_case_fails() {
        let mut results = as_expected();
        results.push((case("another"), Err(Mismatch::new("found 1, expected 2"))));
        assert!(
            judge(World::Emulators, &results)
                .unwrap_err()
                .contains("another: found 1, expected 2")
        );
    }
}
