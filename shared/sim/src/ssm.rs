//! Systems Manager: the public parameters that hold image ids, and those of tests.

use std::collections::BTreeMap;

use windlass_calls::ssm::{GetParameter, Request, Response};

use crate::refusal::{Answer, refused};
use crate::shared::Shared;
use crate::world::{World, dispatch};

/// Parameters by path.
#[derive(Debug, Clone)]
pub(crate) struct Ssm(Shared<BTreeMap<String, String>>);

/// Image ids behind the public parameters.
pub(crate) const AL2023_X86: &str = "ami-00000000000000a1";
pub(crate) const AL2023_ARM: &str = "ami-00000000000000a2";
pub(crate) const UBUNTU_X86: &str = "ami-00000000000000b1";
pub(crate) const UBUNTU_ARM: &str = "ami-00000000000000b2";

const PUBLIC: [(&str, &str); 4] = [
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        AL2023_X86,
    ),
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        AL2023_ARM,
    ),
    (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        UBUNTU_X86,
    ),
    (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
        UBUNTU_ARM,
    ),
];

impl Default for Ssm {
    fn default() -> Self {
        let named = PUBLIC.map(|(name, image)| (name.to_owned(), image.to_owned()));
        Self(Shared::new(named.into()))
    }
}

impl World {
    pub(crate) fn ssm(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request; GetParameter => get_parameter)
    }

    /// Sets a parameter, as its owner would: a new image behind an alias, say.
    pub fn put_parameter(&mut self, name: &str, value: &str) {
        self.ssm.0.insert(name.to_owned(), value.to_owned());
    }

    fn get_parameter(&mut self, call: &GetParameter) -> Answer<String> {
        let value = self.ssm.0.get(&call.name).cloned();
        value.ok_or_else(|| refused("ParameterNotFound", format!("Parameter {} not found.", call.name)))
    }
}
