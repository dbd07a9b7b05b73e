//! Opaque tokens in links: the place of a page or a cycle, with a checksum that refuses a damaged one or one of another tenant.
//!
//! A token holds all that is needed to go on, so the server keeps nothing. A checksum finds tokens that were shortened or changed.

use uuid::Uuid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The longest token that is read.
const LENGTH_MAX: usize = 8_192;

/// A token for these parts, which only the tenant `owner` accepts.
pub(crate) fn seal(owner: Uuid, parts: &[String]) -> String {
    let text = parts.join("\n");
    let mut bytes = checksum(owner, text.as_bytes()).to_be_bytes().to_vec();
    bytes.extend(text.into_bytes());
    encode(&bytes)
}

/// The parts of a token, if it is one of ours and whole.
pub(crate) fn open(owner: Uuid, token: &str) -> Option<Vec<String>> {
    let bytes = decode(token)?;
    let (sum, text) = bytes.split_at_checked(8)?;
    if checksum(owner, text).to_be_bytes() != sum {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(text.split('\n').map(str::to_owned).collect())
}

fn checksum(owner: Uuid, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    owner.as_bytes().iter().chain(bytes).fold(0xcbf2_9ce4_8422_2325, step)
}

/// Base 64 for URLs, without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, place| word << 8 | u32::from(chunk.get(place).copied().unwrap_or(0)));
        let letters = (0..=chunk.len()).map(|place| char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        text.extend(letters);
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().chunks(4) {
        let mut word = 0u32;
        for place in 0..4 {
            let value = chunk.get(place).map_or(Some(0), |letter| ALPHABET.iter().position(|known| known == letter));
            word = word << 6 | u32::try_from(value?).ok()?;
        }
        bytes.extend(&word.to_be_bytes()[1..chunk.len()]);
    }
    // Stray bits at the end would let two texts mean the same.
    Some(bytes).filter(|bytes| encode(bytes) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_tenant_and_only_whole() {
        let (owner, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for parts in [vec![String::new()], vec!["a".to_owned(), "Ünï".to_owned(), String::new(), "12".to_owned()]] {
            let token = seal(owner, &parts);
            assert_eq!(open(owner, &token), Some(parts));
            assert_eq!(open(other, &token), None);
            assert_eq!(open(owner, &token[1..]), None);
            assert_eq!(open(owner, &format!("{token}x")), None);
        }
        assert_eq!(open(owner, "no token"), None);
    }
}
