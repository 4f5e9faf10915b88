//! What an instance runs.
//!
//! Guarantees: package names, image references, variable names and what names a secret can stand in a shell command
//! without quoting.

use std::collections::BTreeMap;

use super::{is_parameter, port};
use crate::defaults;
use crate::diagnostics::{Place, Refused, Report};
use crate::raw::{RawApp, RawCompute, RawContainer};
use crate::shape::{At, Field, shorten};
use crate::types::{App, Runtime, Variable};
use crate::values::{List, Row, Table};

/// EC2 takes 16 KiB of user data before encoding.
const LONGEST_USER_DATA: usize = 16 * 1024;
/// Docker's own bound is 255 for the name; registry, tag and digest come on top.
const LONGEST_REFERENCE: usize = 512;
/// Longest name of a secret, by AWS.
const LONGEST_SECRET: usize = 512;

const WAYS: &str =
    "say one of `packages: [nginx]`, `container: {image: …, port: 8000}`, `userData: |` with `port`";

pub(super) fn check(field: Field<RawApp>, report: &mut Report) -> Result<App, Refused> {
    let At { value: raw, place } = field.required(WAYS, report)?;
    exactly_one(&raw, &place, report)?;
    if raw.container.is_given() {
        if let Ok(Some(outer)) = raw.port.given() {
            let message = "a container's port is said within `container`";
            report.refuse(&outer.place, message, "move it to container.port");
        }
        return container(raw.container.required(WAYS, report)?, report);
    }
    if raw.user_data.is_given() {
        let listens = raw.port.required(
            "say the port that your script's server listens on, as in 80",
            report,
        );
        let script = raw
            .user_data
            .required(WAYS, report)
            .and_then(|at| user_data(at, report));
        let port = port(listens, report);
        return Ok(App {
            port: port?,
            runtime: Runtime::UserData(script?),
        });
    }
    let port = port(raw.port.or(defaults::HTTP.into()), report);
    let packages = raw
        .packages
        .required(WAYS, report)
        .and_then(|at| packages(at, report));
    Ok(App {
        port: port?,
        runtime: Runtime::Packages(packages?),
    })
}

/// What an instance downloads at boot, however well the rest of it is written.
pub(super) fn download(compute: &Field<RawCompute>) -> Option<&'static str> {
    let Field::Given(At {
        value: RawCompute {
            app: Field::Given(app),
            ..
        },
        ..
    }) = compute
    else {
        return None;
    };
    if app.value.packages.is_given() {
        Some("installing packages")
    } else if app.value.container.is_given() {
        Some("pulling a container image")
    } else {
        None
    }
}

/// One of the three ways, well-formed or not.
fn exactly_one(raw: &RawApp, place: &Place, report: &mut Report) -> Result<(), Refused> {
    let ways = [
        ("packages", raw.packages.is_given()),
        ("container", raw.container.is_given()),
        ("userData", raw.user_data.is_given()),
    ];
    let given: Vec<&str> = ways
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name)
        .collect();
    match given.as_slice() {
        [] => Err(report.refuse(place, "nothing says what to run", WAYS)),
        [_] => Ok(()),
        several => {
            let message = format!("{} are given together", several.join(" and "));
            Err(report.refuse(
                place,
                message,
                "keep exactly one; a userData script can install packages itself",
            ))
        }
    }
}

fn packages(list: At<List<String>>, report: &mut Report) -> Result<Vec<String>, Refused> {
    let At {
        value: List(items),
        place,
    } = list;
    if items.is_empty() {
        return Err(report.refuse(&place, "no package is listed", "list at least one, as in [nginx]"));
    }
    let verdicts: Vec<_> = items.into_iter().map(|item| package(item, report)).collect();
    verdicts.into_iter().collect()
}

fn package(item: Result<At<String>, Refused>, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = item?;
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".+_-".contains(c);
    let begins = value.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && value.chars().all(fit) && value.len() <= 128 {
        return Ok(value);
    }
    Err(report.refuse(
        &place,
        format!("`{}` is not a package name", shorten(&value)),
        "write its bare name, lower case letters, digits and . + _ -; for anything more use userData",
    ))
}

fn container(at: At<RawContainer>, report: &mut Report) -> Result<App, Refused> {
    let raw = at.value;
    let image = raw
        .image
        .required("name the image, as in registry/name:tag", report);
    let image = image.and_then(|at| reference(at, report));
    let listens = raw
        .port
        .required("say the port that the container listens on, as in 8000", report);
    let port = port(listens, report);
    let env = match raw.env.given() {
        Ok(None) => Ok(BTreeMap::new()),
        Ok(Some(table)) => environment(table.value, report),
        Err(refused) => Err(refused),
    };
    Ok(App {
        port: port?,
        runtime: Runtime::Container {
            image: image?,
            env: env?,
        },
    })
}

/// `[registry/]name[:tag][@sha256:…]`.
fn reference(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = at;
    let fit = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let edges = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let sane = value.len() <= LONGEST_REFERENCE
        && value.chars().all(fit)
        && value.matches('@').count() <= 1
        && value.split(['/', ':', '@']).all(edges);
    if sane {
        return Ok(value);
    }
    Err(report.refuse(
        &place,
        format!("`{}` is not an image reference", shorten(&value)),
        "write registry/name:tag or name@sha256:…, without spaces or a leading https://",
    ))
}

fn environment(table: Table, report: &mut Report) -> Result<BTreeMap<String, Variable>, Refused> {
    let rows: Vec<_> = table.0.into_iter().map(|row| variable(row, report)).collect();
    rows.into_iter().collect()
}

fn variable(row: Row, report: &mut Report) -> Result<(String, Variable), Refused> {
    let named = variable_name(row.name, report);
    let value = variable_value(row.value?, report)?;
    Ok((named?, value))
}

/// The messages do not repeat the value: it may be the secret itself.
fn variable_value(at: At<String>, report: &mut Report) -> Result<Variable, Refused> {
    let At { value, place } = at;
    if let Some(path) = value.strip_prefix("ssm:").filter(|path| path.starts_with('/')) {
        if is_parameter(path) {
            return Ok(Variable::Parameter(path.to_owned()));
        }
        let hint = "write the whole path, as in `ssm:/shop/database-host`, of letters, digits and . _ - /";
        return Err(report.refuse(&place, "this is not the path of an SSM parameter", hint));
    }
    if let Some(name) = value.strip_prefix("secret:") {
        if is_secret_name(name) {
            return Ok(Variable::Secret(name.to_owned()));
        }
        let message = "this is not the name of a Secrets Manager secret";
        let hint = format!(
            "write its name, and never its value, as in `secret:shop/api-key`: at most {LONGEST_SECRET} letters, \
             digits and / _ + = . @ -"
        );
        return Err(report.refuse(&place, message, hint));
    }
    if value.contains(['\n', '\r', '\0']) {
        let hint = "write it on one line; for more, encode it, for example with base64";
        return Err(report.refuse(&place, "the value has more than one line", hint));
    }
    Ok(Variable::Plain(value))
}

fn is_secret_name(name: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    (1..=LONGEST_SECRET).contains(&name.len()) && name.chars().all(fit)
}

fn variable_name(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value: name, place } = at;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(name);
    }
    let message = format!("`{}` is not a variable name", shorten(&name));
    Err(report.refuse(
        &place,
        message,
        "use letters, digits and _, and no digit in front, as in DATABASE_HOST",
    ))
}

fn user_data(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value: script, place } = at;
    if script.trim().is_empty() {
        return Err(report.refuse(
            &place,
            "the script is empty",
            "write it below `userData: |`, indented",
        ));
    }
    if script.len() > LONGEST_USER_DATA {
        let message = format!(
            "the script has {} bytes, at most {LONGEST_USER_DATA}",
            script.len()
        );
        return Err(report.refuse(
            &place,
            message,
            "keep the script in S3 and download it from a short one",
        ));
    }
    Ok(script)
}
