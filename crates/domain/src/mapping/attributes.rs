//! The user attributes that mappings know: **this is the file where a mapped attribute is added.**
//!
//! One row an attribute, by Microsoft Graph's name: what it holds, whether a mapping may read it from a source, whether one may write it
//! in a target, and whether it is mapped where nothing is written. Entra shows only part of its default set
//! (<https://learn.microsoft.com/entra/identity/multi-tenant-organizations/cross-tenant-synchronization-configure>, step 9), and
//! mostly in a picture, so the set is our own choice: what describes a person at work, and nothing that identifies, reaches or lets him in.
//! What must not be written, and why, is pitfall R6. What Entra refuses on privileged users (R9) is never mapped unasked; which attributes
//! those are, the connector knows, because it writes them apart.

use super::attribute::Target::{Clearable, Never, Solid};
use super::attribute::{Attribute, ByDefault, Shape, Target};

/// Every attribute that mappings know, by name.
#[rustfmt::skip]
pub(super) const KNOWN: &[Attribute] = &[
    //  name                    holds          readable  writable                                  by default
    row("accountEnabled",       Shape::Flag,   true,     Never("it follows the account at home by itself"),  ByDefault::Unmapped),
    row("alternativeSecurityIds", Shape::Other, false,   Never("the directory does not let it be written"),  ByDefault::Unmapped),
    row("businessPhones",       Shape::Texts,  true,     Clearable,                                ByDefault::Unmapped),
    row("city",                 Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("companyName",          Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("country",              Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("createdDateTime",      Shape::Time,   true,     Never("the directory sets it"),           ByDefault::Unmapped),
    row("department",           Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("displayName",          Shape::Text,   true,     Solid,                                    ByDefault::Direct),
    row("employeeId",           Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("employeeType",         Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("faxNumber",            Shape::Text,   true,     Clearable,                                ByDefault::Unmapped),
    row("givenName",            Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("identities",           Shape::Other,  false,    Never("it would let another sign in"),    ByDefault::Unmapped),
    row("jobTitle",             Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("mail",                 Shape::Text,   true,     Never("the invitation sets it, and writing it rewrites the proxy addresses"), ByDefault::Unmapped),
    row("mailNickname",         Shape::Text,   true,     Solid,                                    ByDefault::Unmapped),
    row("manager",              Shape::Other,  false,    Never("references are not synchronized yet"),       ByDefault::Unmapped),
    row("mobilePhone",          Shape::Text,   true,     Clearable,                                ByDefault::Unmapped),
    row("officeLocation",       Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("onPremisesSyncEnabled", Shape::Flag,  true,     Never("the directory sets it"),           ByDefault::Unmapped),
    row("otherMails",           Shape::Texts,  true,     Never("it can redeem an invitation"),     ByDefault::Unmapped),
    row("postalCode",           Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("preferredLanguage",    Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("proxyAddresses",       Shape::Texts,  true,     Never("the directory computes it"),       ByDefault::Unmapped),
    row("showInAddressList",    Shape::Flag,   false,    Never("Graph is not to write it"),        ByDefault::Unmapped),
    row("state",                Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("streetAddress",        Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("surname",              Shape::Text,   true,     Clearable,                                ByDefault::Direct),
    row("usageLocation",        Shape::Text,   true,     Solid,                                    ByDefault::Direct),
    row("userPrincipalName",    Shape::Text,   true,     Never("the target computes it"),          ByDefault::Unmapped),
    row("userType",             Shape::Text,   false,    Solid,                                    ByDefault::OnCreate("Member")),
];

const fn row(name: &'static str, shape: Shape, source: bool, target: Target, default: ByDefault) -> Attribute {
    Attribute { name, shape, source, target, default }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(KNOWN.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn what_is_mapped_unasked_can_be_read_and_written() {
        for attribute in KNOWN {
            match attribute.default {
                ByDefault::Direct => assert!(attribute.source && matches!(attribute.target, Clearable | Solid), "{}", attribute.name),
                ByDefault::OnCreate(_) => assert!(matches!(attribute.target, Clearable | Solid), "{}", attribute.name),
                ByDefault::Unmapped => {}
            }
        }
    }
}
