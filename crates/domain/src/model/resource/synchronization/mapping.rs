//! Where one target attribute comes from, as an administrator writes it.
//!
//! Exactly one of `source`, `constant`, `expression` and `none` says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xtsync_language::limits::CHARS_MAX;

use super::Nulls;

/// Where one target attribute comes from: exactly one of `source`, `constant`, `expression` and `none`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Mapping {
    /// The value's origin.
    pub from: MappingSource,
    /// The value where that gives none.
    pub default: Option<String>,
    /// When it is written.
    pub apply: Apply,
    /// What to do where there is no value; as the synchronization says if it is not given.
    pub nulls: Option<Nulls>,
    /// Whether its value is never shown, not even where values are asked for.
    pub sensitive: bool,
}

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingSource {
    /// A source attribute, as it is.
    Source(String),
    /// The same text for every user.
    Constant(String),
    /// What an expression gives for the user; its text.
    Expression(String),
    /// Nothing: the default mapping of this attribute is switched off.
    None,
}

/// When a mapped value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("oneOf" = [{"required": ["source"]}, {"required": ["constant"]}, {"required": ["expression"]}, {"required": ["none"]}]))]
struct Written {
    /// The source attribute that is copied as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::mapping::schema::readable_name", example = &"department")]
    source: Option<String>,
    /// The same text for every user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"Contoso EMEA")]
    constant: Option<String>,
    /// An expression that computes the value from attributes of the source, in the language of Entra's attribute mappings
    /// (docs/language.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CHARS_MAX), example = &"Join(\" \", [givenName], [surname])")]
    expression: Option<String>,
    /// Switches the default mapping of the attribute off: xtsync does not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true, extend("const" = true))]
    none: Option<bool>,
    /// The value where the source attribute or the expression gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"Remote")]
    default: Option<String>,
    /// When the value is written.
    #[serde(default, skip_serializing_if = "is_always")]
    #[schemars(example = Apply::OnCreate, extend("default" = Apply::Always))]
    apply: Apply,
    /// What to do where there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = Nulls::Keep, extend("x-default" = "`nulls` of the synchronization"))]
    nulls: Option<Nulls>,
    /// Whether the value is never shown by xtsync, not even where values are asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true, extend("default" = false))]
    sensitive: bool,
}

impl TryFrom<Written> for Mapping {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { source, constant, expression, none, default, apply, nulls, sensitive } = written;
        let from = match (source, constant, expression, none) {
            (Some(source), None, None, None) => MappingSource::Source(source),
            (None, Some(constant), None, None) => MappingSource::Constant(constant),
            (None, None, Some(expression), None) => MappingSource::Expression(expression),
            (None, None, None, Some(true)) => MappingSource::None,
            (None, None, None, Some(false)) => return Err("`none` can only be true; leave it out otherwise"),
            (None, None, None, None) => return Err("one of `source`, `constant`, `expression` and `none` is needed"),
            (_, _, _, _) => return Err("only one of `source`, `constant`, `expression` and `none` can be given"),
        };
        Ok(Self { from, default, apply, nulls, sensitive })
    }
}

impl From<Mapping> for Written {
    fn from(Mapping { from, default, apply, nulls, sensitive }: Mapping) -> Self {
        let unset = Self { source: None, constant: None, expression: None, none: None, default, apply, nulls, sensitive };
        match from {
            MappingSource::Source(source) => Self { source: Some(source), ..unset },
            MappingSource::Constant(constant) => Self { constant: Some(constant), ..unset },
            MappingSource::Expression(expression) => Self { expression: Some(expression), ..unset },
            MappingSource::None => Self { none: Some(true), ..unset },
        }
    }
}

impl From<MappingSource> for Mapping {
    fn from(from: MappingSource) -> Self {
        Self { from, default: None, apply: Apply::Always, nulls: None, sensitive: false }
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
        let city = || Mapping::from(MappingSource::Source("city".to_owned()));
        let member = Mapping::from(MappingSource::Constant("Member".to_owned()));
        for (json, want) in [
            (r#"{"source":"city"}"#, city()),
            (
                r#"{"source":"city","default":"Paris","nulls":"keep"}"#,
                Mapping { default: Some("Paris".to_owned()), nulls: Some(Nulls::Keep), ..city() },
            ),
            (r#"{"constant":"Member","apply":"onCreate"}"#, Mapping { apply: Apply::OnCreate, ..member }),
            (r#"{"expression":"ToUpper([city])"}"#, MappingSource::Expression("ToUpper([city])".to_owned()).into()),
            (r#"{"source":"city","sensitive":true}"#, Mapping { sensitive: true, ..city() }),
            (r#"{"none":true}"#, MappingSource::None.into()),
        ] {
            let mapping: Mapping = serde_json::from_str(json).unwrap();
            assert_eq!(mapping, want);
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
            (r#"{"source":"a","expression":"[a]"}"#, "only one of"),
            (r#"{"source":"a","apply":"sometimes"}"#, "unknown variant `sometimes`"),
        ] {
            let error = serde_json::from_str::<Mapping>(json).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
