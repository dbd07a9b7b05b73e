//! The events of the demo: changes of users in their home tenant, and the write in the target that completes each.
//!
//! Each event edits a source tenant as its administrator does. This module depends on no internals of xtsync.

use anyhow::{Context as _, Result};
use serde_json::json;
use uuid::Uuid;
use xtsync_tenant_sim::{ALL_USERS, TenantHandle, Verb};

/// One event in a source tenant.
pub(super) struct Event {
    /// The title: the kind of user.
    pub(super) title: &'static str,
    /// The change in the source.
    pub(super) source: String,
    /// The writes in the target.
    pub(super) target: &'static str,
    /// The completing write, for each user concerned.
    pub(super) expected: Vec<Expected>,
    /// Whether a grace period precedes the write.
    pub(super) has_grace_period: bool,
}

/// The write of the target that completes an event for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// The anchor of the shadow user: `{home directory}/{home user}`.
    pub(super) anchor: String,
    /// The write.
    pub(super) verb: Verb,
    /// A property that the write names; `None` where the verb is enough.
    pub(super) property: Option<&'static str>,
}

/// Performs an event.
pub(super) type EventFn = Box<dyn FnOnce(&DemoUsers) -> Result<Event> + Send>;

/// The users of the demo.
pub(super) struct DemoUsers {
    /// Their home tenant.
    home: TenantHandle,
    /// Its group in scope.
    scope_group: Uuid,
    /// Members of it who can sign in, in a fixed order.
    ids: Vec<Uuid>,
}

impl DemoUsers {
    /// The users of a tenant who are in scope.
    pub(super) fn of(home: TenantHandle) -> Result<Self> {
        let scope_group = *home.groups(ALL_USERS).first().context("the source has no such group")?;
        let ids = home.members(scope_group).into_iter().filter(|id| home.user(*id).is_some()).collect();
        Ok(Self { home, scope_group, ids })
    }

    fn id(&self, index: usize) -> Result<Uuid> {
        self.ids.get(index).copied().context("the source tenant is too small for the demo")
    }

    fn expected(&self, user: Uuid, verb: Verb, property: Option<&'static str>) -> Expected {
        Expected { anchor: format!("{}/{user}", self.home.id()), verb, property }
    }

    fn event(&self, title: &'static str, source: &str, target: &'static str, expected: Expected) -> Event {
        Event { title, source: source.to_owned(), target, expected: vec![expected], has_grace_period: false }
    }
}

/// The events, in order.
pub(super) fn events() -> Vec<EventFn> {
    vec![
        Box::new(joiner),
        Box::new(mover),
        Box::new(rename),
        Box::new(disabled),
        Box::new(group_leaver),
        Box::new(company_leaver),
        Box::new(returner),
        Box::new(movers),
    ]
}

fn joiner(users: &DemoUsers) -> Result<Event> {
    let domain = users.home.domain();
    let user = users.home.create_user(&json!({
        "accountEnabled": true,
        "displayName": "Ana Lopez",
        "givenName": "Ana",
        "surname": "Lopez",
        "mailNickname": "ana.lopez.new",
        "userPrincipalName": format!("ana.lopez.new@{domain}"),
        "mail": format!("ana.lopez.new@{domain}"),
        "department": "Sales",
        "passwordProfile": {"password": "not-used-anywhere-1"},
    }))?;
    users.home.add_member(users.scope_group, user)?;
    let expected = users.expected(user, Verb::Patch, None);
    Ok(users.event("a joiner", "created, put into GlobalEmployees", "invited without mail, written", expected))
}

fn mover(users: &DemoUsers) -> Result<Event> {
    let user = users.id(0)?;
    users.home.patch_user(user, &json!({"department": "Legal", "jobTitle": "Counsel"}))?;
    Ok(users.event("a mover", "department and title changed", "updated", users.expected(user, Verb::Patch, Some("department"))))
}

fn rename(users: &DemoUsers) -> Result<Event> {
    let user = users.id(1)?;
    users.home.patch_user(user, &json!({"surname": "Okafor-Lind", "displayName": "Robin Okafor-Lind"}))?;
    Ok(users.event("a rename", "surname and display name changed", "updated", users.expected(user, Verb::Patch, Some("surname"))))
}

fn disabled(users: &DemoUsers) -> Result<Event> {
    let user = users.id(2)?;
    users.home.patch_user(user, &json!({"accountEnabled": false}))?;
    let expected = users.expected(user, Verb::Patch, Some("accountEnabled"));
    Ok(users.event("a disabled account", "sign-in blocked", "sessions revoked, sign-in blocked", expected))
}

fn group_leaver(users: &DemoUsers) -> Result<Event> {
    let user = users.id(3)?;
    users.home.remove_member(users.scope_group, user)?;
    let event = users.event(
        "one who leaves the group",
        "taken out of GlobalEmployees",
        "sessions revoked, blocked, soft-deleted",
        users.expected(user, Verb::Delete, None),
    );
    Ok(Event { has_grace_period: true, ..event })
}

fn company_leaver(users: &DemoUsers) -> Result<Event> {
    let user = users.id(4)?;
    users.home.delete_user(user)?;
    let expected = users.expected(user, Verb::Delete, None);
    Ok(users.event("one who leaves the company", "deleted", "sessions revoked, blocked, soft-deleted", expected))
}

fn returner(users: &DemoUsers) -> Result<Event> {
    let user = users.id(4)?;
    users.home.restore_user(user)?;
    let expected = users.expected(user, Verb::Patch, Some("accountEnabled"));
    Ok(users.event("one who returns", "restored", "restored, written, sign-in allowed last", expected))
}

fn movers(users: &DemoUsers) -> Result<Event> {
    let mut expected = Vec::new();
    for index in 10..110 {
        let user = users.id(index)?;
        users.home.patch_user(user, &json!({"department": "Shared Services"}))?;
        expected.push(users.expected(user, Verb::Patch, Some("department")));
    }
    Ok(Event { title: "100 movers at once", source: "department changed".to_owned(), target: "updated", expected, has_grace_period: false })
}
