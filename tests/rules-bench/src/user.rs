//! The user that is measured with.

use xtsync_domain::delta::{Kind, State, User, UserDelta};
use xtsync_domain::{Attributes, Origin, Timestamp, Value};

/// The attributes of a user as the detector reads them.
#[must_use]
pub(crate) fn attributes() -> Attributes {
    let texts = [
        ("city", "Sydney"),
        ("companyName", "Contoso"),
        ("country", "USA"),
        ("department", "Sales and Marketing"),
        ("displayName", "Zoë García"),
        ("employeeId", "20150123105347.1Z"),
        ("employeeType", "Employee"),
        ("givenName", "Zoë"),
        ("jobTitle", "Senior Engineer II"),
        ("mail", "zoe.garcia@emea.example"),
        ("mobilePhone", "+91 9998887777"),
        ("officeLocation", "Building 7"),
        ("postalCode", "2000"),
        ("preferredLanguage", "en-AU"),
        ("state", "QLD"),
        ("streetAddress", "545 Tremont Street"),
        ("surname", "García"),
        ("usageLocation", "AU"),
        ("userPrincipalName", "zoe.garcia@emea.example"),
    ];
    let mut attributes: Attributes = texts.into_iter().map(|(name, text)| (name, Value::from(text))).collect();
    attributes.insert("accountEnabled", true.into());
    attributes.insert("faxNumber", Value::Null);
    attributes
}

/// A delta of that user.
#[must_use]
pub(crate) fn delta() -> UserDelta {
    let user = User {
        attributes: attributes(),
        groups: vec!["7c1e5a2b-0000-4000-8000-000000000001".into()],
        nested_groups: Vec::new(),
        kind: Kind::Internal,
    };
    UserDelta {
        tenant: "emea".parse().expect("a name"),
        user: "4a0f5c1e-6a0b-4b0e-9a52-3f6f0c6b8e11".into(),
        version: 1_767_323_045_000_000,
        projection: 1,
        origin: Origin::Live,
        first_seen: Timestamp(1),
        changed_at: None,
        state: State::Present(user),
        changed: Vec::new(),
        before: Attributes::default(),
    }
}
