//! How many users a synchronization may change without approval (`BoundedChange`, I-5).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::gate::Counter;
use crate::link::Verb;

/// The limits of one synchronization. Its users are counted over an hour, each once however often something is done to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// How many users may be created in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 200, extend("x-default" = NO_LIMIT))]
    pub create: Option<Limit>,
    /// How many users may have attributes changed in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"50%", extend("x-default" = NO_LIMIT))]
    pub update: Option<Limit>,
    /// How many users may have their sign-in blocked in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 100, extend("x-default" = NO_LIMIT))]
    pub disable: Option<Limit>,
    /// How many users who lost the scope may be deleted in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"1%", extend("x-default" = deletions_by_default()))]
    pub delete: Option<Limit>,
    /// How many leavers may be deleted in an hour: users who are disabled or deleted at home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"10%", extend("x-default" = leavers_by_default()))]
    pub leaver: Option<Limit>,
    /// What to do with lost members, if a group of the scope lost more than half of its members, and more than ten, in one sync cycle.
    #[serde(default, skip_serializing_if = "ScopeLoss::is_default")]
    #[schemars(example = ScopeLoss::Allow, extend("default" = ScopeLoss::default()))]
    pub scope_loss: ScopeLoss,
}

/// How many there may be in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// This many.
    Number(u64),
    /// This percentage of the source's shadow users in the target, but at least ten, because a share of few users may be zero.
    Percent(u8),
}

/// What to do with lost members, if a group of the scope lost more than half of its members, and more than ten, in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ScopeLoss {
    /// They stay in scope until most of them return, or `allow` is written.
    #[default]
    Hold,
    /// They leave the scope.
    Allow,
}

/// What a share allows always, and what deletions are allowed where nothing is written.
const ALWAYS: u64 = 10;
const DELETIONS_PERCENT: u64 = 5;
const DELETIONS_MAX: u64 = 500;

/// The default limit for deletions of leavers. It is high, because a leaver who keeps access does harm, too. It is finite, because
/// a source may be broken or compromised.
const LEAVERS_PERCENT: u64 = 50;
const LEAVERS_ALWAYS: u64 = 500;

const NO_LIMIT: &str = "no limit";

fn deletions_by_default() -> String {
    format!(
        "{DELETIONS_PERCENT}% of the source's shadow users in the target, at least {ALWAYS}, and at most the source's share of {DELETIONS_MAX}"
    )
}

fn leavers_by_default() -> String {
    format!("{LEAVERS_PERCENT}% of the source's shadow users in the target, at least {LEAVERS_ALWAYS}")
}

/// Shadow users in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Of one source.
    pub source: u64,
    /// Of all sources.
    pub target: u64,
}

impl ScopeLoss {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Limits {
    /// Whether nothing was written.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How many users may be counted in an hour in a target with so many shadow users; `None` where there is no limit.
    #[must_use]
    pub fn max(&self, counter: Counter, live: Live) -> Option<u64> {
        let written = match counter {
            Counter::Verb(Verb::Create) => self.create,
            Counter::Verb(Verb::Update) => self.update,
            Counter::Verb(Verb::Disable) => self.disable,
            Counter::Verb(Verb::Delete) => self.delete,
            Counter::LeaverDelete => self.leaver,
            Counter::Verb(Verb::Enable | Verb::Restore) => None,
        };
        match (written, counter) {
            (Some(Limit::Number(number)), _) => Some(number),
            (Some(Limit::Percent(percent)), _) => Some(share(live.source, percent.into())),
            (None, Counter::Verb(Verb::Delete)) => {
                Some((live.source.saturating_mul(DELETIONS_PERCENT) / 100).min(part_of(DELETIONS_MAX, live)).max(ALWAYS))
            }
            (None, Counter::LeaverDelete) => Some((live.source.saturating_mul(LEAVERS_PERCENT) / 100).max(LEAVERS_ALWAYS)),
            (None, Counter::Verb(Verb::Create | Verb::Update | Verb::Disable | Verb::Enable | Verb::Restore)) => None,
        }
    }
}

/// A source's share of a target's limit, in proportion to its shadow users. All sources together do not exceed the limit.
fn part_of(whole: u64, live: Live) -> u64 {
    whole.saturating_mul(live.source).div_ceil(live.target.max(live.source).max(1))
}

fn share(live: u64, percent: u64) -> u64 {
    (live.saturating_mul(percent) / 100).max(ALWAYS)
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // `minimum` is about numbers only, and `pattern` about texts only.
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^([1-9][0-9]?|100)%$",
            "x-limits": format!("a number of users, or `1%` to `100%` of the source's shadow users in the target, which is at least {ALWAYS}"),
        })
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(to),
            Self::Percent(percent) => format!("{percent}%").serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a limit is a number, or a share such as '5%'")]
        enum Written {
            Number(u64),
            Share(String),
        }
        match Written::deserialize(from)? {
            Written::Number(number) => Ok(Self::Number(number)),
            Written::Share(text) => {
                let percent = text.strip_suffix('%').and_then(|number| number.parse().ok()).filter(|percent| (1..=100).contains(percent));
                percent.map(Self::Percent).ok_or_else(|| de::Error::custom("a share is a whole number from 1 to 100 with '%' behind it"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Limits, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_limit_is_a_number_or_a_share_and_only_deletions_have_one_unwritten() {
        let written = r#"{"create":200,"update":"50%","disable":0,"delete":"1%","leaver":"10%"}"#;
        assert_eq!(serde_json::to_string(&read(written).unwrap()).unwrap(), written);
        let verb = Counter::Verb;
        //   limits    counter             shadow users: of the source, of all; max
        for (limits, counter, source, target, max) in [
            ("{}", verb(Verb::Delete), 0, 0, Some(10)),
            ("{}", verb(Verb::Delete), 2_000, 2_000, Some(100)),
            ("{}", verb(Verb::Delete), 1_000_000, 1_000_000, Some(500)),
            ("{}", verb(Verb::Delete), 1_000_000, 4_000_000, Some(125)),
            ("{}", verb(Verb::Delete), 2_000, 4_000_000, Some(10)),
            ("{}", Counter::LeaverDelete, 0, 0, Some(500)),
            ("{}", Counter::LeaverDelete, 2_000, 1_000_000, Some(1_000)),
            ("{}", verb(Verb::Create), 2_000, 2_000, None),
            ("{}", verb(Verb::Disable), 2_000, 2_000, None),
            (written, verb(Verb::Create), 2_000, 2_000, Some(200)),
            (written, verb(Verb::Update), 2_000, 9_000, Some(1_000)),
            (written, verb(Verb::Disable), 2_000, 2_000, Some(0)),
            (written, verb(Verb::Delete), 100, 100, Some(10)),
            (written, verb(Verb::Delete), 1_000_000, 1_000_000, Some(10_000)),
            (written, Counter::LeaverDelete, 2_000, 2_000, Some(200)),
            (written, verb(Verb::Restore), 2_000, 2_000, None),
        ] {
            assert_eq!(read(limits).unwrap().max(counter, Live { source, target }), max, "{limits} {counter:?} {source} {target}");
        }
    }

    #[test]
    fn what_is_no_limit_is_named() {
        for (json, want) in [
            (r#"{"delete":"0%"}"#, "from 1 to 100"),
            (r#"{"delete":"101%"}"#, "from 1 to 100"),
            (r#"{"delete":"5"}"#, "from 1 to 100"),
            (r#"{"delete":-1}"#, "a limit is a number"),
            (r#"{"restore":5}"#, "restore"),
            (r#"{"scopeLoss":"maybe"}"#, "maybe"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(want), "{json}: {error}");
        }
    }
}
