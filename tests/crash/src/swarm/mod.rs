//! Everything at once: a seed draws an account's weaknesses, what people do to a stack, what happens to its messages, its
//! state and its resources, and how each call fares. Then the faults end, and the stack must become what its last spec
//! says, or go.
//!
//! Guarantees: the same seed, the same actions and the same faults give the same trace. Actions do not depend on each
//! other, so that a failing run can be made smaller by leaving some out.

mod act;
mod draw;
mod storm;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use jiff::SignedDuration;
use windlass_calls::CallError;
use windlass_engine::{Phase, Status};
use windlass_sim::{Faults, Lag, Peers, Verdict, WorldConfig};

use self::act::{act, take_message};
pub(crate) use self::draw::Draw;
use self::draw::mix;
use self::storm::Storm;
use crate::lab::{Lab, Stopped};
use crate::shape::{Shape, difference, shape};
use crate::verify::{history_is_kept, idle_passes_change_nothing, ready, verify_gone};

/// Far more messages than anything takes once the faults have ended.
const LIMIT: usize = 1500;
/// Things that happen in one run.
const ACTIONS: u64 = 14;
/// The most that AWS and the clocks do besides.
const STORMS: u64 = 5;

/// What a stack may be told to be. All allow replacing, and none gives up a zone.
const SPECS: [&str; 9] = [
    "compute: {app: {packages: [nginx]}}\nscaling: {min: 2, max: 4}",
    "compute: {app: {packages: [nginx, htop]}}\nscaling: {min: 3, max: 6}\nmonitoring: {dashboard: true, notify: [ops@example.com]}",
    "compute: {app: {packages: [nginx], port: 8080}}\nloadBalancer: {listeners: [{port: 81, protocol: HTTP}, {port: 80, protocol: HTTP}]}\nlifecycle: {launch: {verify: load-balancer}}",
    "compute: {mode: ec2, app: {packages: [nginx]}}\nscaling: {min: 2}",
    "compute: {mode: ec2, app: {packages: [nginx, htop], port: 8080}}\nscaling: {min: 3}\nmonitoring: {notify: [ops@example.com, dev@example.com]}",
    "compute: {app: {container: {image: 'shop:1', port: 8000}}}\nloadBalancer: {scheme: internal}\nlifecycle: {terminate: {drain: 5m}}",
    "network: {zones: 2, nat: per-zone, endpoints: [ssm, s3]}\ncompute: {app: {packages: [nginx]}, instanceTypes: [t3.small, t3.micro]}",
    "network: {zones: 2, nat: single, cidr: 10.9.0.0/16}\ncompute: {app: {packages: [nginx]}}",
    "compute: {app: {packages: [nginx]}}\nrollout: manual\nscaling: {min: 2, max: 3, metrics: []}\nlifecycle: {launch: {verify: load-balancer, timeout: 5m}}",
];

/// A spec's text.
fn spec(number: usize) -> String {
    let said = SPECS[number % SPECS.len()];
    let network = if said.contains("network:") {
        ""
    } else {
        "network: {zones: 2, nat: single}\n"
    };
    format!("allowReplace: true\n{network}{said}\n")
}

/// Something that happens. Numbers choose among what there is at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A person uploads one of the specs.
    Upload(u64),
    /// A person deletes the spec.
    Delete,
    /// A person takes the delete marker away.
    Undelete,
    /// Messages are delivered.
    Steps(u64),
    /// Time passes without any.
    Idle(u64),
    /// Somebody asks for a look.
    Look,
    /// An instance dies.
    Terminate(u64),
    /// Somebody deletes a resource.
    Meddle(u64),
    /// Somebody opens a port.
    Open(u64),
    /// A message is delivered twice.
    Duplicate(u64),
    /// A message is lost.
    Drop(u64),
    /// The head is lost.
    LoseHead,
    /// The newest states are lost.
    LoseStates,
    /// Two passes run at once.
    Both,
    /// A pass falls asleep over a call, outlives its lease and goes on beside the next one.
    Zombie(u64),
    /// The function's clock is wrong from now on, by up to five minutes.
    Skew(u64),
    /// AWS throttles every call for a while.
    Burst(u64),
    /// Some kinds of calls are denied from now on.
    Deny(u64),
    /// A message is held up until everything is over.
    Delay(u64),
    /// Nothing arrives for hours.
    Silence(u64),
}

/// A run, as its seed draws it.
#[derive(Clone)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What happens, in order.
    pub actions: Vec<Action>,
    /// One call in so many fares badly; 0 for none.
    pub bad: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}, one call in {} fares badly, {:?}",
            self.seed,
            self.bad,
            self.config()
        )?;
        for action in &self.actions {
            writeln!(f, "  {action:?}")?;
        }
        Ok(())
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Hash of everything that was sent, and of what came of it.
    pub trace: u64,
    /// How many calls that was.
    pub calls: usize,
}

impl Run {
    /// The run of a seed: what people do and how single calls fare, and the storms over it.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut run = Self::calm(seed);
        let mut draw = Draw(mix(seed ^ 0x5707_3a11));
        for _ in 0..draw.below(STORMS + 1) {
            let number = draw.next();
            let storm = match draw.below(8) {
                0..3 => Action::Skew(number),
                3 => Action::Burst(number),
                4 => Action::Deny(number),
                5 | 6 => Action::Delay(number),
                _ => Action::Silence(number),
            };
            let at = draw.below(run.actions.len() as u64 + 1);
            run.actions.insert(usize::try_from(at).unwrap_or_default(), storm);
        }
        run
    }

    /// The run of a seed without any storms.
    #[must_use]
    pub fn calm(seed: u64) -> Self {
        let mut draw = Draw(mix(seed ^ 0x57ee_1fab));
        let bad = [0, 7, 15, 30, 60, 120][usize::try_from(draw.below(6)).unwrap_or_default()];
        let mut actions = vec![Action::Upload(draw.next()), Action::Steps(draw.below(20))];
        for _ in 0..ACTIONS {
            let number = draw.next();
            actions.push(match draw.below(24) {
                0..4 => Action::Upload(number),
                4 => Action::Delete,
                5 => Action::Undelete,
                6 => Action::Idle(number % 900),
                7 | 8 => Action::Look,
                9 => Action::Terminate(number),
                10 | 11 => Action::Meddle(number),
                12 => Action::Open(number),
                13 => Action::Duplicate(number),
                14 => Action::Drop(number),
                15 => Action::LoseHead,
                16 => Action::LoseStates,
                17 => Action::Both,
                18 | 19 => Action::Zombie(number),
                _ => Action::Steps(number % 16),
            });
            actions.push(Action::Steps(draw.below(8)));
        }
        Self { seed, actions, bad }
    }

    fn config(&self) -> WorldConfig {
        let mut draw = Draw(mix(self.seed ^ 0x0c0f_f1e5));
        let mut lag = || match draw.below(4) {
            0 | 1 => Lag::None,
            2 => Lag::Seeded {
                seed: draw.next(),
                max: 20,
            },
            _ => Lag::Seeded {
                seed: draw.next(),
                max: 120,
            },
        };
        let (visibility_lag, elb_lag, autoscaling_lag) = (lag(), lag(), lag());
        let (monitoring_lag, ghost_lag) = (lag(), lag());
        let tight = draw.below(5) == 0;
        WorldConfig {
            vpc_quota: if tight { 1 } else { 9 },
            internet_gateway_quota: 9,
            address_quota: if tight { 2 } else { 30 },
            nat_gateway_quota: 9,
            visibility_lag,
            elb_lag,
            autoscaling_lag,
            monitoring_lag,
            ghost_lag,
            ..WorldConfig::default()
        }
    }

    /// How each call fares, by its number alone.
    fn faults(&self, storm: Storm) -> Faults {
        let (seed, bad) = (self.seed, self.bad);
        Box::new(move |sent| {
            if let Some(verdict) = storm.verdict(sent) {
                return verdict;
            }
            let number = mix(seed.wrapping_mul(0x9e37_79b9) ^ mix(sent.index));
            if bad == 0 || !number.is_multiple_of(bad) {
                return Verdict::Deliver;
            }
            let action = sent.request.action();
            let failed = |code, status| CallError::answered(action, code, "as the swarm wants it", status);
            match (number >> 32) % 16 {
                0 | 1 => Verdict::CrashBefore(Peers::None),
                2 => Verdict::CrashBefore(Peers::All),
                3 => Verdict::CrashAfter(Peers::None),
                4 | 5 => Verdict::CrashAfter(Peers::All),
                6..=8 => Verdict::LoseAnswer,
                9..=11 => Verdict::Fail(failed("Throttling", 400)),
                12 => Verdict::Fail(failed("InternalError", 500)),
                13 | 14 => Verdict::FailApplied(failed("InternalError", 500)),
                _ => Verdict::Fail(failed("UnauthorizedOperation", 403)),
            }
        })
    }

    /// Lets everything happen. Answers the lab afterwards, and the spec that is wanted then, if any.
    #[must_use]
    pub fn act_out(&self) -> (Lab, Option<usize>) {
        let lab = Lab::new(self.config(), self.seed);
        let storm = Storm::default();
        lab.sim.set_faults(Some(self.faults(storm.clone())));
        let (mut last, mut delayed) = (None, Vec::new());
        for action in &self.actions {
            match *action {
                Action::Burst(number) => storm.throttled.set(number % 60),
                Action::Deny(number) => storm.denied.set(Some(number)),
                Action::Delay(number) => delayed.extend(take_message(&lab, number)),
                action => act(&lab, action, &mut last),
            }
        }
        lab.sim.set_faults(None);
        lab.set_skew(SignedDuration::ZERO);
        for body in delayed {
            lab.enqueue(&body);
        }
        (lab, last)
    }

    /// Runs it, and checks what must hold once the faults have ended.
    ///
    /// # Errors
    /// What does not hold.
    pub fn run(&self, fresh: &mut Fresh) -> Result<Ended, String> {
        let (lab, last) = self.act_out();
        recover(&lab, last)?;
        match last {
            None => verify_gone(&lab)?,
            Some(number) => {
                ready(&lab)?;
                idle_passes_change_nothing(&lab, 10)?;
                // What somebody deletes may be written once more.
                if !self.actions.contains(&Action::LoseStates) {
                    history_is_kept(&lab)?;
                }
                fresh.compare(&lab, number)?;
            }
        }
        Ok(Ended {
            trace: lab.sim.trace_hash(),
            calls: lab.sim.trace().len(),
        })
    }

    /// The smallest run that still fails, found by leaving out one action after the other, and why it does.
    #[must_use]
    pub fn shrunk(&self, mut why: String, fresh: &mut Fresh) -> (Self, String) {
        let mut smallest = self.clone();
        let mut at = 0;
        while at < smallest.actions.len() {
            let mut smaller = smallest.clone();
            smaller.actions.remove(at);
            match smaller.run(fresh) {
                Ok(_) => at += 1,
                Err(error) => (smallest, why) = (smaller, error),
            }
        }
        (smallest, why)
    }
}

/// Shapes of fresh stacks, by the number of their spec.
#[derive(Default)]
pub struct Fresh(BTreeMap<usize, Shape>);

impl Fresh {
    fn compare(&mut self, lab: &Lab, number: usize) -> Result<(), String> {
        let number = number % SPECS.len();
        let known = match self.0.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let fresh = Lab::new(WorldConfig::default(), 1);
                fresh.upload(&spec(number));
                fresh.run(LIMIT);
                ready(&fresh)?;
                unknown.insert(shape(&fresh)?)
            }
        };
        // A rollout by hand leaves the instances that run as they are.
        let by_hand = spec(number).contains("manual");
        let kept = |line: &&String| !(by_hand && line.starts_with("Instance {"));
        let fresh: Shape = known.iter().filter(kept).cloned().collect();
        let found: Shape = shape(lab)?.iter().filter(kept).cloned().collect();
        difference(&found, &fresh).map_or(Ok(()), Err)
    }
}

/// Faults are over: quotas are raised, and whoever cares says once more what is wanted.
///
/// # Errors
/// It goes on for too long.
pub fn recover(lab: &Lab, last: Option<usize>) -> Result<(), String> {
    {
        let mut world = lab.sim.world_mut();
        let config = world.config_mut();
        (config.vpc_quota, config.address_quota) = (9, 30);
    }
    // What was handled at the same time is over too.
    lab.sim.advance(lab.settings.lease);
    match last {
        Some(number) => lab.upload(&spec(number)),
        None => lab.delete_spec(),
    }
    if lab.run(LIMIT) == Stopped::StillBusy {
        return Err(format!("still busy: {:?}", lab.status()));
    }
    // A rollout that somebody took the load balancer from was taken back meanwhile, and asks for another upload.
    let rolled_back = |status: Status| {
        let mut errors = status.errors.iter();
        errors.any(|error| error.message.contains("rollback successful"))
    };
    if let Some(number) = last.filter(|_| lab.status().is_some_and(rolled_back)) {
        lab.upload(&spec(number));
        if lab.run(LIMIT) == Stopped::StillBusy {
            return Err(format!("still busy after a rollback: {:?}", lab.status()));
        }
    }
    // Fixed instances that booted while somebody had taken the NAT gateway away installed nothing: the status names them,
    // and whoever reads it terminates them.
    if let Some(number) = last.filter(|number| spec(*number).contains("mode: ec2")) {
        let named = lab
            .status()
            .map(|status| status.unhealthy_instances)
            .unwrap_or_default();
        let mut terminated = false;
        for unhealthy in named {
            terminated |= lab.sim.world_mut().terminate_instance(&unhealthy.instance);
        }
        if terminated {
            lab.upload(&spec(number));
            if lab.run(LIMIT) == Stopped::StillBusy {
                return Err(format!(
                    "still busy after unhealthy instances went: {:?}",
                    lab.status()
                ));
            }
        }
    }
    // A look once everything shows, as the schedule asks for.
    lab.sim.advance(lab.settings.consistency);
    if lab.status().is_some_and(|status| status.phase != Phase::Deleted) {
        lab.look();
    }
    if lab.run(LIMIT) == Stopped::StillBusy {
        return Err(format!("still busy after a look: {:?}", lab.status()));
    }
    Ok(())
}
