//! The boot did not do what it was to do.

use super::super::console::{Progress, Source};
use super::super::evidence::Runtime;
use super::super::path::{self, Path};
use super::super::seen::Seen;
use super::super::text::name;
use super::super::{Words, packages};

/// Most names that are listed.
const MOST: usize = 5;

/// What units of the images themselves begin with.
const OF_THE_IMAGE: &[&str] = &[
    "amazon-",
    "apt-",
    "auditd",
    "chronyd",
    "cloud-",
    "dnf-",
    "ec2-",
    "fwupd",
    "hibinit",
    "kdump",
    "lvm2",
    "motd",
    "multipathd",
    "NetworkManager",
    "networkd",
    "plymouth",
    "snap",
    "systemd-",
    "ua-",
    "unattended-",
    "update-",
    "user@",
];

/// The kernel's `Out of memory: Killed process 1234 (name)` (Linux, `mm/oom_kill.c`).
pub(super) fn out_of_memory(seen: &Seen) -> Option<Words> {
    let process = seen.signs.killed.as_deref()?;
    Some(Words::new(
        format!(
            "the memory of the instance{} is too small: the kernel killed `{process}`",
            of_type(seen)
        ),
        "name a type with more memory in compute.instanceTypes",
    ))
}

/// `No space left on device` (errno `ENOSPC`), or dnf's and apt's own words for it.
pub(super) fn disk_full(seen: &Seen) -> Option<Words> {
    seen.signs.disk_full.then(|| {
        Words::new(
            "the disk of the instance is full",
            "install less, or name an image with a larger root volume in compute.image",
        )
    })
}

fn of_type(seen: &Seen) -> String {
    let instance = seen.evidence.instance.as_ref();
    instance
        .and_then(|instance| instance.instance_type.as_deref())
        .and_then(name)
        .map_or(String::new(), |name| format!(" ({name})"))
}

/// dnf and apt without their mirror, Docker without the registry: mostly no way to the internet (rule 39).
pub(super) fn download_unreachable(seen: &Seen) -> Option<Words> {
    let source = match seen.signs.unreachable? {
        Source::Mirror => "the package mirror",
        Source::Registry => "the image's registry",
    };
    let fact = format!("{}the instance cannot reach {source}", seen.consequence());
    Some(match seen.evidence.network.as_ref().map(path::to_internet) {
        Some(Path::Closed(closed)) => Words::new(format!("{fact}: {}", closed.words), closed.remedy),
        Some(Path::Open) => Words::new(
            format!("{fact}, though its way to the internet is open"),
            "see whether it is up, and whether a network ACL or a firewall of the image is in the way; then launch again",
        ),
        Some(Path::Unknown) | None => Words::new(
            fact,
            "see that the instance's subnet has a default route to a NAT gateway that is available (network.nat)",
        ),
    })
}

/// dnf's `No match for argument: x` and `Unable to find a match: x`, apt's `Unable to locate package x`.
pub(super) fn package_not_found(seen: &Seen) -> Option<Words> {
    let manager = seen.signs.manager?;
    let missing: Vec<&str> = seen
        .signs
        .missing_packages
        .iter()
        .map(|package| whole(seen, package))
        .take(MOST)
        .collect();
    let first = missing.first()?;
    let (noun, verb) = if missing.len() == 1 {
        ("package", "was")
    } else {
        ("packages", "were")
    };
    let cause = format!(
        "{}{noun} `{}` {verb} not found ({manager})",
        seen.consequence(),
        missing.join("`, `")
    );
    let place = match seen.runtime() {
        Some(Runtime::UserData) => "compute.app.userData",
        Some(Runtime::Container(_)) => "compute.image: it has no such package",
        Some(Runtime::Packages(_)) | None => "compute.app.packages",
    };
    let meant: Vec<_> = missing
        .iter()
        .filter_map(|word| packages::meant(manager, word))
        .collect();
    let remedy = if meant.is_empty() {
        format!("write the name that {manager} knows `{first}` by; see {place}")
    } else {
        format!("did you mean `{}`? See {place}", meant.join("`, `"))
    };
    Some(Words::new(cause, remedy))
}

/// The end of the console may cut a name off: then it is the start of one that the spec asks for.
fn whole<'a>(seen: &'a Seen, missing: &'a str) -> &'a str {
    let Some(Runtime::Packages(asked)) = seen.runtime() else {
        return missing;
    };
    if asked.iter().any(|package| package == missing) {
        return missing;
    }
    let package = asked.iter().find(|package| package.starts_with(missing));
    package.and_then(|package| name(package)).unwrap_or(missing)
}

/// A unit that runs the application is failed: on the console (systemd), or in `systemctl list-units --failed`.
pub(super) fn service_failed(seen: &Seen) -> Option<Words> {
    let told = seen.agent().and_then(|agent| agent.failed_units.as_ref());
    let unit = seen
        .signs
        .failed_units
        .iter()
        .chain(told.into_iter().flatten())
        .filter_map(|unit| name(unit))
        .find(|unit| runs_the_app(seen, unit))?;
    Some(Words::new(
        format!("{}service `{unit}` failed to start", seen.consequence()),
        format!(
            "read why with `journalctl -u {unit}` on the instance{}, and correct its settings",
            session(seen)
        ),
    ))
}

/// Which failed units matter. Those of the image and of cloud-init are nobody's application.
fn runs_the_app(seen: &Seen, unit: &str) -> bool {
    let stem = unit.strip_suffix(".service").unwrap_or(unit);
    match seen.runtime() {
        Some(Runtime::Packages(packages)) => packages.iter().any(|package| package == stem),
        Some(Runtime::Container(_)) => ["docker", "containerd"].contains(&stem),
        Some(Runtime::UserData) | None => !OF_THE_IMAGE
            .iter()
            .any(|of_the_image| stem.starts_with(of_the_image)),
    }
}

/// How to get onto the instance.
pub(super) fn session(seen: &Seen) -> String {
    seen.instance().map_or(String::new(), |id| {
        format!(" (`aws ssm start-session --target {id}`)")
    })
}

/// cloud-init's `Failed to run module scripts-user` (`cloudinit/config/cc_scripts_user.py`). Only older versions, as
/// 20.1, tell the exit code on the console.
pub(super) fn script_failed(seen: &Seen) -> Option<Words> {
    let code = seen.signs.script_failed?.code;
    let code = code.map_or(String::new(), |code| format!(" with exit code {code}"));
    let place = match seen.runtime() {
        Some(Runtime::UserData) => "the script in compute.app.userData",
        Some(Runtime::Packages(_) | Runtime::Container(_)) | None => "the boot script",
    };
    Some(Words::new(
        format!(
            "{}{place} failed{code} (cloud-init, scripts-user)",
            seen.consequence()
        ),
        format!(
            "read /var/log/cloud-init-output.log on the instance{}, and correct it",
            session(seen)
        ),
    ))
}

/// cloud-init began and has not finished: `cloud-init status` is `running`, or its last word on the console is not that
/// it finished (cloud-init documentation, "Boot stages").
pub(super) fn still_booting(seen: &Seen) -> Option<Words> {
    let status = seen.agent().and_then(|agent| agent.cloud_init.as_deref());
    let running = match status {
        Some(status) => status == "running",
        None => seen.signs.cloud_init == Progress::Running,
    };
    let failed = seen.signs.script_failed.is_some();
    (running && !failed).then(|| {
        Words::new(
            format!("{}the instance was still booting (cloud-init had not finished)", seen.consequence()),
            "raise lifecycle.launch.timeout, or have less done at boot, with an image that holds more (compute.image)",
        )
    })
}
