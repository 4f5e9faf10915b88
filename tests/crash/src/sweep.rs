//! A fault at every mutating call of something that is done to a stack.

use windlass_sim::{Sim, Verdict};

use crate::lab::{Lab, Stopped};

/// Far more messages than anything takes.
const LIMIT: usize = 600;
/// Decides the order of calls in the air.
const SEED: u64 = 7;

/// Something that is done to a stack that is as it should be, and what must hold afterwards.
pub struct Scenario<'a> {
    /// The stack before.
    pub before: &'a Lab,
    /// What is done.
    pub act: &'a dyn Fn(&Lab),
    /// What is wrong afterwards, if anything.
    pub check: &'a dyn Fn(&Lab) -> Result<(), String>,
}

/// A moment of a scenario: right before one of its messages is delivered.
struct Moment {
    lab: Lab,
    /// Mutating calls of the pass that follows, state writes and wake-ups included.
    calls: u64,
    /// How many there were before it.
    earlier: u64,
}

impl Scenario<'_> {
    /// Does it undisturbed, and answers every moment.
    fn moments(&self) -> Result<Vec<Moment>, String> {
        let lab = self.before.fork(SEED);
        (self.act)(&lab);
        self.moments_of(lab)
    }

    /// Every moment of what a lab still has to do.
    fn moments_of(&self, mut lab: Lab) -> Result<Vec<Moment>, String> {
        let (mut moments, mut earlier) = (Vec::new(), 0);
        loop {
            let (moment, next) = (lab.fork(SEED), lab.fork(SEED));
            if next.step().is_none() {
                (self.check)(&next)?;
                return Ok(moments);
            }
            if moments.len() > LIMIT {
                return Err(format!("still busy: {:?}", next.status()));
            }
            let calls = mutating(&next.sim);
            moments.push(Moment {
                lab: moment,
                calls,
                earlier,
            });
            earlier += calls;
            lab = next;
        }
    }

    /// Lets the pipeline recover from a fault at one mutating call of the pass that follows a moment.
    fn recovers(&self, moment: &Moment, at: u64, fault: &Verdict) -> Result<(), String> {
        let lab = moment.faulty(at, fault);
        match lab.run(LIMIT) {
            Stopped::Quiet => (self.check)(&lab),
            Stopped::StillBusy => Err(format!("still busy: {:?}", lab.status())),
        }
    }
}

impl Moment {
    /// A lab that goes on from here, with a fault at one mutating call.
    fn faulty(&self, at: u64, fault: &Verdict) -> Lab {
        let lab = self.lab.fork(SEED);
        let fault = fault.clone();
        lab.sim.set_faults(Some(Box::new(move |sent| {
            if sent.mutating_index == Some(at) {
                fault.clone()
            } else {
                Verdict::Deliver
            }
        })));
        lab
    }
}

fn mutating(sim: &Sim) -> u64 {
    let trace = sim.trace();
    let mutating = trace.iter().filter(|entry| entry.request.effect().is_mutating());
    mutating.count() as u64
}

/// Meets a fault at each mutating call in turn. Answers how many there are.
///
/// # Errors
/// What is wrong without any fault, or after some.
pub fn sweep(scenario: &Scenario, fault: &Verdict) -> Result<u64, String> {
    let moments = scenario.moments()?;
    let calls = moments.iter().map(|moment| moment.calls).sum();
    let wrong: Vec<String> = moments
        .iter()
        .flat_map(|moment| (0..moment.calls).map(move |at| (moment, at)))
        .filter_map(|(moment, at)| {
            let wrong = scenario.recovers(moment, at, fault).err()?;
            Some(format!("at mutating call {}: {wrong}", moment.earlier + at))
        })
        .collect();
    if wrong.is_empty() {
        Ok(calls)
    } else {
        Err(format!("{} of {calls}:\n{}", wrong.len(), wrong.join("\n")))
    }
}

/// Meets a fault at each mutating call in turn, and right after it, with everything half done, does something else.
/// Answers how many calls there are.
///
/// # Errors
/// What is wrong without any fault, or afterwards.
pub fn sweep_then(scenario: &Scenario, fault: &Verdict, then: &dyn Fn(&Lab)) -> Result<u64, String> {
    let (mut calls, mut wrong) = (0, Vec::new());
    // What the scenario itself comes to is not what is checked.
    let undisturbed = Scenario {
        check: &|_| Ok(()),
        ..*scenario
    };
    for moment in undisturbed.moments()? {
        for at in 0..moment.calls {
            calls += 1;
            let lab = moment.faulty(at, fault);
            lab.step();
            lab.sim.set_faults(None);
            then(&lab);
            let outcome = match lab.run(LIMIT) {
                Stopped::Quiet => (scenario.check)(&lab),
                Stopped::StillBusy => Err(format!("still busy: {:?}", lab.status())),
            };
            if let Err(error) = outcome {
                wrong.push(format!("at mutating call {}: {error}", moment.earlier + at));
            }
        }
    }
    if wrong.is_empty() {
        Ok(calls)
    } else {
        Err(format!("{} of {calls}:\n{}", wrong.len(), wrong.join("\n")))
    }
}

/// Meets one fault at each mutating call in turn, and after each of them another one at each call of what is left to do.
/// Answers how many pairs there are.
///
/// # Errors
/// What is wrong without any fault, or after some.
pub fn sweep_twice(scenario: &Scenario, first: &Verdict, second: &Verdict) -> Result<u64, String> {
    let (mut pairs, mut wrong) = (0, Vec::new());
    for moment in scenario.moments()? {
        for at in 0..moment.calls {
            let lab = moment.faulty(at, first);
            lab.step();
            lab.sim.set_faults(None);
            let after = match scenario.moments_of(lab) {
                Ok(after) => after,
                Err(error) => {
                    wrong.push(format!("at call {}: {error}", moment.earlier + at));
                    continue;
                }
            };
            for next in &after {
                for again in 0..next.calls {
                    pairs += 1;
                    if let Err(error) = scenario.recovers(next, again, second) {
                        let (one, two) = (moment.earlier + at, next.earlier + again);
                        wrong.push(format!("at call {one}, and {two} after it: {error}"));
                    }
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(pairs)
    } else {
        Err(format!("{} of {pairs}:\n{}", wrong.len(), wrong.join("\n")))
    }
}
