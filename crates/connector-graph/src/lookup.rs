//! Finds the objects that could belong to a user: by our anchor and by the user's address, among users, contacts and soft-deleted users
//! (R4).
//!
//! Three requests at once, each with all conditions in one filter. Where Graph refuses the combination, each condition is asked for
//! alone as an advanced query; a condition refused even so is an error, since "not looked for" must not read as "not there". What a
//! directory refuses to all look-ups is not asked again for a while.

use futures::future::try_join_all;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;
use xtsync_domain::shadow::Found;

use super::anchor::Extensions;
use super::http::Http;
use super::object::{self, Place};
use super::odata::{self, literal};
use super::refused::{Asked, Refusals};
use super::request::Request;
use xtsync_directory::{Error, Result};

type Fields = Map<String, Json>;

/// Everything that bears the anchor or holds the address.
pub(super) async fn find(http: &Http, refusals: &Refusals, extensions: &Extensions, anchor: &str, address: &str) -> Result<Found> {
    let directory = Directory { http, refusals, extensions };
    let users = directory.search(Place::Users, users(extensions, anchor, address));
    let deleted_items = directory.search(Place::DeletedItems, deleted(extensions, anchor, address));
    let contacts = directory.contacts(address);
    let (users, deleted_items, contacts) = tokio::try_join!(users, deleted_items, contacts)?;
    let mut found = Found::default();
    for (place, objects) in [(Place::Users, users), (Place::DeletedItems, deleted_items), (Place::Contacts, contacts)] {
        for fields in objects {
            let object = object::object(&fields, place, extensions)?;
            // Asked again here, so that a directory which answers with more than was asked for makes no conflicts.
            if object::holds(&fields, address) {
                found.by_address.push(object.clone());
            }
            if object.anchor.as_deref() == Some(anchor) {
                found.by_anchor.push(object);
            }
        }
    }
    Ok(found)
}

fn users(extensions: &Extensions, anchor: &str, address: &str) -> Vec<String> {
    let external = format!("startsWith(userPrincipalName,{})", literal(&object::external_name(address)));
    let mut conditions = deleted(extensions, anchor, address);
    conditions.extend([format!("userPrincipalName eq {}", literal(address)), external]);
    conditions
}

/// In the bin principal names are mangled, so they are not asked for.
fn deleted(extensions: &Extensions, anchor: &str, address: &str) -> Vec<String> {
    let mut conditions = vec![format!("{} eq {}", extensions.anchor, literal(anchor))];
    conditions.extend(mail(address));
    conditions.push(format!("otherMails/any(m:m eq {})", literal(address)));
    conditions
}

fn mail(address: &str) -> [String; 2] {
    let proxy = literal(&format!("smtp:{address}"));
    [format!("mail eq {}", literal(address)), format!("proxyAddresses/any(p:p eq {proxy})")]
}

/// The directory that is searched.
struct Directory<'a> {
    http: &'a Http,
    refusals: &'a Refusals,
    extensions: &'a Extensions,
}

impl Directory<'_> {
    /// A writer need not have the right to read contacts, and some clouds have none: then there are none to meet.
    async fn contacts(&self, address: &str) -> Result<Vec<Fields>> {
        if self.refusals.contain(Asked::Contacts, Instant::now()) {
            return Ok(Vec::new());
        }
        match self.search(Place::Contacts, mail(address).to_vec()).await {
            Err(Error::Forbidden { .. } | Error::NotFound) => {
                self.refusals.note(Asked::Contacts, Instant::now());
                Ok(Vec::new())
            }
            Err(Error::Refused { .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    async fn search(&self, place: Place, conditions: Vec<String>) -> Result<Vec<Fields>> {
        let together = Asked::Together(place);
        if !self.refusals.contain(together, Instant::now()) {
            let request = list(self.http, place, self.extensions, &conditions.join(" or "))?;
            match odata::list(self.http, request).await {
                Err(Error::Refused { .. }) => {}
                answer => return answer,
            }
        }
        let alone = conditions.iter().map(|condition| {
            let request = list(self.http, place, self.extensions, condition)?;
            Ok(odata::list::<Fields>(self.http, request.query("$count", "true").advanced()))
        });
        let found = try_join_all(alone.collect::<Result<Vec<_>>>()?).await?;
        // Each alone is answered: it is the combination that is refused, and not this address.
        self.refusals.note(together, Instant::now());
        let mut all: Vec<Fields> = found.into_iter().flatten().collect();
        // One object may meet several conditions.
        all.sort_by(|a, b| a.get("id").and_then(Json::as_str).cmp(&b.get("id").and_then(Json::as_str)));
        all.dedup_by(|a, b| a.get("id") == b.get("id"));
        Ok(all)
    }
}

fn list(http: &Http, place: Place, extensions: &Extensions, filter: &str) -> Result<Request> {
    let (template, selected) = match place {
        Place::Users => ("/users", object::selection(extensions).join(",")),
        Place::DeletedItems => ("/directory/deletedItems/microsoft.graph.user", object::selection(extensions).join(",")),
        Place::Contacts => ("/contacts", "id,mail,proxyAddresses".to_owned()),
    };
    Ok(http.get(template, &[])?.query("$filter", filter).query("$select", &selected))
}
