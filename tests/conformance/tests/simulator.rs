//! The cases on the simulator.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::cloudwatch::Metric;
use windlass_conformance::{Check, Control, Mismatch, Place, Quota, World, cases, judge};
use windlass_sim::{Sim, WorldConfig};

const BUCKET: &str = "state";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/conformance";
/// More than all cases make together.
const PLENTY: usize = 1000;

struct Hands(Sim);

impl Control for Hands {
    fn pause(&self) {
        self.0.advance(SignedDuration::from_secs(1));
    }

    fn limit(&self, quota: Quota, most: Option<u32>) -> Check {
        let most = most.map_or(PLENTY, |most| most as usize);
        let mut world = self.0.world_mut();
        let config = world.config_mut();
        match quota {
            Quota::Vpcs => config.vpc_quota = most,
            Quota::InternetGateways => config.internet_gateway_quota = most,
            Quota::Addresses => config.address_quota = most,
        }
        Ok(())
    }

    fn confirm(&self, topic: &str, endpoint: &str) -> Check {
        let confirmed = self.0.world_mut().confirm_subscription(topic, endpoint);
        confirmed
            .then_some(())
            .ok_or_else(|| Mismatch::new("nothing to confirm"))
    }

    fn measure(&self, metric: &Metric, at: i64, value: f64) -> Check {
        let at = Timestamp::from_second(at).map_err(|error| Mismatch::new(error.to_string()))?;
        self.0.world_mut().put_metric_data(metric, at, value);
        Ok(())
    }

    fn now(&self) -> i64 {
        self.0.now().as_second()
    }
}

#[test]
fn the_simulator_is_the_aws_of_the_cases() {
    let config = WorldConfig {
        vpc_quota: PLENTY,
        internet_gateway_quota: PLENTY,
        address_quota: PLENTY,
        nat_gateway_quota: PLENTY,
        load_balancer_quota: PLENTY,
        vcpu_quota: PLENTY,
        ..WorldConfig::default()
    };
    let sim = Sim::new(windlass_sim::World::new(config), Timestamp::UNIX_EPOCH, 1);
    sim.world_mut().create_bucket(BUCKET);
    sim.world_mut().create_queue(QUEUE, 30);
    let place = Place {
        port: sim.clone(),
        run: "sim".into(),
        bucket: BUCKET.into(),
        queue: QUEUE.into(),
        control: Box::new(Hands(sim.clone())),
    };
    let results = sim.run(cases::all(&place)).finished();
    let results = results.expect("the cases wait for calls only");
    match judge(World::Simulator, &results) {
        Ok(table) => println!("{table}"),
        Err(wrong) => panic!("{wrong}"),
    }
}
