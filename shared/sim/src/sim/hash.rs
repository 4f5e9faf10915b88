//! Hashes and random numbers with nothing random about them.

use std::hash::{Hash, Hasher};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bit.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    }
}

/// A hash that is the same in every process of one build.
pub(super) fn of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = Fnv(OFFSET);
    value.hash(&mut hasher);
    hasher.finish()
}

/// A hash of bytes.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    let mut hasher = Fnv(OFFSET);
    hasher.write(bytes);
    hasher.finish()
}

/// One step of `SplitMix64`: a well-mixed number for each number.
pub(crate) fn splitmix(state: u64) -> u64 {
    let mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
