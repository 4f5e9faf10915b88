//! Certificates, as far as listeners care: every well-formed ARN of the account and Region names one, until a test says
//! that it is missing.

use super::Elb;
use crate::config::WorldConfig;
use crate::refusal::{Answer, refused};
use crate::world::World;

impl World {
    /// Deletes a certificate, by its ARN, or puts it back. Listeners that have it keep it.
    pub fn lose_certificate(&mut self, certificate: &str, lost: bool) {
        let Elb {
            lost_certificates, ..
        } = &mut self.elb;
        if lost {
            lost_certificates.insert(certificate.to_owned());
        } else {
            lost_certificates.remove(certificate);
        }
    }

    pub(super) fn check_certificate(&self, certificate: &str) -> Answer<()> {
        let lost = self.elb.lost_certificates.contains(certificate);
        if !lost && is_of(certificate, &self.config) {
            return Ok(());
        }
        Err(refused(
            "CertificateNotFound",
            format!("Certificate '{certificate}' not found"),
        ))
    }
}

/// Whether it is a certificate of Certificate Manager in the Region, or a server certificate of IAM.
fn is_of(certificate: &str, config: &WorldConfig) -> bool {
    let WorldConfig { region, account, .. } = config;
    let name = certificate
        .strip_prefix(&format!("arn:aws:acm:{region}:{account}:certificate/"))
        .or_else(|| certificate.strip_prefix(&format!("arn:aws:iam::{account}:server-certificate/")));
    name.is_some_and(|name| !name.is_empty())
}
