//! Amazon CloudWatch: alarms, dashboards, and the metrics that somebody puts. What AWS's services put themselves is not
//! modelled.
//!
//! What is written over keeps its visibility: only new ones lag.

mod alarm;
mod dashboard;
mod metrics;
mod state;

use windlass_calls::cloudwatch::{Request, Response};

use crate::refusal::Answer;
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

use metrics::Metrics;
use state::States;

pub(crate) use alarm::OwnedAlarm;

/// CloudWatch's resources, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cloudwatch {
    pub(crate) alarms: Shelf<OwnedAlarm>,
    /// Name and body.
    pub(crate) dashboards: Shelf<(String, String)>,
    /// What was put.
    pub(crate) metrics: Shared<Metrics>,
    /// States of alarms, by name.
    pub(crate) states: Shared<States>,
}

impl World {
    pub(crate) fn cloudwatch(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeAlarms => describe_alarms,
            GetDashboard => get_dashboard,
            GetMetricData => get_metric_data,
            PutMetricAlarm => put_metric_alarm,
            PutDashboard => put_dashboard,
            DeleteAlarms => delete_alarms,
            DeleteDashboards => delete_dashboards,
        )
    }
}
