//! Assigns keys to partitions by murmur2, as Kafka's own clients do.
//!
//! Both buses use it, so a log can be copied from one to the other, and consumers can rely on co-partitioning.

/// The partition of a key among `partitions`. Java's default partitioner and librdkafka's `murmur2_random` choose the same for a record
/// with a key.
#[must_use]
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    // Java clears the sign bit, because its remainder keeps the sign.
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// The 32-bit murmur2 of `org.apache.kafka.common.utils.Utils`, with its seed.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    // Kafka's lengths have 32 bits; a key is far shorter.
    let mut hash = SEED ^ u32::try_from(data.len()).unwrap_or(u32::MAX);
    let words = data.chunks_exact(4);
    let tail = words.remainder();
    for word in words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (word ^ (word >> R)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let rest = tail.iter().rev().fold(0, |rest, byte| (rest << 8) | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `UtilsTest.testMurmur2` in Apache Kafka.
    #[test]
    fn a_key_hashes_as_in_java() {
        let vectors: &[(&[u8], i32)] = &[
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
        ];
        for (key, want) in vectors {
            assert_eq!(murmur2(key).cast_signed(), *want, "{}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn a_key_with_a_negative_hash_gets_a_valid_partition() {
        //   key       partitions  at
        for (key, partitions, at) in [("abc", 6, 3), ("21", 6, 0), ("21", 5, 0), ("abc", 1, 0), ("abc", 0, 0)] {
            assert_eq!(partition_of(key.as_bytes(), partitions), at, "{key} of {partitions}");
        }
    }
}
