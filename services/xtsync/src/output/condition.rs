//! Texts of conditions: what is waited for, what needs attention, and what stays as it is. The only place where these texts are made.

use serde_json::{Value, json};
use xtsync_contract::control::{Condition, ConditionCode as Code};
use xtsync_contract::convert::code;

/// The text of a condition, in lower case and without a full stop.
#[must_use]
pub fn text(condition: &Condition) -> String {
    let of = Parameters(condition);
    let text = role(condition.code(), &of)
        .or_else(|| work(condition.code(), &of))
        .or_else(|| group(condition.code(), &of))
        .or_else(|| extension(condition.code(), &of))
        .or_else(|| tenant(condition.code(), &of))
        .unwrap_or_else(|| "a condition that this version does not know".to_owned());
    match of.get("synchronization") {
        "" => text,
        synchronization => format!("{synchronization}: {text}"),
    }
}

/// The text of a condition; empty if there is none.
#[must_use]
pub fn optional_text(condition: &Option<Condition>) -> String {
    condition.as_ref().map(text).unwrap_or_default()
}

/// A condition as JSON: code, parameters and text.
#[must_use]
pub fn as_json(condition: &Condition) -> Value {
    let code = code(condition.code().as_str_name(), "CONDITION_CODE_");
    json!({"code": code, "parameters": condition.parameters, "text": text(condition)})
}

/// The parameters of a condition; a missing one is empty.
struct Parameters<'a>(&'a Condition);

impl Parameters<'_> {
    fn get(&self, name: &str) -> &str {
        self.0.parameters.get(name).map_or("", String::as_str)
    }

    /// A number with its noun: `1 user`, `2 users`.
    fn count(&self, name: &str, singular: &str, plural: &str) -> String {
        let number = self.get(name);
        format!("{number} {}", if number == "1" { singular } else { plural })
    }

    /// A role, with its tenant if it has one.
    fn role(&self) -> String {
        match self.get("tenant") {
            "" => self.get("role").to_owned(),
            tenant => format!("{} of {tenant}", self.get("role")),
        }
    }

    /// The other groups with the same name, and how to use one of them.
    fn others(&self) -> Option<String> {
        let (tenant, name, ids) = (self.get("tenant"), self.get("name"), self.get("others"));
        Some(match self.get("count") {
            "" => return None,
            "1" => format!("another group of {tenant} is named {name}, {ids}: `xtsync apply --refresh-names` uses it"),
            several => format!("{several} other groups of {tenant} are named {name}; write one of {ids}"),
        })
    }
}

/// What a role does not report or do yet.
fn role(code: Code, of: &Parameters<'_>) -> Option<String> {
    Some(match (code, of.get("tenant")) {
        (Code::RoleSilent, "") => format!("{} to report its status", of.get("role")),
        (Code::RoleSilent, tenant) => format!("{} to report on {tenant}", of.get("role")),
        (Code::RoleBlocked, _) => format!("{}: {}", of.role(), of.get("code")),
        (Code::RoleBehind, _) => format!("{} to take up revision {}", of.role(), of.get("revision")),
        (Code::ObserveOnlyAfterRebuild, tenant) => {
            format!("{tenant} to be resumed: the store of its links was lost and rebuilt; run `xtsync resume {tenant}`")
        }
        (_, _) => return None,
    })
}

/// What is to be done yet.
fn work(code: Code, of: &Parameters<'_>) -> Option<String> {
    Some(match code {
        Code::FirstApply => "a first apply".to_owned(),
        Code::UnpublishedRevision => format!("revision {} to be published", of.get("revision")),
        Code::UnreadRecords => format!("control to read {}", of.count("records", "record", "records")),
        Code::TopicMissing => format!("topic {} is missing: run `xtsync topics create`", of.get("topic")),
        Code::UnpublishedUsers => format!("change-detector of {} to publish {}", of.get("tenant"), of.count("users", "user", "users")),
        Code::FirstCycle => format!("the first cycle of {}", of.get("tenant")),
        Code::UnevaluatedRecords => format!("policy to decide {}", of.count("records", "record", "records")),
        Code::UnprocessedDecisions => {
            format!("provisioner of {} to take in {}", of.get("tenant"), of.count("records", "record", "records"))
        }
        Code::DueLinks => format!("{} due in {}", of.count("links", "link", "links"), of.get("tenant")),
        Code::UndecidedUsers => format!("{} not decided yet", of.count("users", "user", "users")),
        Code::Replay => "users to be decided again".to_owned(),
        Code::OpenLinks => format!("{} not as desired yet", of.count("links", "link", "links")),
        Code::GracePeriod => format!("{} in the grace period", of.count("users", "loss of scope", "losses of scope")),
        _ => return None,
    })
}

/// What is known of a group in a scope, and what stays in force.
fn group(code: Code, of: &Parameters<'_>) -> Option<String> {
    const KEPT: &str = "and its last members are kept in scope";
    let (group, tenant) = (of.get("group"), of.get("tenant"));
    Some(match code {
        Code::GroupNotSeen if tenant.is_empty() => format!("group {group} not seen yet"),
        Code::GroupNotSeen => format!("group {group} not seen yet: {tenant} has none of that name"),
        Code::GroupAmbiguous => {
            format!("ambiguous: {} groups of {tenant} are named {group}; write one of {}", of.get("count"), of.get("others"))
        }
        Code::GroupRenamed => {
            let others = of.others().map(|others| format!("; {others}")).unwrap_or_default();
            format!("group {group} is now named {}{others}", of.get("now"))
        }
        Code::GroupDeleted => {
            let next = of.others().unwrap_or_else(|| "write another group, or restore it".to_owned());
            format!("group {group} is deleted, {KEPT}; {next}")
        }
        Code::GroupUnreadable => format!("group {group} cannot be read, {KEPT}"),
        Code::FormerRevisionInForce => format!("revision {} stays in force: {}", of.get("revision"), of.get("scope")),
        Code::NothingInForce => "nothing of it is in force yet".to_owned(),
        _ => return None,
    })
}

/// What is known of the directory extensions that a mapping names.
fn extension(code: Code, of: &Parameters<'_>) -> Option<String> {
    Some(match code {
        Code::ExtensionsNotRead => {
            let tenant = of.get("tenant");
            format!("the directory extensions of {tenant} are not read yet; its reader needs the permission Directory.Read.All")
        }
        Code::ExtensionRefused => of.get("reason").to_owned(),
        _ => return None,
    })
}

/// What is wrong with a Tenant.
fn tenant(code: Code, of: &Parameters<'_>) -> Option<String> {
    let (tenant, directory) = (of.get("tenant"), of.get("directory"));
    Some(match code {
        Code::TenantNotListed => {
            format!("Organization {} does not list it: it is not read, and nothing is written for it", of.get("organization"))
        }
        Code::DirectoryChanged => format!(
            "its domain leads to directory {directory} instead of {}: nothing is read or written until the domain is corrected, or \
             `xtsync tenant confirm {tenant}` confirms that it moved",
            of.get("former_directory")
        ),
        Code::DirectoryShared => {
            format!("Tenant {} is the same directory, {directory}: nothing is written for either until only one names it", of.get("others"))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
