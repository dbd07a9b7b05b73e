//! A test of a whole synchronization: with this configuration and this user, this is decided.

mod configurations;
mod seen;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use xtsync_domain::address::{Home, HomeDomains, candidates};
use xtsync_domain::decide::{CompiledRules, decide};
use xtsync_domain::delta::{self, Gone, State, UserDelta};
use xtsync_domain::{Attributes, GroupId, Origin, TenantName, Timestamp, Value};

pub(super) use self::configurations::Configurations;
use self::configurations::PROJECTION;
use self::seen::{Seen, seen};
use super::outcome::{Difference, Outcome};
use crate::rules::user::User;

/// A test of a synchronization.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SynchronizationTest {
    #[serde(default)]
    name: Option<String>,
    /// Files or folders of resources, relative to the file of tests.
    configuration: Vec<PathBuf>,
    /// The directory extensions of users that tenants have: by tenant and name, each with its `dataType` and perhaps `isMultiValued`.
    #[serde(default)]
    extensions: BTreeMap<TenantName, Json>,
    /// `SOURCE/NAME`.
    synchronization: String,
    user: TestedUser,
    expect: Expected,
}

/// The user as the source has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TestedUser {
    #[serde(default)]
    attributes: Map<String, Json>,
    /// The groups that the user is a direct member of, by id or by the name that the configuration has.
    #[serde(default)]
    groups: Vec<GroupId>,
    /// Those that they are a member of through other groups only.
    #[serde(default)]
    nested_groups: Vec<GroupId>,
    #[serde(default)]
    external: bool,
    #[serde(default)]
    state: UserState,
    /// The domains that the source has verified; those of the user's addresses by default.
    domains: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum UserState {
    #[default]
    Present,
    SoftDeleted,
    Deleted,
}

/// What is to be decided. What is not named is not compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expected {
    /// `wanted`, `not_wanted` or `skipped`.
    decision: Option<String>,
    /// Such as `in_scope`, `out_of_scope` or `no_address`.
    reason: Option<String>,
    sign_in_blocked: Option<bool>,
    address: Option<String>,
    /// Attributes of the target that are kept equal; null clears one.
    #[serde(default)]
    attributes: Map<String, Json>,
    /// Attributes that are written at creation only.
    #[serde(default)]
    on_create: Map<String, Json>,
    /// Attributes that are left as they are in the target.
    #[serde(default)]
    unwritten: Vec<String>,
    /// Attributes that have no value that fits, each with the code.
    #[serde(default)]
    invalid: Map<String, Json>,
}

impl SynchronizationTest {
    pub(super) fn run(&self, folder: &Path, configurations: &mut Configurations) -> Outcome {
        let name = self.name.clone().unwrap_or_else(|| self.synchronization.clone());
        match self.differences(folder, configurations) {
            Ok(differences) => Outcome::new(name, differences),
            Err(error) => Outcome::new(name, [Difference::new("test", "a decision", format!("{error:#}"))]),
        }
    }

    fn differences(&self, folder: &Path, configurations: &mut Configurations) -> anyhow::Result<Vec<Difference>> {
        let rules = configurations.get(folder, &self.configuration, &self.extensions)?;
        let (source, name) = self.synchronization.split_once('/').context("`synchronization` is SOURCE/NAME")?;
        let source: TenantName = source.parse().map_err(|_| anyhow!("there is no Tenant '{source}'"))?;
        let synchronization = rules.configuration().synchronizations_from(&source).find(|one| one.name == name);
        let synchronization = synchronization.with_context(|| format!("there is no Synchronization {}", self.synchronization))?;
        let (delta, home) = self.user.delta(&source, &rules);
        let decided = decide(&delta, synchronization, &rules, &home).context("the user is not decided")?;
        Ok(self.expect.differences(&seen(&decided, &synchronization.spec)))
    }
}

impl TestedUser {
    /// The user's delta, with what the rules read of a user, and what is known of their home.
    fn delta(&self, source: &TenantName, rules: &CompiledRules) -> (UserDelta, Home) {
        let mut attributes = User::of_json(&self.attributes).attributes().clone();
        let read = rules.configuration().projection(source).map(|(_, projection)| projection.attributes.clone()).unwrap_or_default();
        for name in read {
            if attributes.get(&name).is_none() {
                attributes.insert(name, Value::Null);
            }
        }
        let kind = if self.external { delta::Kind::External } else { delta::Kind::Internal };
        let user = delta::User { attributes, groups: self.groups.clone(), nested_groups: self.nested_groups.clone(), kind };
        let of_addresses = || candidates(&user).filter_map(|address| Some(address.split_once('@')?.1.to_owned())).collect();
        let domains: Vec<String> = self.domains.clone().unwrap_or_else(of_addresses);
        let home = Home { domains: Some(HomeDomains::new(domains.iter().map(String::as_str))), facts: 1 };
        let state = match self.state {
            UserState::Present => State::Present(user),
            UserState::SoftDeleted => State::Gone(Gone::SoftDeleted),
            UserState::Deleted => State::Gone(Gone::Deleted),
        };
        let delta = UserDelta {
            tenant: source.clone(),
            user: "user".into(),
            // A moment in 2026, so that `Now` is the same in each run.
            version: 1_767_323_045_000_000,
            projection: PROJECTION,
            origin: Origin::Live,
            first_seen: Timestamp::default(),
            changed_at: None,
            state,
            changed: Vec::new(),
            before: Attributes::default(),
        };
        (delta, home)
    }
}

impl Expected {
    fn differences(&self, seen: &Seen) -> Vec<Difference> {
        let named = [
            ("decision", self.decision.clone().map(Json::from)),
            ("reason", self.reason.clone().map(Json::from)),
            ("signInBlocked", self.sign_in_blocked.map(Json::from)),
            ("address", self.address.clone().map(Json::from)),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Some(value?))));
        let maps = [("attributes", &self.attributes), ("onCreate", &self.on_create), ("invalid", &self.invalid)];
        let fields = maps
            .into_iter()
            .flat_map(|(map, fields)| fields.iter().map(move |(name, value)| (format!("{map}.{name}"), Some(value.clone()))));
        let unwritten = self.unwritten.iter().flat_map(|name| ["attributes", "onCreate"].map(|map| (format!("{map}.{name}"), None)));
        named.chain(fields).chain(unwritten).filter_map(|(field, want)| seen.difference(&field, want.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests;
