//! Specs that earlier versions recorded in their states: they must be read for as long as a stack may have one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;
use windlass_spec::{Apply, Drift, Launch, Mode, Protocol, Rollout, Runtime, Spec, Variable, Verify};

/// As the first version wrote it: no `apply`, endpoints, mode, protocol, metrics or monitoring, nothing about changes or launches,
/// and plain variables only.
#[test]
fn a_spec_that_the_first_version_recorded_is_read() {
    let recorded = json!({
        "stack": {"environment": "dev", "name": "shop"},
        "tags": {"team": "shop"},
        "protect": false,
        "network": {"cidr": "10.1.0.0/16", "zones": 3, "nat": "per-zone"},
        "compute": {
            "image": "al2023",
            "instanceTypes": ["t3.micro"],
            "architecture": "x86_64",
            "app": {"port": 8000, "runtime": {"container": {"image": "shop:1", "env": {"MODE": "live"}}}},
        },
        "loadBalancer": {
            "scheme": "internet-facing",
            "listeners": [{"port": 80}],
            "healthCheck": {"path": "/", "interval": 15, "healthy": 2, "unhealthy": 2, "codes": "200-399"},
        },
        "scaling": {"min": 3, "max": 9},
        "lifecycle": {"drain": 60},
    });
    let spec: Spec = serde_json::from_value(recorded).unwrap();
    assert_eq!((spec.apply, spec.compute.mode), (Apply::Auto, Mode::Asg));
    assert_eq!(spec.load_balancer.listeners[0].protocol, Protocol::Http);
    assert!(spec.network.endpoints.is_empty() && spec.scaling.metrics.is_empty());
    assert!(!spec.monitoring.dashboard && spec.monitoring.notify.is_empty());
    assert_eq!((spec.allow_replace, spec.rollout), (false, Rollout::Auto));
    let unverified = Launch {
        verify: Verify::None,
        timeout: 600,
    };
    assert_eq!(spec.lifecycle.launch, unverified);
    let hourly = Drift {
        interval: 3600,
        repair: true,
    };
    assert_eq!(spec.drift, hourly);
    let Runtime::Container { env, .. } = &spec.compute.app.runtime else {
        panic!("{:?}", spec.compute.app.runtime);
    };
    assert_eq!(env["MODE"], Variable::Plain("live".into()));
    let again: Spec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);
}
