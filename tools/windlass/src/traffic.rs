//! A client of a stack: sends it requests for as long as it is asked to, and counts what came back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{Failure, cloud};

/// Time between two requests.
const INTERVAL: Duration = Duration::from_millis(50);

/// A client at work.
pub(crate) struct Traffic {
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

/// What came back so far.
#[derive(Default)]
struct Counts {
    answered: AtomicUsize,
    failed: AtomicUsize,
    first_failure: Mutex<Option<String>>,
}

type Http = Client<HttpConnector, Empty<&'static [u8]>>;

/// A client that opens a connection for each request, as many different ones would.
fn http() -> Http {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http()
}

impl Traffic {
    /// Begins to send requests to the load balancer of this DNS name. On the local cloud `resolver` is the URL that tells at
    /// which address of the loopback network it answers; elsewhere the name is enough.
    #[expect(
        clippy::disallowed_methods,
        reason = "a tool for people: the task ends with the command"
    )]
    pub(crate) async fn begin(dns_name: &str, port: u16, resolver: Option<&str>) -> Result<Self, Failure> {
        let http = http();
        let address = match resolver {
            Some(resolver) => resolve(&http, resolver, dns_name, port).await?,
            None => format!("{dns_name}:{port}"),
        };
        let url: http::Uri = format!("http://{address}/").parse()?;
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            loop {
                seen.note(request(&http, &url).await);
                cloud::pause(INTERVAL).await;
            }
        });
        Ok(Self { counts, task })
    }

    /// Ends it: how many requests were answered and how many failed, and how the first of those did.
    pub(crate) fn end(self) -> (usize, usize, Option<String>) {
        self.task.abort();
        let counts = &self.counts;
        let first = counts
            .first_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (
            counts.answered.load(Ordering::Relaxed),
            counts.failed.load(Ordering::Relaxed),
            first.clone(),
        )
    }
}

impl Counts {
    fn note(&self, answer: Result<(), String>) {
        match answer {
            Ok(()) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(why) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(why);
            }
        }
    }
}

/// One request; anything but success is a failure.
async fn request(http: &Http, url: &http::Uri) -> Result<(), String> {
    let response = http.get(url.clone()).await.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.into_body().collect().await;
    body.map_err(|error| error.to_string())?;
    if status.is_success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

/// Where the local cloud has a load balancer answer.
async fn resolve(http: &Http, resolver: &str, dns_name: &str, port: u16) -> Result<String, Failure> {
    let response = http.get(resolver.parse()?).await?;
    let body = response.into_body().collect().await?.to_bytes();
    let all: Value = serde_json::from_slice(&body)?;
    let address = all[dns_name][port.to_string()].as_str();
    let address =
        address.ok_or_else(|| format!("{resolver} knows no load balancer {dns_name} on port {port}"))?;
    Ok(address.to_owned())
}
