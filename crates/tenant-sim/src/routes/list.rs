//! Collections: filter, select, count, and pages that an opaque link connects.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{Answer, Call, Reply};
use crate::cursor;
use crate::directory::Directory;
use crate::error::Failure;
use crate::filter::{self, Filter};
use crate::object::Object;
use crate::property::ObjectKind;
use crate::select::Select;

const TOP_DEFAULT: usize = 100;
const TOP_MAX: usize = 999;

/// The query options of a list.
pub(crate) struct Listing {
    pub(crate) filter: Option<Filter>,
    pub(crate) select: Select,
    top: usize,
    pub(crate) count: bool,
    after: Option<Uuid>,
    /// Objects that are too new to be listed, by the fault profile.
    unlisted: BTreeSet<Uuid>,
}

impl Listing {
    /// Reads the query options for objects of that kind.
    pub(crate) fn parse(call: &Call<'_>, directory: &Directory, kind: ObjectKind) -> Result<Self, Failure> {
        if let Some(other) = call.query.other_than(&["$filter", "$select", "$top", "$count", "$skiptoken", "$expand"]) {
            return Err(Failure::unsupported_query(format!("The query option '{other}' is not supported.")));
        }
        let schema = &directory.schema;
        let eventual = call.is_eventual();
        let filter = call.query.get("$filter").map(|text| filter::parse(schema, kind, text)).transpose()?;
        // Without the header Graph ignores the count and refuses advanced queries.
        let count = eventual && call.query.get("$count") == Some("true");
        if filter.as_ref().is_some_and(Filter::is_advanced) && !(count || eventual && call.path.last().is_some_and(|last| last == "$count"))
        {
            return Err(Failure::unsupported_query("Unsupported Query. Use the header 'ConsistencyLevel: eventual' and $count=true."));
        }
        let select = Select::parse(schema, kind, call.query.get("$select"))?;
        let after = call.query.get("$skiptoken").map(|token| place(call, token)).transpose()?;
        Ok(Self { filter, select, top: top(call)?, count, after, unlisted: directory.unlisted() })
    }

    /// Whether every object matches.
    pub(crate) fn matches_all(&self) -> bool {
        self.filter.is_none() && self.unlisted.is_empty()
    }

    /// Whether the object is visible and the filter matches it.
    pub(crate) fn matches<O: Object>(&self, object: &O) -> bool {
        !self.unlisted.contains(&object.id()) && self.filter.as_ref().is_none_or(|filter| filter::matches(filter, object))
    }

    /// The id after which the page begins.
    pub(crate) fn after(&self) -> Option<Uuid> {
        self.after
    }

    /// The page from `rows`, which are in the order of ids and begin after its place. `rows` is read only as far as needed.
    pub(crate) fn page(
        &self,
        call: &Call<'_>,
        what: &str,
        rows: impl Iterator<Item = (Uuid, Json)>,
        count: impl FnOnce() -> usize,
    ) -> Answer {
        let mut rows = rows.peekable();
        let (mut value, mut last) = (Vec::new(), None);
        while value.len() < self.top
            && let Some((id, row)) = rows.next()
        {
            value.push(row);
            last = Some(id);
        }
        let mut body = Map::from_iter([("@odata.context".to_owned(), call.context(what))]);
        if self.count {
            body.insert("@odata.count".to_owned(), count().into());
        }
        if let Some(last) = last.filter(|_| rows.peek().is_some()) {
            body.insert("@odata.nextLink".to_owned(), self.next_link(call, last).into());
        }
        body.insert("value".to_owned(), value.into());
        Ok(Reply::ok(Json::Object(body)))
    }

    fn next_link(&self, call: &Call<'_>, last: Uuid) -> String {
        let token = cursor::seal(call.tenant.id, &["page".to_owned(), last.to_string()]);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["$filter", "$select", "$top", "$count", "$expand"] {
            query.extend_pairs(call.query.get(name).map(|value| (name, value)));
        }
        query.append_pair("$skiptoken", &token);
        let encoded = |segment: &String| url::form_urlencoded::byte_serialize(segment.as_bytes()).collect::<String>();
        let path: Vec<String> = call.path.iter().map(encoded).collect();
        format!("{}/{}?{}", call.base, path.join("/"), query.finish())
    }
}

fn top(call: &Call<'_>) -> Result<usize, Failure> {
    let Some(text) = call.query.get("$top") else {
        return Ok(TOP_DEFAULT);
    };
    let top = text.parse().ok().filter(|top| (1..=TOP_MAX).contains(top));
    top.ok_or_else(|| Failure::bad_request(format!("Invalid page size specified: '{text}'. Must be between 1 and {TOP_MAX} inclusive.")))
}

fn place(call: &Call<'_>, token: &str) -> Result<Uuid, Failure> {
    let invalid = || {
        Failure::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    };
    let parts = cursor::open(call.tenant.id, token).ok_or_else(invalid)?;
    match parts.as_slice() {
        [kind, id] if kind == "page" => Uuid::parse_str(id).map_err(|_| invalid()),
        _ => Err(invalid()),
    }
}
