//! The [`Port`] on the AWS SDK for Rust.
//!
//! Guarantees: one request becomes one API operation, without retries; reads follow all of their pages. Nothing is
//! decided here, only translated, and every failure is sorted by whether it may have taken effect (see `fault`).
//! Assumes a Tokio runtime, and that answers hold what AWS's API reference says they hold: an answer that lacks a
//! field we build on is an `UnexpectedAnswer` error that names the field, never an empty default.
//!
//! Retries are off because the SDK repeats any operation after a time-out, creates without a client token included
//! (rule 69 of the AWS facts): only the engine knows whether a repeat is safe.

/// Sends each request with its own function; a failure gets the name of its action.
macro_rules! dispatch {
    ($client:expr, $request:expr, $service:ident; $($name:ident => $send:path),* $(,)?) => {
        match $request {
            $(windlass_calls::$service::Request::$name(call) => Box::pin($send($client, call))
                .await
                .map(windlass_calls::$service::Response::$name)
                .map_err(|fault| fault.of(<windlass_calls::$service::$name as windlass_calls::Call>::ACTION)),)*
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
use windlass_calls::{CallError, Request, Response};
use windlass_engine::Port;

/// The longest one call that changes something may take, from resolving credentials to its answer. The lease outlives
/// the function's time-out by at least this much. A read may take this long for each page, or for the object's body.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that opening a connection may take. Running into it proves that nothing was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// AWS. One HTTP client serves all services; each service's client is built when it is first used, so that a cold
/// start pays only for what its event needs.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    autoscaling: OnceLock<aws_sdk_autoscaling::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    elb: OnceLock<aws_sdk_elasticloadbalancingv2::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    quotas: OnceLock<aws_sdk_servicequotas::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
}

impl Aws {
    /// AWS as the process environment describes it: Region, credentials and, for the local cloud, endpoints
    /// (`AWS_ENDPOINT_URL_EC2` and its like). Sends nothing yet.
    pub async fn from_environment() -> Self {
        Self::new(loader().load().await)
    }

    fn new(config: SdkConfig) -> Self {
        Self {
            config,
            autoscaling: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            ec2: OnceLock::new(),
            elb: OnceLock::new(),
            iam: OnceLock::new(),
            logs: OnceLock::new(),
            quotas: OnceLock::new(),
            s3: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            ssm: OnceLock::new(),
        }
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

impl Port for Aws {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let config = &self.config;
        match request {
            Request::Ec2(request) => {
                let client = self.ec2.get_or_init(|| aws_sdk_ec2::Client::new(config));
                ec2::send(client, request).await.map(Response::Ec2)
            }
            Request::Elb(request) => {
                let client = self
                    .elb
                    .get_or_init(|| aws_sdk_elasticloadbalancingv2::Client::new(config));
                elb::send(client, request).await.map(Response::Elb)
            }
            Request::Autoscaling(request) => {
                let client = self
                    .autoscaling
                    .get_or_init(|| aws_sdk_autoscaling::Client::new(config));
                autoscaling::send(client, request)
                    .await
                    .map(Response::Autoscaling)
            }
            Request::Iam(request) => {
                let client = self.iam.get_or_init(|| aws_sdk_iam::Client::new(config));
                iam::send(client, request).await.map(Response::Iam)
            }
            Request::Ssm(request) => {
                let client = self.ssm.get_or_init(|| aws_sdk_ssm::Client::new(config));
                ssm::send(client, request).await.map(Response::Ssm)
            }
            Request::S3(request) => {
                let client = self.s3.get_or_init(|| aws_sdk_s3::Client::new(config));
                s3::send(client, request).await.map(Response::S3)
            }
            Request::Sqs(request) => {
                let client = self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(config));
                sqs::send(client, request).await.map(Response::Sqs)
            }
            Request::Cloudwatch(request) => {
                let client = self
                    .cloudwatch
                    .get_or_init(|| aws_sdk_cloudwatch::Client::new(config));
                cloudwatch::send(client, request).await.map(Response::Cloudwatch)
            }
            Request::Sns(request) => {
                let client = self.sns.get_or_init(|| aws_sdk_sns::Client::new(config));
                sns::send(client, request).await.map(Response::Sns)
            }
            Request::Logs(request) => {
                let client = self
                    .logs
                    .get_or_init(|| aws_sdk_cloudwatchlogs::Client::new(config));
                logs::send(client, request).await.map(Response::Logs)
            }
            Request::Quotas(request) => {
                let client = self
                    .quotas
                    .get_or_init(|| aws_sdk_servicequotas::Client::new(config));
                quotas::send(client, request).await.map(Response::Quotas)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{SocketAddr, TcpListener};

    use aws_sdk_ssm::config::{Credentials, Region};
    use windlass_calls::ssm::GetParameter;
    use windlass_calls::{Applied, Class};

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
