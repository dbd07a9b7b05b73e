//! The user attributes that mappings know of every directory: **this is the file where a mapped attribute is added.**
//!
//! One row an attribute, by Microsoft Graph's name: what it holds, whether a mapping may read it from a source, whether one may write it
//! in a target, and whether it is mapped where nothing is written. Entra shows only part of its default set
//! (<https://learn.microsoft.com/entra/identity/multi-tenant-organizations/cross-tenant-synchronization-configure>, step 9), and
//! mostly in a picture, so the set is xtsync's own: attributes that describe a person at work; none identifies, reaches or admits them.
//! What must not be written, and why, is pitfall R6. What Entra refuses on privileged users (R9) is never mapped unasked; which attributes
//! those are, the connector knows, because it writes them apart. Directory extensions come beside these rows ([`super::AttributeTable`]).

use super::attribute::Target::{Clearable, Never, Required};
use super::attribute::{Attribute, ByDefault, Target, ValueType};
use crate::attributes::AttributeName;

/// Every attribute that mappings know, by name.
#[rustfmt::skip]
const KNOWN: &[Attribute<'static>] = &[
    //  name                    holds          readable  writable                                  by default
    row("accountEnabled",       ValueType::Flag,   true,     Never("it follows the account at home by itself"),  ByDefault::Unmapped),
    row("alternativeSecurityIds", ValueType::Other, false,   Never("the directory does not let it be written"),  ByDefault::Unmapped),
    row("businessPhones",       ValueType::Texts,  true,     Clearable,                                ByDefault::Unmapped),
    row("city",                 ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("companyName",          ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("country",              ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("createdDateTime",      ValueType::Time,   true,     Never("the directory sets it"),           ByDefault::Unmapped),
    row("department",           ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("displayName",          ValueType::Text,   true,     Required,                                    ByDefault::Direct),
    row("employeeId",           ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("employeeType",         ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("faxNumber",            ValueType::Text,   true,     Clearable,                                ByDefault::Unmapped),
    row("givenName",            ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("identities",           ValueType::Other,  false,    Never("it would let another sign in"),    ByDefault::Unmapped),
    row("jobTitle",             ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("mail",                 ValueType::Text,   true,     Never("the invitation sets it, and writing it rewrites the proxy addresses"), ByDefault::Unmapped),
    row("mailNickname",         ValueType::Text,   true,     Required,                                    ByDefault::Unmapped),
    row("manager",              ValueType::Other,  false,    Never("references are not synchronized yet"),       ByDefault::Unmapped),
    row("mobilePhone",          ValueType::Text,   true,     Clearable,                                ByDefault::Unmapped),
    row("officeLocation",       ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("onPremisesSyncEnabled", ValueType::Flag,  true,     Never("the directory sets it"),           ByDefault::Unmapped),
    row("otherMails",           ValueType::Texts,  true,     Never("it can redeem an invitation"),     ByDefault::Unmapped),
    row("postalCode",           ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("preferredLanguage",    ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("proxyAddresses",       ValueType::Texts,  true,     Never("the directory computes it"),       ByDefault::Unmapped),
    row("showInAddressList",    ValueType::Flag,   false,    Never("Graph is not to write it"),        ByDefault::Unmapped),
    row("state",                ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("streetAddress",        ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("surname",              ValueType::Text,   true,     Clearable,                                ByDefault::Direct),
    row("usageLocation",        ValueType::Text,   true,     Required,                                    ByDefault::Direct),
    row("userPrincipalName",    ValueType::Text,   true,     Never("the target computes it"),          ByDefault::Unmapped),
    row("userType",             ValueType::Text,   false,    Required,                                    ByDefault::OnCreate("Member")),
];

const fn row(name: &'static str, value_type: ValueType, source: bool, target: Target, default: ByDefault) -> Attribute<'static> {
    Attribute { name, value_type, source, target, default }
}

/// Every attribute that mappings know, by name.
#[must_use]
pub fn known() -> &'static [Attribute<'static>] {
    KNOWN
}

/// The attribute of a name, if mappings know it.
#[must_use]
pub fn attribute(name: &str) -> Option<&'static Attribute<'static>> {
    KNOWN.binary_search_by(|attribute| attribute.name.cmp(name)).ok().map(|at| &KNOWN[at])
}

/// The name of an attribute, not copied if mappings know it.
#[must_use]
pub fn name(name: &str) -> AttributeName {
    attribute(name).map_or_else(|| name.to_owned().into(), |known| known.name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(KNOWN.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn what_is_mapped_by_default_can_be_read_and_written() {
        for attribute in KNOWN {
            match attribute.default {
                ByDefault::Direct => assert!(attribute.source && matches!(attribute.target, Clearable | Required), "{}", attribute.name),
                ByDefault::OnCreate(_) => assert!(matches!(attribute.target, Clearable | Required), "{}", attribute.name),
                ByDefault::Unmapped => {}
            }
        }
    }
}
