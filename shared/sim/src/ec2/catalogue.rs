//! What AWS offers without being asked to make anything: zones, instance types, images.

use std::collections::BTreeMap;

use windlass_calls::ec2::{
    DescribeAvailabilityZones, DescribeImages, DescribeInstanceTypeOfferings, Image, Offering, Zone,
};

use crate::refusal::{Answer, refused};
use crate::shared::Shared;
use crate::ssm::{AL2023_ARM, AL2023_X86, UBUNTU_ARM, UBUNTU_X86};
use crate::world::World;

/// Images by id.
#[derive(Debug, Clone)]
pub(crate) struct Images(Shared<BTreeMap<String, Image>>);

/// Id, architecture and root device of the images behind the public parameters.
const PUBLIC: [(&str, &str, &str); 4] = [
    (AL2023_X86, "x86_64", "/dev/xvda"),
    (AL2023_ARM, "arm64", "/dev/xvda"),
    (UBUNTU_X86, "x86_64", "/dev/sda1"),
    (UBUNTU_ARM, "arm64", "/dev/sda1"),
];

impl World {
    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    pub(super) fn describe_availability_zones(&mut self, _: &DescribeAvailabilityZones) -> Answer<Vec<Zone>> {
        let available = |name: &String| Zone {
            name: name.clone(),
            state: "available".into(),
        };
        Ok(self.config.zones.iter().map(available).collect())
    }

    /// Rule 64.
    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    pub(super) fn describe_instance_type_offerings(
        &mut self,
        call: &DescribeInstanceTypeOfferings,
    ) -> Answer<Vec<Offering>> {
        let mut offerings = Vec::new();
        for instance_type in &call.instance_types {
            let offering = |zone: &&String| self.config.offers(instance_type, zone);
            offerings.extend(self.config.zones.iter().filter(offering).map(|zone| Offering {
                instance_type: instance_type.clone(),
                zone: zone.clone(),
            }));
        }
        Ok(offerings)
    }

    pub(super) fn describe_images(&mut self, call: &DescribeImages) -> Answer<Vec<Image>> {
        let named = |id: &String| {
            let image = self.ec2.images.0.get(id).cloned();
            image.ok_or_else(|| {
                refused(
                    "InvalidAMIID.NotFound",
                    format!("The image id '[{id}]' does not exist"),
                )
            })
        };
        call.images.iter().map(named).collect()
    }

    /// Whether an image exists.
    pub(crate) fn image_exists(&self, id: &str) -> bool {
        self.ec2.images.0.contains_key(id)
    }
}

impl Default for Images {
    fn default() -> Self {
        let image = |(id, architecture, root_device): (&str, &str, &str)| Image {
            id: id.into(),
            architecture: architecture.into(),
            root_device: root_device.into(),
        };
        let images = PUBLIC
            .map(image)
            .into_iter()
            .map(|image| (image.id.clone(), image));
        Self(Shared::new(images.collect()))
    }
}

impl Images {
    pub(crate) fn insert(&mut self, image: Image) {
        self.0.insert(image.id.clone(), image);
    }
}
