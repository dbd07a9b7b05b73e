//! Confirmed rehires: a user's new account takes over the soft-deleted shadow user of the former account.
//!
//! The read model says beforehand what stands in the way. The provisioner decides again with its own rows.

use std::fmt;

use prost::Message as _;
use xtsync_contract::convert::LinkRecord;
use xtsync_contract::events;
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_domain::link::{Link, NotTakenOver};
use xtsync_domain::{Capabilities, TenantName, UserId, canonical_id};
use xtsync_store::{self as store, params};

use crate::Error;
use crate::actor::Actor;
use crate::command::{self, find_tenant_resource};
use crate::context::Context;
use crate::names::{Names, Renamed};

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The command is published.
    Published,
    /// The shadow user was taken over before.
    Before,
    /// There is no such tenant.
    NoTenant,
    /// There is nothing to take over; the reason as a text.
    Refused(String),
}

/// An account by its home and id. What is given has the home's name, all else its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    source: TenantName,
    user: UserId,
}

impl Named {
    /// Reads `SOURCE/ID`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (source, id) = text.split_once('/')?;
        let is_id = !id.is_empty() && xtsync_service::commands::is_user(text);
        Some(Self { source: TenantName::new(source).ok().filter(|_| is_id)?, user: canonical_id(id).into() })
    }

    fn keyed(&self, names: &Names) -> Result<Self, Renamed> {
        Ok(Self { source: names.key(&self.source)?, user: self.user.clone() })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.user)
    }
}

/// Requests that `user` takes over the shadow user of `former` in a target.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn confirm(context: &Context, target: &str, user: &Named, former: &Named, actor: Actor<'_>) -> Result<Confirmed, Error> {
    let Some((key, tenant)) = find_tenant_resource(context, target).await? else { return Ok(Confirmed::NoTenant) };
    let can = match context.connectors.describe(&tenant) {
        Ok(description) => description.capabilities,
        Err(problem) => return Ok(Confirmed::Refused(format!("{target} cannot be read: {}", problem.message))),
    };
    let names = Names::read(&context.store).await?;
    let (given, user, former) = ((user, former), user.keyed(&names)?, former.keyed(&names)?);
    let rehired = link(context, &key, &user).await?;
    let account = rehired.as_ref().and_then(|link| link.shadow.account());
    if account.is_some_and(|account| account.taken_from.as_ref() == Some(&former.user) && user.source == former.source) {
        return Ok(Confirmed::Before);
    }
    let released = link(context, &key, &former).await?;
    if let Some(reason) = obstacle(&can, released.as_ref(), rehired.as_ref(), (&user, &former)) {
        return Ok(Confirmed::Refused(text(reason, target, given.0, given.1)));
    }
    let action = Action::Rehire(internal::Rehire { former: former.user.to_string() });
    command::publish_command_for(context, &[key].into(), &user.to_string(), "rehire", action, actor).await?;
    Ok(Confirmed::Published)
}

/// What keeps the new account from taking the former one's shadow user over, if anything does.
fn obstacle(can: &Capabilities, released: Option<&Link>, rehired: Option<&Link>, (user, former): (&Named, &Named)) -> Option<NotTakenOver> {
    if user.source != former.source {
        return Some(NotTakenOver::OtherHome);
    }
    if !can.restores_for_another() {
        return Some(NotTakenOver::NotRestorable);
    }
    let Some(released) = released else { return Some(NotTakenOver::NotSoftDeleted) };
    if let Some(reason) = rehired.and_then(|rehired| rehired.can_take_over().err()) {
        return Some(reason);
    }
    let taken = rehired.map_or_else(|| released.released(), |rehired| released.confirmed_for(rehired, can));
    // A user not wanted yet takes it over as soon as they are, if nothing else is in the way.
    match taken.err()? {
        NotTakenOver::NotWanted => released.released().err(),
        reason => Some(reason),
    }
}

async fn link(context: &Context, target: &TenantName, named: &Named) -> Result<Option<Link>, Error> {
    const SQL: &str = "SELECT record FROM view_link WHERE target = $1 AND source = $2 AND user_id = $3";
    let key = params![target.as_str(), named.source.as_str(), named.user.as_str()];
    let Some(row) = context.store.fetch_one_opt(SQL, key).await? else { return Ok(None) };
    let wire = events::Link::decode(row.bytes("record")?.as_slice()).map_err(|error| store::Error::Corrupt(error.to_string()))?;
    let record = LinkRecord::try_from(wire).map_err(|error| store::Error::Corrupt(error.to_string()))?;
    Ok(Some(record.link))
}

fn text(reason: NotTakenOver, target: &str, user: &Named, former: &Named) -> String {
    match reason {
        NotTakenOver::OtherHome => "both accounts must be of one source".to_owned(),
        NotTakenOver::NotDeletedAtHome => {
            format!("{former} is not deleted at home: only the shadow user of a deleted account is taken over")
        }
        NotTakenOver::Vetoed => format!("a veto on the shadow user of {former} in {target} is in force"),
        NotTakenOver::NotSoftDeleted => format!("{former} has no soft-deleted shadow user in {target}"),
        NotTakenOver::HasShadowUser => format!(
            "{user} has a shadow user in {target} already. To restore the one of {former} instead, take {user} out of the scope until that \
             shadow user is soft-deleted, confirm the rehire, and put {user} back"
        ),
        NotTakenOver::AddressDiffers => format!("{user} has another address than the one by which {former} was invited"),
        NotTakenOver::NotWanted => format!("{user} is not wanted in {target}"),
        NotTakenOver::NotRestorable => format!("the directory of {target} cannot restore a shadow user for another account"),
    }
}
