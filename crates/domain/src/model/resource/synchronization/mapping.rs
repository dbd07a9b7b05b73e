//! Where one target attribute comes from, as an administrator writes it.
//!
//! Exactly one of `source`, `constant` and `none` says so. The expression language will be a fourth: a field here, an arm of
//! [`MappingSource`] and an arm where `crate::mapping` compiles it.

use serde::{Deserialize, Serialize};

/// Where one target attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Mapping {
    /// The value's origin.
    pub from: MappingSource,
    /// When it is written.
    pub apply: Apply,
}

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingSource {
    /// A source attribute, as it is.
    Source(String),
    /// The same text for every user.
    Constant(String),
    /// Nothing: the default mapping of this attribute is switched off.
    None,
}

/// When a mapped value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Apply {
    /// At creation and whenever it changes.
    #[default]
    Always,
    /// At creation only.
    OnCreate,
}

/// A mapping field by field.
///
/// An enum flattened into a struct would let unknown fields pass, and a misspelt `apply` would then write for ever what was meant to be
/// written once.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    constant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none: Option<bool>,
    #[serde(default, skip_serializing_if = "is_always")]
    apply: Apply,
}

impl TryFrom<Written> for Mapping {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let from = match (written.source, written.constant, written.none) {
            (Some(source), None, None) => MappingSource::Source(source),
            (None, Some(constant), None) => MappingSource::Constant(constant),
            (None, None, Some(true)) => MappingSource::None,
            (None, None, Some(false)) => return Err("`none` can only be true; leave it out otherwise"),
            (None, None, None) => return Err("one of `source`, `constant` and `none` is needed"),
            (_, _, _) => return Err("only one of `source`, `constant` and `none` can be given"),
        };
        Ok(Self { from, apply: written.apply })
    }
}

impl From<Mapping> for Written {
    fn from(Mapping { from, apply }: Mapping) -> Self {
        let (source, constant, none) = match from {
            MappingSource::Source(source) => (Some(source), None, None),
            MappingSource::Constant(constant) => (None, Some(constant), None),
            MappingSource::None => (None, None, Some(true)),
        };
        Self { source, constant, none, apply }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_always(apply: &Apply) -> bool {
    *apply == Apply::Always
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_has_exactly_one_origin_and_reads_back() {
        for (json, from, apply) in [
            (r#"{"source":"city"}"#, MappingSource::Source("city".to_owned()), Apply::Always),
            (r#"{"constant":"Member","apply":"onCreate"}"#, MappingSource::Constant("Member".to_owned()), Apply::OnCreate),
            (r#"{"none":true}"#, MappingSource::None, Apply::Always),
        ] {
            let mapping: Mapping = serde_json::from_str(json).unwrap();
            assert_eq!(mapping, Mapping { from, apply });
            assert_eq!(serde_json::to_string(&mapping).unwrap(), json);
        }
    }

    #[test]
    fn a_mapping_of_any_other_shape_is_refused_in_clear_words() {
        for (json, word) in [
            ("{}", "is needed"),
            (r#"{"apply":"onCreate"}"#, "is needed"),
            (r#"{"none":false}"#, "can only be true"),
            (r#"{"source":"a","constant":"b"}"#, "only one of"),
            (r#"{"source":"a","none":true}"#, "only one of"),
            (r#"{"source":"a","aply":"onCreate"}"#, "unknown field `aply`"),
            (r#"{"expression":"[a]"}"#, "unknown field `expression`"),
            (r#"{"source":"a","apply":"sometimes"}"#, "unknown variant `sometimes`"),
        ] {
            let error = serde_json::from_str::<Mapping>(json).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
