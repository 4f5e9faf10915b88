//! Where a case runs: a port, names of its own, and the few things a port cannot do.

use windlass_calls::cloudwatch::Metric;
use windlass_calls::{Applied, Call, CallError, Class, Filters, Tags};
use windlass_engine::Port;

use crate::check::{Check, Mismatch, same};

/// The tag that tells the resources of one case from all others.
const TAG: &str = "windlass:conformance";

/// How many seconds of a world's time a case waits for something that takes time.
const PATIENCE: u32 = 300;

/// A world to run cases in.
pub struct Place<P> {
    /// Where calls go.
    pub port: P,
    /// Prefix of all names and tags: emulators keep what earlier runs left.
    pub run: String,
    /// A versioned bucket. Cases write under `conformance/RUN/`.
    pub bucket: String,
    /// URL of a queue that nobody reads.
    pub queue: String,
    /// What is done to the world beside its calls.
    pub control: Box<dyn Control>,
}

/// What a case does to its world beside calls.
pub trait Control {
    /// Lets one second of the world's time pass.
    fn pause(&self);
    /// Sets a quota; `None` allows any number.
    ///
    /// # Errors
    /// The world cannot be reached.
    fn limit(&self, quota: Quota, most: Option<u32>) -> Check;
    /// Confirms a subscription, as the owner of the address does with a link in a mail.
    ///
    /// # Errors
    /// The world cannot be reached, or no such subscription waits for it.
    fn confirm(&self, topic: &str, endpoint: &str) -> Check;
    /// Puts a value of a metric at a second since the epoch, as whoever measures it does.
    ///
    /// # Errors
    /// The world cannot be reached.
    fn measure(&self, metric: &Metric, at: i64, value: f64) -> Check;
    /// The world's time in seconds since the epoch.
    fn now(&self) -> i64;
}

/// A quota per Region (rule 38).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// VPCs.
    Vpcs,
    /// Internet gateways.
    InternetGateways,
    /// Elastic IP addresses.
    Addresses,
}

impl<P: Port> Place<P> {
    /// A name nobody else uses.
    pub(crate) fn name(&self, case: &str) -> String {
        format!("{}-{case}", self.run)
    }

    /// Tags nobody else uses.
    pub(crate) fn tags(&self, case: &str) -> Tags {
        Tags::from([(TAG.to_owned(), self.name(case))])
    }

    /// Filters that find what has these tags.
    pub(crate) fn tagged(&self, case: &str) -> Filters {
        Filters::from([(format!("tag:{TAG}"), vec![self.name(case)])])
    }

    /// A key nobody else uses.
    pub(crate) fn key(&self, case: &str) -> String {
        format!("conformance/{}/{case}", self.run)
    }

    /// Sends a call that must succeed.
    pub(crate) async fn call<C: Call>(&self, call: C) -> Result<C::Response, Mismatch> {
        Ok(self.port.call(call).await?)
    }

    /// Sends a call that must be refused: with this class, and with this code where AWS documents it.
    pub(crate) async fn refuses<C: Call>(
        &self,
        call: C,
        class: Class,
        code: impl Into<Option<&str>>,
    ) -> Check {
        let Err(error) = self.port.call(call).await else {
            return Err(Mismatch::new(format!(
                "expected {} to be refused as {class:?}, but it succeeded",
                C::ACTION
            )));
        };
        is_refusal(&error, class, code.into())
    }

    /// Sends a call whose work is done already: it succeeds, or says that what it names is gone.
    pub(crate) async fn changes_nothing<C: Call>(&self, call: C) -> Check {
        match self.port.call(call).await {
            Err(error) if error.class != Class::Gone => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Waits until a describe shows nothing any more.
    pub(crate) async fn gone<C, T>(&self, what: &str, describe: C) -> Check
    where
        C: Call<Response = Vec<T>> + Clone,
    {
        let nothing = Vec::is_empty;
        self.eventually(&format!("{what} gone"), describe, nothing)
            .await
            .map(drop)
    }

    /// Sends a call again and again until its answer passes; lets time pass in between.
    pub(crate) async fn eventually<C: Call + Clone>(
        &self,
        what: &str,
        call: C,
        passes: impl Fn(&C::Response) -> bool,
    ) -> Result<C::Response, Mismatch> {
        for _ in 0..PATIENCE {
            let answer = self.call(call.clone()).await?;
            if passes(&answer) {
                return Ok(answer);
            }
            self.control.pause();
        }
        Err(Mismatch::new(format!("{what}: not after {PATIENCE} seconds")))
    }

    /// Sends a call again for as long as it is told that something is not there yet.
    pub(crate) async fn settled<C: Call + Clone>(&self, call: C) -> Result<C::Response, Mismatch> {
        for _ in 1..PATIENCE {
            match self.port.call(call.clone()).await {
                Err(error) if error.class == Class::NotYet => self.control.pause(),
                ended => return Ok(ended?),
            }
        }
        self.call(call).await
    }

    /// With the quota used up, a call is refused; the quota is lifted again whatever happens.
    pub(crate) async fn refuses_beyond<C: Call>(&self, quota: Quota, call: C, code: &str) -> Check {
        self.control.limit(quota, Some(0))?;
        let refused = self.refuses(call, Class::Terminal, code).await;
        self.control.limit(quota, None)?;
        refused
    }
}

fn is_refusal(error: &CallError, class: Class, code: Option<&str>) -> Check {
    let said = format!("{error}");
    same(&format!("class of {said:?}"), error.class, class)?;
    same(&format!("effect of {said:?}"), error.applied, Applied::No)?;
    same(
        &format!("code of {said:?}"),
        error.code.as_str(),
        code.unwrap_or(&error.code),
    )
}
