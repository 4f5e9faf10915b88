//! The [`Port`] on the AWS SDK for Rust.
//!
//! Guarantees: one request becomes one API operation, without retries; reads follow all of their pages. Nothing is
//! decided here, only translated, and every failure is sorted by whether it may have taken effect (see `fault`).
//! Assumes a Tokio runtime, and that answers hold what AWS's API reference says they hold: an answer that lacks a
//! field we build on is an `UnexpectedAnswer` error that names the field, never an empty default.
//!
//! Retries are off because the SDK repeats any operation after a time-out, creates without a client token included
//! (rule 69 of the AWS facts): only the engine knows whether a repeat is safe.

/// Sends each request with its own function; a failure gets the name of its action. What is not listed is refused, where a
/// name for it follows the list.
macro_rules! dispatch {
    ($client:expr, $request:expr, $service:ident; $($name:ident => $send:path),* $(,)? $(; $other:ident)?) => {
        match $request {
            $(windlass_calls::$service::Request::$name(call) => Box::pin($send($client, call))
                .await
                .map(windlass_calls::$service::Response::$name)
                .map_err(|fault| fault.of(<windlass_calls::$service::$name as windlass_calls::Call>::ACTION)),)*
            $($other => Err($crate::not_served($other.action())),)?
        }
    };
}

mod answer;
mod autoscaling;
mod cloudwatch;
mod ec2;
mod elb;
mod fault;
mod iam;
mod logs;
mod quotas;
mod s3;
mod sns;
mod sqs;
mod ssm;

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use windlass_calls::{Applied, CallError, Class, Request, Response};
use windlass_engine::Port;

/// The longest one call that changes something may take, from resolving credentials to its answer. The lease outlives
/// the function's time-out by at least this much. A read may take this long for each page, or for the object's body.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The code of a request that a port was not made for.
const NOT_SERVED: &str = "NotServed";

/// The longest that opening a connection may take. Running into it proves that nothing was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Defines a port on some of AWS's services: for each the request, the function that sends it, and the SDK's crate. What is
/// asked of any other service is refused, where there is one.
macro_rules! port {
    ($(#[$doc:meta])* $name:ident { $($variant:ident: $module:ident::$send:ident, $sdk:ident;)* } $($other:ident)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            config: SdkConfig,
            $($module: OnceLock<$sdk::Client>,)*
        }

        impl $name {
            /// AWS as the process environment describes it: Region, credentials and, for the local cloud, endpoints
            /// (`AWS_ENDPOINT_URL_EC2` and its like). Sends nothing yet.
            pub async fn from_environment() -> Self {
                Self::new(loader().load().await)
            }

            fn new(config: SdkConfig) -> Self {
                Self { config, $($module: OnceLock::new(),)* }
            }
        }

        impl Port for $name {
            async fn send(&self, request: Request) -> Result<Response, CallError> {
                match request {
                    $(Request::$variant(request) => {
                        let client = self.$module.get_or_init(|| $sdk::Client::new(&self.config));
                        $module::$send(client, request).await.map(Response::$variant)
                    })*
                    $($other => Err(not_served($other.action())),)?
                }
            }
        }
    };
}

port! {
    /// AWS. One HTTP client serves all services; each service's client is built when it is first used, so that a cold
    /// start pays only for what its event needs.
    Aws {
        Ec2: ec2::send, aws_sdk_ec2;
        Elb: elb::send, aws_sdk_elasticloadbalancingv2;
        Autoscaling: autoscaling::send, aws_sdk_autoscaling;
        Iam: iam::send, aws_sdk_iam;
        Ssm: ssm::send, aws_sdk_ssm;
        S3: s3::send, aws_sdk_s3;
        Sqs: sqs::send, aws_sdk_sqs;
        Cloudwatch: cloudwatch::send, aws_sdk_cloudwatch;
        Sns: sns::send, aws_sdk_sns;
        Logs: logs::send, aws_sdk_cloudwatchlogs;
        Quotas: quotas::send, aws_sdk_servicequotas;
    }
}

port! {
    /// The same for the scale function: only what its role allows, so that its binary holds nothing else.
    ScaleAws {
        Elb: elb::send_of_scale, aws_sdk_elasticloadbalancingv2;
        Autoscaling: autoscaling::send_of_scale, aws_sdk_autoscaling;
        S3: s3::send, aws_sdk_s3;
        Sqs: sqs::send, aws_sdk_sqs;
        Cloudwatch: cloudwatch::send_of_scale, aws_sdk_cloudwatch;
    }
    other
}

/// A request that a port was not made for.
fn not_served(action: &'static str) -> CallError {
    CallError {
        action,
        code: NOT_SERVED.to_owned(),
        message: "this function never asks for it".to_owned(),
        applied: Applied::No,
        class: Class::Terminal,
    }
}

/// The settings that do not come from the environment.
fn loader() -> ConfigLoader {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.build_https())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
}

#[cfg(test)]
#[path = "../../calls/tests/template/mod.rs"]
mod template;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;
    use std::net::{SocketAddr, TcpListener};

    use aws_sdk_ssm::config::{Credentials, Region};
    use windlass_calls::autoscaling::{
        DeleteAutoScalingGroup, DescribeAutoScalingGroups, SetDesiredCapacity,
    };
    use windlass_calls::cloudwatch::{DeleteAlarms, GetMetricData};
    use windlass_calls::elb::{DeleteTargetGroup, DescribeTargetHealth};
    use windlass_calls::ssm::GetParameter;

    use super::*;

    async fn failure_at(address: SocketAddr) -> Option<CallError> {
        let config = loader()
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .endpoint_url(format!("http://{address}"));
        let aws = Aws::new(config.load().await);
        aws.call(GetParameter {
            name: "/image".into(),
        })
        .await
        .err()
    }

    #[tokio::test]
    async fn a_refused_connection_means_that_nothing_was_sent() -> std::io::Result<()> {
        let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let error = failure_at(closed).await;
        assert_eq!(
            error.map(|e| (e.applied, e.class)),
            Some((Applied::No, Class::Transient))
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_call_that_was_sent_and_not_answered_may_have_taken_effect_and_is_not_repeated()
    -> std::io::Result<()> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        server.set_nonblocking(true)?;
        let again = server.try_clone()?;
        let address = server.local_addr()?;
        let hang_up = tokio::task::spawn_blocking(move || take_one_call(&server));
        let error = failure_at(address).await;
        assert_eq!(
            error.map(|e| (e.applied, e.class)),
            Some((Applied::Unknown, Class::Transient))
        );
        assert!(hang_up.await??, "the call arrived");
        assert!(again.accept().is_err(), "nothing connected a second time");
        Ok(())
    }

    /// Whether the port of the scale function has an operation for it. Nothing listens where it would be sent.
    async fn is_served(request: Request) -> bool {
        let config = loader()
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .endpoint_url("http://127.0.0.1:1");
        let aws = ScaleAws::new(config.load().await);
        let action = request.action();
        let answer = aws.send(request).await;
        let error = answer.expect_err("nothing answers");
        assert_eq!((error.action, error.applied), (action, Applied::No));
        error.code != NOT_SERVED
    }

    #[tokio::test]
    async fn the_scale_functions_port_serves_what_its_role_allows_and_refuses_the_rest() {
        let names = || vec!["web".to_owned()];
        let arn = || "arn".to_owned();
        let served: [Request; 4] = [
            DescribeAutoScalingGroups { names: names() }.into(),
            SetDesiredCapacity {
                group: "web".into(),
                desired: 2,
            }
            .into(),
            DescribeTargetHealth { target_group: arn() }.into(),
            GetMetricData {
                metrics: BTreeMap::new(),
                from: 0,
                to: 60,
            }
            .into(),
        ];
        let services = ["autoscaling:", "elasticloadbalancing:", "cloudwatch:"];
        let of_services = |action: &String| services.iter().any(|service| action.starts_with(service));
        let allowed: BTreeSet<String> = template::allowed("ScaleFunctionRole")
            .into_iter()
            .filter(of_services)
            .collect();
        let asked = served
            .iter()
            .map(|request| template::iam_name(request.action()).to_owned());
        assert_eq!(asked.collect::<BTreeSet<_>>(), allowed);
        for request in served {
            assert!(is_served(request.clone()).await, "{request:?}");
        }
        let refused: [Request; 4] = [
            windlass_calls::ec2::DescribeAvailabilityZones {}.into(),
            DeleteAutoScalingGroup { group: "web".into() }.into(),
            DeleteTargetGroup { target_group: arn() }.into(),
            DeleteAlarms { names: names() }.into(),
        ];
        for request in refused {
            assert!(!is_served(request.clone()).await, "{request:?}");
        }
    }

    /// Waits for one call, reads the start of it and closes the connection.
    fn take_one_call(server: &TcpListener) -> std::io::Result<bool> {
        let mut connection = loop {
            match server.accept() {
                Ok((connection, _)) => break connection,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error),
            }
        };
        connection.set_nonblocking(false)?;
        Ok(connection.read(&mut [0; 4096])? > 0)
    }
}
