//! The properties of users and groups: their names, kinds, what a plain GET shows, and who may set them.
//!
//! One table holds both, so that a property is one byte wherever it is stored. Directory extensions get the numbers after the table.
//! Source: the `user` and `group` resource pages of Microsoft Graph v1.0, as far as synchronization meets them.

use crate::error::Failure;
use crate::extension::Extension;
use crate::value::{Kind, Value};

/// A property by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Prop(u8);

impl Prop {
    /// This property alone in a set of properties.
    pub(crate) fn bit(self) -> u128 {
        1 << self.0
    }
}

/// Who may set a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// Every client that may write the object, and null clears it.
    Free,
    /// Every such client, but never null.
    Required,
    /// Only the directory itself.
    Never,
    /// Accepted and not kept: a secret.
    Ignored,
}

/// Which kinds of object have a property, and whether a GET without `$select` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// Shown by users and groups.
    Both,
    /// Shown by users.
    User,
    /// Of users, on request only.
    UserHidden,
    /// Shown by groups.
    Group,
    /// Shown by groups; of users on request only.
    GroupUserHidden,
}

/// The kind of a directory object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// The cross-tenant access policy or a part of it.
    Policy,
}

struct Property(&'static str, Kind, Write, On);

#[rustfmt::skip]
const TABLE: &[Property] = {
    use Kind::*; use On::*; use Write::*;
    &[
        Property("id", Text, Never, On::Both),
        Property("deletedDateTime", Time, Never, GroupUserHidden),
        Property("displayName", Text, Required, Both),
        Property("businessPhones", Texts, Free, User),
        Property("givenName", Text, Free, User),
        Property("jobTitle", Text, Free, User),
        Property("mail", Text, Free, Both),
        Property("mobilePhone", Text, Free, User),
        Property("officeLocation", Text, Free, User),
        Property("preferredLanguage", Text, Free, User),
        Property("surname", Text, Free, User),
        Property("userPrincipalName", Text, Required, User),
        Property("accountEnabled", Flag, Required, UserHidden),
        Property("ageGroup", Text, Free, UserHidden),
        Property("assignedLicenses", Complex, Never, UserHidden),
        Property("assignedPlans", Complex, Never, UserHidden),
        Property("city", Text, Free, UserHidden),
        Property("companyName", Text, Free, UserHidden),
        Property("consentProvidedForMinor", Text, Free, UserHidden),
        Property("country", Text, Free, UserHidden),
        Property("createdDateTime", Time, Never, GroupUserHidden),
        Property("creationType", Text, Never, UserHidden),
        Property("department", Text, Free, UserHidden),
        Property("employeeHireDate", Time, Free, UserHidden),
        Property("employeeId", Text, Free, UserHidden),
        Property("employeeLeaveDateTime", Time, Free, UserHidden),
        Property("employeeOrgData", Complex, Free, UserHidden),
        Property("employeeType", Text, Free, UserHidden),
        Property("externalUserState", Text, Never, UserHidden),
        Property("externalUserStateChangeDateTime", Time, Never, UserHidden),
        Property("faxNumber", Text, Free, UserHidden),
        Property("identities", Complex, Free, UserHidden),
        Property("imAddresses", Texts, Never, UserHidden),
        Property("isResourceAccount", Flag, Never, UserHidden),
        Property("lastPasswordChangeDateTime", Time, Never, UserHidden),
        Property("legalAgeGroupClassification", Text, Never, UserHidden),
        Property("mailNickname", Text, Required, GroupUserHidden),
        Property("onPremisesDistinguishedName", Text, Never, UserHidden),
        Property("onPremisesDomainName", Text, Never, GroupUserHidden),
        Property("onPremisesExtensionAttributes", Complex, Free, UserHidden),
        Property("onPremisesImmutableId", Text, Free, UserHidden),
        Property("onPremisesLastSyncDateTime", Time, Never, GroupUserHidden),
        Property("onPremisesSamAccountName", Text, Never, GroupUserHidden),
        Property("onPremisesSecurityIdentifier", Text, Never, GroupUserHidden),
        Property("onPremisesSyncEnabled", Flag, Never, GroupUserHidden),
        Property("onPremisesUserPrincipalName", Text, Never, UserHidden),
        Property("otherMails", Texts, Free, UserHidden),
        Property("passwordPolicies", Text, Free, UserHidden),
        Property("passwordProfile", Complex, Ignored, UserHidden),
        Property("postalCode", Text, Free, UserHidden),
        Property("preferredDataLocation", Text, Free, GroupUserHidden),
        Property("provisionedPlans", Complex, Never, UserHidden),
        Property("proxyAddresses", Texts, Never, GroupUserHidden),
        Property("securityIdentifier", Text, Never, GroupUserHidden),
        Property("showInAddressList", Flag, Free, UserHidden),
        Property("signInSessionsValidFromDateTime", Time, Never, UserHidden),
        Property("state", Text, Free, UserHidden),
        Property("streetAddress", Text, Free, UserHidden),
        Property("usageLocation", Text, Required, UserHidden),
        Property("userType", Text, Free, UserHidden),
        Property("classification", Text, Free, Group),
        Property("description", Text, Free, Group),
        Property("expirationDateTime", Time, Never, Group),
        Property("groupTypes", Texts, Free, Group),
        Property("isAssignableToRole", Flag, Free, Group),
        Property("mailEnabled", Flag, Required, Group),
        Property("membershipRule", Text, Free, Group),
        Property("membershipRuleProcessingState", Text, Free, Group),
        Property("renewedDateTime", Time, Never, Group),
        Property("securityEnabled", Flag, Required, Group),
        Property("theme", Text, Free, Group),
        Property("visibility", Text, Free, Group),
    ]
};

pub(crate) const ID: Prop = named("id");
pub(crate) const DELETED: Prop = named("deletedDateTime");
pub(crate) const DISPLAY_NAME: Prop = named("displayName");
pub(crate) const MAIL: Prop = named("mail");
pub(crate) const UPN: Prop = named("userPrincipalName");
pub(crate) const ACCOUNT_ENABLED: Prop = named("accountEnabled");
pub(crate) const CREATED: Prop = named("createdDateTime");
pub(crate) const CREATION_TYPE: Prop = named("creationType");
pub(crate) const EMPLOYEE_ID: Prop = named("employeeId");
pub(crate) const EXTERNAL_STATE: Prop = named("externalUserState");
pub(crate) const EXTERNAL_STATE_CHANGED: Prop = named("externalUserStateChangeDateTime");
pub(crate) const MAIL_NICKNAME: Prop = named("mailNickname");
pub(crate) const OTHER_MAILS: Prop = named("otherMails");
pub(crate) const PROXY_ADDRESSES: Prop = named("proxyAddresses");
pub(crate) const SESSIONS_VALID_FROM: Prop = named("signInSessionsValidFromDateTime");
pub(crate) const USER_TYPE: Prop = named("userType");
pub(crate) const GROUP_TYPES: Prop = named("groupTypes");
pub(crate) const MAIL_ENABLED: Prop = named("mailEnabled");
pub(crate) const SECURITY_ENABLED: Prop = named("securityEnabled");
/// Not a property but a reference; it has a number so that a change of it can be noted with the others.
pub(crate) const MANAGER: Prop = Prop(127);

/// How many directory extensions one tenant may register: what the one-byte numbering leaves, rounded down.
pub(crate) const EXTENSIONS_MAX: usize = 40;

/// Finds a property of the table; called while compiling, so that a misspelt name cannot be built and costs nothing.
pub(crate) const fn named(name: &str) -> Prop {
    let mut place = 0;
    while place < TABLE.len() {
        if equal(TABLE[place].0.as_bytes(), name.as_bytes()) {
            return Prop(place as u8);
        }
        place += 1;
    }
    panic!("no such property")
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut place = 0;
    while place < left.len() {
        if left[place] != right[place] {
            return false;
        }
        place += 1;
    }
    true
}

/// The properties that one tenant knows: the table and the extensions registered in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    extensions: Vec<Extension>,
}

impl Schema {
    /// Registers a directory extension of users; a name registered already is left as it is.
    pub(crate) fn register(&mut self, extension: Extension) -> Result<(), Failure> {
        if self.extensions.iter().any(|known| known.name == extension.name) {
            return Ok(());
        }
        if self.extensions.len() == EXTENSIONS_MAX {
            return Err(Failure::bad_request("The limit of directory extensions is reached."));
        }
        self.extensions.push(extension);
        Ok(())
    }

    pub(crate) fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Whether a value fits a property beyond its kind.
    pub(crate) fn holds(&self, prop: Prop, value: &Value) -> bool {
        self.extension(prop).is_none_or(|extension| extension.holds(value))
    }

    fn extension(&self, prop: Prop) -> Option<&Extension> {
        usize::from(prop.0).checked_sub(TABLE.len()).and_then(|place| self.extensions.get(place))
    }

    /// The property with that name, if objects of that kind have it. Graph ignores case here.
    pub(crate) fn find(&self, kind: ObjectKind, name: &str) -> Option<Prop> {
        let place = TABLE.iter().position(|property| property.0.eq_ignore_ascii_case(name) && property.3.has(kind));
        let extension = || self.extensions.iter().position(|known| known.name.eq_ignore_ascii_case(name)).map(|place| place + TABLE.len());
        let place = if kind == ObjectKind::User { place.or_else(extension) } else { place };
        place.map(|place| Prop(place as u8))
    }

    pub(crate) fn name(&self, prop: Prop) -> &str {
        let place = usize::from(prop.0);
        match TABLE.get(place) {
            Some(property) => property.0,
            None if prop == MANAGER => "manager",
            None => &self.extensions[place - TABLE.len()].name,
        }
    }

    pub(crate) fn kind(&self, prop: Prop) -> Kind {
        let extension = || self.extension(prop).map_or(Kind::Text, Extension::kind);
        TABLE.get(usize::from(prop.0)).map_or_else(extension, |property| property.1)
    }

    pub(crate) fn write(&self, prop: Prop) -> Write {
        TABLE.get(usize::from(prop.0)).map_or(Write::Free, |property| property.2)
    }
}

/// Whether look-ups by that property must not scan the directory: clients match users by it.
pub(crate) fn is_indexed(prop: Prop) -> bool {
    [UPN, MAIL, PROXY_ADDRESSES, OTHER_MAILS, EMPLOYEE_ID, MAIL_NICKNAME].contains(&prop) || is_extension(prop)
}

/// Whether the property is a directory extension.
pub(crate) fn is_extension(prop: Prop) -> bool {
    usize::from(prop.0) >= TABLE.len() && prop != MANAGER
}

/// What a GET without `$select` shows, in the table's order.
pub(crate) fn shown(kind: ObjectKind) -> impl Iterator<Item = Prop> {
    TABLE.iter().enumerate().filter(move |(_, property)| property.3.shown_by(kind)).map(|(place, _)| Prop(place as u8))
}

impl On {
    fn has(self, kind: ObjectKind) -> bool {
        match self {
            Self::Both | Self::GroupUserHidden => true,
            Self::User | Self::UserHidden => kind == ObjectKind::User,
            Self::Group => kind == ObjectKind::Group,
        }
    }

    fn shown_by(self, kind: ObjectKind) -> bool {
        match self {
            Self::Both => true,
            Self::User => kind == ObjectKind::User,
            Self::Group | Self::GroupUserHidden => kind == ObjectKind::Group,
            Self::UserHidden => false,
        }
    }
}
