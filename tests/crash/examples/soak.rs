//! The longer runs: thousands of seeds of the swarm, and two crashes at every pair of mutating calls of a creation and a
//! destruction. `make soak` runs both.
//!
//! ```text
//! soak swarm            seeds 0 to WINDLASS_SEEDS (10,000)
//! soak seed N           one seed: its actions, and if it fails the fewest of them that still do
//! soak calm N           the same without its storms
//! soak trace N          one seed, with every call
//! soak double           two crashes
//! soak loads            loads and trouble of seeds 0 to WINDLASS_SEEDS (10,000)
//! ```
//!
//! `WINDLASS_THREADS` runs that many seeds at a time; `WINDLASS_FIRST` begins at a later seed.

#![expect(
    clippy::disallowed_methods,
    reason = "an edge: it reads its own settings, and says how long it took"
)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use windlass_crash::swarm::{Fresh, Run, recover};
use windlass_crash::{Lab, Scenario, Stopped, loads, sweep_twice, verify_gone, verify_quickly};
use windlass_sim::{Peers, Verdict, WorldConfig};

/// Small, with something of most kinds.
const SMALL: &str = "
network: {zones: 2, nat: single, endpoints: [s3]}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
monitoring: {notify: [ops@example.com]}
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let passed = match words[..] {
        ["swarm"] => swarm(),
        ["seed", seed] => seed.parse().is_ok_and(|seed| one(&Run::of(seed), false)),
        ["calm", seed] => seed.parse().is_ok_and(|seed| one(&Run::calm(seed), false)),
        ["trace", seed] => seed.parse().is_ok_and(|seed| one(&Run::of(seed), true)),
        ["double"] => double(),
        ["loads"] => loads(),
        _ => {
            eprintln!("soak swarm | seed N | calm N | trace N | double | loads");
            false
        }
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let said = std::env::var(variable).ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Work for several threads: items by number, until there are none or a few failed.
fn all(range: std::ops::Range<u64>, work: impl Fn(u64, &mut Fresh) -> Result<(), String> + Sync) -> Vec<u64> {
    let threads = number(
        "WINDLASS_THREADS",
        std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
    );
    let next = AtomicU64::new(range.start);
    let failed = Mutex::new(Vec::new());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut fresh = Fresh::default();
                loop {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= range.end {
                        return;
                    }
                    if let Err(error) = work(item, &mut fresh) {
                        println!("{item}: {error}");
                        if let Ok(mut failed) = failed.lock() {
                            failed.push(item);
                        }
                    }
                    if item % 1000 == 999 {
                        println!("{} done in {} s", item + 1, began.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_default();
    failed.sort_unstable();
    failed
}

fn swarm() -> bool {
    let first = number("WINDLASS_FIRST", 0);
    let seeds = first..first + number("WINDLASS_SEEDS", 10_000);
    let failed = all(seeds.clone(), |seed, fresh| {
        let run = Run::of(seed);
        run.run(fresh)
            .map(|_| ())
            .map_err(|error| format!("{error}\n  make soak SEED={seed}"))
    });
    println!(
        "{} seeds, {} failed {failed:?}",
        seeds.end - seeds.start,
        failed.len()
    );
    failed.is_empty()
}

thread_local! {
    /// A stack that serves, one for each thread.
    static SERVING: Result<Lab, String> = loads::serving();
}

/// Loads that come and go, and trouble with all that scaling rests on.
fn loads() -> bool {
    let first = number("WINDLASS_FIRST", 0);
    let seeds = first..first + number("WINDLASS_SEEDS", 10_000);
    let failed = all(seeds.clone(), |seed, _| {
        SERVING.with(|serving| loads::unrest(serving.as_ref().map_err(Clone::clone)?, seed))
    });
    println!(
        "{} loads, {} failed {failed:?}",
        seeds.end - seeds.start,
        failed.len()
    );
    failed.is_empty()
}

fn one(run: &Run, trace: bool) -> bool {
    let mut fresh = Fresh::default();
    println!("{run}");
    let Err(why) = run.run(&mut fresh) else {
        println!("passed");
        return true;
    };
    println!("{why}\n\nthe fewest actions that still fail:");
    let (smallest, why) = run.shrunk(why, &mut fresh);
    println!("{smallest}\n{why}");
    if trace {
        let (lab, last) = smallest.act_out();
        println!("recovering: {:?}", recover(&lab, last));
        for entry in lab
            .sim
            .trace()
            .iter()
            .filter(|entry| entry.request.effect().is_mutating())
        {
            let line = entry.to_string();
            println!("{}", line.chars().take(400).collect::<String>());
        }
    }
    false
}

/// Two crashes: the second one at each call of what the first one left to be done.
fn double() -> bool {
    let verdicts = [Verdict::CrashBefore(Peers::All), Verdict::CrashAfter(Peers::None)];
    let mut passed = true;
    for (name, destroys) in [("creation", false), ("destroying", true)] {
        for first in &verdicts {
            for second in &verdicts {
                let began = Instant::now();
                let lab = Lab::new(WorldConfig::default(), 7);
                if destroys {
                    lab.upload(SMALL);
                    passed &= lab.run(600) == Stopped::Quiet;
                }
                let act = |lab: &Lab| {
                    if destroys {
                        lab.delete_spec();
                    } else {
                        lab.upload(SMALL);
                    }
                };
                let check = |lab: &Lab| {
                    if destroys {
                        verify_gone(lab)
                    } else {
                        verify_quickly(lab)
                    }
                };
                let scenario = Scenario {
                    before: &lab,
                    act: &act,
                    check: &check,
                };
                match sweep_twice(&scenario, first, second) {
                    Ok(pairs) => println!(
                        "{name}: {pairs} pairs of {first:?} and {second:?} in {} s",
                        began.elapsed().as_secs()
                    ),
                    Err(wrong) => {
                        passed = false;
                        println!("{name}: {first:?}, {second:?}: {wrong}");
                    }
                }
            }
        }
    }
    passed
}
