//! The walk over the lines, which keeps what the last try of each thing came to.

use super::super::text::{after, name, number};
use super::{Exit, Progress, Pull, Signs, Source, Unreadable};

/// Signs of a mirror that cannot be reached, as dnf tells them behind `Curl error (28): `.
const DNF_UNREACHABLE: &[&str] = &[
    "Could not resolve host",
    "Couldn't resolve host name",
    "Timeout was reached",
    "Couldn't connect to server",
];

/// The same, as apt tells them behind `Failed to fetch`.
const APT_UNREACHABLE: &[&str] = &[
    "Temporary failure resolving",
    "Cannot initiate the connection to",
    "Could not connect to",
    "connection timed out",
];

/// Signs of a registry that cannot be reached: by Docker, which is written in Go.
const REGISTRY_UNREACHABLE: &[&str] = &[
    "request canceled while waiting for connection",
    "no such host",
    "i/o timeout",
    "network is unreachable",
    "context deadline exceeded",
];

/// Signs of what a registry answers, the more special ones first.
const PULLS: &[(&str, Pull)] = &[
    ("no matching manifest for", Pull::Architecture),
    ("exec format error", Pull::Architecture),
    ("toomanyrequests", Pull::TooMany),
    ("pull access denied", Pull::Denied),
    ("no basic auth credentials", Pull::Denied),
    ("authentication required", Pull::Denied),
    ("is not authorized to perform: ecr:", Pull::Denied),
    ("manifest unknown", Pull::NotFound),
    ("name unknown", Pull::NotFound),
    ("failed to resolve reference", Pull::NotFound),
];

/// Operations that a boot script reads settings by.
const SETTINGS: &[&str] = &["GetParameter", "GetSecretValue"];

const DISK_FULL: &[&str] = &[
    "No space left on device",
    "more space on the / filesystem",
    "You don't have enough free space in",
];

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Scan {
    signs: Signs,
    /// The mirror failed in the try that is under way.
    mirror_failed: bool,
}

impl Scan {
    pub(super) fn line(&mut self, line: &str) {
        self.packages(line);
        self.image(line);
        self.settings(line);
        self.units(line);
        self.cloud_init(line);
        self.kernel(line);
    }

    pub(super) fn signs(self) -> Signs {
        let mut signs = self.signs;
        if self.mirror_failed {
            signs.unreachable = Some(Source::Mirror);
        }
        signs
    }

    /// A try ends with packages that were not found, or with some that were installed. Packages that are not found after
    /// the mirror failed say nothing about the packages: dnf and apt both go on without it.
    fn packages(&mut self, line: &str) {
        let set_up = after(line, "Setting up ").and_then(name);
        if line.ends_with("Installed:") || set_up.is_some() {
            self.mirror_failed = false;
            self.signs.unreachable.take_if(|source| *source == Source::Mirror);
        }
        if let Some(package) = set_up {
            self.signs.missing_packages.remove(package);
        }
        let dnf = line.contains("Curl error (") && contains(line, DNF_UNREACHABLE);
        let apt = line.contains("Failed to fetch") && contains(line, APT_UNREACHABLE);
        self.mirror_failed |= dnf || apt;
        if let Some(missing) = after(line, "No match for argument: ") {
            self.missing("dnf", missing);
        }
        if let Some(missing) = after(line, "Unable to locate package ") {
            self.missing("apt", missing);
            self.end_of_try();
        }
        if line.ends_with("has no installation candidate")
            && let Some(missing) = after(line, "Package ")
        {
            self.missing("apt", missing);
            self.end_of_try();
        }
        if let Some(all) = after(line, "Unable to find a match: ") {
            for missing in all.split(' ') {
                self.missing("dnf", missing);
            }
            self.end_of_try();
        }
    }

    fn missing(&mut self, manager: &'static str, text: &str) {
        if let Some(name) = name(text) {
            self.signs.missing_packages.insert(name.to_owned());
            self.signs.manager = Some(manager);
        }
    }

    fn end_of_try(&mut self) {
        self.signs.unreachable.take_if(|source| *source == Source::Mirror);
        if std::mem::take(&mut self.mirror_failed) {
            self.signs.missing_packages.clear();
            self.signs.unreachable = Some(Source::Mirror);
        }
    }

    fn image(&mut self, line: &str) {
        if line.contains("Login Succeeded") || line.contains(": Pulling from ") {
            self.signs.unreadable = None;
        }
        if line.contains("Status: Downloaded newer image") || line.contains("Status: Image is up to date") {
            self.signs.pull = None;
            self.signs
                .unreachable
                .take_if(|source| *source == Source::Registry);
            return;
        }
        let answer = PULLS.iter().find(|(mark, _)| line.contains(mark));
        let is_docker = line.contains("Error response from daemon") || line.contains("exec format error");
        if is_docker && contains(line, REGISTRY_UNREACHABLE) {
            self.signs.unreachable = Some(Source::Registry);
            self.signs.pull = None;
        } else if is_docker && let Some((_, pull)) = answer {
            self.signs.pull = Some(*pull);
            self.signs
                .unreachable
                .take_if(|source| *source == Source::Registry);
        }
    }

    /// Settings are read before the image is pulled, so that a pull takes the sign back. The AWS CLI writes `An error occurred (CODE) when calling the OPERATION operation: …`.
    fn settings(&mut self, line: &str) {
        let Some((code, rest)) =
            after(line, "An error occurred (").and_then(|rest| rest.split_once(") when calling the "))
        else {
            return;
        };
        if let (Some(code), Some(operation)) = (name(code), name(rest))
            && SETTINGS.contains(&operation)
        {
            self.signs.unreadable = Some(Unreadable {
                code: code.to_owned(),
                operation: operation.to_owned(),
            });
        }
    }

    /// `systemctl` writes `Job for UNIT failed …`, systemd `UNIT: Failed with result …` and `Failed to start UNIT - …`.
    fn units(&mut self, line: &str) {
        let job = after(line, "Job for ").filter(|rest| rest.contains(" failed"));
        let result = line
            .split_once(": Failed with result ")
            .and_then(|(unit, _)| unit.rsplit(' ').next());
        let start = after(line, "Failed to start ");
        for unit in [job, result, start].into_iter().flatten().filter_map(name) {
            if unit.ends_with(".service") {
                self.signs.failed_units.insert(unit.to_owned());
            }
        }
        if let Some(unit) = after(line, "Started ").and_then(name) {
            self.signs.failed_units.remove(unit);
        }
    }

    /// `Cloud-init v. 22.2 running 'modules:final' …`, `Cloud-init v. 22.2 finished at …`; of a script
    /// `Failed to run module scripts-user`, and in older versions `Failed running …/scripts/part-001 [1]` before it.
    fn cloud_init(&mut self, line: &str) {
        if let Some(rest) = after(line, "Cloud-init v. ") {
            if rest.contains(" finished at ") {
                self.signs.cloud_init = Progress::Finished;
            } else if rest.contains(" running '") {
                self.signs.cloud_init = Progress::Running;
            }
        }
        if let Some(rest) = after(line, "Failed running /var/lib/cloud/instance/scripts/") {
            let code = after(rest, "[").and_then(number);
            self.signs.script_failed = Some(Exit { code });
        } else if (line.contains("Failed to run module scripts-user")
            || line.contains("Failed to run module scripts_user"))
            && self.signs.script_failed.is_none()
        {
            self.signs.script_failed = Some(Exit { code: None });
        }
    }

    fn kernel(&mut self, line: &str) {
        if line.to_ascii_lowercase().contains("out of memory: kill")
            && let Some(process) = after(line, " process ")
                .and_then(|rest| after(rest, "("))
                .and_then(name)
        {
            self.signs.killed = Some(process.to_owned());
        }
        if line.contains("veth") && line.contains("left promiscuous mode") {
            self.signs.containers_ended += 1;
        }
        self.signs.disk_full |= contains(line, DISK_FULL);
    }
}

fn contains(line: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| line.contains(mark))
}
