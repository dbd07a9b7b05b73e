//! Links, objects and decisions for tests: Ana of `emea`, to be in `hub`.

use super::{Account, DisabledBy, Inviting, Link, Sessions, Shadow, Stage};
use crate::decision::{DeprovisionReason, Shape, SkipReason};
use crate::shadow::{Object, ObjectKind};
use crate::{Attributes, Decision, Desired, Origin, TenantName, Timestamp, Version, Wanted};

pub(super) use crate::capability::testing::{DELETION_GRACE, INVITES, ONLY_DELETES, PUTS};

pub(super) const ANCHOR: &str = "home/ana";
pub(super) const ADDRESS: &str = "ana@emea.example";
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;

/// When tests happen.
pub(super) const NOW: Timestamp = Timestamp(1_000 * MINUTE);

pub(super) fn ago(micros: i64) -> Timestamp {
    Timestamp(NOW.0 - micros)
}

pub(super) fn text(pairs: &[(&'static str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| (*name, (*value).into())).collect()
}

pub(super) fn shape() -> Shape {
    let attributes = text(&[("city", "Paris"), ("displayName", "Ana")]);
    Shape { address: ADDRESS.into(), attributes, on_create: text(&[("userType", "Member")]) }
}

pub(super) fn wanted(enabled: bool) -> Desired {
    Desired { sign_in_blocked: !enabled, wanted: Wanted::Yes(shape()) }
}

pub(super) fn not_wanted() -> Desired {
    Desired { sign_in_blocked: false, wanted: Wanted::No(DeprovisionReason::Deleted) }
}

pub(super) fn external() -> Desired {
    Desired { sign_in_blocked: false, wanted: Wanted::No(DeprovisionReason::External) }
}

/// Out of scope, with a shape that is known.
pub(super) fn out_of_scope(grace_period_ms: u64) -> Desired {
    let wanted = Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape: Some(shape()) });
    Desired { sign_in_blocked: false, wanted }
}

/// Out of scope, and disabled at home, too.
pub(super) fn blocked_out_of_scope(grace_period_ms: u64) -> Desired {
    Desired { sign_in_blocked: true, ..out_of_scope(grace_period_ms) }
}

pub(super) fn skipped() -> Desired {
    Desired { sign_in_blocked: false, wanted: Wanted::Skipped(SkipReason::NotOneOrganization) }
}

pub(super) fn blocked() -> Desired {
    Desired { sign_in_blocked: true, wanted: Wanted::Skipped(SkipReason::ScopeUnresolved) }
}

pub(super) fn decision(delta: u64, desired: Desired) -> Decision {
    Decision {
        source: TenantName::new("emea").expect("a name"),
        user: "ana".into(),
        synchronization: "to-hub".into(),
        version: Version { delta, ..Version::default() },
        origin: Origin::Live,
        first_seen: NOW,
        desired,
    }
}

pub(super) fn link(desired: Desired, shadow: Shadow) -> Link {
    let mut link = Link::new(TenantName::new("hub").expect("a name"), decision(1, desired), NOW);
    link.anchor = Some(ANCHOR.into());
    if let Shadow::Object(_) = &shadow {
        link.applied.attributes = text(&[("city", "Paris"), ("displayName", "Ana")]);
    }
    link.shadow = shadow;
    link
}

pub(super) fn inviting(began: Timestamp, id: Option<&str>) -> Shadow {
    Shadow::Inviting(Inviting { address: ADDRESS.into(), began, id: id.map(Into::into) })
}

pub(super) fn account(stage: Stage) -> Account {
    Account {
        id: "a1".into(),
        stage,
        enabled: true,
        disabled_by: DisabledBy::None,
        sessions: Sessions::Open,
        redeemed: false,
        address: ADDRESS.into(),
        created_at: ago(60 * MINUTE),
        creation_incomplete: false,
        former_anchor: None,
        access_taken_at: None,
        taken_from: None,
    }
}

pub(super) fn object(id: &str, anchor: Option<&str>) -> Object {
    Object {
        id: id.into(),
        kind: ObjectKind::Invited,
        soft_deleted: None,
        anchor: anchor.map(Into::into),
        enabled: true,
        redeemed: false,
        created_at: Some(ago(SECOND)),
        attributes: text(&[("city", "Paris"), ("displayName", "Ana")]),
    }
}

pub(super) fn soft_deleted_object(object: Object) -> Object {
    Object { soft_deleted: Some(Some(ago(MINUTE))), ..object }
}
