//! The container does not come up.
//!
//! Docker's words are those of its daemon; a registry's are the error codes of the OCI distribution specification.

use super::super::Words;
use super::super::console::{Exit, Pull};
use super::super::evidence::Runtime;
use super::super::seen::Seen;
use super::super::text::{name, number};
use super::boot::session;

/// What a container that ends again and again does at least so often.
const AGAIN: usize = 2;

/// The image, if the spec names one that can be shown.
fn image(seen: &Seen) -> String {
    match seen.runtime() {
        Some(Runtime::Container(image)) => name(image).map_or(String::new(), |name| format!(" `{name}`")),
        Some(Runtime::Packages(_) | Runtime::UserData) | None => String::new(),
    }
}

fn place(seen: &Seen) -> &'static str {
    match seen.runtime() {
        Some(Runtime::UserData) => "compute.app.userData",
        Some(Runtime::Packages(_) | Runtime::Container(_)) | None => "compute.app.container.image",
    }
}

fn pull(seen: &Seen, pull: Pull, cause: &str, remedy: &str) -> Option<Words> {
    (seen.signs.pull? == pull).then(|| {
        Words::new(
            format!("{}the image{} {cause}", seen.consequence(), image(seen)),
            format!("{remedy}; see {}", place(seen)),
        )
    })
}

/// `manifest unknown` (no such tag) and `name unknown` (no such repository).
pub(super) fn image_not_found(seen: &Seen) -> Option<Words> {
    let remedy = "correct its name or tag, or push it";
    pull(seen, Pull::NotFound, "was not found in its registry", remedy)
}

/// `pull access denied`, `unauthorized`, `no basic auth credentials`, and IAM's refusals of ECR. Registries answer the
/// same for an image that does not exist and for one that is not ours to see.
pub(super) fn image_denied(seen: &Seen) -> Option<Words> {
    let remedy = "correct its name, make it public, or put it into the account's own registry (ECR), and let the \
                  repository's policy admit the instances";
    pull(
        seen,
        Pull::Denied,
        "was refused by its registry: it is private, or does not exist",
        remedy,
    )
}

/// `toomanyrequests` (Docker Hub, "Usage and limits"): pulls without an account are counted by address.
pub(super) fn registry_limit(seen: &Seen) -> Option<Words> {
    let remedy = "use a copy in the account's own registry (ECR), or ECR's pull-through cache";
    pull(
        seen,
        Pull::TooMany,
        "was not given out: its registry counts too many pulls from this address",
        remedy,
    )
}

/// `no matching manifest for linux/arm64/v8`, `exec format error` (errno `ENOEXEC`).
pub(super) fn image_architecture(seen: &Seen) -> Option<Words> {
    let remedy = "build it for the processor of the instances, or name other types in compute.instanceTypes";
    pull(
        seen,
        Pull::Architecture,
        "is for another processor than the instance's",
        remedy,
    )
}

/// What the AWS CLI answers to `GetParameter` and `GetSecretValue` in the boot script.
pub(super) fn setting_unreadable(seen: &Seen) -> Option<Words> {
    let refused = seen.signs.unreadable.as_ref()?;
    let what = if refused.operation == "GetParameter" {
        "an SSM parameter"
    } else {
        "a secret of Secrets Manager"
    };
    Some(Words::new(
        format!(
            "{}{what} could not be read at boot ({})",
            seen.consequence(),
            refused.code
        ),
        "see that each `ssm:` and `secret:` in compute.app.container.env names one that exists in this account and \
         Region, and that the policy of its KMS key lets the instance's role decrypt",
    ))
}

/// `Exited` or `Restarting` in `docker ps --all`; or, where nobody could ask, the network interface of a container that
/// went away again and again (Linux, `net/core/dev.c`). One that is `Up` runs now.
pub(super) fn exits(seen: &Seen) -> Option<Words> {
    let containers = seen.agent().and_then(|agent| agent.containers.as_ref());
    let exit = match containers {
        Some(containers) => containers.iter().find_map(|container| ended(&container.status))?,
        None => (seen.signs.containers_ended >= AGAIN).then_some(Exit { code: None })?,
    };
    if !matches!(seen.runtime(), Some(Runtime::Container(_))) {
        return None;
    }
    let code = exit
        .code
        .map_or(String::new(), |code| format!(" with exit code {code}"));
    Some(Words::new(
        format!(
            "{}the container{} starts, and ends again{code}",
            seen.consequence(),
            image(seen)
        ),
        format!(
            "read `docker logs app` on the instance{}, or the stack's log group",
            session(seen)
        ),
    ))
}

/// The exit code, where it has one, of a container that does not run.
fn ended(status: &str) -> Option<Exit> {
    let rest = status
        .strip_prefix("Exited (")
        .or_else(|| status.strip_prefix("Restarting ("))?;
    Some(Exit { code: number(rest) })
}
