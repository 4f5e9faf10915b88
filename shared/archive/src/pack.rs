//! Packing: Zstandard over the bytes of a state, and the SHA-256 that says whether they came back.

use std::fmt::Write;
use std::io;

use sha2::{Digest, Sha256};
use windlass_calls::Tags;

use crate::LARGEST;

/// Effort of the compression: on JSON of this size a higher one takes longer and gains nothing.
const LEVEL: i32 = 9;
/// Metadata name of the hash of the state, in hexadecimal digits.
const HASH: &str = "sha256";
/// Metadata name of the size of the state, in bytes.
const SIZE: &str = "size";

/// A state as it goes into the archive.
pub(crate) struct Packed {
    /// The compressed bytes.
    pub(crate) body: Vec<u8>,
    /// Hash and size of what they unpack to.
    pub(crate) metadata: Tags,
}

/// Compresses a state. What is returned was unpacked again and compared.
pub(crate) fn pack(state: &[u8]) -> Result<Packed, String> {
    let body = zstd::bulk::compress(state, LEVEL).map_err(|error| error.to_string())?;
    let metadata = Tags::from([
        (HASH.to_owned(), hash(state)),
        (SIZE.to_owned(), state.len().to_string()),
    ]);
    match difference(state, &body, &metadata) {
        None => Ok(Packed { body, metadata }),
        Some(why) => Err(why),
    }
}

/// Unpacks what was archived, and holds it to the hash beside it where there is one.
///
/// # Errors
/// It is not Zstandard, unpacks to more than [`LARGEST`], or has another hash.
pub fn unpack(body: &[u8], metadata: &Tags) -> Result<Vec<u8>, String> {
    let state = decompress(body, LARGEST).map_err(|error| format!("it does not unpack: {error}"))?;
    match metadata.get(HASH) {
        Some(said) if *said != hash(&state) => Err(other_hash(said, &state)),
        _ => Ok(state),
    }
}

/// How an archived object differs from the state it should hold; `None` if it holds it.
pub(crate) fn difference(state: &[u8], body: &[u8], metadata: &Tags) -> Option<String> {
    // No more than the state's own size is ever unpacked.
    let unpacked = match decompress(body, state.len()) {
        Ok(unpacked) => unpacked,
        Err(error) => return Some(format!("it does not unpack to the size of the state: {error}")),
    };
    if unpacked != state {
        return Some("it unpacks to other bytes".to_owned());
    }
    match metadata.get(HASH) {
        None => Some(format!("its metadata lacks {HASH}")),
        Some(said) if *said != hash(state) => Some(other_hash(said, state)),
        Some(_) => None,
    }
}

/// Unpacks in one go into at most `most` bytes: a bomb is an error and costs no more than that. The window that a
/// frame asks for is never allocated, as it would be for a stream.
fn decompress(body: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut unpacked = zstd::bulk::decompress(body, most)?;
    unpacked.shrink_to_fit();
    Ok(unpacked)
}

fn other_hash(said: &str, state: &[u8]) -> String {
    format!(
        "its metadata says {HASH} {said}, and it unpacks to {}",
        hash(state)
    )
}

/// SHA-256 in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Most bytes that a state of the largest size packs to: it may not compress at all.
pub(crate) fn largest_packed() -> u64 {
    zstd::zstd_safe::compress_bound(LARGEST) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_sha_256_of_the_state_itself() {
        let packed = pack(b"abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(packed.metadata["sha256"], expected);
        assert_eq!(packed.metadata["size"], "3");
    }

    #[test]
    fn a_bomb_is_an_error_and_not_unpacked() {
        let bomb = zstd::bulk::compress(&vec![0; LARGEST + 1], LEVEL).unwrap();
        assert!(bomb.len() < 4096, "{}", bomb.len());
        assert!(
            unpack(&bomb, &Tags::new())
                .unwrap_err()
                .contains("does not unpack")
        );
        assert!(difference(b"small", &bomb, &Tags::new()).is_some());
    }

    #[test]
    fn many_small_frames_in_a_row_are_bounded_as_one() {
        let frame = zstd::bulk::compress(&vec![0; 1024 * 1024], LEVEL).unwrap();
        assert!(unpack(&frame.repeat(16), &Tags::new()).is_ok());
        assert!(unpack(&frame.repeat(17), &Tags::new()).is_err());
    }

    #[test]
    fn another_hash_is_named_with_both() {
        let packed = pack(b"abc").unwrap();
        let metadata = Tags::from([("sha256".to_owned(), "0000".to_owned())]);
        let why = unpack(&packed.body, &metadata).unwrap_err();
        assert!(why.contains("0000") && why.contains("ba7816bf"), "{why}");
        assert_eq!(difference(b"abc", &packed.body, &metadata), Some(why));
    }

    #[test]
    fn without_a_hash_it_is_readable_but_not_what_we_put() {
        let packed = pack(b"abc").unwrap();
        assert_eq!(unpack(&packed.body, &Tags::new()).unwrap(), b"abc");
        let why = difference(b"abc", &packed.body, &Tags::new()).unwrap();
        assert!(why.contains("lacks sha256"), "{why}");
    }

    #[test]
    fn what_does_not_compress_fits_the_bound_too() {
        let noise: Vec<u8> = (0u32..100_000)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        assert!(pack(&noise).unwrap().body.len() as u64 <= largest_packed());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_come_back_as_they_were(state in prop::collection::vec(any::<u8>(), 0..5000)) {
            let packed = pack(&state).unwrap();
            prop_assert_eq!(unpack(&packed.body, &packed.metadata).unwrap(), state);
        }

        #[test]
        fn any_flipped_bit_is_noticed_or_harmless(
            state in prop::collection::vec(any::<u8>(), 1..500), at in any::<prop::sample::Index>(), bit in 0u8..8
        ) {
            let packed = pack(&state).unwrap();
            let mut body = packed.body;
            let place = at.index(body.len());
            body[place] ^= 1 << bit;
            // Some bits of a frame's header say nothing about its content.
            if let Ok(unpacked) = unpack(&body, &packed.metadata) {
                prop_assert_eq!(unpacked, state);
            }
        }

        #[test]
        fn unpacking_never_panics(body in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = unpack(&body, &Tags::new());
        }
    }
}
