//! The application answers with a code that does not pass: `Target.ResponseCodeMismatch`.
//!
//! The codes stand in AWS's words for it, `Health checks failed with these codes: [404]` (ELB User Guide, "Health checks
//! for Application Load Balancer target groups").

use super::super::Words;
use super::super::seen::Seen;
use super::super::text::{after, number, shown};

/// Code of the answer, if it is told.
fn code(seen: &Seen) -> Option<u32> {
    let target = seen.evidence.target.as_ref()?;
    (target.reason.as_deref()? == "Target.ResponseCodeMismatch").then_some(())?;
    after(target.description.as_deref()?, "[").and_then(number)
}

/// What was asked, what came, and what would pass.
fn said(seen: &Seen, code: u32) -> String {
    let check = seen.evidence.check.as_ref();
    let path = check
        .and_then(|check| check.path.as_deref())
        .map_or("the health check".into(), |path| format!("`{}`", shown(path)));
    let wanted = check
        .and_then(|check| check.codes.as_deref())
        .map_or(String::new(), |codes| format!(", not {}", shown(codes)));
    format!("the application answers {path} with {code}{wanted}")
}

fn answers(seen: &Seen, is: impl Fn(u32) -> bool, why: &str, remedy: &str) -> Option<Words> {
    let code = code(seen).filter(|code| is(*code))?;
    Some(Words::new(format!("{}{why}", said(seen, code)), remedy))
}

/// 3xx: mostly to HTTPS, to a login or to the same path with a slash. Health checks do not follow redirects.
pub(super) fn redirect(seen: &Seen) -> Option<Words> {
    answers(
        seen,
        |code| (300..400).contains(&code),
        ": it redirects, and health checks do not follow",
        "name a path that answers itself in loadBalancer.healthCheck.path, or let the code pass in \
         loadBalancer.healthCheck.codes",
    )
}

/// 404.
pub(super) fn not_found(seen: &Seen) -> Option<Words> {
    answers(
        seen,
        |code| code == 404,
        ": it has no such path",
        "name a path that exists in loadBalancer.healthCheck.path",
    )
}

/// 401 and 403: nobody logs in for a health check.
pub(super) fn unauthorized(seen: &Seen) -> Option<Words> {
    answers(
        seen,
        |code| code == 401 || code == 403,
        ": it wants a login, or refuses the load balancer",
        "name a path that needs no login in loadBalancer.healthCheck.path",
    )
}

/// 400: a health check's `Host` is the instance's address, which some frameworks refuse (Django, `ALLOWED_HOSTS`); a TLS
/// port answers plain HTTP so, too.
pub(super) fn bad_request(seen: &Seen) -> Option<Words> {
    answers(
        seen,
        |code| code == 400,
        ": it refuses the request itself, most likely its Host, which is the instance's address; or it expects HTTPS",
        "let the application take any Host on that path (Django: ALLOWED_HOSTS), and speak plain HTTP on that port",
    )
}

/// 5xx: it is broken, or what it needs is not there; 502 to 504 come from a proxy in front of it.
pub(super) fn server_error(seen: &Seen) -> Option<Words> {
    let code = code(seen)?;
    let (why, remedy) = match code {
        502..=504 => (
            ": the web server on the instance runs, and what stands behind it does not answer",
            "start the application behind the web server, and read both their logs on the instance",
        ),
        500..600 => (
            ": it runs, and fails",
            "read the application's log on the instance: mostly a setting or a database is missing",
        ),
        _ => return None,
    };
    answers(seen, |_| true, why, remedy)
}

/// Any other code, or one that is not told.
pub(super) fn unexpected(seen: &Seen) -> Option<Words> {
    let remedy = "name a path that answers with success in loadBalancer.healthCheck.path, or let the code pass in \
                  loadBalancer.healthCheck.codes";
    match code(seen) {
        Some(300..400 | 400 | 401 | 403 | 404 | 500..600) => None,
        Some(code) => Some(Words::new(said(seen, code), remedy)),
        None => (seen.reason()? == "Target.ResponseCodeMismatch").then(|| {
            Words::new(
                "the application answers the health check with a code that does not pass",
                remedy,
            )
        }),
    }
}
