//! Metrics of the group's sizes, which the dashboard shows. They cost nothing.

use windlass_calls::autoscaling::{
    self, DescribeAutoScalingGroups, EnableMetricsCollection, Response as Autoscaling,
};
use windlass_calls::{Request, Response};
use windlass_spec::Mode;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The group's metrics.
pub struct GroupMetrics;

/// The one that tells how many instances serve.
const IN_SERVICE: &str = "GroupInServiceInstances";

impl Kind for GroupMetrics {
    /// Whether the group reports its sizes.
    type Seen = bool;
    const NAME: &'static str = "group-metrics";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = cx.spec.monitoring.dashboard && cx.spec.compute.mode == Mode::Asg;
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, _: &bool) -> Result<Vec<Request>, Blocked> {
        if Self::wants(cx, known)?.is_empty() {
            return Ok(vec![]);
        }
        known.exists(&Id::only("auto-scaling-group"))?;
        let name = names::stack(&cx.spec.stack);
        Ok(vec![DescribeAutoScalingGroups { name }.into()])
    }

    fn read(seen: &mut bool, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Autoscaling(Autoscaling::DescribeAutoScalingGroups(groups))) => {
                *seen = groups
                    .iter()
                    .any(|group| group.metrics.iter().any(|metric| metric == IN_SERVICE));
            }
            (Request::Autoscaling(autoscaling::Request::EnableMetricsCollection(_)), _) => *seen = true,
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &bool, known: &Known) -> Result<Next, Blocked> {
        let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        let outputs = Outputs::id(&group);
        Ok(if *seen {
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
