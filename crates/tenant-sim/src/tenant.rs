//! The handle of one tenant within the process: reads, and the same writes that Graph offers, through the same log and journal.
//!
//! For tests and the demonstration: to every client it looks as if an administrator had made the change in the portal.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::directory::{Directory, Domains, Redemption};
use crate::error::Failure;
use crate::extension::Extension;
use crate::notify::LifecycleEvent;
use crate::object::{Object, show};
use crate::property::{self, Prop};
use crate::sim::{Sim, Tenant};

/// One tenant of a simulator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TenantHandle {
    sim: Sim,
    place: usize,
}

impl Sim {
    /// The tenant of that name.
    pub fn tenant(&self, name: &str) -> Option<TenantHandle> {
        let place = self.tenants().iter().position(|tenant| *tenant.name == *name)?;
        Some(TenantHandle { sim: self.clone(), place })
    }
}

impl TenantHandle {
    /// The directory id, which the seed determines.
    pub fn id(&self) -> Uuid {
        self.tenant().id
    }

    /// The tenant's name.
    pub fn name(&self) -> &str {
        &self.tenant().name
    }

    /// The verified domain, `{name}.example`.
    pub fn domain(&self) -> &str {
        &self.tenant().domain
    }

    /// How many writes this tenant committed.
    pub fn journal_len(&self) -> usize {
        self.sim.journal_len(self.name())
    }

    /// How many requests were made to this tenant, by (method, path template). Items of a batch count, and so does the batch.
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.tenant().counts().all()
    }

    /// How many users there are, without the bin.
    pub fn user_count(&self) -> usize {
        self.tenant().read().users.len()
    }

    /// The ids of all users, in the order of ids.
    pub fn users(&self) -> Vec<Uuid> {
        self.tenant().read().users.after(None).map(|user| user.id).collect()
    }

    /// The ids of all users in the bin.
    pub fn deleted_users(&self) -> Vec<Uuid> {
        self.tenant().read().deleted.after(None).map(|user| user.id).collect()
    }

    /// All properties of a user that were ever set; `None` when there is no such user.
    pub fn user(&self, id: Uuid) -> Option<Json> {
        let directory = self.tenant().read();
        directory.users.get(id).map(|user| whole(&directory, user))
    }

    /// The same of a user in the bin.
    #[must_use]
    pub fn deleted_user(&self, id: Uuid) -> Option<Json> {
        let directory = self.tenant().read();
        directory.deleted.get(id).map(|user| whole(&directory, user))
    }

    /// The users whose property has that value, case aside.
    pub fn find_users(&self, property: &str, value: &str) -> Vec<Uuid> {
        let directory = self.tenant().read();
        let Some(prop) = directory.schema.find(property::ObjectKind::User, property) else {
            return Vec::new();
        };
        if property::is_indexed(prop) {
            return directory.users.with(prop, value).map(|user| user.id).collect();
        }
        let has = |user: &&crate::user::User| user.fields.text(prop).is_some_and(|text| crate::value::same_text(text, value));
        directory.users.after(None).filter(has).map(|user| user.id).collect()
    }

    /// The manager of a user.
    pub fn manager(&self, user: Uuid) -> Option<Uuid> {
        self.tenant().read().manager(user)
    }

    /// The groups with that display name.
    pub fn groups(&self, name: &str) -> Vec<Uuid> {
        let directory = self.tenant().read();
        let named = directory.groups.values().filter(|group| group.fields.text(property::DISPLAY_NAME) == Some(name));
        named.map(|group| group.id).collect()
    }

    /// The direct members of a group, users and groups.
    pub fn members(&self, group: Uuid) -> Vec<Uuid> {
        let directory = self.tenant().read();
        directory.groups.get(&group).into_iter().flat_map(|group| group.members_after(None)).map(|(id, _)| id).collect()
    }

    /// The groups that a user or group is a direct member of.
    pub fn member_of(&self, id: Uuid) -> Vec<Uuid> {
        self.tenant().read().parents(id).to_vec()
    }

    /// Creates a user as `POST /users` does.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn create_user(&self, body: &Json) -> Result<Uuid, Failure> {
        self.tenant().write().create_user(object(body)?)
    }

    /// Changes a user as `PATCH /users/{id}` does.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn patch_user(&self, id: Uuid, body: &Json) -> Result<(), Failure> {
        self.tenant().write().patch_user(id, object(body)?)
    }

    /// Moves a user to the bin.
    ///
    /// # Errors
    /// If there is no such user.
    pub fn delete_user(&self, id: Uuid) -> Result<(), Failure> {
        self.tenant().write().delete_user(id)
    }

    /// Brings a user back from the bin.
    ///
    /// # Errors
    /// If it is not there, or its name is taken meanwhile.
    pub fn restore_user(&self, id: Uuid) -> Result<(), Failure> {
        self.tenant().write().restore_user(id)
    }

    /// Removes a user from the bin for good.
    ///
    /// # Errors
    /// If it is not there.
    pub fn purge_user(&self, id: Uuid) -> Result<(), Failure> {
        self.tenant().write().purge_user(id)
    }

    /// Sets or removes a manager.
    ///
    /// # Errors
    /// If either does not exist.
    pub fn set_manager(&self, id: Uuid, manager: Option<Uuid>) -> Result<(), Failure> {
        self.tenant().write().set_manager(id, manager)
    }

    /// Invites a guest as `POST /invitations` does, and returns the guest's id.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn invite(&self, body: &Json) -> Result<Uuid, Failure> {
        let (body, home) = (object(body)?, self.sim.is_collaboration_allowed(object(body)?, self.id()));
        self.tenant().write().invite(body, home).map(|invitation| invitation.user)
    }

    /// Creates a group as `POST /groups` does.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn create_group(&self, body: &Json) -> Result<Uuid, Failure> {
        self.tenant().write().create_group(object(body)?)
    }

    /// Changes a group as `PATCH /groups/{id}` does.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn patch_group(&self, id: Uuid, body: &Json) -> Result<(), Failure> {
        self.tenant().write().patch_group(id, object(body)?)
    }

    /// Deletes a group for good.
    ///
    /// # Errors
    /// If there is no such group.
    pub fn delete_group(&self, id: Uuid) -> Result<(), Failure> {
        self.tenant().write().delete_group(id)
    }

    /// Adds a direct member to a group.
    ///
    /// # Errors
    /// As Graph refuses it.
    pub fn add_member(&self, group: Uuid, member: Uuid) -> Result<(), Failure> {
        self.tenant().write().add_member(group, member)
    }

    /// Removes a direct member from a group.
    ///
    /// # Errors
    /// If it is no member.
    pub fn remove_member(&self, group: Uuid, member: Uuid) -> Result<(), Failure> {
        self.tenant().write().remove_member(group, member)
    }

    /// A guest of this tenant signs in for the first time.
    ///
    /// # Errors
    /// If there is no such user, or it is not external.
    pub fn redeem(&self, user: Uuid) -> Result<Redemption, Failure> {
        let domain = self.tenant().read().home_domain(user)?;
        let home = self.sim.tenant_place(&domain).map(|place| self.sim.tenant_at(place));
        // One lock after the other: two tenants that look at each other must not wait for each other.
        let home = home.map(|home| (home.id, home.read().policy.redeems(self.id(), "outboundAllowed")));
        Ok(self.tenant().write().sign_in(user, home))
    }

    /// The users who were shown a consent prompt when they signed in.
    pub fn prompted(&self) -> Vec<Uuid> {
        self.tenant().read().prompted.clone()
    }

    /// How many invitation mails were sent.
    pub fn messages_sent(&self) -> u64 {
        self.tenant().read().messages_sent
    }

    /// Adds a mail contact, as synchronizations of address books do.
    pub fn add_contact(&self, mail: &str) {
        self.tenant().write().add_contact(mail);
    }

    /// Whether invitations are accepted at all; [`Self::set_domains`] restricts the addresses further.
    pub fn allow_invitations(&self, allowed: bool) {
        self.tenant().write().invitations_allowed = allowed;
    }

    /// Removes what this tenant's access policy says of a partner, its synchronization first, as Graph wants it.
    ///
    /// # Errors
    /// If there is no such partner.
    pub fn remove_partner(&self, partner: Uuid) -> Result<(), Failure> {
        let mut directory = self.tenant().write();
        if directory.policy.sync_json(partner).is_ok() {
            directory.policy.remove_sync(partner)?;
        }
        directory.policy.remove_partner(partner)?;
        directory.record_policy(partner, Vec::new());
        Ok(())
    }

    /// Which domains may be invited.
    pub fn set_domains(&self, domains: Domains) {
        self.tenant().write().domains = domains;
    }

    /// Registers another directory extension of users, of one text.
    ///
    /// # Errors
    /// If there are too many.
    pub fn register_extension(&self, name: &str) -> Result<(), Failure> {
        self.register_typed_extension(name, "String", false)
    }

    /// Registers another directory extension of users, of a type of Graph's (`dataType`), for one value or several.
    ///
    /// # Errors
    /// If there are too many, or there is no such type.
    pub fn register_typed_extension(&self, name: &str, data_type: &str, is_multi_valued: bool) -> Result<(), Failure> {
        self.tenant().write().schema.register(Extension::new(name, data_type, is_multi_valued)?)
    }

    /// Every delta token of this tenant is answered with 410 from now on.
    pub fn expire_delta(&self) {
        self.tenant().write().delta_epoch += 1;
    }

    /// No delta query but an initial one returns the next `count` changes, until the object changes again.
    pub fn lose_changes(&self, count: u32) {
        self.tenant().write().changes_to_lose = count;
    }

    /// Something happens to every subscription to changes of this tenant.
    pub fn send_lifecycle_event(&self, event: LifecycleEvent) {
        self.sim.subscriptions().send_lifecycle(self.name(), event);
    }

    /// Assigns a directory role to a user, or removes it. Only clients with [`Access::All`](crate::Access::All) may disable, enable, delete
    /// or restore such a user or write their sensitive properties; members of a group with `isAssignableToRole` are always privileged.
    pub fn set_privileged(&self, user: Uuid, privileged: bool) {
        self.tenant().write().set_privileged(user, privileged);
    }

    /// Whether every cycle of a delta query begins with an empty page, as Graph's sometimes do.
    pub fn start_delta_empty(&self, starts_empty: bool) {
        self.tenant().write().delta_starts_empty = starts_empty;
    }

    fn tenant(&self) -> &Tenant {
        self.sim.tenant_at(self.place)
    }
}

fn whole(directory: &Directory, user: &crate::user::User) -> Json {
    let field = |prop: Prop| (directory.schema.name(prop).to_owned(), show(user, &directory.schema, prop));
    let fields = user.fields().iter().map(|(prop, _)| field(prop));
    Json::Object(fields.chain([field(property::ID)]).collect())
}

fn object(body: &Json) -> Result<&Map<String, Json>, Failure> {
    body.as_object().ok_or_else(|| Failure::bad_request("The body must be an object."))
}
