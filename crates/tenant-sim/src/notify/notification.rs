//! One notification in Graph's format.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{LifecycleEvent, Subscription};
use crate::journal::{Entry, Verb};
use crate::property::ObjectKind;
use crate::value::format_time;

/// One element of a delivery.
#[derive(Debug, Clone)]
pub(super) struct Notification {
    pub(super) subscription: Uuid,
    pub(super) lifecycle: bool,
    pub(super) json: Json,
}

impl Notification {
    /// The notification of a write; `None` if the subscription does not cover it.
    pub(super) fn change(subscription: &Subscription, entry: &Entry) -> Option<Self> {
        let change = change_type(entry)?;
        let wanted = subscription.change_type.split(',').any(|wanted| wanted.trim() == change);
        if !wanted || entry.kind != subscription.kind || entry.tenant != subscription.tenant.0 {
            return None;
        }
        let (collection, kind) = match entry.kind {
            ObjectKind::User => ("Users", "#Microsoft.Graph.User"),
            ObjectKind::Group | ObjectKind::Policy => ("Groups", "#Microsoft.Graph.Group"),
        };
        let resource = format!("{collection}/{}", entry.object);
        let mut json = common(subscription);
        json["changeType"] = change.into();
        json["resource"] = resource.as_str().into();
        json["resourceData"] = json!({"@odata.type": kind, "@odata.id": resource, "id": entry.object.to_string()});
        Some(Self { subscription: subscription.id, lifecycle: false, json })
    }

    /// The notification of a lifecycle event of the subscription.
    pub(super) fn lifecycle(subscription: &Subscription, event: LifecycleEvent) -> Self {
        let mut json = common(subscription);
        json["lifecycleEvent"] = match event {
            LifecycleEvent::ReauthorizationRequired => "reauthorizationRequired",
            LifecycleEvent::SubscriptionRemoved => "subscriptionRemoved",
            LifecycleEvent::Missed => "missed",
        }
        .into();
        Self { subscription: subscription.id, lifecycle: true, json }
    }
}

fn common(subscription: &Subscription) -> Json {
    json!({
        "subscriptionId": subscription.id.to_string(),
        "subscriptionExpirationDateTime": format_time(subscription.expires),
        "clientState": subscription.client_state,
        "tenantId": subscription.tenant.1.to_string(),
    })
}

/// Graph reports new and soft-deleted users and groups as `updated`, and only permanently deleted ones as `deleted`.
fn change_type(entry: &Entry) -> Option<&'static str> {
    match (entry.verb, entry.kind) {
        (_, ObjectKind::Policy) | (Verb::Policy, _) => None,
        (Verb::Purge, _) | (Verb::Delete, ObjectKind::Group) => Some("deleted"),
        (
            Verb::Create
            | Verb::Invite
            | Verb::Redeem
            | Verb::Patch
            | Verb::Manager
            | Verb::Delete
            | Verb::Restore
            | Verb::Revoke
            | Verb::MemberAdd
            | Verb::MemberRemove,
            _,
        ) => Some("updated"),
    }
}
