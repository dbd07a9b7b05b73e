//! What rebuilds the provisioner's row of a link beside the public state: opaque in the link's record.

use prost::Message as _;
use xtsync_domain::attributes::Digest;
use xtsync_domain::link::{Account, Link, Shadow, State};

use crate::convert::time::optional_time;
use crate::convert::{Invalid, enumeration, missing, wire_time};
use crate::internal;
use crate::internal::AppliedState as Wire;

/// The field of the record.
const FIELD: &str = "recovery";

pub(super) fn wire(link: &Link, store_id: String) -> Vec<u8> {
    let account = match &link.shadow {
        Shadow::Object(account) => Some(account),
        Shadow::None | Shadow::Inviting(_) => None,
    };
    let recovery = internal::LinkRecovery {
        store_id,
        applied_state: wire_state(link.applied.state).into(),
        published_digest: link.applied.published_digest.as_ref().map(|digest| digest.0.to_vec()).unwrap_or_default(),
        creation_incomplete: account.is_some_and(|account| account.creation_incomplete),
        former_anchor: account.and_then(|account| account.former_anchor.clone()).unwrap_or_default(),
        access_taken_at: account.and_then(|account| account.access_taken_at).map(wire_time),
    };
    recovery.encode_to_vec()
}

/// Adds to a link what its public fields leave out; returns the id of the store that wrote the record.
pub(super) fn read(bytes: &[u8], link: &mut Link) -> Result<String, Invalid> {
    let wire = internal::LinkRecovery::decode(bytes).map_err(|error| Invalid::Field(FIELD, error.to_string()))?;
    let internal::LinkRecovery { store_id, applied_state, published_digest, creation_incomplete, former_anchor, access_taken_at } = wire;
    link.applied.state = state(applied_state)?;
    link.applied.published_digest = digest(published_digest)?;
    if let Shadow::Object(account) = &mut link.shadow {
        let former_anchor = Some(former_anchor).filter(|anchor| !anchor.is_empty());
        let access_taken_at = optional_time("recovery.access_taken_at", access_taken_at)?;
        *account = Account { creation_incomplete, former_anchor, access_taken_at, ..account.clone() };
    }
    Ok(store_id)
}

fn wire_state(state: State) -> Wire {
    match state {
        State::Absent => Wire::Absent,
        State::Enabled => Wire::Enabled,
        State::Disabled => Wire::Disabled,
        State::Deleted => Wire::Deleted,
    }
}

fn state(number: i32) -> Result<State, Invalid> {
    match enumeration("recovery.applied_state", number)? {
        Wire::Unspecified => Err(missing("recovery.applied_state")),
        Wire::Absent => Ok(State::Absent),
        Wire::Enabled => Ok(State::Enabled),
        Wire::Disabled => Ok(State::Disabled),
        Wire::Deleted => Ok(State::Deleted),
    }
}

fn digest(bytes: Vec<u8>) -> Result<Option<Digest>, Invalid> {
    let wrong = |_| Invalid::Field("recovery.published_digest", "is no SHA-256".to_owned());
    if bytes.is_empty() { Ok(None) } else { bytes.try_into().map(|bytes| Some(Digest(bytes))).map_err(wrong) }
}
