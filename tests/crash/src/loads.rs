//! A running stack under a load that comes and goes, while metrics are missing, late or no numbers, alarms are lost or told
//! twice, two functions decide at once, calls fare badly, and a person sets the capacity: what must hold all the while.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Request;
use windlass_calls::autoscaling;
use windlass_calls::s3::ListObjectsV2;
use windlass_engine::{ScaleOccasion, ScalingEntry};
use windlass_planner::kinds::alarm::{self, Source};
use windlass_scaling::{Rule, Want, decide};
use windlass_sim::{Ran, WorldConfig};
use windlass_spec::Measure;

use crate::lab::{Lab, SCALE, STATE_BUCKET, Stopped, stack};
use crate::swarm::Draw;
use crate::traffic::GROUP;
use crate::trouble::trouble;

const SPEC: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 8}
";
/// Bounds of the spec.
const BOUNDS: (u32, u32) = (2, 8);
/// Minutes of trouble.
const MINUTES: u64 = 20;
/// Minutes until a load that is gone has left no more instances than must be: draining, cooldowns and all.
const CALM: u32 = 45;
/// Minutes until every alarm is over.
const OVER: u32 = 6;
/// How long somebody else's capacity is not taken back.
const RESPECT: SignedDuration = SignedDuration::from_mins(2);
const LIMIT: usize = 3000;

/// A stack that serves, at the beginning of a minute.
///
/// # Errors
/// It never did.
pub fn serving() -> Result<Lab, String> {
    let config = WorldConfig {
        vcpu_quota: 100,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(SPEC);
    if lab.run(LIMIT) != Stopped::Quiet {
        return Err(format!("it is never ready: {:?}", lab.status()));
    }
    let seconds = lab.now().as_second().rem_euclid(60);
    lab.sim.advance(SignedDuration::from_secs(60 - seconds));
    Ok(lab)
}

/// Twenty minutes that follow from a seed, and then some of calm.
///
/// # Errors
/// What did not hold.
pub fn unrest(serving: &Lab, seed: u64) -> Result<(), String> {
    let lab = serving.fork(seed);
    let mut draw = Draw(seed);
    let mut load = 1.0;
    let mut foreign = None;
    lab.sim.set_faults(Some(Box::new(trouble(seed, 12 + seed % 40))));
    for _ in 0..MINUTES {
        load = next_load(&mut draw, load);
        minute(&lab, &mut draw, load);
        if draw.below(10) == 0 {
            foreign = foreign.or_else(|| somebody_asks(&lab, &mut draw));
        }
        foreign = foreign.filter(|(since, _)| lab.now().duration_since(*since) < RESPECT);
        let desired = lab.group(GROUP).desired;
        if let Some((_, asked)) = foreign.filter(|(_, asked)| desired < *asked) {
            return Err(format!(
                "somebody asked for {asked} a moment ago, and it wants {desired}"
            ));
        }
        disturb(&lab, &mut draw);
    }
    lab.sim.set_faults(None);
    // Alarms that nobody heard of are over, and go off again.
    for _ in 0..OVER {
        let serving = u32::try_from(lab.in_service().len()).unwrap_or(u32::MAX);
        lab.minute(f64::from(serving) / 2.0, true);
    }
    for _ in 0..CALM {
        lab.minute(0.3, true);
    }
    asked_within_bounds(&lab)?;
    decisions(&lab)?.iter().try_for_each(check)?;
    let (desired, ticks) = (lab.group(GROUP).desired, lab.sim.world().messages(SCALE).len());
    if (desired, ticks) != (BOUNDS.0, 0) {
        return Err(format!(
            "the load is gone, and it wants {desired} with {ticks} messages"
        ));
    }
    Ok(())
}

/// The load goes its way, and now and then jumps.
fn next_load(draw: &mut Draw, load: f64) -> f64 {
    let tenths =
        |draw: &mut Draw, bound| f64::from(u32::try_from(draw.below(bound)).unwrap_or_default()) / 10.0;
    if draw.below(6) == 0 {
        return tenths(draw, 90);
    }
    (load + tenths(draw, 20) - 1.0).clamp(0.0, 9.0)
}

/// A minute whose metric is there, missing, no number, or comes with the next one.
fn minute(lab: &Lab, draw: &mut Draw, load: f64) {
    match draw.below(8) {
        0 => drop(lab.minute_reported(load, |_| None)),
        1 => drop(lab.minute_reported(load, |_| Some(f64::NAN))),
        2 => {
            let begin = lab.now();
            let cpu = lab.minute(load, false);
            lab.minute(load, true);
            let metric = alarm::metric(&Measure::Cpu, Source::of_group(GROUP));
            for _ in 0..lab.in_service().len() {
                lab.sim.world_mut().put_metric_data(&metric, begin, cpu);
            }
        }
        _ => drop(lab.minute(load, true)),
    }
}

/// Somebody asks for more instances than there are: when, and how many.
fn somebody_asks(lab: &Lab, draw: &mut Draw) -> Option<(Timestamp, u32)> {
    let (desired, most) = (lab.group(GROUP).desired, BOUNDS.1);
    let room = u64::from(most.saturating_sub(desired));
    let more = desired + 1 + u32::try_from(draw.below(room.max(1))).unwrap_or_default();
    if more > most {
        return None;
    }
    lab.want(GROUP, more);
    Some((lab.now(), more))
}

/// What is to be delivered is lost, or comes twice; two functions decide at the same time.
fn disturb(lab: &Lab, draw: &mut Draw) {
    let occasion = ScaleOccasion::Alarm {
        stack: stack(),
        alarm: "cpu-in".into(),
    };
    match draw.below(8) {
        0 => {
            let messages = lab.sim.world().messages(SCALE).to_vec();
            for message in messages {
                lab.sim.world_mut().delete_message(SCALE, &message.id);
            }
        }
        1 => drop(lab.scale(&occasion)),
        2 => {
            let _: Ran<_> = lab.scale_twice(&occasion);
        }
        _ => {}
    }
}

fn asked_within_bounds(lab: &Lab) -> Result<(), String> {
    let trace = lab.sim.trace();
    let asked = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(set)) => Some(set.desired),
        _ => None,
    });
    let mut beyond = asked.filter(|desired| !(BOUNDS.0..=BOUNDS.1).contains(desired));
    beyond
        .next()
        .map_or(Ok(()), |desired| Err(format!("{desired} were asked for")))
}

/// Every decision in the journal.
fn decisions(lab: &Lab) -> Result<Vec<ScalingEntry>, String> {
    let list = ListObjectsV2 {
        bucket: STATE_BUCKET.into(),
        prefix: "journal/dev/web/".into(),
    };
    let now = lab.sim.now();
    let keys = lab.sim.world_mut().call(now, list);
    let keys = keys.map_err(|error| error.to_string())?;
    let world = lab.sim.world();
    let bodies = keys
        .iter()
        .filter(|key| key.ends_with("-scaling.json"))
        .filter_map(|key| world.object(STATE_BUCKET, key));
    bodies
        .map(|body| serde_json::from_slice(body).map_err(|error| error.to_string()))
        .collect()
}

/// It says the same when it is made again, stays within the bounds, and removes nothing unless every metric is known and
/// agrees.
fn check(entry: &ScalingEntry) -> Result<(), String> {
    let decision = &entry.decision;
    let again = decide(&decision.policy, &decision.observation, &decision.memory);
    let as_text = |decision| serde_json::to_string(decision).unwrap_or_default();
    let same = as_text(&again) == as_text(decision);
    let within = (BOUNDS.0..=BOUNDS.1).contains(&decision.to);
    let agreed = decision.rule == Rule::In
        && decision
            .wishes
            .iter()
            .all(|wish| matches!(wish.want, Want::In(_)));
    if same && within && (decision.to >= decision.from || agreed) {
        return Ok(());
    }
    Err(format!("{entry:#?}"))
}
