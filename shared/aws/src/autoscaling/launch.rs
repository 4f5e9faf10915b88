//! What a group launches, both ways.
//!
//! With one instance type it is the launch template itself; with several, the template with overrides, all of them on
//! demand, in the order given. Read back, the first form has no instance types: they are the template's.

use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::Launch;

use crate::answer::or_empty;

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
        if launch.instance_types.len() <= 1 {
            return Self {
                template: Some(template),
                mixed: None,
            };
        }
        Self {
            template: None,
            mixed: Some(mixed(template, &launch.instance_types)),
        }
    }

    /// As AWS has it. A version that is no number reads as 0.
    pub(super) fn launch(self) -> Launch {
        let (template, instance_types) = self.parts();
        let version = template.as_ref().and_then(|template| template.version.as_deref());
        Launch {
            version: or_empty(version).parse().unwrap_or(0),
            launch_template: or_empty(template.and_then(|template| template.launch_template_id)),
            instance_types,
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

fn mixed(template: sdk::LaunchTemplateSpecification, instance_types: &[String]) -> sdk::MixedInstancesPolicy {
    let type_of = |name: &String| {
        sdk::LaunchTemplateOverrides::builder()
            .instance_type(name)
            .build()
    };
    let template = sdk::LaunchTemplate::builder()
        .launch_template_specification(template)
        .set_overrides(Some(instance_types.iter().map(type_of).collect()))
        .build();
    let on_demand = sdk::InstancesDistribution::builder()
        .on_demand_percentage_above_base_capacity(100)
        .on_demand_allocation_strategy("prioritized")
        .build();
    let mixed = sdk::MixedInstancesPolicy::builder().launch_template(template);
    mixed.instances_distribution(on_demand).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(instance_types: &[&str]) -> Launch {
        Launch {
            launch_template: "lt-1".into(),
            version: 2,
            instance_types: instance_types.iter().map(|name| (*name).to_owned()).collect(),
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
    fn several_types_read_back_as_they_were_written() {
        let wanted = wanted(&["t3.micro", "t3a.micro"]);
        assert_eq!(Launches::of(&wanted).launch(), wanted);
    }
}
