//! Bounds of the number of instances by the clock: what AWS calls scheduled actions.

use super::scaling::MOST;
use super::whole;
use crate::diagnostics::{Refused, Report};
use crate::raw::RawSchedule;
use crate::scaling::Schedule;
use crate::shape::{At, Field};
use crate::types::Mode;
use crate::values::List;

/// Most of them of one group, by AWS.
const MOST_ACTIONS: usize = 50;
/// What is meant without a time zone, as AWS does.
const UTC: &str = "Etc/UTC";

pub(super) fn check(
    field: Field<List<RawSchedule>>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Vec<Schedule>, Refused> {
    let Some(At {
        value: List(items),
        place,
    }) = field.given()?
    else {
        return Ok(vec![]);
    };
    if mode == Ok(Mode::Ec2) && !items.is_empty() {
        let message =
            "`schedule` moves the bounds of an Auto Scaling group, and with `mode: ec2` there is none";
        report.refuse(&place, message, "leave it out, or use `mode: asg`");
    }
    if items.len() > MOST_ACTIONS {
        let message = format!("{} entries are too many", items.len());
        let hint = format!("AWS takes {MOST_ACTIONS} for a group: say more in one expression, as `MON-FRI`");
        report.refuse(&place, message, hint);
    }
    let verdicts: Vec<_> = items.into_iter().map(|item| entry(item?.value, report)).collect();
    verdicts.into_iter().collect()
}

fn entry(raw: RawSchedule, report: &mut Report) -> Result<Schedule, Refused> {
    let hint = "say when, as in `cron: \"0 7 * * MON-FRI\"`";
    let cron = raw.cron.required(hint, report);
    let cron = cron.and_then(|at| cron_fits(at, report));
    let zone = raw.time_zone.or(UTC.to_owned());
    let zone = zone.and_then(|at| zone_fits(at, report));
    let min = raw
        .min
        .required("give the least from then on, as in `min: 3`", report);
    let max = raw
        .max
        .required("give the most from then on, as in `max: 9`", report);
    let place = min.as_ref().ok().map(|at| at.place.clone());
    let [min, max] = [min, max].map(|bound| whole::<u32>(bound, 1..=MOST, report));
    let (cron, time_zone, min, max) = (cron?, zone?, min?, max?);
    if min > max {
        let message = format!("min {min} is greater than max {max}");
        return Err(report.refuse(&place.unwrap_or_default(), message, "raise max or lower min"));
    }
    Ok(Schedule {
        cron,
        time_zone,
        min,
        max,
    })
}

/// Five fields of Unix; what other dialects have beyond them AWS does not take.
fn cron_fits(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = at;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '/' | '-');
    let fields: Vec<&str> = value.split(' ').collect();
    let is_plain = fields.len() == 5
        && fields
            .iter()
            .all(|field| !field.is_empty() && field.chars().all(plain))
        && fields.iter().all(|field| has_words_of_a_calendar(field));
    let why = if is_plain {
        match cronexpr::parse_crontab(&format!("{value} {UTC}")) {
            Ok(_) => return Ok(value),
            Err(_) => "`cron` cannot be read",
        }
    } else {
        "`cron` is not five fields of Unix"
    };
    let hint = "minute, hour, day of the month, month, day of the week, with one blank between them: `0 7 * * MON-FRI`";
    Err(report.refuse(&place, why, hint))
}

/// Letters are names of months and weekdays only.
fn has_words_of_a_calendar(field: &str) -> bool {
    const WORDS: [&str; 19] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON",
        "TUE", "WED", "THU", "FRI", "SAT",
    ];
    let mut words = field
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    words.all(|word| WORDS.contains(&word.to_ascii_uppercase().as_str()))
}

fn zone_fits(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = at;
    if jiff::tz::db()
        .get(&value)
        .is_ok_and(|zone| zone.iana_name() == Some(value.as_str()))
    {
        return Ok(value);
    }
    let message = format!("there is no time zone `{value}`");
    Err(report.refuse(
        &place,
        message,
        "use a name of the IANA database, as `Europe/Berlin`",
    ))
}
