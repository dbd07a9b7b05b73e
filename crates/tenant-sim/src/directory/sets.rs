//! Checking what a request sets, before anything of it is done.

use serde_json::{Map, Value as Json};

use super::Directory;
use crate::error::Failure;
use crate::property::{self, ObjectKind, Prop, Write};
use crate::user::User;
use crate::value::{Kind, Value};

/// Properties to be set, with their values.
pub(super) type Sets = Vec<(Prop, Value)>;

impl Directory {
    /// Reads the properties that a body names; each must be known, writable and of its kind.
    pub(super) fn read_sets(&self, kind: ObjectKind, body: &Map<String, Json>) -> Result<Sets, Failure> {
        let mut sets = Sets::with_capacity(body.len());
        for (name, json) in body.iter().filter(|(name, _)| !name.contains('@')) {
            let resource = if kind == ObjectKind::User { "user" } else { "group" };
            let prop = self.schema.find(kind, name).ok_or_else(|| Failure::no_property(name, resource))?;
            match self.schema.write(prop) {
                Write::Ignored => continue,
                Write::Never => {
                    return Err(Failure::bad_request(format!("Property '{name}' is read-only and cannot be set.")));
                }
                Write::Required if json.is_null() => {
                    return Err(Failure::invalid_value(name, resource));
                }
                Write::Required | Write::Free => {}
            }
            let value = match self.schema.kind(prop) {
                // The directory knows no empty text: it is null.
                Kind::Text if json == "" => None,
                kind => Value::from_json(kind, json),
            };
            let invalid = || Failure::invalid_value(name, resource);
            let value = value.filter(|value| self.schema.holds(prop, value));
            sets.push((prop, value.ok_or_else(invalid)?));
        }
        self.check_lengths(&sets, if kind == ObjectKind::User { "user" } else { "group" })?;
        Ok(sets)
    }

    pub(super) fn check_user(&self, user: Option<&User>, sets: &Sets) -> Result<(), Failure> {
        let own = user.map(|user| user.id);
        let taken = |prop, text: &str| self.users.with(prop, text).any(|other| Some(other.id) != own);
        for (prop, text) in sets.iter().filter_map(|(prop, value)| Some((*prop, value.as_text()?))) {
            if prop == property::UPN {
                let domain = text.rsplit_once('@').map(|(_, domain)| domain);
                if !domain.is_some_and(|domain| self.owns_domain(domain)) {
                    return Err(Failure::bad_request("Property userPrincipalName is invalid."));
                }
                if taken(prop, text) {
                    return Err(Failure::taken("userPrincipalName"));
                }
            }
            if prop == property::MAIL && (taken(property::PROXY_ADDRESSES, &format!("smtp:{text}")) || self.is_group_address(text)) {
                return Err(Failure::taken("proxyAddresses"));
            }
            if prop == property::USER_TYPE && !["Member", "Guest"].contains(&text) {
                return Err(Failure::bad_request("Invalid value specified for property 'userType' of resource 'User'."));
            }
        }
        Ok(())
    }

    /// Setting the mail rewrites the proxy addresses: the new one is primary, the former primary stays as a secondary one.
    pub(super) fn proxy_addresses(&self, user: Option<&User>, mail: Option<&str>) -> Option<(Prop, Value)> {
        let mail = mail?;
        let primary = format!("SMTP:{mail}");
        let known = user.and_then(|user| user.fields.get(property::PROXY_ADDRESSES)).map(Value::each_text).unwrap_or_default();
        let others = known.iter().filter(|proxy| !proxy.eq_ignore_ascii_case(&primary)).map(|proxy| proxy.replacen("SMTP:", "smtp:", 1));
        Some((property::PROXY_ADDRESSES, Value::texts(std::iter::once(primary.clone()).chain(others))))
    }
}
