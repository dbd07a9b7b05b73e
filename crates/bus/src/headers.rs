//! Encodes headers as bytes, for the embedded log and outboxes. Each header is the length of its name, the name, the length of its value,
//! the value.

use bytes::{Buf, BufMut, Bytes};

use super::Headers;

/// Encodes headers.
pub fn encode(headers: &Headers) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(headers.iter().map(|(name, value)| 8 + name.len() + value.len()).sum());
    for (name, value) in headers {
        put(&mut bytes, name.as_bytes());
        put(&mut bytes, value);
    }
    bytes
}

/// Decodes headers; `None` when the bytes are not what [`encode`] returns.
pub fn decode(mut bytes: Bytes) -> Option<Headers> {
    let mut headers = Headers::new();
    while bytes.has_remaining() {
        let name = String::from_utf8(take(&mut bytes)?.into()).ok()?;
        headers.push((name, take(&mut bytes)?));
    }
    Some(headers)
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.put_u32(u32::try_from(part.len()).expect("a record is limited to a megabyte"));
    bytes.put_slice(part);
}

fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let length = bytes.try_get_u32().ok()? as usize;
    (length <= bytes.remaining()).then(|| bytes.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip_and_broken_ones_are_rejected() {
        for headers in [
            vec![],
            vec![("ce_id".to_owned(), Bytes::from_static(b"7:1"))],
            vec![("a".to_owned(), Bytes::from_static(&[0, 255, 10])), ("a".to_owned(), Bytes::new())],
        ] {
            assert_eq!(decode(encode(&headers).into()), Some(headers));
        }
        for broken in [&[0, 0, 0][..], &[0, 0, 0, 9, 1], &[0, 0, 0, 1, 0xff, 0, 0, 0, 0]] {
            assert_eq!(decode(Bytes::copy_from_slice(broken)), None);
        }
    }
}
