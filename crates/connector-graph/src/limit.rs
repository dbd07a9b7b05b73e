//! How large an answer may be, and how much it may hold, before values are made of it.
//!
//! A text of 32 MB may hold 16 million values, of which each takes a hundred times its text in memory. So they are counted first, which
//! takes no memory, and an answer that holds more than it ever should is none.

use serde::Deserialize;

/// What kind of answer a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// One object, or a few that were looked up.
    Object,
    /// A list that is read whole, once in a while: policies, groups of a name, extensions.
    List,
    /// A page of a delta or of a census: a thousand objects, and members.
    Page,
    /// The answers to a batch, each of one object.
    Batch,
    /// A refusal, of which the code counts.
    Refusal,
}

impl Size {
    /// The most bytes.
    pub(super) fn bytes_max(self) -> usize {
        match self {
            Self::Refusal => 64 * 1024,
            Self::Object => 1024 * 1024,
            Self::List | Self::Batch => 8 * 1024 * 1024,
            Self::Page => 32 * 1024 * 1024,
        }
    }

    /// The most values, each field's and item's counted.
    pub(super) fn values_max(self) -> usize {
        match self {
            Self::Refusal => 1_000,
            Self::Object => 20_000,
            Self::List | Self::Batch => 200_000,
            Self::Page => 1_500_000,
        }
    }

    /// Reads an answer of this kind; nothing where it is not JSON of that shape, or holds too much. The parser's own words are dropped:
    /// they would quote the answer.
    pub(super) fn read<'a, T: Deserialize<'a>>(self, body: &'a [u8]) -> Option<T> {
        let fits = body.len() <= self.bytes_max() && values(body) <= self.values_max();
        if fits { serde_json::from_slice(body).ok() } else { None }
    }
}

/// How many values a JSON text holds, or more: what begins a list or an object, and what stands between two values of one.
pub(super) fn values(json: &[u8]) -> usize {
    let (mut values, mut in_text, mut is_escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_texts_are_one_each() {
        for (json, want) in
            [("7", 1), ("[1,2,3]", 4), (r#"{"a":{"b":[]}}"#, 4), (r#"[",,,[[[{{{"]"#, 2), (r#"["\",[","\\",{}]"#, 5), ("", 1)]
        {
            assert_eq!(values(json.as_bytes()), want, "{json}");
        }
    }

    #[test]
    fn an_answer_that_holds_too_much_is_none() {
        let many = |objects: usize| format!("[{}]", vec!["{}"; objects].join(","));
        for (size, objects, fits) in [
            (Size::Object, 9_000, true),
            (Size::Object, 30_000, false),
            (Size::List, 30_000, true),
            (Size::Batch, 300_000, false),
            (Size::Refusal, 2_000, false),
        ] {
            let read = size.read::<serde_json::Value>(many(objects).as_bytes());
            assert_eq!(read.is_some(), fits, "{size:?} {objects}");
        }
        let long = format!("\"{}\"", "x".repeat(Size::Object.bytes_max()));
        assert_eq!(Size::Object.read::<String>(long.as_bytes()), None);
    }
}
