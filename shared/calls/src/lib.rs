//! Every AWS call the functions can send, as data.
//!
//! One module per service; in it one struct per operation, with its response type, its action name as IAM writes it
//! (`ec2:CreateVpc`) and its [`Effect`]. A port (see `windlass-engine`) has one method: a [`Request`] goes in, a
//! [`Response`] or a [`CallError`] comes out. So metering, fault injection, recording and the check of the functions'
//! permissions are each written once, for all calls.
//!
//! Guarantees: nothing here performs I/O, reads a clock or decides anything. Requests are ordered and comparable, so
//! that the same question is asked once per pass and traces can be compared.

mod error;
#[macro_use]
mod macros;

pub mod autoscaling;
pub mod cloudwatch;
pub mod ec2;
pub mod elb;
pub mod iam;
pub mod logs;
pub mod quotas;
pub mod s3;
pub mod sns;
pub mod sqs;
pub mod ssm;

use std::collections::BTreeMap;

pub use error::{Applied, CallError, Class};

/// Tags of a resource: key to value.
pub type Tags = BTreeMap<String, String>;

/// Filters of an EC2 `Describe…` call: name (`tag:windlass:stack`) to accepted values. All names must match.
pub type Filters = BTreeMap<String, Vec<String>>;

/// What sending a call again does: the question a crash asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Repeating it leaves the same result: it overwrites, or AWS answers that the thing exists already.
    Idempotent,
    /// Carries a client token: AWS answers a repeat with the first result.
    Token,
    /// Neither: a repeat makes a second resource. An intent is recorded before it is sent.
    Once,
    /// Takes something away. A repeat takes nothing more, or answers that it is gone: then it is done.
    Delete,
}

impl Effect {
    /// Whether the call can change anything.
    #[must_use]
    pub fn is_mutating(self) -> bool {
        self != Self::Read
    }
}

/// One operation: a request with its response type. Implemented by every request struct.
pub trait Call: Into<Request> {
    /// What AWS answers.
    type Response;
    /// The action as IAM names it, `ec2:CreateVpc`.
    const ACTION: &'static str;
    /// What sending it again does.
    const EFFECT: Effect;
    /// Takes this operation's answer out of a [`Response`]; `None` if it is another operation's.
    fn answer(response: Response) -> Option<Self::Response>;
}

macro_rules! services {
    ($($(#[$doc:meta])* $variant:ident => $module:ident),* $(,)?) => {
        /// A request to any of the services. It serializes as its fields alone: what a plan shows.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(untagged)]
        pub enum Request { $($(#[$doc])* $variant($module::Request),)* }

        /// The answer of any of the services.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Response { $($(#[$doc])* $variant($module::Response),)* }

        impl Request {
            /// The action as IAM names it, `ec2:CreateVpc`.
            #[must_use]
            pub fn action(&self) -> &'static str {
                match self { $(Self::$variant(request) => request.action(),)* }
            }

            /// What sending it again does.
            #[must_use]
            pub fn effect(&self) -> Effect {
                match self { $(Self::$variant(request) => request.effect(),)* }
            }

            /// The answer, if the operation answers nothing but success.
            #[must_use]
            pub fn done(&self) -> Option<Response> {
                match self { $(Self::$variant(request) => request.done().map(Response::$variant),)* }
            }
        }

        $(impl From<$module::Request> for Request {
            fn from(request: $module::Request) -> Self { Self::$variant(request) }
        })*

        /// Every operation: its action and its effect. The permissions in `template.yaml` are held to this list.
        #[must_use]
        pub fn operations() -> Vec<(&'static str, Effect)> {
            [$($module::OPERATIONS),*].concat()
        }
    };
}

services! {
    /// Amazon EC2.
    Ec2 => ec2,
    /// Elastic Load Balancing v2.
    Elb => elb,
    /// EC2 Auto Scaling.
    Autoscaling => autoscaling,
    /// IAM.
    Iam => iam,
    /// Systems Manager.
    Ssm => ssm,
    /// Amazon S3.
    S3 => s3,
    /// Amazon SQS.
    Sqs => sqs,
    /// Amazon CloudWatch.
    Cloudwatch => cloudwatch,
    /// Amazon SNS.
    Sns => sns,
    /// Amazon CloudWatch Logs.
    Logs => logs,
    /// Service Quotas.
    Quotas => quotas,
}

impl Request {
    /// The service's prefix in IAM's actions: `ec2`, `elasticloadbalancing`, `s3`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        let action = self.action();
        action.split_once(':').map_or(action, |(service, _)| service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_listed_once_with_its_service_prefix() {
        let operations = operations();
        let mut actions: Vec<_> = operations.iter().map(|(action, _)| *action).collect();
        actions.sort_unstable();
        let before = actions.len();
        actions.dedup();
        assert_eq!(actions.len(), before);
        assert!(actions.iter().all(|action| action.contains(':')));
    }

    #[test]
    fn a_call_that_answers_nothing_has_a_ready_answer_and_one_that_answers_something_has_none() {
        let attach: Request = ec2::AttachInternetGateway {
            internet_gateway: "igw-1".into(),
            vpc: "vpc-1".into(),
        }
        .into();
        assert!(attach.done().is_some());
        let create: Request = ec2::CreateVpc {
            cidr: "10.0.0.0/16".into(),
            tags: Tags::new(),
        }
        .into();
        assert!(create.done().is_none());
        assert_eq!(create.effect(), Effect::Once);
        assert_eq!(create.action(), "ec2:CreateVpc");
        assert_eq!(create.service(), "ec2");
    }
}
