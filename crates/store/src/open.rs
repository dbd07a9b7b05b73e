//! Opening a store: reads or creates its id.

use std::sync::Arc;

use uuid::Uuid;

use super::{Error, Store};
use crate::params;

/// Returns the store's id and creates it if there is none. Two processes that open a new store at once get the same id.
pub(super) async fn read_or_create_id(store: &Store) -> Result<Arc<str>, Error> {
    let mut tx = store.begin().await?;
    let now = tx.database_now().await?;
    let id = Uuid::now_v7().to_string();
    // The lock makes the second process wait and then read the row of the first.
    tx.execute(tx.by_database("SELECT 1", "LOCK TABLE store_identity IN EXCLUSIVE MODE"), Vec::new()).await?;
    tx.execute("INSERT INTO store_identity (id, created) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM store_identity)", params![id, now])
        .await?;
    let row = tx.fetch_one_opt("SELECT id FROM store_identity", Vec::new()).await?;
    tx.commit().await?;
    row.ok_or_else(|| Error::Corrupt("the store has no id".to_owned()))?.text("id").map(Arc::from)
}
