//! How well supply followed demand.
//!
//! Those of the cloud group of the SPEC research group: how much and how long there was too little and too much, and how
//! they make one number of a comparison, the elastic speedup.

use crate::simulation::Run;

/// A denominator is at least this: what is nearly none does not decide everything.
const FLOOR: f64 = 0.1;
/// Seconds within which a change that goes the other way takes the one before back.
const REVERSAL: u32 = 600;
/// Seconds over which it is told which way supply and demand move.
const WINDOW: u32 = 60;

/// How a run did. Shares are in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// How much was missing, as a share of demand, on the average over all time.
    pub under: f64,
    /// How much was too much.
    pub over: f64,
    /// Share of time with too little.
    pub time_under: f64,
    /// Share of time with too much.
    pub time_over: f64,
    /// Share of time in which supply and demand moved opposite ways.
    pub instability: f64,
    /// Share of requests that nobody served.
    pub unserved: f64,
    /// Instance-hours that were paid for.
    pub hours: f64,
    /// Changes of capacity per hour.
    pub actions: f64,
    /// Changes that another one took back within ten minutes.
    pub reversals: u32,
}

impl Measures {
    /// Measures a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let mut measures = Self {
            under: 0.0,
            over: 0.0,
            time_under: 0.0,
            time_over: 0.0,
            instability: 0.0,
            unserved: 0.0,
            hours: 0.0,
            actions: 0.0,
            reversals: 0,
        };
        let (mut asked, mut refused) = (0.0, 0.0);
        for sample in &run.samples {
            let (demand, supply) = (f64::from(sample.demand), f64::from(sample.supply));
            measures.under += (demand - supply).max(0.0) / demand;
            measures.over += (supply - demand).max(0.0) / demand;
            measures.time_under += f64::from(u8::from(supply < demand));
            measures.time_over += f64::from(u8::from(supply > demand));
            measures.hours += f64::from(sample.paid) * f64::from(run.step) / 3600.0;
            asked += sample.rate;
            refused += (sample.rate - supply * run.capacity).max(0.0);
        }
        let steps = u32::try_from(run.samples.len()).unwrap_or(u32::MAX);
        let percent = |sum: f64| 100.0 * sum / f64::from(steps.max(1));
        let hours = f64::from(steps * run.step) / 3600.0;
        Self {
            under: percent(measures.under),
            over: percent(measures.over),
            time_under: percent(measures.time_under),
            time_over: percent(measures.time_over),
            instability: instability(run),
            unserved: if asked > 0.0 { 100.0 * refused / asked } else { 0.0 },
            hours: measures.hours,
            actions: f64::from(u32::try_from(run.changes.len()).unwrap_or(u32::MAX))
                / hours.max(f64::MIN_POSITIVE),
            reversals: reversals(run),
        }
    }

    /// How much better this is than another one: above 1 for better. The geometric mean of four ratios.
    #[must_use]
    pub fn elastic_speedup(&self, over: &Self) -> f64 {
        let pairs = [
            (over.under, self.under),
            (over.over, self.over),
            (over.time_under, self.time_under),
            (over.time_over, self.time_over),
        ];
        let product: f64 = pairs
            .iter()
            .map(|(theirs, ours)| theirs.max(FLOOR) / ours.max(FLOOR))
            .product();
        product.powf(0.25)
    }
}

fn instability(run: &Run) -> f64 {
    let window = usize::try_from(WINDOW / run.step).unwrap_or(1).max(1);
    let moves = run.samples.windows(window + 1).map(|samples| {
        let (first, last) = (samples[0], samples[window]);
        let way = |from: u32, to: u32| i64::from(to) - i64::from(from);
        way(first.demand, last.demand).signum() * way(first.supply, last.supply).signum() < 0
    });
    let (mut opposite, mut all) = (0_u32, 0_u32);
    for is_opposite in moves {
        opposite += u32::from(is_opposite);
        all += 1;
    }
    100.0 * f64::from(opposite) / f64::from(all.max(1))
}

fn reversals(run: &Run) -> u32 {
    let back = run.changes.windows(2).filter(|pair| {
        let up = |at: usize| pair[at].to > pair[at].from;
        up(0) != up(1) && pair[1].second - pair[0].second <= REVERSAL
    });
    u32::try_from(back.count()).unwrap_or(u32::MAX)
}
