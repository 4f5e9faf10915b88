//! What a group launches, both ways.
//!
//! With one instance type and no spot instances it is the launch template itself; else the template with overrides, those
//! on demand in the order given. Read back, the first form has no instance types: they are the template's; and a
//! distribution that leaves no room for spot instances is none, which is what a group without one has.

use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{Distribution, Launch};

use crate::answer::{or_empty, or_zero, signed};

/// The percentage on demand of a policy that does not say it.
const ALL: i32 = 100;

/// The two forms of it; AWS takes one of them.
#[derive(Default)]
pub(super) struct Launches {
    /// A template by itself.
    pub(super) template: Option<sdk::LaunchTemplateSpecification>,
    /// A template with instance types.
    pub(super) mixed: Option<sdk::MixedInstancesPolicy>,
}

impl Launches {
    /// As AWS takes it.
    pub(super) fn of(launch: &Launch) -> Self {
        let template = sdk::LaunchTemplateSpecification::builder()
            .launch_template_id(&launch.launch_template)
            .version(launch.version.to_string())
            .build();
        if launch.instance_types.len() <= 1 && launch.spot.is_none() {
            return Self {
                template: Some(template),
                mixed: None,
            };
        }
        Self {
            template: None,
            mixed: Some(mixed(template, launch)),
        }
    }

    /// As AWS has it. A version that is no number reads as 0.
    pub(super) fn launch(self) -> Launch {
        let spot = self.mixed.as_ref().and_then(distribution);
        let (template, instance_types) = self.parts();
        let version = template.as_ref().and_then(|template| template.version.as_deref());
        Launch {
            version: or_empty(version).parse().unwrap_or(0),
            launch_template: or_empty(template.and_then(|template| template.launch_template_id)),
            instance_types,
            spot,
        }
    }

    /// The template, and the instance types that override its own.
    fn parts(self) -> (Option<sdk::LaunchTemplateSpecification>, Vec<String>) {
        let Some(mixed) = self.mixed.and_then(|mixed| mixed.launch_template) else {
            return (self.template, Vec::new());
        };
        let overrides = mixed.overrides.unwrap_or_default().into_iter();
        let instance_types = overrides.filter_map(|types| types.instance_type).collect();
        (mixed.launch_template_specification, instance_types)
    }
}

fn distribution(mixed: &sdk::MixedInstancesPolicy) -> Option<Distribution> {
    let found = mixed.instances_distribution.as_ref()?;
    let percent = found.on_demand_percentage_above_base_capacity.unwrap_or(ALL);
    let distribution = Distribution {
        on_demand_base: or_zero(found.on_demand_base_capacity),
        on_demand_percent: or_zero(Some(percent)),
        spot_strategy: or_empty(found.spot_allocation_strategy.clone()),
    };
    Some(distribution).filter(Distribution::has_spot)
}

fn mixed(template: sdk::LaunchTemplateSpecification, launch: &Launch) -> sdk::MixedInstancesPolicy {
    let type_of = |name: &String| {
        sdk::LaunchTemplateOverrides::builder()
            .instance_type(name)
            .build()
    };
    let template = sdk::LaunchTemplate::builder()
        .launch_template_specification(template)
        .set_overrides(Some(launch.instance_types.iter().map(type_of).collect()))
        .build();
    let distribution = sdk::InstancesDistribution::builder().on_demand_allocation_strategy("prioritized");
    let distribution = match &launch.spot {
        None => distribution.on_demand_percentage_above_base_capacity(ALL),
        Some(spot) => distribution
            .on_demand_base_capacity(signed(spot.on_demand_base))
            .on_demand_percentage_above_base_capacity(signed(spot.on_demand_percent))
            .spot_allocation_strategy(&spot.spot_strategy),
    };
    let mixed = sdk::MixedInstancesPolicy::builder().launch_template(template);
    mixed.instances_distribution(distribution.build()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(instance_types: &[&str]) -> Launch {
        Launch {
            launch_template: "lt-1".into(),
            version: 2,
            instance_types: instance_types.iter().map(|name| (*name).to_owned()).collect(),
            spot: None,
        }
    }

    fn spot(on_demand_percent: u32) -> Launch {
        let spot = Distribution {
            on_demand_base: 1,
            on_demand_percent,
            spot_strategy: "price-capacity-optimized".into(),
        };
        Launch {
            spot: Some(spot),
            ..wanted(&["t3.micro"])
        }
    }

    #[test]
    fn one_type_is_left_to_the_template() {
        let launches = Launches::of(&wanted(&["t3.micro"]));
        assert!(launches.mixed.is_none());
        assert_eq!(launches.launch(), wanted(&[]));
    }

    #[test]
    fn several_types_are_all_on_demand_in_the_order_given() {
        let launches = Launches::of(&wanted(&["t3.micro", "t3a.micro"]));
        assert!(launches.template.is_none());
        let distribution = launches.mixed.and_then(|mixed| mixed.instances_distribution);
        assert_eq!(
            distribution
                .as_ref()
                .and_then(|d| d.on_demand_percentage_above_base_capacity),
            Some(100)
        );
        assert_eq!(
            distribution
                .and_then(|d| d.on_demand_allocation_strategy)
                .as_deref(),
            Some("prioritized")
        );
    }

    #[test]
    fn spot_instances_read_back_as_they_were_written_with_the_one_type_that_there_is() {
        let launches = Launches::of(&spot(50));
        assert!(launches.template.is_none());
        assert_eq!(launches.launch(), spot(50));
    }

    #[test]
    fn a_distribution_without_spot_instances_is_written_and_reads_back_as_none() {
        let launches = Launches::of(&spot(100));
        let written = launches
            .mixed
            .clone()
            .and_then(|mixed| mixed.instances_distribution);
        let percent = written.and_then(|written| written.on_demand_percentage_above_base_capacity);
        assert_eq!(percent, Some(100));
        assert_eq!(launches.launch(), wanted(&["t3.micro"]));
    }

    #[test]
    fn a_policy_that_says_nothing_of_it_is_all_on_demand() {
        let mut launches = Launches::of(&wanted(&["t3.micro", "t3a.micro"]));
        let silent = sdk::InstancesDistribution::builder().build();
        if let Some(mixed) = &mut launches.mixed {
            mixed.instances_distribution = Some(silent);
        }
        assert_eq!(launches.launch().spot, None);
    }

    #[test]
    fn several_types_read_back_as_they_were_written() {
        let wanted = wanted(&["t3.micro", "t3a.micro"]);
        assert_eq!(Launches::of(&wanted).launch(), wanted);
    }
}
