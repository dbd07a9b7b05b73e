//! What is wanted of a link now: its decision, seen through vetoes, rejects and grace periods.

use std::time::Duration;

use super::take_access;
use crate::Timestamp;
use crate::capability::Capabilities;
use crate::decision::{DeprovisionReason, Desired, Shape, Wanted};
use crate::link::{Account, Condition, ConditionKind, GracePeriod, Hold, Link, Shadow, Stage};

/// What is wanted of a link now.
pub(super) enum Want<'a> {
    OnHold(Hold),
    Skipped,
    InGracePeriod(GracePeriod, Timestamp),
    NotWanted,
    Enabled(&'a Shape),
    Disabled(&'a Shape),
    Blocked,
}

pub(super) fn want<'a>(link: &'a Link, now: Timestamp, can: &Capabilities) -> Want<'a> {
    let is_rejected = link.reject.as_ref().is_some_and(|reject| reject.against == link.desired.version);
    // A refusal with a due time is retried then, because it leaves access to a user who must lose it.
    let is_in_force = |condition: &Condition| condition.kind == ConditionKind::Refused && condition.due.is_none_or(|due| now < due);
    let is_refused = link.condition.as_ref().is_some_and(is_in_force);
    let is_vetoed = link.veto.as_ref().is_some_and(|veto| veto.until.is_none_or(|until| now < until));
    let Desired { sign_in_blocked, .. } = link.desired.desired;
    match link.wanted() {
        Wanted::Skipped(_) if !sign_in_blocked => Want::Skipped,
        Wanted::Yes(_) | Wanted::No(_) | Wanted::Skipped(_) if is_rejected => Want::OnHold(Hold::Rejected),
        Wanted::Yes(_) | Wanted::No(_) | Wanted::Skipped(_) if is_refused => Want::OnHold(Hold::Refused),
        Wanted::Yes(_) if is_vetoed => Want::OnHold(Hold::Vetoed),
        Wanted::Yes(shape) if !sign_in_blocked => Want::Enabled(shape),
        Wanted::Yes(shape) => Want::Disabled(shape),
        Wanted::No(reason) => not_wanted(link, reason, now, can),
        Wanted::Skipped(_) => Want::Blocked,
    }
}

/// A departure takes effect when its scope grace period is over: then the user loses access, and at once where home has blocked the
/// sign-in. The object is deleted then too, or where the deletion is final at the end of a second period, which begins when access has been
/// taken, however late that is.
fn not_wanted<'a>(link: &Link, reason: &DeprovisionReason, now: Timestamp, can: &Capabilities) -> Want<'a> {
    let effective = effective_at(link, reason);
    let deletion = effective.max(link.access_taken_at().unwrap_or(now)).plus(can.deletion_grace_period());
    let has_grace_period = matches!(reason, DeprovisionReason::OutOfScope { .. });
    let takes_access = now >= effective || !has_grace_period || link.desired.desired.sign_in_blocked;
    match now {
        now if now >= deletion => Want::NotWanted,
        _ if takes_access && may_have_access(link, can) => Want::Blocked,
        now if now < effective => Want::InGracePeriod(GracePeriod::Scope, effective),
        _ => Want::InGracePeriod(GracePeriod::Deletion, deletion),
    }
}

/// Whether the link's user may have access that the target can take: an object that is not known for certain may be enabled.
fn may_have_access(link: &Link, can: &Capabilities) -> bool {
    match &link.shadow {
        Shadow::None | Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => false,
        Shadow::Object(account @ Account { stage: Stage::Live, .. }) => account.enabled && take_access(account, can).is_some(),
        Shadow::Inviting(_) | Shadow::Object(_) => true,
    }
}

/// When a departure takes effect.
fn effective_at(link: &Link, reason: &DeprovisionReason) -> Timestamp {
    match reason {
        DeprovisionReason::OutOfScope { grace_period_ms, .. } => link.desired_since.plus(Duration::from_millis(*grace_period_ms)),
        DeprovisionReason::External | DeprovisionReason::Deleted => link.desired_since,
    }
}
