//! A census of a tenant: the keys of its users, of its soft-deleted users and of its contacts, a page at a time.
//!
//! It lists what `lookup.rs` searches, in this order: a user deleted meanwhile is met in the bin. Contacts that the directory refuses
//! to show are left out as look-ups leave them out, and remembered alike.

use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::anchor::Extensions;
use super::http::Http;
use super::limit::Size;
use super::object::{self, Place};
use super::odata::Listed;
use super::refused::{Asked, Refusals};
use super::request::Request;
use xtsync_directory::{CensusPage, Cursor, Error, Result};

/// The places in the order in which they are listed, each with its name in cursors.
const PLACES: [(&str, Place); 3] = [("users", Place::Users), ("deleted", Place::DeletedItems), ("contacts", Place::Contacts)];

/// The directory that is listed.
pub(super) struct Directory<'a> {
    pub(super) http: &'a Http,
    pub(super) refusals: &'a Refusals,
    pub(super) extensions: &'a Extensions,
}

impl Directory<'_> {
    /// The page that a cursor names; the first without one.
    pub(super) async fn page(&self, from: Option<&Cursor>) -> Result<CensusPage> {
        let unknown = || Error::Malformed { reason: "a cursor of no census".to_owned() };
        let (name, link) = from.map_or(Some((PLACES[0].0, "")), |cursor| cursor.0.split_once(' ')).ok_or_else(unknown)?;
        let at = PLACES.iter().position(|(place, _)| *place == name).ok_or_else(unknown)?;
        let (keys, more) = match PLACES[at].1 {
            Place::Contacts => self.contacts(link).await?,
            place => self.list(place, link).await?,
        };
        let following = PLACES.get(at + 1).map(|(place, _)| format!("{place} "));
        Ok(CensusPage { keys, next: more.map(|link| format!("{name} {}", link.0)).or(following).map(Cursor) })
    }

    async fn contacts(&self, link: &str) -> Result<(Vec<String>, Option<Cursor>)> {
        if self.refusals.contain(Asked::Contacts, Instant::now()) {
            return Ok((Vec::new(), None));
        }
        match self.list(Place::Contacts, link).await {
            Err(Error::Forbidden { .. } | Error::NotFound) => {
                self.refusals.note(Asked::Contacts, Instant::now());
                Ok((Vec::new(), None))
            }
            listed => listed,
        }
    }

    async fn list(&self, place: Place, link: &str) -> Result<(Vec<String>, Option<Cursor>)> {
        let (template, selected) = match place {
            Place::Users => ("/users", self.selection()),
            Place::DeletedItems => ("/directory/deletedItems/microsoft.graph.user", self.selection()),
            Place::Contacts => ("/contacts", "mail,proxyAddresses".to_owned()),
        };
        let request = match link {
            "" => self.first(template, &selected)?,
            link => self.http.follow(link, template)?,
        };
        let listed: Listed = self.http.json(&request.sized(Size::Page)).await?;
        let (objects, more) = listed.into_page(self.http)?;
        Ok((objects.iter().filter_map(Json::as_object).flat_map(|fields| self.keys(fields)).collect(), more))
    }

    fn first(&self, template: &'static str, selected: &str) -> Result<Request> {
        let size = self.http.options.page_objects_max.to_string();
        Ok(self.http.get(template, &[])?.query("$top", &size).query("$select", selected))
    }

    fn selection(&self) -> String {
        format!("mail,otherMails,proxyAddresses,userPrincipalName,{}", self.extensions.anchor)
    }

    fn keys(&self, fields: &Map<String, Json>) -> Vec<String> {
        let anchor = fields.get(&self.extensions.anchor).and_then(Json::as_str);
        object::held(fields).into_iter().chain(anchor.map(str::to_owned)).collect()
    }
}
