//! The dashboard, and who is told.
//!
//! Guarantees: no message repeats a contact, for a URL that is refused may carry a password.

use std::collections::BTreeSet;

use crate::diagnostics::{Refused, Report};
use crate::raw::RawMonitoring;
use crate::shape::{At, Field};
use crate::types::{Contact, Monitoring};
use crate::values::List;

/// More are a mailing list's task.
const MOST_CONTACTS: usize = 50;
/// Longest mail address, by RFC 5321.
const LONGEST_ADDRESS: usize = 254;

pub(super) fn check(field: Field<RawMonitoring>, report: &mut Report) -> Result<Monitoring, Refused> {
    let raw = field.open()?.value;
    let dashboard = raw.dashboard.or(false);
    let notify = match raw.notify.given() {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(list)) => contacts(list, report),
        Err(refused) => Err(refused),
    };
    Ok(Monitoring {
        dashboard: dashboard?.value,
        notify: notify?,
    })
}

fn contacts(list: At<List<String>>, report: &mut Report) -> Result<Vec<Contact>, Refused> {
    let At {
        value: List(items),
        place,
    } = list;
    if items.len() > MOST_CONTACTS {
        let message = format!("{} contacts are listed", items.len());
        let hint = format!("list at most {MOST_CONTACTS}, or the address of a mailing list");
        return Err(report.refuse(&place, message, hint));
    }
    let mut seen = BTreeSet::new();
    let verdicts: Vec<_> = items
        .into_iter()
        .map(|item| contact(item?, &mut seen, report))
        .collect();
    verdicts.into_iter().collect()
}

fn contact(at: At<String>, seen: &mut BTreeSet<String>, report: &mut Report) -> Result<Contact, Refused> {
    let At { value, place } = at;
    let is_url = match value.strip_prefix("https://") {
        Some(rest) if has_credentials(rest) => {
            return Err(report.refuse(
                &place,
                "the URL carries credentials, and everybody who reads the spec could read them",
                "leave out what stands before the `@`; SNS signs its messages, so the receiver can check them",
            ));
        }
        Some(rest) if is_rest_of_url(rest) => true,
        Some(_) => {
            return Err(report.refuse(
                &place,
                "this is not a URL that SNS can reach",
                "write a public host and a path, as in https://hooks.example.com/windlass",
            ));
        }
        None if is_address(&value) => false,
        None => {
            return Err(report.refuse(
                &place,
                "this is neither a mail address nor an https:// URL",
                "write it bare, as in ops@example.com or https://hooks.example.com/windlass",
            ));
        }
    };
    if !seen.insert(value.clone()) {
        return Err(report.refuse(&place, "this contact is listed twice", "keep the first"));
    }
    Ok(if is_url {
        Contact::Https(value)
    } else {
        Contact::Email(value)
    })
}

/// One `@` between a local part and a domain.
fn is_address(text: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    text.len() <= LONGEST_ADDRESS
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && local.chars().all(fit) && is_domain(domain))
}

/// Two labels at least, of letters, digits and inner hyphens.
fn is_domain(text: &str) -> bool {
    let fit = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.contains('.') && text.split('.').all(fit)
}

/// Host and port, up to the path.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn has_credentials(rest: &str) -> bool {
    authority(rest).contains('@')
}

/// What follows `https://`: a host, perhaps a port, perhaps more, in the characters of RFC 3986.
fn is_rest_of_url(rest: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let (host, port) = match authority(rest).split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority(rest), None),
    };
    is_domain(host) && port.is_none_or(is_port) && rest.chars().all(fit)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}
