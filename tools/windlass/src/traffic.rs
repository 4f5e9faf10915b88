//! A client of a stack: sends it requests for as long as it is asked to, and counts what came back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{Failure, cloud};

/// Characters of an answer by which it is told from others.
const SHOWN: usize = 32;

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
    /// By what the answer says, which on the local cloud is who gave it.
    served: Mutex<BTreeMap<String, usize>>,
}

type Http = Client<HttpConnector, Empty<&'static [u8]>>;

/// A client that opens a connection for each request, as many different ones would.
fn http() -> Http {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http()
}

impl Traffic {
    /// Begins to send requests to the load balancer of this DNS name, one in so much time. On the local cloud
    /// `resolver` is the URL that tells at which address of the loopback network it answers; elsewhere the name is enough.
    #[expect(
        clippy::disallowed_methods,
        reason = "a tool for people: the task ends with the command"
    )]
    pub(crate) async fn begin(
        dns_name: &str,
        port: u16,
        resolver: Option<&str>,
        every: Duration,
    ) -> Result<Self, Failure> {
        let http = http();
        let address = match resolver {
            Some(resolver) => resolve(&http, resolver, dns_name, port).await?,
            None => format!("{dns_name}:{port}"),
        };
        let url: http::Uri = format!("http://{address}/").parse()?;
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            let began = Instant::now();
            for sent in 1.. {
                seen.note(request(&http, &url).await);
                // By the beginning, so that what an answer takes does not make them fewer.
                cloud::pause((every * sent).saturating_sub(began.elapsed())).await;
            }
        });
        Ok(Self { counts, task })
    }

    /// How many were answered so far.
    pub(crate) fn answered(&self) -> usize {
        self.counts.answered.load(Ordering::Relaxed)
    }

    /// How many answers were of each kind so far: on the local cloud, of each instance.
    pub(crate) fn served(&self) -> BTreeMap<String, usize> {
        let served = self.counts.served.lock();
        served.unwrap_or_else(PoisonError::into_inner).clone()
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
    fn note(&self, answer: Result<String, String>) {
        match answer {
            Ok(who) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
                *served.entry(who).or_default() += 1;
            }
            Err(why) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(why);
            }
        }
    }
}

/// One request, and the beginning of what was answered; anything but success is a failure.
async fn request(http: &Http, url: &http::Uri) -> Result<String, String> {
    let response = http.get(url.clone()).await.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    if status.is_success() {
        let body = String::from_utf8_lossy(&body);
        Ok(body.trim().chars().take(SHOWN).collect())
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
