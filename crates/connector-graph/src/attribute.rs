//! The attributes of Graph's users that xtsync knows, in one table: what they hold, when they are read, how they are written.
//!
//! An attribute that is not in the table works too: it is read when some configuration asks for it, holds what its JSON holds, and is
//! written with the plain ones. Sources: the `user` resource page of Microsoft Graph v1.0; pitfalls R6, R7, R9, R16. `faxNumber` is plain:
//! of the numbers, only `businessPhones` and `mobilePhone` are among Entra's sensitive actions.

use std::collections::BTreeSet;

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Texts,
    Time,
    /// Several texts in no order, none of them twice.
    Set,
    /// Whatever its JSON is: the attribute is not in the table.
    Open,
}

/// When a source's attribute is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Always, so that a configuration that needs it later causes no full read.
    Always,
    /// When a configuration asks for it.
    Asked,
    /// Likewise; and a target's only by who holds a permission that most writers lack.
    Privileged,
}

/// How a target's attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// Never: the directory sets it.
    Never,
    /// With all others.
    Plain,
    /// Apart from the plain ones: it needs a right of its own, or fails where another system owns the object.
    Sensitive,
}

#[rustfmt::skip]
const TABLE: &[(&str, Kind, Read, Write)] = {
    use Kind::*; use Read::*; use Write::*;
    &[
        ("accountEnabled",        Flag,  Always,     Sensitive),
        ("businessPhones",        Texts, Always,     Sensitive),
        ("city",                  Text,  Always,     Plain),
        ("companyName",           Text,  Always,     Plain),
        ("country",               Text,  Always,     Plain),
        ("createdDateTime",       Time,  Always,     Never),
        ("creationType",          Text,  Always,     Never),
        ("department",            Text,  Always,     Plain),
        ("displayName",           Text,  Always,     Plain),
        ("employeeHireDate",      Time,  Asked,      Sensitive),
        ("employeeId",            Text,  Always,     Plain),
        ("employeeLeaveDateTime", Time,  Privileged, Sensitive),
        ("employeeType",          Text,  Always,     Plain),
        ("externalUserState",     Text,  Always,     Never),
        ("faxNumber",             Text,  Always,     Plain),
        ("givenName",             Text,  Always,     Plain),
        ("jobTitle",              Text,  Always,     Plain),
        ("mail",                  Text,  Always,     Sensitive),
        ("mailNickname",          Text,  Always,     Plain),
        ("mobilePhone",           Text,  Always,     Sensitive),
        ("officeLocation",        Text,  Always,     Plain),
        ("otherMails",            Texts, Always,     Sensitive),
        ("postalCode",            Text,  Always,     Plain),
        ("preferredLanguage",     Text,  Always,     Plain),
        ("proxyAddresses",        Texts, Always,     Never),
        ("showInAddressList",     Flag,  Asked,      Sensitive),
        ("state",                 Text,  Always,     Plain),
        ("streetAddress",         Text,  Always,     Plain),
        ("surname",               Text,  Always,     Plain),
        ("usageLocation",         Text,  Always,     Plain),
        ("userPrincipalName",     Text,  Always,     Sensitive),
        ("userType",              Text,  Always,     Sensitive),
    ]
};

/// What an attribute holds.
pub(super) fn kind(name: &str) -> Kind {
    row(name).map_or(Kind::Open, |(_, kind, _, _)| *kind)
}

/// What a reading of a source selects: all that is always read, and what is asked for; sorted, so that the same need is the same query.
pub(super) fn selection(asked: &[String]) -> Vec<String> {
    let always = TABLE.iter().filter(|(_, _, read, _)| *read == Read::Always).map(|(name, ..)| (*name).to_owned());
    let all: BTreeSet<String> = always.chain(asked.iter().filter(|name| *name != "id").cloned()).collect();
    all.into_iter().collect()
}

/// What of a target's user can be written, and read back by any writer.
pub(super) fn written() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|(_, _, read, write)| *write != Write::Never && *read != Read::Privileged).map(|(name, ..)| *name)
}

/// Whether an attribute is written apart from the plain ones.
pub(super) fn is_sensitive(name: &str) -> bool {
    row(name).is_some_and(|(_, _, _, write)| *write == Write::Sensitive)
}

fn row(name: &str) -> Option<&'static (&'static str, Kind, Read, Write)> {
    TABLE.iter().find(|(known, ..)| *known == name)
}

#[cfg(test)]
mod tests {
    use xtsync_domain::mapping::{self, ByDefault};

    use super::*;

    #[test]
    fn a_selection_is_sorted_without_repetition_and_holds_what_is_asked_for() {
        let asked = ["extension_1_cost", "city", "id", "extension_1_cost"].map(str::to_owned);
        let selection = selection(&asked);
        assert!(selection.is_sorted() && selection.iter().collect::<BTreeSet<_>>().len() == selection.len());
        assert!(selection.contains(&"extension_1_cost".to_owned()) && !selection.contains(&"id".to_owned()));
        assert_eq!(selection.len(), super::selection(&[]).len() + 1);
    }

    #[test]
    fn what_entra_refuses_on_privileged_users_is_written_apart() {
        for name in ["accountEnabled", "businessPhones", "mobilePhone", "otherMails", "userPrincipalName"] {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["displayName", "faxNumber", "badge"] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn attributes_mapped_by_default_are_plain() {
        let unasked = mapping::known().iter().filter(|attribute| attribute.default == ByDefault::Direct);
        unasked.for_each(|attribute| assert!(!is_sensitive(attribute.name), "{}", attribute.name));
    }

    #[test]
    fn attributes_that_mark_external_users_are_always_read() {
        for name in ["creationType", "externalUserState", "userPrincipalName", "userType", "mail", "accountEnabled"] {
            assert!(selection(&[]).contains(&name.to_owned()), "{name}");
        }
        assert!(!selection(&[]).contains(&"extension_1_cost".to_owned()));
    }
}
