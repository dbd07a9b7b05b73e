//! What one synchronization wants for one user: a desired state, so that a repeated, late or replayed one does no harm.

use sha2::{Digest as _, Sha256};

use crate::value::put;
use crate::{Attributes, Origin, TenantName, Timestamp, UserId, Version};

/// What one synchronization wants for one user of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The user's home tenant.
    pub source: TenantName,
    /// The user's id in that tenant.
    pub user: UserId,
    /// The name of the synchronization.
    pub synchronization: String,
    /// What it was decided with.
    pub version: Version,
    /// Why the delta behind it was published.
    pub origin: Origin,
    /// When the detector first saw the change behind it.
    pub first_seen: Timestamp,
    /// What is wanted.
    pub desired: Desired,
}

impl Decision {
    /// A digest of what is wanted and by which synchronization: half of a SHA-256. Of two decisions about one user with equal digests the newer
    /// one changes nothing in the target. The shape of a user not wanted is therefore not in it.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        const TEXT: u8 = 0;
        let Desired { sign_in_blocked, wanted } = &self.desired;
        let mut hash = Sha256::new();
        put(&mut hash, TEXT, self.synchronization.as_bytes());
        hash.update([u8::from(*sign_in_blocked)]);
        match wanted {
            Wanted::Yes(Shape { address, attributes, on_create }) => {
                hash.update(b"w");
                put(&mut hash, TEXT, address.as_bytes());
                hash.update(attributes.digest().0);
                hash.update(on_create.digest().0);
            }
            Wanted::No(reason) => {
                hash.update(b"n");
                put(&mut hash, TEXT, reason.code().as_bytes());
                if let DeprovisionReason::OutOfScope { grace_period_ms, shape: _ } = reason {
                    hash.update(grace_period_ms.to_be_bytes());
                }
            }
            Wanted::Skipped(reason) => {
                hash.update(b"s");
                put(&mut hash, TEXT, reason.code().as_bytes());
                put(&mut hash, TEXT, reason.attribute().as_bytes());
            }
        }
        let all: [u8; 32] = hash.finalize().into();
        let (half, _) = all.split_first_chunk().expect("32 bytes hold 16");
        *half
    }
}

/// What a decision asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The user is disabled at home: whatever else is wanted or cannot be decided, a shadow user that exists loses sign-in at once. Not set
    /// of a user who was deleted at home or whose home is another tenant: of them home says no more than that.
    pub sign_in_blocked: bool,
    /// Whether the user exists in the target, and why.
    pub wanted: Wanted,
}

/// Whether a user exists in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The user must exist in the target, in this shape.
    Yes(Shape),
    /// The user must not exist in the target. Published for every out-of-scope user, linked or not.
    No(DeprovisionReason),
    /// The user is left unchanged in the target, except that a user disabled at home loses sign-in.
    Skipped(SkipReason),
}

/// How a user looks in the target, apart from whether they are wanted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The address they are invited by, in a verified domain of the home tenant.
    pub address: String,
    /// Attributes that are written at creation and kept equal; a null clears the attribute.
    pub attributes: Attributes,
    /// Attributes that are written at creation only.
    pub on_create: Attributes,
}

/// Why a user must not be in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeprovisionReason {
    /// The user left the scope. Due after the scope grace period, because the user may join another group in scope.
    OutOfScope {
        /// How long the loss must last, in milliseconds.
        grace_period_ms: u64,
        /// How the user would look in the target; `None` where that cannot be known, as of a user in no scope, whose attributes are not read.
        shape: Option<Shape>,
    },
    /// The source tenant is not the user's home.
    External,
    /// The user was deleted at home. Due at once.
    Deleted,
}

/// Why a user is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The two tenants are not confirmed members of one organization.
    NotOneOrganization,
    /// A group that the scope names is not resolved to an id yet, or a directory extension that is mapped is not known.
    ScopeUnresolved,
    /// The user has no address to be invited by.
    NoAddress,
    /// None of the user's addresses is in a domain that the home tenant, and no other, has verified.
    NoVerifiedAddress,
    /// Which domains the home tenant has verified is not known yet.
    HomeDomainsUnknown,
    /// An attribute that decides about access or scope holds what it cannot hold, such as `"false"` as a text, or its newest value was not
    /// taken: it is neither a yes nor a no.
    InvalidAttribute(&'static str),
    /// The target does not admit the user type that the mappings ask for.
    UserTypeNotAdmitted,
}

impl Desired {
    /// How the user looks in the target, or would look if they were wanted; `None` where that cannot be known.
    #[must_use]
    pub fn shape(&self) -> Option<&Shape> {
        match &self.wanted {
            Wanted::Yes(shape) => Some(shape),
            Wanted::No(DeprovisionReason::OutOfScope { shape, .. }) => shape.as_ref(),
            Wanted::No(DeprovisionReason::External | DeprovisionReason::Deleted) | Wanted::Skipped(_) => None,
        }
    }

    /// Whether the user is a leaver: disabled or deleted at home.
    #[must_use]
    pub fn is_leaver(&self) -> bool {
        self.sign_in_blocked || matches!(self.wanted, Wanted::No(DeprovisionReason::Deleted))
    }
}

impl Wanted {
    /// What is wanted, as a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Yes(_) => "wanted",
            Self::No(_) => "not_wanted",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why, as a stable code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Yes(_) => "in_scope",
            Self::No(reason) => reason.code(),
            Self::Skipped(reason) => reason.code(),
        }
    }
}

impl DeprovisionReason {
    /// The reason as a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfScope { .. } => "out_of_scope",
            Self::External => "external",
            Self::Deleted => "deleted",
        }
    }
}

impl SkipReason {
    /// Every reason; `attribute` is the one that an invalid attribute names.
    #[must_use]
    pub fn all(attribute: &'static str) -> [Self; 7] {
        [
            Self::NotOneOrganization,
            Self::ScopeUnresolved,
            Self::NoAddress,
            Self::NoVerifiedAddress,
            Self::HomeDomainsUnknown,
            Self::InvalidAttribute(attribute),
            Self::UserTypeNotAdmitted,
        ]
    }

    /// The attribute that the reason is about; empty for most.
    #[must_use]
    pub fn attribute(&self) -> &'static str {
        if let Self::InvalidAttribute(name) = self { name } else { "" }
    }

    /// The reason as a stable code. On the bus it is the value of `SkipReason` with this name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOneOrganization => "not_one_organization",
            Self::ScopeUnresolved => "scope_unresolved",
            Self::NoAddress => "no_address",
            Self::NoVerifiedAddress => "no_verified_address",
            Self::HomeDomainsUnknown => "home_domains_unknown",
            Self::InvalidAttribute(_) => "invalid_attribute",
            Self::UserTypeNotAdmitted => "user_type_not_admitted",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn decision(synchronization: &str, desired: Desired) -> Decision {
        Decision {
            source: "emea".parse().unwrap(),
            user: "ana".into(),
            synchronization: synchronization.to_owned(),
            version: Version::default(),
            origin: Origin::Live,
            first_seen: Timestamp(1),
            desired,
        }
    }

    fn city(city: &str) -> Attributes {
        Attributes::from_iter([("city", crate::Value::from(city))])
    }

    fn shape() -> Shape {
        Shape { address: "ana@emea.example".to_owned(), attributes: city("Paris"), on_create: city("Oslo") }
    }

    fn out_of_scope(grace_period_ms: u64, shape: Option<Shape>) -> Wanted {
        Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape })
    }

    #[test]
    fn a_digest_is_of_what_is_wanted_and_of_nothing_else() {
        let mut all = vec![
            Wanted::Yes(shape()),
            Wanted::Yes(Shape { address: "ana@other.example".to_owned(), ..shape() }),
            Wanted::Yes(Shape { attributes: city("Rome"), ..shape() }),
            Wanted::Yes(Shape { on_create: city("Rome"), ..shape() }),
            out_of_scope(0, None),
            out_of_scope(1, None),
            Wanted::No(DeprovisionReason::External),
            Wanted::No(DeprovisionReason::Deleted),
            Wanted::Skipped(SkipReason::InvalidAttribute("city")),
        ];
        all.extend(SkipReason::all("accountEnabled").map(Wanted::Skipped));
        let desired = |wanted: &Wanted| [false, true].map(|sign_in_blocked| Desired { sign_in_blocked, wanted: wanted.clone() });
        let digests: BTreeSet<_> = all.iter().flat_map(desired).map(|desired| decision("to-hub", desired).digest()).collect();
        assert_eq!(digests.len(), 2 * all.len());
        let one = || Desired { sign_in_blocked: false, wanted: Wanted::Yes(shape()) };
        let later = Decision {
            version: Version { delta: 9, ..Version::default() },
            origin: Origin::Replay,
            first_seen: Timestamp(9),
            ..decision("to-hub", one())
        };
        assert_eq!(later.digest(), decision("to-hub", one()).digest());
        assert_ne!(later.digest(), decision("other", one()).digest());
    }

    #[test]
    fn a_shape_is_known_also_of_a_user_out_of_scope_and_then_not_in_the_digest() {
        let out = |shape| Desired { sign_in_blocked: false, wanted: out_of_scope(0, shape) };
        let rome = || Shape { attributes: city("Rome"), ..shape() };
        let digests: BTreeSet<_> =
            [None, Some(shape()), Some(rome())].into_iter().map(|shape| decision("to-hub", out(shape)).digest()).collect();
        assert_eq!(digests.len(), 1);
        assert_eq!(out(Some(rome())).shape(), Some(&rome()));
        assert_eq!(out(None).shape(), None);
    }

    #[test]
    fn a_leaver_is_disabled_or_deleted_at_home() {
        for (sign_in_blocked, wanted, want) in [
            (false, Wanted::Yes(shape()), false),
            (true, Wanted::Yes(shape()), true),
            (true, out_of_scope(0, None), true),
            (false, out_of_scope(0, Some(shape())), false),
            (false, Wanted::No(DeprovisionReason::External), false),
            (false, Wanted::No(DeprovisionReason::Deleted), true),
            (true, Wanted::Skipped(SkipReason::NoAddress), true),
            (false, Wanted::Skipped(SkipReason::NoAddress), false),
        ] {
            let desired = Desired { sign_in_blocked, wanted };
            assert_eq!(desired.is_leaver(), want, "{desired:?}");
        }
    }
}
