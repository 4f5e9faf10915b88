//! Signs in the end of an instance's console output: of cloud-init, dnf, apt, Docker, systemd and the kernel.
//!
//! Guarantees: any bytes are read without panicking, at most the last 64 KiB of them; colours, other control sequences
//! and the kernel's timestamps are passed over. A sign that a later success takes back is not reported: boot scripts try
//! downloads again. Only names and codes are kept of a line.
//!
//! Assumes: plain text in English, as the images' programs write it with their default locale.

mod lines;
mod scan;

use std::collections::BTreeSet;

/// What the console shows. Nothing found is the default, and says nothing: the output may be old, cut or missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Packages that do not exist, in a try that reached its mirror.
    pub missing_packages: BTreeSet<String>,
    /// What looked for them: `dnf` or `apt`.
    pub manager: Option<&'static str>,
    /// What could not be reached for the last try of a download.
    pub unreachable: Option<Source>,
    /// Why the image could not be had at the last try.
    pub pull: Option<Pull>,
    /// A parameter or secret that could not be read at the last try.
    pub unreadable: Option<Unreadable>,
    /// systemd units that failed, `nginx.service`.
    pub failed_units: BTreeSet<String>,
    /// How often a container's network interface went away: what a container does that ends.
    pub containers_ended: usize,
    /// The boot script failed.
    pub script_failed: Option<Exit>,
    /// How far cloud-init is.
    pub cloud_init: Progress,
    /// A process that the kernel killed for want of memory.
    pub killed: Option<String>,
    /// A disk is full.
    pub disk_full: bool,
}

/// What is downloaded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The mirror of the packages.
    Mirror,
    /// The registry of the image.
    Registry,
}

/// Why an image could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// There is no such image or tag.
    NotFound,
    /// The registry asks who we are, or says no.
    Denied,
    /// The registry has had enough of us.
    TooMany,
    /// It is for another processor.
    Architecture,
}

/// What the AWS CLI answers about a parameter or secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// AWS's error code, `AccessDeniedException`.
    pub code: String,
    /// The operation, `GetSecretValue`.
    pub operation: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, where it is told.
    pub code: Option<u32>,
}

/// How far cloud-init is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is seen of it.
    #[default]
    Unseen,
    /// It began.
    Running,
    /// It said that it finished.
    Finished,
}

impl Signs {
    /// The signs in this output.
    #[must_use]
    pub fn read(console: &[u8]) -> Self {
        let mut scan = scan::Scan::default();
        for line in lines::of(console) {
            scan.line(&line);
        }
        scan.signs()
    }
}
