//! What the types say of themselves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use windlass_spec::{Endpoint, Mode, Nat, Protocol, Runtime, Spec, Verify};

/// That `spec` keeps them.
pub(crate) fn promises(spec: &Spec) -> Result<(), TestCaseError> {
    let Spec {
        network,
        compute,
        load_balancer,
        scaling,
        lifecycle,
        monitoring,
        drift,
        ..
    } = spec;
    let closed = network.nat == Nat::None;
    let has = |endpoint| network.endpoints.contains(&endpoint);
    prop_assert!(!closed || !has(Endpoint::Ecr) || has(Endpoint::S3));
    prop_assert!(!closed || matches!(compute.app.runtime, Runtime::UserData(_)));

    prop_assert!(1 <= scaling.min && scaling.min <= scaling.max);
    if compute.mode == Mode::Ec2 {
        prop_assert_eq!((scaling.min, scaling.metrics.len()), (scaling.max, 0));
        prop_assert_eq!(compute.instance_types.len(), 1);
        prop_assert_eq!(lifecycle.launch.verify, Verify::None);
        prop_assert_eq!(compute.spot, None);
    }
    if let Some(spot) = compute.spot {
        prop_assert!(spot.on_demand_base <= scaling.max && spot.on_demand_percent <= 100);
    }
    let measures: BTreeSet<_> = scaling
        .metrics
        .iter()
        .map(|metric| metric.measure.word())
        .collect();
    prop_assert_eq!(measures.len(), scaling.metrics.len());
    for metric in &scaling.metrics {
        let (scale_out, scale_in) = (metric.goal.scale_out(), metric.goal.scale_in());
        for breach in [Some(scale_out), scale_in].into_iter().flatten() {
            prop_assert!((0.0..=100.0).contains(&breach.threshold.0) && (1..=60).contains(&breach.periods));
        }
        prop_assert!(scale_in.is_none_or(|scale_in| scale_in.threshold < scale_out.threshold));
        prop_assert!((0.0..=100.0).contains(&metric.goal.aim()));
    }

    for entry in &scaling.schedule {
        prop_assert!(1 <= entry.min && entry.min <= entry.max);
    }

    let listeners = &load_balancer.listeners;
    let ports: BTreeSet<u16> = listeners.iter().map(|listener| listener.port).collect();
    prop_assert_eq!(ports.len(), listeners.len());
    prop_assert!(listeners.iter().any(|listener| listener.redirect_to.is_none()));
    for listener in listeners {
        let Some(wanted) = listener.redirect_to else {
            continue;
        };
        prop_assert_eq!(&listener.protocol, &Protocol::Http);
        let target = listeners.iter().find(|other| other.port == wanted).unwrap();
        let is_https = matches!(target.protocol, Protocol::Https { .. });
        prop_assert!(is_https && target.redirect_to.is_none());
    }

    let contacts: BTreeSet<_> = monitoring.notify.iter().collect();
    prop_assert_eq!(contacts.len(), monitoring.notify.len());
    prop_assert!((30..=7200).contains(&lifecycle.launch.timeout));
    prop_assert!((300..=86_400).contains(&drift.interval));
    Ok(())
}
