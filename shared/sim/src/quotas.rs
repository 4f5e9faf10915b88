//! Service Quotas: the numbers that creates are held to, asked for by AWS's codes.

use windlass_calls::quotas::{GetServiceQuota, Quota, Request, Response};

use crate::config::WorldConfig;
use crate::refusal::{Answer, refused};
use crate::world::{World, dispatch};

/// Where the number of a quota is.
type Most = fn(&WorldConfig) -> usize;

/// Service code, quota code and number.
const QUOTAS: [(&str, &str, Most); 7] = [
    ("ec2", "L-0263D0A3", |config| config.address_quota),
    ("ec2", "L-1216C47A", |config| config.vcpu_quota),
    ("ec2", "L-34B43A08", |config| config.spot_vcpu_quota),
    ("elasticloadbalancing", "L-53DA6B97", |config| {
        config.load_balancer_quota
    }),
    ("vpc", "L-A4707A72", |config| config.internet_gateway_quota),
    ("vpc", "L-F678F1CE", |config| config.vpc_quota),
    ("vpc", "L-FE5A380F", |config| config.nat_gateway_quota),
];

impl World {
    pub(crate) fn quotas(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request; GetServiceQuota => get_service_quota)
    }

    fn get_service_quota(&mut self, call: &GetServiceQuota) -> Answer<Quota> {
        let known = QUOTAS.iter().find(|(service, code, _)| {
            *service == call.service && *code == call.quota && !self.config.untold_quotas.contains(*code)
        });
        let (_, _, most) = known.ok_or_else(|| {
            let message = "The request failed because the specified service quota does not exist.";
            refused("NoSuchResourceException", message)
        })?;
        Ok(Quota {
            service: call.service.clone(),
            code: call.quota.clone(),
            value: most(&self.config) as u64,
        })
    }
}
