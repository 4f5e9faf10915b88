//! Instances: from a launch template, by a person or by a group. Terminated ones stay visible for an hour.
//!
//! A launch is refused for what the template names and for what the account has too little of. The client token is
//! judged first.

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::{
    DescribeInstanceStatus, DescribeInstances, GetConsoleOutput, Instance, InstanceStatus,
    LaunchTemplateData, RunInstances, Subnet, TerminateInstances,
};

use super::Machine;
use super::catalogue::{is_standard, vcpus};
use super::filter::{Filtered, select_shown};
use crate::refusal::{Answer, Refusal, refused};
use crate::time::after;
use crate::world::World;

/// An instance to be.
pub(crate) struct Start {
    /// Launch template id and version.
    pub(crate) template: (String, u64),
    /// Its security groups.
    pub(crate) security_groups: Vec<String>,
    /// Its type, `t3.micro`.
    pub(crate) instance_type: String,
    /// It is a spot instance.
    pub(crate) spot: bool,
    /// Its subnet.
    pub(crate) subnet: Subnet,
    /// Its tags.
    pub(crate) tags: Tags,
    /// When it starts.
    pub(crate) at: Timestamp,
}

impl Filtered for Instance {
    const FILTERS: &'static [&'static str] = &["instance-id", "instance-state-name"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "instance-id" => Some(&self.id),
            _ => Some(&self.state),
        }
    }
}

impl World {
    pub(super) fn describe_instances(&mut self, call: &DescribeInstances) -> Answer<Vec<Instance>> {
        let now = self.clock;
        let listed = self
            .ec2
            .instances
            .visible(now)
            .filter(|machine| machine.listed(now));
        select_shown(listed.map(|machine| machine.at(&self.config, now)), &call.filters)
    }

    /// The checks pass once it has booted, or fail as they are set to.
    pub(super) fn describe_instance_status(
        &mut self,
        call: &DescribeInstanceStatus,
    ) -> Answer<Option<InstanceStatus>> {
        let machine = self.seen_instance(&call.instance);
        let machine = machine.ok_or_else(|| no_instance(&call.instance))?;
        if !machine.runs(&self.config, self.clock) {
            return Ok(None);
        }
        let booted = after(machine.launched(), self.config.boot_delay) <= self.clock;
        let (system, instance) = match (booted, self.config.impaired) {
            (false, _) => ("initializing", "initializing"),
            (true, false) => ("ok", "ok"),
            (true, true) => ("ok", "impaired"),
        };
        Ok(Some(InstanceStatus {
            system: system.into(),
            instance: instance.into(),
        }))
    }

    /// Every instance prints the same, once it has booted.
    pub(super) fn console_output(&mut self, call: &GetConsoleOutput) -> Answer<Option<String>> {
        let now = self.clock;
        let machine = self
            .seen_instance(&call.instance)
            .filter(|machine| machine.listed(now));
        let machine = machine.ok_or_else(|| no_instance(&call.instance))?;
        let printed =
            after(machine.launched(), self.config.boot_delay) <= now && !self.config.console.is_empty();
        Ok(printed.then(|| self.config.console.clone()))
    }

    pub(super) fn run_instances(&mut self, call: &RunInstances) -> Answer<Instance> {
        if let Some(first) = self.ec2.instance_tokens.replay(&call.token, call)? {
            return self.unless_terminated(first);
        }
        let template = self.named_template(&call.launch_template)?;
        let data = template.data(call.version).ok_or_else(|| {
            let message = format!(
                "Could not find the specified version {} for the launch template with ID {}.",
                call.version, call.launch_template
            );
            refused("InvalidLaunchTemplateId.VersionNotFound", message)
        })?;
        let subnet = self.named_subnet(&call.subnet)?.clone();
        self.check_template(data)?;
        self.check_networks(data, &subnet)?;
        let instance_type = data.instance_type.clone();
        self.check_capacity(&instance_type, &subnet.zone, false)?;
        let security_groups = data.security_groups.clone();
        let mut tags = template.launch_tags(call.version);
        tags.extend(call.tags.clone());
        let machine = self.start(Start {
            template: (call.launch_template.clone(), call.version),
            security_groups,
            instance_type,
            spot: false,
            subnet,
            tags,
            at: self.clock,
        });
        let shown = machine.at(&self.config, self.clock);
        self.ec2.instance_tokens.remember(&call.token, call, &shown);
        Ok(shown)
    }

    /// A repeat is no error as long as the instance is shown.
    pub(super) fn terminate_instances(&mut self, call: &TerminateInstances) -> Answer<()> {
        let id = &call.instance;
        if self.seen_instance(id).is_none() {
            return Err(no_instance(id));
        }
        self.terminate_instance(id);
        Ok(())
    }

    /// What a token answers that was used before: its instance, as long as that exists.
    fn unless_terminated(&self, first: Instance) -> Answer<Instance> {
        let machine = self.ec2.instances.get(&first.id);
        if machine.is_some_and(Machine::is_live) {
            return Ok(first);
        }
        let message = "The request to launch an instance uses the same client token as a previous request for which the \
                       instance has been terminated.";
        Err(refused("IdempotentInstanceTerminated", message))
    }

    /// Starts an instance. Whether it may start has been asked before.
    pub(crate) fn start(&mut self, launch: Start) -> Machine {
        let connected =
            !self.config.instances_need_internet || self.reaches_internet(&launch.subnet.id, launch.at);
        let broken = self.config.broken_app || self.config.broken_versions.contains(&launch.template.1);
        let has_endpoint = self.has_ssm_endpoint(&launch.subnet.vpc);
        let id = self.next_id("i");
        let machine = Machine {
            id: id.clone(),
            instance_type: launch.instance_type,
            spot: launch.spot,
            reclaimed: None,
            vpc: launch.subnet.vpc,
            subnet: launch.subnet.id,
            zone: launch.subnet.zone,
            template: launch.template,
            security_groups: launch.security_groups,
            public: launch.subnet.map_public_ip,
            tags: launch.tags,
            launched: launch.at,
            works: connected && !broken,
            managed: connected || has_endpoint,
            sick: None,
            stopped: None,
            terminated: None,
        };
        let visible_from = self.config.visibility_lag.visible_from(&id, launch.at);
        self.ec2.instances.insert(&id, visible_from, machine.clone());
        machine
    }

    /// Whether what a template names is there.
    pub(crate) fn check_template(&self, data: &LaunchTemplateData) -> Answer<()> {
        if !self.image_exists(&data.image) {
            let message = format!("The image id '[{}]' does not exist", data.image);
            return Err(refused("InvalidAMIID.NotFound", message));
        }
        if vcpus(&data.instance_type).is_none() {
            let message = format!("Invalid value '{}' for InstanceType.", data.instance_type);
            return Err(refused("InvalidParameterValue", message));
        }
        let missing = |id: &&String| self.ec2.security_groups.seen(id, self.clock).is_none();
        if let Some(id) = data.security_groups.iter().find(missing) {
            let message = format!("The security group '{id}' does not exist");
            return Err(refused("InvalidGroup.NotFound", message));
        }
        self.check_launch_profile(&data.instance_profile)
    }

    fn check_networks(&self, data: &LaunchTemplateData, subnet: &Subnet) -> Answer<()> {
        let elsewhere = |id: &&String| {
            let group = self.ec2.security_groups.get(id);
            group.is_some_and(|group| group.vpc != subnet.vpc)
        };
        match data.security_groups.iter().find(elsewhere) {
            None => Ok(()),
            Some(id) => Err(refused(
                "InvalidParameter",
                format!(
                    "Security group {id} and subnet {} belong to different networks.",
                    subnet.id
                ),
            )),
        }
    }

    /// Whether an instance of this type can start in this zone: rules 64 and 65.
    pub(crate) fn check_capacity(&self, instance_type: &str, zone: &str, spot: bool) -> Answer<()> {
        if let Some(why) = &self.config.launch_failure {
            return Err(refused("InsufficientInstanceCapacity", why).status(500));
        }
        if !self.config.offers(instance_type, zone) {
            let message = format!(
                "Your requested instance type ({instance_type}) is not supported in your requested Availability \
                 Zone ({zone})."
            );
            return Err(refused("Unsupported", message));
        }
        let wanted = vcpus(instance_type).map_or(0, |vcpus| vcpus as usize);
        let most = if spot {
            self.config.spot_vcpu_quota
        } else {
            self.config.vcpu_quota
        };
        match is_standard(instance_type) && self.vcpus_in_use(spot) + wanted > most {
            true if spot => Err(refused(
                "MaxSpotInstanceCountExceeded",
                "Max spot instance count exceeded",
            )),
            true => Err(beyond_quota(most)),
            false => Ok(()),
        }
    }

    /// What counts against the quota of standard instances, spot or on demand.
    fn vcpus_in_use(&self, spot: bool) -> usize {
        let counted = self.ec2.instances.all().filter(|machine| {
            machine.is_up() && machine.is_spot() == spot && is_standard(&machine.instance_type)
        });
        counted
            .filter_map(|machine| vcpus(&machine.instance_type))
            .map(|vcpus| vcpus as usize)
            .sum()
    }

    /// An instance that a call of another service names; `None` if there is none or it is out of sight.
    pub(crate) fn seen_instance(&self, id: &str) -> Option<&Machine> {
        let machine = self.ec2.instances.seen(id, self.clock);
        machine.filter(|machine| machine.listed(self.clock))
    }
}

pub(super) fn no_instance(id: &str) -> Refusal {
    refused(
        "InvalidInstanceID.NotFound",
        format!("The instance ID '{id}' does not exist"),
    )
}

fn beyond_quota(limit: usize) -> Refusal {
    let message = format!(
        "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket \
         that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to \
         request an adjustment to this limit."
    );
    refused("VcpuLimitExceeded", message)
}
