//! Reads a user's newest delta from the topic of the source, at the place that the read model keeps: control has no copy of attributes.

use std::time::Duration;

use xtsync_bus::{Partition, Position};
use xtsync_contract::control::ReadUserResponse;
use xtsync_contract::{event, events, topic};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_store::params;

use super::{sensitive, show};
use crate::Error;
use crate::context::Context;
use crate::names::Names;
use crate::resources;

/// The longest wait for the record.
const READ_MAX: Duration = Duration::from_secs(10);

/// Why a user is not read.
#[derive(Debug)]
pub(super) enum NotRead {
    /// Nothing is published of such a user.
    Unknown,
    /// Several users have that name.
    Several(usize),
    /// The user's newest delta is being replaced at this moment, or was published before control kept its place.
    Moved,
}

/// Reads the one user of that name.
pub(super) async fn user(context: &Context, name: &str) -> Result<Result<ReadUserResponse, NotRead>, Error> {
    let stored = resources::read(&context.store).await?;
    let names = Names::of(stored.values());
    let mut found = show::users(context, &names.user_key(name)?).await?;
    let (source, user_id) = match (found.pop(), found.len()) {
        (Some(one), 0) => one,
        (Some(_), others) => return Ok(Err(NotRead::Several(others + 1))),
        (None, _) => return Ok(Err(NotRead::Unknown)),
    };
    let Ok(tenant) = TenantName::new(&source) else { return Ok(Err(NotRead::Unknown)) };
    let Some(mut delta) = delta(context, &tenant, &user_id).await? else { return Ok(Err(NotRead::Moved)) };
    delta.before.clear();
    let sensitive = sensitive::sources(&Configuration::new(0, stored.into_values()), &tenant);
    Ok(Ok(ReadUserResponse { source: names.name(&tenant).to_string(), user_id, delta: Some(delta), sensitive }))
}

async fn delta(context: &Context, source: &TenantName, user_id: &str) -> Result<Option<events::UserDelta>, Error> {
    const SQL: &str = "SELECT part, position FROM view_user WHERE source = $1 AND user_id = $2";
    let Some(row) = context.store.fetch_one_opt(SQL, params![source.as_str(), user_id]).await? else { return Ok(None) };
    let (Ok(index), offset) = (u32::try_from(row.int("part")?), row.int("position")?) else { return Ok(None) };
    if offset < 0 {
        return Ok(None);
    }
    let from = Position { partition: Partition { topic: topic::USER_DELTAS.of(source), index }, offset };
    let mut reader = context.bus.reader(&[from]).await?;
    let records = reader.read(1, READ_MAX).await?;
    let record = records.into_iter().find(|record| record.key == user_id.as_bytes());
    Ok(record.and_then(|record| event::decode(&record.headers, record.value.as_ref()?).ok()))
}
