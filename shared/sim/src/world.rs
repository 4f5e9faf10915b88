//! AWS as a value: every service's resources, and one clock.
//!
//! Guarantees: an answer depends on the configuration, the requests before it and their times alone. The world's clock
//! never runs backwards; a request with an earlier time is served at the latest time seen.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_calls::{Call, CallError, Request, Response};

use crate::autoscaling::Autoscaling;
use crate::cloudwatch::Cloudwatch;
use crate::config::WorldConfig;
use crate::ec2::Ec2;
use crate::elb::Elb;
use crate::iam::Iam;
use crate::logs::Logs;
use crate::s3::S3;
use crate::shared::Shared;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::ssm::Ssm;

/// A deterministic, in-memory AWS.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) config: Shared<WorldConfig>,
    pub(crate) clock: Timestamp,
    pub(crate) ec2: Ec2,
    pub(crate) elb: Elb,
    pub(crate) autoscaling: Autoscaling,
    pub(crate) iam: Iam,
    pub(crate) ssm: Ssm,
    pub(crate) s3: S3,
    pub(crate) sqs: Sqs,
    pub(crate) cloudwatch: Cloudwatch,
    pub(crate) sns: Sns,
    pub(crate) logs: Logs,
    ids: BTreeMap<&'static str, u32>,
}

impl World {
    /// An empty account: images and their public parameters are there, buckets and queues are not.
    #[must_use]
    pub fn new(config: WorldConfig) -> Self {
        Self {
            config: Shared::new(config),
            clock: Timestamp::MIN,
            ec2: Ec2::default(),
            elb: Elb::default(),
            autoscaling: Autoscaling::default(),
            iam: Iam::default(),
            ssm: Ssm::default(),
            s3: S3::default(),
            sqs: Sqs::default(),
            cloudwatch: Cloudwatch::default(),
            sns: Sns::default(),
            logs: Logs::default(),
            ids: BTreeMap::new(),
        }
    }

    /// Serves one request at this time.
    ///
    /// # Errors
    /// AWS's own error. It was refused and changed nothing.
    pub fn apply(&mut self, now: Timestamp, request: &Request) -> Result<Response, CallError> {
        self.settle(now);
        match request {
            Request::Ec2(request) => self.ec2(request).map(Response::Ec2),
            Request::Elb(request) => self.elb(request).map(Response::Elb),
            Request::Autoscaling(request) => self.autoscaling(request).map(Response::Autoscaling),
            Request::Iam(request) => self.iam(request).map(Response::Iam),
            Request::Ssm(request) => self.ssm(request).map(Response::Ssm),
            Request::S3(request) => self.s3(request).map(Response::S3),
            Request::Sqs(request) => self.sqs(request).map(Response::Sqs),
            Request::Cloudwatch(request) => self.cloudwatch(request).map(Response::Cloudwatch),
            Request::Sns(request) => self.sns(request).map(Response::Sns),
            Request::Logs(request) => self.logs(request).map(Response::Logs),
            Request::Quotas(request) => self.quotas(request).map(Response::Quotas),
        }
        .map_err(|refusal| refusal.of(request.action()))
    }

    /// Serves one call and takes out its own answer.
    ///
    /// # Errors
    /// As [`World::apply`].
    pub fn call<C: Call>(&mut self, now: Timestamp, call: C) -> Result<C::Response, CallError> {
        let response = self.apply(now, &call.into())?;
        C::answer(response).ok_or_else(|| {
            CallError::unanswered(C::ACTION, "the world answered with another operation's answer")
        })
    }

    /// Lets time pass: what AWS does on its own until then has happened afterwards.
    pub fn settle(&mut self, now: Timestamp) {
        self.run_groups(now);
        self.clock = self.clock.max(now);
        self.watch(self.clock);
    }

    /// The latest time the world has seen.
    #[must_use]
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// Its settings, to change while it runs: a quota raised, an application broken, a lag that ends. What exists
    /// keeps the visibility it was created with.
    pub fn config_mut(&mut self) -> &mut WorldConfig {
        &mut self.config
    }

    /// The next number of its series, from 1.
    pub(crate) fn next_number(&mut self, series: &'static str) -> u32 {
        let number = self.ids.entry(series).or_default();
        *number += 1;
        *number
    }

    /// The next id with this prefix: `vpc-00000001`.
    pub(crate) fn next_id(&mut self, prefix: &'static str) -> String {
        let number = self.next_number(prefix);
        format!("{prefix}-{number:08x}")
    }

    /// When reads start to show an alarm, dashboard, topic or log group made now.
    pub(crate) fn monitoring_visible_from(&self, id: &str) -> Timestamp {
        self.config.monitoring_lag.visible_from(id, self.clock)
    }

    /// When reads stop to show an EC2 or ELB resource deleted now.
    pub(crate) fn gone_from(&self, id: &str) -> Timestamp {
        self.config.ghost_lag.visible_from(id, self.clock)
    }

    /// `arn:aws:{service}:{region}:{account}:{resource}`
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let WorldConfig { region, account, .. } = &*self.config;
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }
}

/// Serves a service's request: each operation by the method beside it.
macro_rules! dispatch {
    ($world:ident, $request:ident; $($operation:ident => $method:ident),* $(,)?) => {
        match $request { $(Request::$operation(call) => $world.$method(call).map(Response::$operation),)* }
    };
}
pub(crate) use dispatch;
