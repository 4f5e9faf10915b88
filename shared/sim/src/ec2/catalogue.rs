//! What AWS offers without being asked to make anything: zones, instance types, images.

use std::collections::BTreeMap;

use windlass_calls::ec2::{
    DescribeAvailabilityZones, DescribeImages, DescribeInstanceTypeOfferings, DescribeInstanceTypes, Image,
    InstanceType, Offering, Zone,
};

use crate::refusal::{Answer, refused};
use crate::shared::Shared;
use crate::ssm::{AL2023_ARM, AL2023_X86, UBUNTU_ARM, UBUNTU_X86};
use crate::world::World;

/// Images by id.
#[derive(Debug, Clone)]
pub(crate) struct Images(Shared<BTreeMap<String, Image>>);

/// Id, architecture and root device of the images behind the public parameters, and of one that has none.
const PUBLIC: [(&str, &str, &str); 5] = [
    (AL2023_X86, "x86_64", "/dev/xvda"),
    (AL2023_ARM, "arm64", "/dev/xvda"),
    (UBUNTU_X86, "x86_64", "/dev/sda1"),
    (UBUNTU_ARM, "arm64", "/dev/sda1"),
    ("ami-0abcdef1234567890", "x86_64", "/dev/xvda"),
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

    #[expect(clippy::unused_self, reason = "the shape of every operation")]
    pub(super) fn describe_instance_types(
        &mut self,
        call: &DescribeInstanceTypes,
    ) -> Answer<Vec<InstanceType>> {
        let described = |name: &String| {
            let vcpus = vcpus(name).ok_or_else(|| {
                let message = format!("The following supplied instance types do not exist: [{name}]");
                refused("InvalidInstanceType", message)
            })?;
            Ok(InstanceType {
                name: name.clone(),
                vcpus,
            })
        };
        call.instance_types.iter().map(described).collect()
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

/// Virtual processors of an instance type, which its size tells in every family but the oldest; `None` if there is no
/// such type. Bare metal counts as the largest.
pub(super) fn vcpus(instance_type: &str) -> Option<u32> {
    let (family, size) = instance_type.split_once('.')?;
    let burstable = family.starts_with('t');
    let oldest = matches!(family, "t1" | "t2");
    match size {
        _ if family.is_empty() => None,
        "nano" | "micro" | "small" if burstable => Some(if oldest { 1 } else { 2 }),
        "medium" => Some(if burstable { 2 } else { 1 }),
        "large" => Some(2),
        "xlarge" => Some(4),
        "metal" => Some(96),
        _ => {
            let times = size.strip_suffix("xlarge")?.parse::<u32>().ok()?;
            times.checked_mul(4).filter(|vcpus| *vcpus > 0)
        }
    }
}

/// Whether it counts against the quota of standard instances: families A, C, D, H, I, M, R, T and Z.
pub(super) fn is_standard(instance_type: &str) -> bool {
    let letters = instance_type.split(|c: char| !c.is_ascii_lowercase()).next();
    let special = ["dl", "hpc", "inf", "mac", "trn"];
    letters.is_some_and(|letters| {
        letters.starts_with(['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z']) && !special.contains(&letters)
    })
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
