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
    /// A digest of what is wanted and by which synchronization: half of a SHA-256. Two decisions about one user with equal digests differ
    /// only in what they were decided with, so the newer one changes nothing.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        const TEXT: u8 = 0;
        let mut hash = Sha256::new();
        put(&mut hash, TEXT, self.synchronization.as_bytes());
        match &self.desired {
            Desired::Wanted(Shape { enabled, address, attributes, on_create }) => {
                hash.update([b'w', u8::from(*enabled)]);
                put(&mut hash, TEXT, address.as_bytes());
                hash.update(attributes.digest().0);
                hash.update(on_create.digest().0);
            }
            Desired::NotWanted(reason) => {
                hash.update(b"n");
                put(&mut hash, TEXT, reason.code().as_bytes());
                if let DeprovisionReason::OutOfScope { grace_period_ms, blocked } = reason {
                    hash.update(grace_period_ms.to_be_bytes());
                    hash.update([u8::from(*blocked)]);
                }
            }
            Desired::Skipped(Skip { reason, blocked }) => {
                hash.update([b's', u8::from(*blocked)]);
                put(&mut hash, TEXT, reason.code().as_bytes());
                put(&mut hash, TEXT, reason.attribute().as_bytes());
            }
        }
        let all: [u8; 32] = hash.finalize().into();
        let (half, _) = all.split_first_chunk().expect("32 bytes hold 16");
        *half
    }
}

/// What is wanted for a user in a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// The user must exist in the target, in this shape.
    Wanted(Shape),
    /// The user must not exist in the target. Published for every out-of-scope user, linked or not.
    NotWanted(DeprovisionReason),
    /// The user is left unchanged in the target, except that a user blocked at home loses sign-in.
    Skipped(Skip),
}

/// How a wanted user looks in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Whether the user may sign in.
    pub enabled: bool,
    /// The address they are invited by, in a verified domain of the home tenant.
    pub address: String,
    /// Attributes that are written at creation and kept equal; a null clears the attribute.
    pub attributes: Attributes,
    /// Attributes that are written at creation only.
    pub on_create: Attributes,
}

/// Why a user must not be in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeprovisionReason {
    /// The user left the scope. Due after the scope grace period, because the user may join another group in scope.
    OutOfScope {
        /// How long the loss must last, in milliseconds.
        grace_period_ms: u64,
        /// The user is disabled at home, too: sign-in is lost at once, and who leaves goes before those who only lost the scope.
        blocked: bool,
    },
    /// The source tenant is not the user's home.
    External,
    /// The user was deleted at home. Due at once.
    Deleted,
}

/// A skipped user: why, and what home says of their sign-in all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skip {
    /// Why the user is skipped.
    pub reason: SkipReason,
    /// The user is disabled at home. Whatever keeps the rest from being decided, a shadow user that exists then loses sign-in.
    pub blocked: bool,
}

/// Why a user is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The two tenants are not confirmed members of one organization.
    NotOneOrganization,
    /// A group that the scope names is not resolved to an id yet.
    ScopeUnresolved,
    /// The user has no address to be invited by.
    NoAddress,
    /// None of the user's addresses is in a domain that the home tenant, and no other, has verified.
    NoVerifiedAddress,
    /// Which domains the home tenant has verified is not known yet.
    HomeDomainsUnknown,
    /// An attribute that decides about access holds what it cannot hold, such as `"false"` as a text: it is neither a yes nor a no.
    InvalidAttribute(&'static str),
    /// The target does not admit the user type that the mappings ask for.
    UserTypeNotAdmitted,
}

impl Desired {
    /// What is wanted, as a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wanted(_) => "wanted",
            Self::NotWanted(_) => "not_wanted",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why, as a stable code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Wanted(_) => "in_scope",
            Self::NotWanted(reason) => reason.code(),
            Self::Skipped(skip) => skip.reason.code(),
        }
    }

    /// Whether the sign-in is lost also while a loss of scope is not acted on yet.
    #[must_use]
    pub fn blocks_at_once(&self) -> bool {
        match self {
            Self::NotWanted(DeprovisionReason::OutOfScope { blocked, .. }) => *blocked,
            Self::NotWanted(DeprovisionReason::External | DeprovisionReason::Deleted) | Self::Wanted(_) | Self::Skipped(_) => {
                self.blocks_sign_in()
            }
        }
    }

    /// Whether a shadow user that exists must not be able to sign in.
    #[must_use]
    pub fn blocks_sign_in(&self) -> bool {
        match self {
            Self::Wanted(shape) => !shape.enabled,
            Self::NotWanted(_) => true,
            Self::Skipped(skip) => skip.blocked,
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

    #[test]
    fn a_digest_is_of_what_is_wanted_and_of_nothing_else() {
        let city = |city: &str| Attributes::from_iter([("city", crate::Value::from(city))]);
        let shape = Shape { enabled: true, address: "ana@emea.example".to_owned(), attributes: city("Paris"), on_create: city("Oslo") };
        let lost = |grace_period_ms, blocked| Desired::NotWanted(DeprovisionReason::OutOfScope { grace_period_ms, blocked });
        let skipped = |blocked| SkipReason::all("accountEnabled").map(|reason| Desired::Skipped(Skip { reason, blocked }));
        let mut all = vec![
            Desired::Wanted(shape.clone()),
            Desired::Wanted(Shape { enabled: false, ..shape.clone() }),
            Desired::Wanted(Shape { address: "ana@other.example".to_owned(), ..shape.clone() }),
            Desired::Wanted(Shape { attributes: city("Rome"), ..shape.clone() }),
            Desired::Wanted(Shape { on_create: city("Rome"), ..shape.clone() }),
            lost(0, false),
            lost(0, true),
            lost(1, false),
            Desired::NotWanted(DeprovisionReason::External),
            Desired::NotWanted(DeprovisionReason::Deleted),
            Desired::Skipped(Skip { reason: SkipReason::InvalidAttribute("city"), blocked: false }),
        ];
        all.extend(skipped(false).into_iter().chain(skipped(true)));
        let digests: BTreeSet<_> = all.iter().map(|desired| decision("to-hub", desired.clone()).digest()).collect();
        assert_eq!(digests.len(), all.len());
        let one = decision("to-hub", all[0].clone());
        assert_ne!(decision("other", all[0].clone()).digest(), one.digest());
        let later = Decision {
            version: Version { delta: 9, ..Version::default() },
            origin: Origin::Replay,
            first_seen: Timestamp(9),
            ..one.clone()
        };
        assert_eq!(later.digest(), one.digest());
    }
}
