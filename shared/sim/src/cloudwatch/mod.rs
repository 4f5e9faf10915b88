//! Amazon CloudWatch: alarms and dashboards. Metrics are not modelled, so alarms never change their state.
//!
//! What is written over keeps its visibility: only new ones lag.

mod alarm;
mod dashboard;

use windlass_calls::cloudwatch::{Request, Response};

use crate::refusal::Answer;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

pub(crate) use alarm::OwnedAlarm;

/// CloudWatch's resources, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cloudwatch {
    pub(crate) alarms: Shelf<OwnedAlarm>,
    /// Name and body.
    pub(crate) dashboards: Shelf<(String, String)>,
}

impl World {
    pub(crate) fn cloudwatch(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeAlarms => describe_alarms,
            GetDashboard => get_dashboard,
            PutMetricAlarm => put_metric_alarm,
            PutDashboard => put_dashboard,
            DeleteAlarms => delete_alarms,
            DeleteDashboards => delete_dashboards,
        )
    }
}
