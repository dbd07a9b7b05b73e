//! A Graph tenant as a target.
//!
//! Each verb is one write. A verb whose effect is there already succeeds: deleting a soft-deleted user, restoring one that is not.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use xtsync_domain::shadow::{Found, Object};
use xtsync_domain::{Attributes, TargetId};

use super::anchor::{Extensions, KnownExtensions};
use super::http::Http;
use super::reads::{Reads, Users};
use super::refused::Refusals;
use super::section::Graph;
use super::{Options, census, invite, lookup, object, patch};
use xtsync_directory::{CensusPage, Cursor, Error, Result};
use xtsync_directory::{Invitation, Patched, Target};

/// Writes a tenant with the writer's credentials.
pub struct Writer {
    http: Http,
    extensions: KnownExtensions,
    /// What look-ups are refused.
    refusals: Refusals,
    reads: Reads,
}

impl Writer {
    /// A writer of that tenant; makes no request yet.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a tenant without a writer, and for plain http to another machine.
    pub fn new(graph: &Graph, options: Options) -> Result<Self> {
        let writer = graph.writer.as_ref().ok_or_else(|| Error::Forbidden { code: "no_writer".into() })?;
        Ok(Self {
            http: Http::new(graph, writer, options)?,
            extensions: KnownExtensions::default(),
            refusals: Refusals::default(),
            reads: Reads::default(),
        })
    }

    async fn extensions(&self) -> Result<Arc<Extensions>> {
        self.extensions.get(&self.http).await
    }
}

#[async_trait]
impl Target for Writer {
    fn take_throttle_warning(&self) -> bool {
        self.http.take_throttle_warning()
    }

    async fn find(&self, anchor: &str, address: &str) -> Result<Found> {
        lookup::find(&self.http, &self.refusals, &*self.extensions().await?, anchor, address).await
    }

    async fn census(&self, from: Option<&Cursor>) -> Result<CensusPage> {
        census::Directory { http: &self.http, refusals: &self.refusals, extensions: &*self.extensions().await? }.page(from).await
    }

    fn census_keys(&self, address: &str) -> Vec<String> {
        object::keys(address).into()
    }

    async fn read(&self, id: &TargetId) -> Result<Option<Object>> {
        self.reads.read(Users { http: &self.http, extensions: &*self.extensions().await? }, id).await
    }

    async fn invite(&self, invitation: &Invitation) -> Result<TargetId> {
        invite::invite(&self.http, invitation).await
    }

    async fn patch(&self, id: &TargetId, anchor: Option<&str>, attributes: &Attributes) -> Result<Patched> {
        let extensions = self.extensions.get_to_write(&self.http, attributes).await?;
        patch::patch(&self.http, id, anchor.map(|value| (extensions.anchor.as_str(), value)), attributes).await
    }

    async fn set_enabled(&self, id: &TargetId, enabled: bool) -> Result<()> {
        let request = self.http.patch("/users/{id}", &[&id.0])?.body(json!({"accountEnabled": enabled}));
        self.http.call(&request).await.map(drop)
    }

    async fn revoke_sessions(&self, id: &TargetId) -> Result<()> {
        let request = self.http.post("/users/{id}/revokeSignInSessions", &[&id.0])?;
        self.http.call(&request).await.map(drop)
    }

    async fn soft_delete(&self, id: &TargetId) -> Result<()> {
        let deleted = self.http.call(&self.http.delete("/users/{id}", &[&id.0])?).await;
        match deleted {
            Err(Error::NotFound) => self.http.call(&self.http.get("/directory/deletedItems/{id}", &[&id.0])?).await.map(drop),
            deleted => deleted.map(drop),
        }
    }

    async fn restore(&self, id: &TargetId) -> Result<()> {
        let restored = self.http.call(&self.http.post("/directory/deletedItems/{id}/restore", &[&id.0])?).await;
        match restored {
            Err(Error::NotFound) => self.http.call(&self.http.get("/users/{id}", &[&id.0])?.query("$select", "id")).await.map(drop),
            restored => restored.map(drop),
        }
    }

    async fn reset_redemption(&self, id: &TargetId, address: &str) -> Result<()> {
        invite::reset_redemption(&self.http, id, address).await
    }

    async fn purge(&self, id: &TargetId) -> Result<()> {
        self.http.call(&self.http.delete("/directory/deletedItems/{id}", &[&id.0])?).await.map(drop)
    }
}
