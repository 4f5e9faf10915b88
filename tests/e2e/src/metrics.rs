//! Metrics that instances would report: the local cloud's have no processors.

use serde_json::json;
use windlass_calls::Tags;
use windlass_calls::cloudwatch::Metric;
use windlass_calls::elb::DescribeTargetHealth;
use windlass_calls::s3::{Condition, PutObject};
use windlass_engine::{Port, Scaling};
use windlass_planner::kinds::alarm::{self, Source};
use windlass_spec::Measure;

use crate::http::{address, exchange};
use crate::{Cloud, PATIENCE, glance, now, variable};

const MINUTE: i64 = 60;

impl Cloud {
    /// Has so many instances of a group report this use of their processors, in percent, for each of the last so many whole
    /// minutes.
    ///
    /// # Panics
    /// The local cloud takes no metrics.
    pub fn report_cpu(&self, group: &str, minutes: i64, instances: u32, cpu: f64) {
        let metric = alarm::metric(&Measure::Cpu, Source::of_group(group));
        self.report(&metric, minutes, instances, cpu);
    }

    /// The same of any metric: so many values of it in each minute.
    ///
    /// # Panics
    /// The local cloud takes no metrics.
    pub fn report(&self, metric: &Metric, minutes: i64, times: u32, value: f64) {
        let end = now().as_second() / MINUTE * MINUTE;
        let dimensions = metric.dimensions.iter();
        let dimensions: Vec<_> = dimensions
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect();
        let datum = |at: i64| json!({"MetricName": metric.name, "Dimensions": dimensions, "Timestamp": at, "Value": value});
        let minutes = (1..=minutes).map(|ago| end - ago * MINUTE);
        let data = minutes.flat_map(|at| (0..times).map(move |_| at)).map(datum);
        let put = json!({"Namespace": metric.namespace, "MetricData": data.collect::<Vec<_>>()});
        let headers = "Content-Type: application/x-amz-json-1.0\r\n\
                       X-Amz-Target: GraniteServiceVersion20100801.PutMetricData\r\n";
        let sent = exchange(&address(&variable("MINISTACK_URL")), "POST", "/", headers, &put);
        #[expect(clippy::expect_used, reason = "a test without its metrics must fail")]
        sent.expect("the local cloud takes metrics");
    }

    /// Has the scaler remember that it asked for so many instances of a stack itself.
    ///
    /// # Panics
    /// Nothing is noted of the stack yet, or the bucket refused.
    pub async fn remember_asking(&self, stack: &str, desired: u32) {
        let key = format!("stacks/{stack}/scaling.json");
        #[expect(clippy::expect_used, reason = "a test's set-up")]
        let (body, _) = self.object(&key).await.expect("the scaler has noted the stack");
        #[expect(clippy::expect_used, reason = "a test's set-up")]
        let mut memory: Scaling = serde_json::from_slice(&body).expect("the scaler's memory can be read");
        memory.memory.desired = Some(desired);
        let put = PutObject {
            bucket: self.state_bucket.clone(),
            key,
            body: serde_json::to_vec(&memory).unwrap_or_default(),
            content_type: "application/json".into(),
            metadata: Tags::new(),
            condition: Condition::Always,
        };
        let written = self.aws.call(put).await;
        #[expect(clippy::expect_used, reason = "a test's set-up")]
        written.expect("the state bucket takes it");
    }

    /// Waits until the load balancer finds so many instances of a stack healthy.
    ///
    /// # Panics
    /// It never does.
    pub async fn wait_for_healthy(&self, target_group: &str, count: usize) {
        let mut last = 0;
        for _ in 0..PATIENCE {
            let target_group = target_group.to_owned();
            let targets = self.aws.call(DescribeTargetHealth { target_group }).await;
            let targets = targets.unwrap_or_default();
            last = targets.iter().filter(|target| target.state == "healthy").count();
            if last == count {
                return;
            }
            glance().await;
        }
        #[expect(clippy::panic, reason = "the test failed")]
        {
            panic!("of {count} instances {last} got healthy")
        }
    }
}
