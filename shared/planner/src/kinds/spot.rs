//! Spot instances of the group: their share, and how it changes.
//!
//! The share changes in place: the group itself then replaces instances that are on demand and should be spot, or the other
//! way round, the new ones first. It does so only by a policy of its own for instances, and leaves those that run with a
//! launch template alone: turned off, the policy stays and has all on demand, until a rollout brings the template.

use windlass_calls::autoscaling::{Distribution, Launch};

use crate::context::Context;

/// Where there is most room, and of that the cheapest: what AWS recommends, for it is taken back least.
const STRATEGY: &str = "price-capacity-optimized";

/// The share that the spec asks for; `None` without any spot instance.
pub(super) fn wanted(cx: &Context) -> Option<Distribution> {
    let spot = cx.spec.compute.spot?;
    let distribution = distribution(spot.on_demand_base, spot.on_demand_percent.into());
    Some(distribution).filter(Distribution::has_spot)
}

/// The change that brings another share, if that is all that differs. One instance type is the template's own, which
/// the policy repeats: `types` are those of the spec.
pub(super) fn change(now: &Launch, wanted: &Launch, types: &[String]) -> Option<Launch> {
    let choice = |launch: &Launch| match launch.instance_types.as_slice() {
        [] | [_] => vec![],
        types => types.to_vec(),
    };
    let made_alike = (&now.launch_template, now.version) == (&wanted.launch_template, wanted.version);
    let alike = made_alike && choice(now) == choice(wanted);
    (alike && now != wanted).then(|| Launch {
        instance_types: types.to_vec(),
        spot: Some(wanted.spot.clone().unwrap_or_else(|| distribution(0, 100))),
        ..wanted.clone()
    })
}

/// What a change of the share does, in words.
pub(super) fn reason(wanted: &Launch) -> String {
    match wanted.spot.as_ref().filter(|spot| spot.has_spot()) {
        Some(spot) => format!(
            "{} instances are on demand, and {} % of those beyond; the others become spot instances, one after the other",
            spot.on_demand_base, spot.on_demand_percent
        ),
        None => "all instances become on demand, one after the other".into(),
    }
}

fn distribution(on_demand_base: u32, on_demand_percent: u32) -> Distribution {
    Distribution {
        on_demand_base,
        on_demand_percent,
        spot_strategy: STRATEGY.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(version: u64, types: &[&str], spot: Option<(u32, u32)>) -> Launch {
        Launch {
            launch_template: "lt-1".into(),
            version,
            instance_types: types.iter().map(|name| (*name).to_owned()).collect(),
            spot: spot.map(|(base, percent)| distribution(base, percent)),
        }
    }

    /// The change, with the one type that the spec has.
    fn share(now: &Launch, wanted: &Launch) -> Option<Launch> {
        change(now, wanted, &["t3.micro".to_owned()])
    }

    #[test]
    fn another_share_alone_changes_in_place() {
        let (plain, spot) = (launch(1, &[], None), launch(1, &["t3.micro"], Some((1, 50))));
        assert_eq!(share(&plain, &spot), Some(spot.clone()));
        let more = launch(1, &["t3.micro"], Some((0, 50)));
        assert_eq!(share(&spot, &more), Some(more));
        assert_eq!(share(&spot, &spot), None);
    }

    #[test]
    fn turned_off_the_policy_has_all_on_demand() {
        let spot = launch(1, &["t3.micro"], Some((1, 50)));
        let off = launch(1, &["t3.micro"], Some((0, 100)));
        assert_eq!(share(&spot, &launch(1, &[], None)), Some(off));
    }

    #[test]
    fn another_strategy_is_put_right() {
        let wanted = launch(1, &["t3.micro"], Some((1, 50)));
        let mut seen = wanted.clone();
        if let Some(spot) = &mut seen.spot {
            spot.spot_strategy = "lowest-price".into();
        }
        assert_eq!(share(&seen, &wanted), Some(wanted));
    }

    #[test]
    fn what_reaches_running_instances_by_a_rollout_brings_the_share_along() {
        let now = launch(1, &["t3.micro"], None);
        assert_eq!(share(&now, &launch(2, &["t3.micro"], Some((1, 50)))), None);
        let types = launch(1, &["t3.micro", "t3a.micro"], Some((1, 50)));
        assert_eq!(share(&now, &types), None);
    }
}
