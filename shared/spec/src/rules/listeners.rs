//! The ports of the load balancer: what each speaks, and where it sends clients.
//!
//! Guarantees: a redirect leads to an HTTPS listener, and those never redirect. So one hop is enough, and at least one
//! listener forwards to the instances.

use std::collections::BTreeSet;

use super::port;
use crate::diagnostics::{Refused, Report};
use crate::raw::{self, RawListener};
use crate::shape::{At, Field, shorten};
use crate::types::{Listener, Protocol};
use crate::values::List;

/// Listeners of one load balancer, by AWS's default quota.
const MOST_LISTENERS: usize = 50;

pub(super) fn check(list: At<List<RawListener>>, report: &mut Report) -> Result<Vec<Listener>, Refused> {
    let At {
        value: List(items),
        place,
    } = list;
    if items.is_empty() || items.len() > MOST_LISTENERS {
        let message = format!("{} listeners are given", items.len());
        let hint = format!("give 1 to {MOST_LISTENERS}, as in [{{port: 80}}], or leave it out for port 80");
        return Err(report.refuse(&place, message, hint));
    }
    let mut seen = BTreeSet::new();
    let judged: Vec<Judged> = items
        .into_iter()
        .map(|item| judge(item, &mut seen, report))
        .collect();
    let entries: Vec<Entry> = judged.iter().map(|one| one.entry).collect();
    let verdicts: Vec<_> = judged
        .into_iter()
        .map(|one| listener(one, &entries, report))
        .collect();
    verdicts.into_iter().collect()
}

/// What redirects need to know of a listener.
#[derive(Clone, Copy)]
struct Entry {
    port: Result<u16, Refused>,
    speaks: Result<raw::Protocol, Refused>,
}

/// A listener by itself, each part judged on its own.
struct Judged {
    entry: Entry,
    protocol: Result<Protocol, Refused>,
    redirect_to: Result<Option<At<u16>>, Refused>,
}

fn judge(item: Result<At<RawListener>, Refused>, seen: &mut BTreeSet<u16>, report: &mut Report) -> Judged {
    match item {
        Ok(At { value: raw, .. }) => {
            let speaks = raw.protocol.or(raw::Protocol::Http).map(|at| at.value);
            Judged {
                entry: Entry {
                    port: free_port(raw.port, seen, report),
                    speaks,
                },
                protocol: protocol(speaks, raw.certificate_arn, report),
                redirect_to: redirect_to(speaks, raw.redirect_to, report),
            }
        }
        Err(refused) => Judged {
            entry: Entry {
                port: Err(refused),
                speaks: Err(refused),
            },
            protocol: Err(refused),
            redirect_to: Err(refused),
        },
    }
}

/// The listener as one of all.
fn listener(judged: Judged, entries: &[Entry], report: &mut Report) -> Result<Listener, Refused> {
    let redirect_to = match judged.redirect_to? {
        Some(at) => Some(secured(&at, judged.entry.port, entries, report)?),
        None => None,
    };
    Ok(Listener {
        port: judged.entry.port?,
        protocol: judged.protocol?,
        redirect_to,
    })
}

fn free_port(field: Field<i64>, seen: &mut BTreeSet<u16>, report: &mut Report) -> Result<u16, Refused> {
    let given = field.required("say the port, as in `port: 80`", report)?;
    let place = given.place.clone();
    let port = port(Ok(given), report)?;
    if seen.insert(port) {
        return Ok(port);
    }
    Err(report.refuse(
        &place,
        format!("port {port} has two listeners"),
        "keep one of them",
    ))
}

/// HTTPS has a certificate, and HTTP has none.
fn protocol(
    speaks: Result<raw::Protocol, Refused>,
    certificate: Field<String>,
    report: &mut Report,
) -> Result<Protocol, Refused> {
    if speaks == Ok(raw::Protocol::Https) {
        let hint = "HTTPS needs it, as in arn:aws:acm:<region>:<account>:certificate/<id>";
        let certificate_arn = certificate
            .required(hint, report)
            .and_then(|at| certificate_arn(at, report))?;
        return Ok(Protocol::Https { certificate_arn });
    }
    let Some(at) = certificate.given()? else {
        return speaks.map(|_| Protocol::Http);
    };
    let place = at.place.clone();
    certificate_arn(at, report)?;
    speaks?;
    Err(report.refuse(
        &place,
        "a listener that speaks HTTP has no use for a certificate",
        "add `protocol: HTTPS`, or leave the certificate out",
    ))
}

fn certificate_arn(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = at;
    if is_certificate(&value) {
        return Ok(value);
    }
    Err(report.refuse(
        &place,
        format!("`{}` is not the ARN of a certificate", shorten(&value)),
        "write arn:aws:acm:<region>:<account>:certificate/<id>, or for a server certificate of IAM \
         arn:aws:iam::<account>:server-certificate/<name>",
    ))
}

/// Of ACM in some region, or of IAM, which has none.
fn is_certificate(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let named = match (service, resource.split_once('/')) {
        ("acm", Some(("certificate", id))) => is_region(region) && word(id, "-"),
        ("iam", Some(("server-certificate", name))) => {
            region.is_empty() && name.split('/').all(|part| word(part, "_+=,.@-"))
        }
        _ => false,
    };
    let ours = partition.split('-').next() == Some("aws") && is_words(partition);
    ours && named && account.len() == 12 && is_number(account)
}

/// Words and a number: `eu-central-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    text.rsplit_once('-')
        .is_some_and(|(words, number)| words.contains('-') && is_words(words) && is_number(number))
}

/// Lower case, with a hyphen between each two.
fn is_words(text: &str) -> bool {
    text.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where HTTP sends its clients, as far as one listener tells.
fn redirect_to(
    speaks: Result<raw::Protocol, Refused>,
    field: Field<i64>,
    report: &mut Report,
) -> Result<Option<At<u16>>, Refused> {
    let Some(at) = field.given()? else {
        return Ok(None);
    };
    let place = at.place.clone();
    let value = port(Ok(at), report)?;
    if speaks == Ok(raw::Protocol::Https) {
        let message = "an HTTPS listener serves the application, and cannot redirect";
        return Err(report.refuse(&place, message, "leave it out; it is for an HTTP listener"));
    }
    Ok(Some(At { value, place }))
}

/// The same, if an HTTPS listener is there.
fn secured(
    at: &At<u16>,
    own: Result<u16, Refused>,
    entries: &[Entry],
    report: &mut Report,
) -> Result<u16, Refused> {
    let At { value: wanted, place } = at;
    let remedy = "name the port of an HTTPS listener in this list, as in `redirectTo: 443`";
    if own == Ok(*wanted) {
        let message = format!("port {wanted} would send clients to itself");
        return Err(report.refuse(place, message, remedy));
    }
    match entries.iter().find(|entry| entry.port == Ok(*wanted)) {
        Some(entry) if entry.speaks? == raw::Protocol::Https => Ok(*wanted),
        Some(_) => {
            let message =
                format!("the listener at port {wanted} speaks HTTP, and clients are sent to HTTPS only");
            Err(report.refuse(place, message, remedy))
        }
        None => {
            // One whose port could not be read may be the one that is missed.
            entries.iter().try_for_each(|entry| entry.port.map(drop))?;
            let message = format!("no listener has port {wanted}");
            let hint = format!("add {{port: {wanted}, protocol: HTTPS, certificateArn: …}} to the list");
            Err(report.refuse(place, message, hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-00000000000f")]
    #[case("arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/abc")]
    #[case("arn:aws-cn:acm:cn-north-1:123456789012:certificate/abc")]
    #[case("arn:aws:iam::123456789012:server-certificate/web.example.com")]
    #[case("arn:aws:iam::123456789012:server-certificate/team/shop/web_1+2=3,4@5-6")]
    fn a_certificate_of_acm_or_iam_has_a_fit_arn(#[case] arn: &str) {
        assert!(is_certificate(arn), "{arn}");
    }

    #[rstest]
    #[case("")]
    #[case("abc")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate/")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate/a/b")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate/a b")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate/a:b")]
    #[case("arn:aws:acm:eu-central-1:12345678901:certificate/a")]
    #[case("arn:aws:acm:eu-central-1:1234567890123:certificate/a")]
    #[case("arn:aws:acm:eu-central-1:12345678901x:certificate/a")]
    #[case("arn:aws:acm::123456789012:certificate/a")]
    #[case("arn:aws:acm:eu-central:123456789012:certificate/a")]
    #[case("arn:aws:acm:eu-1:123456789012:certificate/a")]
    #[case("arn:aws:acm:EU-central-1:123456789012:certificate/a")]
    #[case("arn:aws:acm:eu--central-1:123456789012:certificate/a")]
    #[case("arn:amazon:acm:eu-central-1:123456789012:certificate/a")]
    #[case("arn:aws-:acm:eu-central-1:123456789012:certificate/a")]
    #[case("arn:awsx:acm:eu-central-1:123456789012:certificate/a")]
    #[case("urn:aws:acm:eu-central-1:123456789012:certificate/a")]
    #[case("arn:aws:acm:eu-central-1:123456789012:certificate-authority/a")]
    #[case("arn:aws:iam::123456789012:certificate/a")]
    #[case("arn:aws:iam:eu-central-1:123456789012:server-certificate/a")]
    #[case("arn:aws:iam::123456789012:server-certificate/")]
    #[case("arn:aws:iam::123456789012:server-certificate//a")]
    #[case("arn:aws:iam::123456789012:server-certificate/a/")]
    #[case("arn:aws:iam::123456789012:role/a")]
    fn anything_else_is_no_certificate(#[case] arn: &str) {
        assert!(!is_certificate(arn), "{arn}");
    }
}
