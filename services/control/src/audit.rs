//! The audit trail: who did what to what, when. Of what was said only a digest is kept.

use sha2::{Digest as _, Sha256};
use xtsync_platform::params;
use xtsync_platform::store::{Error, Transaction};

use crate::revision::Act;

/// Notes an act on an object of a tenant; `-` is nobody's.
pub(crate) async fn note(tx: &mut Transaction, act: Act<'_>, tenant: &str, object: &str, said: &[u8]) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO audit (tenant, at, actor, verb, object, digest) VALUES ($1, $2, $3, $4, $5, $6)";
    let digest: [u8; 32] = Sha256::digest(said).into();
    tx.execute(SQL, params![tenant, act.now, act.actor, act.verb, object, digest.as_slice()]).await.map(drop)
}
