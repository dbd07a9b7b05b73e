//! A Graph tenant as a source.
//!
//! Delta links are opaque, carry their own `$select`, and are followed to the configured endpoint only. Within a chain of cursors Graph
//! mentions whatever is selected and was ever set: what it never mentioned of a user it has mentioned is empty.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;
use xtsync_domain::delta::Kind;
use xtsync_domain::extension::{Extensions, is_extension};
use xtsync_domain::fact::{AccessPolicy, GroupState, Identity};
use xtsync_domain::{Attributes, GroupId, Timestamp, canonical_id};

use super::extensions::{self, Kinds};
use super::http::Http;
use super::odata::{self, Listed};
use super::request::Request;
use super::section::Graph;
use super::{Options, attribute, groups, policy, subscription, users, value};
use xtsync_directory::{Cursor, GroupChange, MemberPage, Page, Source, Subscribe, Subscription, UserChange};
use xtsync_directory::{Error, Result};

const USERS: &str = "/users/delta";
const GROUPS: &str = "/groups/delta";
const MEMBERS: &str = "/groups/{id}/members";

/// How many members a page of a listing has: the most that Graph gives.
const MEMBERS_PAGE: &str = "999";

/// Reads a tenant with the reader's credentials.
pub struct Reader {
    http: Http,
    notifications: Option<Url>,
    /// What values of extensions are, once that was read.
    kinds: Mutex<Option<Arc<Kinds>>>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    #[serde(rename = "displayName")]
    name: Option<String>,
}

impl Reader {
    /// Goes on at a cursor. One of another endpoint is void: cursors are stored only after their links were found to be ours, so the
    /// tenant is reached otherwise now.
    fn resume(&self, cursor: &Cursor, template: &'static str) -> Result<Request> {
        self.http.parse_link(&cursor.0).map(|url| Request::follow(url, template)).ok_or(Error::Resync)
    }

    /// A reader of that tenant; makes no request yet.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for plain http to another machine.
    pub fn new(graph: &Graph, options: Options) -> Result<Self> {
        let notifications = graph.notifications.as_ref().map(|notifications| notifications.url.clone());
        Ok(Self { http: Http::new(graph, &graph.reader, options)?, notifications, kinds: Mutex::default() })
    }

    async fn delta<T>(&self, request: Request, read: impl Fn(Json, &mut Vec<String>) -> Option<T>) -> Result<Page<T>> {
        let body = self.http.call(&request.delta(self.http.options.page_objects_max)).await?;
        Listed::read(&body)?.into_changes(&self.http, read)
    }

    /// What values of these attributes are. Where extensions may not be listed, their JSON must tell.
    async fn kinds_of(&self, attributes: &[String]) -> Result<Arc<Kinds>> {
        let known = self.kinds.lock().clone();
        match known {
            Some(known) => Ok(known),
            None if !attributes.iter().any(|name| is_extension(name)) => Ok(Arc::default()),
            None => match self.extensions().await {
                Ok(_) => Ok(self.kinds.lock().clone().unwrap_or_default()),
                Err(Error::Forbidden { .. }) => Ok(Arc::default()),
                Err(error) => Err(error),
            },
        }
    }

    async fn named(&self, id: &GroupId) -> Result<Group> {
        let request = self.http.get("/groups/{id}", &[&id.0])?.query("$select", "id,displayName");
        self.http.json(&request).await
    }

    async fn can_read_members(&self, id: &GroupId) -> Result<()> {
        let request = self.http.get("/groups/{id}/members", &[&id.0])?.query("$select", "id").query("$top", "1");
        self.http.call(&request).await.map(drop)
    }
}

#[async_trait]
impl Source for Reader {
    async fn users(&self, attributes: &[String], cursor: Option<&Cursor>) -> Result<Page<UserChange>> {
        let request = match cursor {
            Some(cursor) => self.resume(cursor, USERS)?,
            None => self.http.get(USERS, &[])?.select(attribute::selection(attributes)),
        };
        let kinds = self.kinds_of(attributes).await?;
        self.delta(request, |object, wrong| users::change(object, &kinds, wrong)).await
    }

    async fn groups(&self, cursor: Option<&Cursor>) -> Result<Page<GroupChange>> {
        let request = match cursor {
            Some(cursor) => self.resume(cursor, GROUPS)?,
            None => self.http.get(GROUPS, &[])?.query("$select", "displayName,members"),
        };
        self.delta(request, groups::change).await
    }

    fn needs(&self, attribute: &str) -> bool {
        users::KIND.contains(&attribute) || attribute == "createdDateTime"
    }

    async fn members(&self, group: &GroupId, cursor: Option<&Cursor>) -> Result<MemberPage> {
        let request = match cursor {
            Some(cursor) => self.resume(cursor, MEMBERS)?,
            None => self.http.get(MEMBERS, &[&group.0])?.query("$select", "id").query("$top", MEMBERS_PAGE),
        };
        let page: Listed = self.http.json(&request).await?;
        let (objects, next) = page.into_page(&self.http)?;
        let members = objects.into_iter().map(groups::member).filter_map(Result::transpose).collect::<Result<_>>()?;
        Ok(MemberPage { members, next })
    }

    async fn find_groups(&self, name: &str) -> Result<Vec<GroupId>> {
        let filter = format!("displayName eq {}", odata::literal(name));
        let request = self.http.get("/groups", &[])?.query("$filter", &filter).query("$select", "id,displayName");
        let groups: Vec<Group> = odata::list(&self.http, request).await?;
        Ok(groups.into_iter().map(|group| GroupId(canonical_id(&group.id))).collect())
    }

    async fn group(&self, id: &GroupId) -> Result<(Option<String>, GroupState)> {
        let name = match self.named(id).await {
            Ok(group) => group.name.as_deref().map(value::storable),
            Err(error) => return state_of(error).map(|state| (None, state)),
        };
        match self.can_read_members(id).await {
            Ok(()) => Ok((name, GroupState::Present)),
            Err(error) => state_of(error).map(|state| (name, state)),
        }
    }

    async fn user_count(&self) -> Result<u64> {
        let body = self.http.call(&self.http.get("/users/$count", &[])?.advanced()).await?;
        let text = String::from_utf8_lossy(&body);
        // Graph sends the number as text, behind a byte order mark.
        text.trim_start_matches('\u{feff}').trim().parse().map_err(|_| Error::Malformed { reason: "a count that is no number".to_owned() })
    }

    async fn access_policy(&self) -> Result<AccessPolicy> {
        policy::access_policy(&self.http).await
    }

    fn notification_url(&self) -> Option<Url> {
        self.notifications.clone()
    }

    async fn identity(&self) -> Result<Identity> {
        policy::identity(&self.http).await
    }

    async fn extensions(&self) -> Result<Extensions> {
        let listed = extensions::list(&self.http).await?;
        *self.kinds.lock() = Some(Arc::new(extensions::kinds(&listed)));
        Ok(extensions::known(&listed))
    }

    async fn subscribe(&self, asked: &Subscribe) -> Result<Subscription> {
        subscription::subscribe(&self.http, asked).await
    }

    async fn renew(&self, id: &str, until: Timestamp) -> Result<Timestamp> {
        subscription::renew(&self.http, id, until).await
    }

    async fn unsubscribe(&self, id: &str) -> Result<()> {
        subscription::unsubscribe(&self.http, id).await
    }

    fn kind(&self, attributes: &Attributes) -> Kind {
        users::kind(attributes)
    }
}

/// What a failed reading of a group says of the group; what says nothing of it stays an error.
fn state_of(error: Error) -> Result<GroupState> {
    match error {
        Error::NotFound => Ok(GroupState::Gone),
        Error::Forbidden { .. } => Ok(GroupState::Unreadable),
        error => Err(error),
    }
}
