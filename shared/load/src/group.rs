//! The instances of a group.

/// An instance, from its launch on.
#[derive(Debug, Clone, Copy)]
struct Instance {
    /// When it serves.
    ready: u32,
}

/// A group that launches and terminates what is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    desired: u32,
    boot: u32,
    drain: u32,
    instances: Vec<Instance>,
    /// When each that leaves is gone.
    leaving: Vec<u32>,
}

impl Group {
    /// One whose instances serve already.
    pub(crate) fn new(desired: u32, boot: u32, drain: u32) -> Self {
        let instances = (0..desired).map(|_| Instance { ready: 0 }).collect();
        Self {
            desired,
            boot,
            drain,
            instances,
            leaving: Vec::new(),
        }
    }

    pub(crate) fn desired(&self) -> u32 {
        self.desired
    }

    /// Asks for so many: what is missing is launched, and of what is too much the newest go first.
    pub(crate) fn ask(&mut self, desired: u32, now: u32) {
        self.desired = desired;
        let wanted = usize::try_from(desired).unwrap_or(usize::MAX);
        let surplus = self.instances.split_off(wanted.min(self.instances.len()));
        self.leaving.retain(|gone| *gone > now);
        let served = surplus.iter().filter(|instance| instance.ready <= now);
        self.leaving.extend(served.map(|_| now + self.drain));
        let ready = now + self.boot;
        self.instances.resize(wanted, Instance { ready });
    }

    /// How many serve.
    pub(crate) fn ready(&self, now: u32) -> u32 {
        self.served_for(0, now)
    }

    /// How many have served for so many seconds.
    pub(crate) fn served_for(&self, seconds: u32, now: u32) -> u32 {
        // Those that the group began with have served for ever.
        let served = |instance: &&Instance| instance.ready == 0 || instance.ready + seconds <= now;
        count(self.instances.iter().filter(served).count())
    }

    /// How many serve no more, and are not gone.
    pub(crate) fn leaving(&self, now: u32) -> u32 {
        count(self.leaving.iter().filter(|gone| **gone > now).count())
    }
}

fn count(instances: usize) -> u32 {
    u32::try_from(instances).unwrap_or(u32::MAX)
}
