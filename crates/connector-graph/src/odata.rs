//! The little OData that the connector needs: literals in filters, and lists that come in pages.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::http::Http;
use super::limit::{Size, values};
use super::request::Request;
use super::surrogates::replace_lone_surrogates;
use xtsync_directory::{Cursor, Next, Page, Rejected};
use xtsync_directory::{Error, Result};

/// Objects in one page at most, whatever size was asked for.
const OBJECTS_MAX: usize = 20_000;

/// Values in one object of a delta: a group comes with the members that changed.
const OBJECT_VALUES_MAX: usize = 200_000;

/// What is noted of one object that is wrong.
const REASONS_MAX: usize = 100;

/// A page of a list, or of a delta.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<T = Json> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default, deserialize_with = "link")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink", default, deserialize_with = "link")]
    delta: Option<String>,
}

/// A link; gateways that blank links leave an empty one, which is none.
fn link<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|link| !link.trim().is_empty()))
}

/// A text as a literal in a filter.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// All of a list. One of more pages than the limit is an error: a part of it would be taken for the whole.
pub(super) async fn list<T: DeserializeOwned>(http: &Http, first: Request) -> Result<Vec<T>> {
    let (mut request, mut all) = (first, Vec::new());
    for _ in 0..http.options.pages_max {
        let page: Listed<T> = http.json(&request).await?;
        all.extend(page.value);
        let Some(link) = page.next else { return Ok(all) };
        request = Request { advanced: request.advanced, ..http.follow(&link, request.template)? };
    }
    Err(Error::Malformed { reason: format!("a list of more than {} pages", http.options.pages_max) })
}

impl Listed {
    /// The objects of a page of a list, and where the list goes on. A link to another host never becomes a cursor.
    pub(super) fn into_page(self, http: &Http) -> Result<(Vec<Json>, Option<Cursor>)> {
        if let Some(link) = &self.next {
            http.follow(link, "a link")?;
        }
        Ok((self.value, self.next.map(Cursor)))
    }
}

impl<'a> Listed<&'a RawValue> {
    /// A page of a delta, its objects as they were written.
    pub(super) fn read(body: &'a [u8]) -> Result<Self> {
        Size::Page.read(body).ok_or_else(|| Error::Malformed { reason: "the answer is not the json expected".to_owned() })
    }

    /// A page of changes, one object at a time. What makes no sense, or holds more than an object does, is rejected alone, so that it does
    /// not stop the others for ever; `read` returns `None` for an object that is of no concern or cannot be read, and notes what of it was
    /// left out.
    pub(super) fn into_changes<T>(self, http: &Http, read: impl Fn(Json, &mut Vec<String>) -> Option<T>) -> Result<Page<T>> {
        // A link is looked at before anything is taken from its page: one to another host must never become a cursor.
        if let Some(link) = self.next.as_ref().or(self.delta.as_ref()) {
            http.follow(link, "a link")?;
        }
        let next = match (self.next, self.delta) {
            (Some(link), _) => Next::Page(Cursor(link)),
            (None, Some(link)) => Next::Complete(Cursor(link)),
            (None, None) => return Err(Error::Malformed { reason: "a page of a delta without a link to go on".to_owned() }),
        };
        if self.value.len() > OBJECTS_MAX {
            return Err(Error::Malformed { reason: format!("a page of more than {OBJECTS_MAX} objects") });
        }
        let (mut changes, mut rejected) = (Vec::new(), Vec::new());
        for (index, object) in self.value.into_iter().enumerate() {
            let (mut reasons, mut change) = (Vec::new(), None);
            match values(object.get().as_bytes()) <= OBJECT_VALUES_MAX {
                true => match serde_json::from_str(&replace_lone_surrogates(object.get())) {
                    Ok(object) => change = read(object, &mut reasons),
                    // An object that vanished without a word would pass for a deleted one where everything is read.
                    Err(_) => reasons.push("it cannot be read".to_owned()),
                },
                false => reasons.push(format!("it holds more than {OBJECT_VALUES_MAX} values")),
            }
            // An object may be wrong in as many ways as it has members.
            reasons.truncate(REASONS_MAX);
            let is_whole = change.is_none();
            rejected.extend(reasons.into_iter().map(|reason| Rejected { index, reason, is_whole }));
            changes.extend(change);
        }
        Ok(Page { changes, rejected, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_link_is_no_link() {
        for (json, want) in [
            (r#"{"value":[],"@odata.nextLink":"","@odata.deltaLink":"https://x/d"}"#, (None, Some("https://x/d"))),
            (r#"{"value":[],"@odata.nextLink":"https://x/n","@odata.deltaLink":""}"#, (Some("https://x/n"), None)),
            (r#"{"value":[],"@odata.nextLink":"  ","@odata.deltaLink":null}"#, (None, None)),
            (r#"{"value":[]}"#, (None, None)),
        ] {
            let page: Listed = serde_json::from_str(json).unwrap();
            assert_eq!((page.next.as_deref(), page.delta.as_deref()), want, "{json}");
        }
    }

    #[test]
    fn a_quote_in_a_literal_is_doubled() {
        for (text, want) in [("Sales", "'Sales'"), ("O'Neil", "'O''Neil'"), ("' or 1 eq 1", "''' or 1 eq 1'"), ("", "''")] {
            assert_eq!(literal(text), want);
        }
    }
}
