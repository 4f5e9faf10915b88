//! The cases on the local emulators, through the SDK adapter: the deployed function's own way to AWS.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail as tests do"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windlass_aws::Aws;
use windlass_calls::cloudwatch::Metric;
use windlass_conformance::{Check, Control, Mismatch, Place, Quota, World, cases, judge};

#[tokio::test(flavor = "current_thread")]
async fn the_emulators_are_the_aws_of_the_cases() {
    let run = run();
    let place = Place {
        port: Aws::from_environment().await,
        bucket: setting("STATE_BUCKET"),
        queue: queue(&run),
        control: Box::new(Hands {
            moto: setting("MOTO_URL"),
            second: second(),
        }),
        run,
    };
    match judge(World::Emulators, &cases::all(&place).await) {
        Ok(table) => println!("{table}"),
        Err(wrong) => panic!("{wrong}"),
    }
}

struct Hands {
    moto: String,
    /// A second of AWS's time.
    second: Duration,
}

impl Control for Hands {
    fn pause(&self) {
        #[expect(clippy::disallowed_methods, reason = "the emulators live in wall-clock time")]
        std::thread::sleep(self.second);
    }

    fn limit(&self, quota: Quota, most: Option<u32>) -> Check {
        let name = match quota {
            Quota::Vpcs => "vpcs",
            Quota::InternetGateways => "internet-gateways",
            Quota::Addresses => "elastic-ips",
        };
        let most = most.map_or("null".to_owned(), |most| most.to_string());
        let body = format!("{{\"{name}\": {most}}}");
        post(&self.moto, "/moto-api/windlass/quotas", "", &body)
            .map(drop)
            .map_err(Mismatch::new)
    }

    fn confirm(&self, topic: &str, endpoint: &str) -> Check {
        let body = format!("{{\"topic\": \"{topic}\", \"endpoint\": \"{endpoint}\"}}");
        post(&self.moto, "/moto-api/windlass/confirm-subscription", "", &body)
            .map(drop)
            .map_err(Mismatch::new)
    }

    fn measure(&self, metric: &Metric, at: i64, value: f64) -> Check {
        let Metric {
            namespace,
            name,
            dimensions,
            ..
        } = metric;
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| format!("{{\"Name\": \"{name}\", \"Value\": \"{value}\"}}"));
        let dimensions = dimensions.collect::<Vec<_>>().join(", ");
        let datum = format!(
            "{{\"MetricName\": \"{name}\", \"Dimensions\": [{dimensions}], \"Timestamp\": {at}, \"Value\": {value}}}"
        );
        let body = format!("{{\"Namespace\": \"{namespace}\", \"MetricData\": [{datum}]}}");
        let operation = "X-Amz-Target: GraniteServiceVersion20100801.PutMetricData\r\n";
        post(&setting("AWS_ENDPOINT_URL"), "/", operation, &body)
            .map(drop)
            .map_err(Mismatch::new)
    }

    fn now(&self) -> i64 {
        i64::try_from(now()).unwrap_or(i64::MAX)
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the emulators live in wall-clock time")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A queue of our own: the pipeline's are read by the deployed function, or watched for being empty.
fn queue(run: &str) -> String {
    let name = format!("conformance-{run}");
    let body = format!("{{\"QueueName\": \"{name}\"}}");
    let answer = post(
        &setting("AWS_ENDPOINT_URL"),
        "/",
        "X-Amz-Target: AmazonSQS.CreateQueue\r\n",
        &body,
    );
    let answer = answer.expect("the emulator makes a queue");
    let url = answer.split('"').find(|part| part.ends_with(&name));
    url.expect("the answer names the queue").to_owned()
}

/// A different name for each run: seconds since 1970, in base 36.
fn run() -> String {
    let mut left = now();
    let mut name = String::new();
    while left > 0 {
        let digit = u32::try_from(left % 36).unwrap_or_default();
        name.insert(0, char::from_digit(digit, 36).unwrap_or('0'));
        left /= 36;
    }
    format!("c{name}")
}

fn second() -> Duration {
    let scale: f64 = setting("LOCAL_TIME_SCALE").parse().expect("a number");
    Duration::from_secs_f64(1.0 / scale)
}

fn setting(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is an edge: it reads where the emulators are"
    )]
    let value = std::env::var(name);
    value.unwrap_or_else(|_| {
        panic!(
            "{name} is not set: start the local cloud with `make local`, then `set -a; . .local/env; set +a`"
        )
    })
}

/// A request without a library: what the port cannot do is not worth a dependency.
fn post(server: &str, path: &str, headers: &str, body: &str) -> Result<String, String> {
    let host = server.trim_start_matches("http://");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    TcpStream::connect(host)
        .and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)
        })
        .map_err(|error| format!("{server}{path}: {error}"))?;
    if answer.split(' ').nth(1) == Some("200") {
        return Ok(answer);
    }
    Err(format!("{server}{path} answered {answer}"))
}
