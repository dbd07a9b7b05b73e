//! The read model: the newest records of the other roles, reduced to the columns that the API needs.
//!
//! A batch of records is first reduced to rows ([`batch::Batch`], pure), then stored with its offsets in one transaction. So a restart
//! continues at the right offset and counts nothing twice. The read model skips unreadable records and writes no dead letters; the role
//! that acts on a record dead-letters it.

pub(crate) mod batch;
pub(crate) mod fact;
pub(crate) mod link;
mod rows;

use prost::Message as _;
use xtsync_bus::Record;
use xtsync_contract::events;
use xtsync_domain::fact::{EXTENSIONS, IDENTITY, is_group_name_key};
use xtsync_store::store_offsets;

use crate::Error;
use crate::context::Context;

/// What was folded that requires follow-up work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The detector looked up a group name, or read a tenant's directory extensions or another default domain of it.
    pub(crate) resolvable: bool,
    /// The detector read a tenant's identity.
    pub(crate) identities: bool,
    /// Something that is counted: users, decisions and links, and not what roles repeat at rest.
    pub(crate) numbers: bool,
}

/// Folds records into the read model.
///
/// # Errors
/// If the store fails, or this replica does not lead.
pub(crate) async fn fold(context: &Context, records: &[Record]) -> Result<Changed, Error> {
    let batch = batch::Batch::of(records, &context.metrics);
    context.metrics.folded(records);
    let changed = Changed {
        resolvable: batch.facts.keys().any(|(_, key)| is_group_name_key(key) || key == EXTENSIONS),
        identities: batch.facts.keys().any(|(_, key)| key == IDENTITY),
        numbers: batch.has_counted(),
    };
    let domains = default_domains(&batch);
    let mut tx = context.fence()?.begin().await?;
    store_offsets(&mut tx, &batch.next);
    rows::store(&mut tx, batch, context.clock.now()).await?;
    tx.commit().await?;
    let mut known = context.default_domains.lock();
    let are_others =
        domains.into_iter().fold(false, |is_other, (tenant, domain)| is_other | (known.insert(tenant, domain.clone()) != Some(domain)));
    Ok(Changed { resolvable: changed.resolvable || are_others, ..changed })
}

/// The default domains that were read, by key of the tenant; empty where the directory names none.
fn default_domains(batch: &batch::Batch) -> Vec<(String, String)> {
    let identities = batch.facts.iter().filter(|((_, key), _)| key == IDENTITY);
    let domain = |((tenant, _), record): (&(String, String), &Option<Vec<u8>>)| {
        let fact = events::TenantFact::decode(record.as_deref()?).ok()?.fact?;
        let events::tenant_fact::Fact::Identity(identity) = fact else { return None };
        Some((tenant.clone(), identity.default_domain))
    };
    identities.filter_map(domain).collect()
}
