//! Rehires that administrators have confirmed: each user with the former account whose shadow user the new one takes over.
//!
//! A row stays until the link of the new account is worked on with sign-in wanted, or the former account's link is forgotten.

use xtsync_domain::UserId;
use xtsync_store::{self as store, Transaction, params};

use super::Key;
use crate::error::Result;

/// Notes a confirmed rehire; a former account named before is replaced.
pub(crate) async fn put(tx: &mut Transaction, key: &Key, former: &UserId) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO rehire (target, source, user_id, former_user_id) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET former_user_id = excluded.former_user_id";
    tx.insert(SQL, vec![[key.params(), params![former.as_str()]].concat()]).await?;
    Ok(())
}

/// Removes a rehire that is done or void. One that names another former account by now stays.
pub(crate) async fn remove(tx: &mut Transaction, key: &Key, former: &UserId) -> Result<()> {
    const SQL: &str = "DELETE FROM rehire WHERE target = $1 AND source = $2 AND user_id = $3 AND former_user_id = $4";
    tx.execute(SQL, [key.params(), params![former.as_str()]].concat()).await?;
    Ok(())
}

/// Removes the rehires of these former accounts, whose links are forgotten.
pub(crate) async fn remove_of(tx: &mut Transaction, former: &[&Key]) -> Result<()> {
    const SQL: &str = "DELETE FROM rehire WHERE (target, source, former_user_id) IN (VALUES {rows})";
    tx.insert(SQL, former.iter().map(|key| key.params()).collect()).await?;
    Ok(())
}
