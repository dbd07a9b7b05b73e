//! `xtsync retry`: links that wait for a time or for the target are tried again now, once.
//!
//! The replica that receives a command records it in the store; the owner of the target looks there, makes the links due, and lets the breaker
//! probe the blocked verbs.

use tracing::info;
use xtsync_domain::{TenantName, Timestamp, UserId};
use xtsync_service::commands::Command;
use xtsync_store::{self as store, Epoch, Transaction, params};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::owned_target::OwnedTarget;
use crate::table::waiting::{Waiting, Waits};

/// Notes what a command asks for, for each pair of tenants that it concerns.
pub(crate) async fn note(tx: &mut Transaction, context: &Context, command: &Command) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO retry (target, source, user_id, asked_at) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET asked_at = excluded.asked_at";
    let now = context.now();
    let (source, user) = command.user.split_once('/').map_or((None, command.user.as_str()), |(source, user)| (Some(source), user));
    let configuration = context.configuration();
    let pairs = configuration.synchronizations().map(|one| (&one.source, &one.spec.to));
    let concerned = pairs.filter(|(from, to)| command.tenant == **from || command.tenant == **to);
    let concerned = concerned.filter(|(from, _)| source.is_none_or(|source| source == from.as_str()));
    // Each once: a row twice in one statement is an error to PostgreSQL.
    let pairs: std::collections::BTreeSet<(&TenantName, &TenantName)> = concerned.map(|(from, to)| (to, from)).collect();
    tx.insert(SQL, pairs.into_iter().map(|(to, from)| params![to.as_str(), from.as_str(), user, now]).collect()).await?;
    Ok(())
}

/// One pair of tenants for which it was asked.
struct Asked {
    source: TenantName,
    user: Option<UserId>,
    at: Timestamp,
}

/// Carries out what was asked for of a target, as its owner; says whether anything was.
pub(crate) async fn carry_out(owned: &OwnedTarget, epoch: Epoch) -> Result<bool> {
    let asked = read(owned).await?;
    for Asked { source, user, at } in &asked {
        let waiting = Waiting { source: Some(source), user: user.as_ref(), ..Waiting::all(&owned.target, Waits::Anything) };
        let links = waiting.wake(&owned.context.store, owned.context.now()).await?;
        info!(target = %owned.target, %source, links, "what waits is tried again, as was asked for");
        let mut tx = owned.begin(epoch).await?;
        let user = user.as_ref().map_or("", UserId::as_str);
        // One that was asked for again meanwhile stays.
        const DONE: &str = "DELETE FROM retry WHERE target = $1 AND source = $2 AND user_id = $3 AND asked_at = $4";
        tx.execute(DONE, params![owned.target.as_str(), source.as_str(), user, *at]).await?;
        tx.commit().await?;
    }
    if !asked.is_empty() {
        owned.breaker().probe_now(owned.context.now());
    }
    Ok(!asked.is_empty())
}

async fn read(owned: &OwnedTarget) -> Result<Vec<Asked>> {
    const SQL: &str = "SELECT source, user_id, asked_at FROM retry WHERE target = $1 ORDER BY source, user_id LIMIT 1000";
    let rows = owned.context.store.fetch(SQL, params![owned.target.as_str()]).await?;
    let asked = rows.iter().map(|row| {
        let unreadable = |error: xtsync_domain::name::InvalidName| Error::Unreadable("retry".to_owned(), error.to_string());
        let source = TenantName::new(row.text("source")?).map_err(unreadable)?;
        let user = row.text("user_id")?;
        Ok(Asked { source, user: (!user.is_empty()).then(|| user.as_str().into()), at: Timestamp(row.int("asked_at")?) })
    });
    asked.collect()
}
