//! The audit trail: the actor, verb, object and time of each operation. Only a digest of the content is kept.

use sha2::{Digest as _, Sha256};
use xtsync_store::{Error, Transaction, params};

use crate::actor::Operation;

/// Records an operation on an object of a tenant. The tenant is `-` for an object that belongs to none.
pub(crate) async fn record(
    tx: &mut Transaction,
    operation: Operation<'_>,
    tenant: &str,
    object: &str,
    content: &[u8],
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO audit (tenant, at, actor, declared, verb, object, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let digest: [u8; 32] = Sha256::digest(content).into();
    tx.execute(
        SQL,
        params![tenant, operation.now, operation.actor.identity, operation.actor.declared, operation.verb, object, digest.as_slice()],
    )
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use crate::actor::Actor;
    use crate::apply;
    use crate::context::tests::{YAML, context, written};

    #[tokio::test]
    async fn the_audit_has_the_declared_and_the_authenticated_actor() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        let actor = Actor { identity: "token-1234abcd", declared: "root" };
        apply::apply(&context, &written(YAML), actor, false).await.unwrap();
        let rows = context.store.fetch("SELECT DISTINCT actor, declared, verb FROM audit", Vec::new()).await.unwrap();
        let entries: Vec<[String; 3]> =
            rows.iter().map(|row| ["actor", "declared", "verb"].map(|column| row.text(column).unwrap())).collect();
        assert_eq!(entries, [["token-1234abcd".to_owned(), "root".to_owned(), "apply".to_owned()]]);
    }
}
