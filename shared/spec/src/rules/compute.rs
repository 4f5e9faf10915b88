//! Machines: who keeps their number, image, instance types, architecture, how they are paid for.

use std::collections::BTreeSet;

use super::{app, is_parameter, spot};
use crate::defaults;
use crate::diagnostics::{Place, Refused, Report};
use crate::raw::RawCompute;
use crate::shape::{At, Field, shorten};
use crate::suggest;
use crate::types::{App, Architecture, Compute, Image, Mode, Spot};
use crate::values::List;

/// Most instance types of one group.
const MOST_TYPES: usize = 20;
/// Sizes that are words; the others are `<n>xlarge` and `metal-<n>xl`.
const SIZES: [&str; 8] = [
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "metal",
];

/// The machines, and apart from them the mode, for the rules of scaling.
pub(super) fn check(
    field: Field<RawCompute>,
    report: &mut Report,
) -> (Result<Compute, Refused>, Result<Mode, Refused>) {
    let raw = match field.open() {
        Ok(at) => at.value,
        Err(refused) => return (Err(refused), Err(refused)),
    };
    let mode = raw.mode.or(Mode::default()).map(|at| at.value);
    let spot = spot::check(raw.spot, mode, report);
    let image = match raw.image.given() {
        Ok(None) => Ok(Image::default()),
        Ok(Some(at)) => image(&at, report),
        Err(refused) => Err(refused),
    };
    let types = match raw.instance_types.given() {
        Ok(None) => Ok(defaults::machines()),
        Ok(Some(list)) => instance_types(list, mode, report),
        Err(refused) => Err(refused),
    };
    let app = app::check(raw.app, report);
    (assemble(mode, image, types, spot, app), mode)
}

fn assemble(
    mode: Result<Mode, Refused>,
    image: Result<Image, Refused>,
    types: Result<(Vec<String>, Architecture), Refused>,
    spot: Result<Option<Spot>, Refused>,
    app: Result<App, Refused>,
) -> Result<Compute, Refused> {
    let (instance_types, architecture) = types?;
    Ok(Compute {
        mode: mode?,
        image: image?,
        instance_types,
        architecture,
        spot: spot?,
        app: app?,
    })
}

fn image(at: &At<String>, report: &mut Report) -> Result<Image, Refused> {
    let At { value, place } = at;
    match value.as_str() {
        "al2023" => return Ok(Image::Al2023),
        "ubuntu-24.04" => return Ok(Image::Ubuntu2404),
        _ => {}
    }
    if value.strip_prefix("ami-").is_some_and(is_image_id) {
        return Ok(Image::Ami(value.clone()));
    }
    match value.strip_prefix("ssm:") {
        Some(path) if is_parameter(path) => Ok(Image::Parameter(path.to_owned())),
        Some(_) => Err(report.refuse(
            place,
            format!("`{}` is not the path of an SSM parameter", shorten(value)),
            "write the whole path, as in `ssm:/images/web`, of letters, digits and . _ - /",
        )),
        None => Err(report.refuse(
            place,
            format!("unknown image `{}`", shorten(value)),
            suggest::hint(
                value,
                &[
                    "al2023",
                    "ubuntu-24.04",
                    "ami-<8 to 17 hex digits>",
                    "ssm:/<path>",
                ],
            ),
        )),
    }
}

fn is_image_id(digits: &str) -> bool {
    (8..=17).contains(&digits.len()) && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The types, and the one architecture that they share.
fn instance_types(
    list: At<List<String>>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<(Vec<String>, Architecture), Refused> {
    let At {
        value: List(items),
        place,
    } = list;
    if items.is_empty() || items.len() > MOST_TYPES {
        let message = format!("{} instance types are listed", items.len());
        return Err(report.refuse(
            &place,
            message,
            format!("list 1 to {MOST_TYPES}, as in [t3.micro]"),
        ));
    }
    let number = single(items.len(), mode, &place, report);
    let mut seen = BTreeSet::new();
    let verdicts: Vec<_> = items
        .into_iter()
        .map(|item| instance_type(item, &mut seen, report))
        .collect();
    let types = verdicts.into_iter().collect::<Result<Vec<String>, Refused>>()?;
    let architecture = architecture(&types, &place, report)?;
    number.map(|()| (types, architecture))
}

/// A group chooses among its types; an instance is of one.
fn single(
    count: usize,
    mode: Result<Mode, Refused>,
    place: &Place,
    report: &mut Report,
) -> Result<(), Refused> {
    if count == 1 || mode != Ok(Mode::Ec2) {
        return Ok(());
    }
    let message =
        format!("{count} instance types are listed, and with `mode: ec2` all instances are of one type");
    Err(report.refuse(place, message, "keep one, or use `mode: asg`"))
}

fn instance_type(
    item: Result<At<String>, Refused>,
    seen: &mut BTreeSet<String>,
    report: &mut Report,
) -> Result<String, Refused> {
    let At { value, place } = item?;
    let (family, size) = value.split_once('.').unwrap_or((value.as_str(), ""));
    if !is_family(family) || size.is_empty() {
        let message = format!("`{}` is not an instance type", shorten(&value));
        return Err(report.refuse(
            &place,
            message,
            "write family and size, as in t3.micro or m7g.large",
        ));
    }
    if !is_size(size) {
        let message = format!(
            "`{}` has no size that AWS knows: `{}`",
            shorten(&value),
            shorten(size)
        );
        let hint = match suggest::closest(size, &SIZES) {
            Some(near) => format!("did you mean `{family}.{near}`?"),
            None => "sizes run from nano to xlarge, 2xlarge and more, and metal".to_owned(),
        };
        return Err(report.refuse(&place, message, hint));
    }
    if !seen.insert(value.clone()) {
        return Err(report.refuse(&place, format!("`{value}` is listed twice"), "keep the first"));
    }
    Ok(value)
}

/// Letters, then more letters, digits and hyphens; at least one digit: `t3`, `m7gd`, `u-6tb1`, `c7i-flex`.
fn is_family(family: &str) -> bool {
    let fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    family.starts_with(|c: char| c.is_ascii_lowercase())
        && !family.ends_with('-')
        && family.bytes().all(fit)
        && family.bytes().any(|b| b.is_ascii_digit())
}

fn is_size(size: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    SIZES.contains(&size)
        || size.strip_suffix("xlarge").is_some_and(number)
        || size
            .strip_prefix("metal-")
            .and_then(|rest| rest.strip_suffix("xl"))
            .is_some_and(number)
}

/// The architecture of all `types`, or an error that says which has which.
fn architecture(types: &[String], place: &Place, report: &mut Report) -> Result<Architecture, Refused> {
    let (arm, intel): (Vec<&str>, Vec<&str>) = types
        .iter()
        .map(String::as_str)
        .partition(|name| architecture_of(name) == Architecture::Arm64);
    match (arm.is_empty(), intel.is_empty()) {
        (true, _) => Ok(Architecture::X86_64),
        (false, true) => Ok(Architecture::Arm64),
        (false, false) => Err(report.refuse(
            place,
            format!(
                "the instance types mix architectures: {} arm64, {} x86_64",
                are(&arm),
                are(&intel)
            ),
            "keep one architecture: they all boot the same image",
        )),
    }
}

fn are(names: &[&str]) -> String {
    format!(
        "{} {}",
        names.join(", "),
        if names.len() == 1 { "is" } else { "are" }
    )
}

/// Graviton families carry a `g` after their generation: `t4g`, `im4gn`, `g5g`, but not `g5`. The first was `a1`.
fn architecture_of(instance_type: &str) -> Architecture {
    let family = instance_type.split(['.', '-']).next().unwrap_or_default();
    let generation = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let options = generation.trim_start_matches(|c: char| c.is_ascii_digit());
    if family == "a1" || options.contains('g') {
        Architecture::Arm64
    } else {
        Architecture::X86_64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::graviton(
        "t4g.micro m7gd.large c7gn.xlarge im4gn.large x2gd.medium g5g.xlarge hpc7g.4xlarge a1.metal",
        Architecture::Arm64
    )]
    #[case::intel_and_amd(
        "t3.micro t3a.micro m7i.large c7i-flex.large g4dn.xlarge g5.xlarge g6e.xlarge gr6.4xlarge u-6tb1.metal hpc6id.32xlarge",
        Architecture::X86_64
    )]
    fn the_family_tells_the_architecture(#[case] types: &str, #[case] expected: Architecture) {
        for name in types.split(' ') {
            assert_eq!(architecture_of(name), expected, "{name}");
            let (family, size) = name.split_once('.').unwrap_or_default();
            assert!(is_family(family) && is_size(size), "{name}");
        }
    }
}
