//! Metrics of the group's sizes, which the dashboard shows. They cost nothing.

use std::collections::BTreeSet;

use windlass_calls::autoscaling::{
    self, DescribeAutoScalingGroups, EnableMetricsCollection, Group, Response as Autoscaling,
};
use windlass_calls::{Request, Response};
use windlass_spec::Mode;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// The group's metrics.
pub struct GroupMetrics;

/// The one that tells how many instances serve.
const IN_SERVICE: &str = "GroupInServiceInstances";

impl Kind for GroupMetrics {
    /// Names of the groups that report their sizes.
    type Seen = BTreeSet<String>;
    const NAME: &'static str = "group-metrics";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = cx.spec.monitoring.dashboard && cx.spec.compute.mode == Mode::Asg;
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if Self::wants(cx, known)?.is_empty() {
            return Ok(vec![]);
        }
        let name = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        Ok(vec![DescribeAutoScalingGroups { names: vec![name] }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Autoscaling(Autoscaling::DescribeAutoScalingGroups(groups))) => {
                let reports = |group: &&Group| group.metrics.iter().any(|metric| metric == IN_SERVICE);
                let reporting = groups.iter().filter(reports);
                seen.extend(reporting.map(|group| group.settings.name.clone()));
            }
            (Request::Autoscaling(autoscaling::Request::EnableMetricsCollection(enable)), _) => {
                seen.insert(enable.group.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        let outputs = Outputs::id(&group);
        Ok(if seen.contains(&group) {
            Next::InSync(outputs)
        } else {
            super::set(
                cx,
                id,
                EnableMetricsCollection { group },
                "the dashboard shows how many instances serve",
                outputs,
            )
        })
    }
}
