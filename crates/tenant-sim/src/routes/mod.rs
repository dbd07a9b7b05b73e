//! Graph's paths: one function dispatches each request to its handler, single or within a batch.
//!
//! A handler is a plain function from a call to a reply. It takes and releases its locks.

pub(crate) mod admin;
mod batch;
mod cycle;
mod deleted;
mod delta;
mod groups;
mod invitations;
mod list;
mod manager;
mod members;
mod organization;
mod policies;
mod subscriptions;
pub(crate) mod token;
mod users;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::directory::Directory;
use crate::error::{Failure, Header};
use crate::sim::{Sim, Tenant};
use crate::token::Access;

/// The result of a handler.
pub(crate) type Answer = Result<Reply, Failure>;

/// One request to Graph, with the tenant that its token names.
pub(crate) struct Call<'a> {
    pub(crate) sim: &'a Sim,
    pub(crate) tenant: &'a Tenant,
    /// The application that sends the request.
    pub(crate) client: Uuid,
    pub(crate) access: Access,
    pub(crate) method: Method,
    /// The segments after the version, decoded, without `microsoft.graph.` and empty parentheses.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Scheme, host and version, for links.
    pub(crate) base: String,
}

/// A successful reply.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    /// The body as JSON; a string is sent as plain text.
    pub(crate) body: Option<Json>,
}

/// The query options of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

/// Executes a request that is not within a batch. Only there may a handler be asynchronous.
pub(crate) async fn dispatch_unbatched(call: &Call<'_>) -> Answer {
    if !subscriptions::is_creation(call) {
        return dispatch(call);
    }
    subscriptions::create(call).await
}

/// Finds the handler and calls it.
pub(crate) fn dispatch(call: &Call<'_>) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    permit(call, &path)?;
    seen(call, &path)?;
    match path.as_slice() {
        ["organization", rest @ ..] => organization::serve(call, rest),
        ["contacts"] => organization::contacts(call),
        ["directoryObjects", rest @ ..] => organization::objects(call, rest),
        ["users", rest @ ..] => users::serve(call, rest),
        ["groups", rest @ ..] => groups::serve(call, rest),
        ["invitations"] => invitations::serve(call),
        ["directory", "deletedItems", rest @ ..] => deleted::serve(call, rest),
        ["policies", "crossTenantAccessPolicy", rest @ ..] => policies::serve(call, rest),
        ["subscriptions", rest @ ..] => subscriptions::serve(call, rest),
        ["$batch"] => batch::serve(call),
        [] => Err(Failure::segment("")),
        [first, ..] => Err(Failure::segment(first)),
    }
}

/// Checks the client's access. Some POSTs only read, readers may subscribe, and the items of a batch are checked one by one.
fn permit(call: &Call<'_>, path: &[&str]) -> Result<(), Failure> {
    let reads = call.method == Method::GET
        || matches!(path, ["subscriptions", ..] | ["$batch"] | ["directoryObjects", "getAvailableExtensionProperties"])
        || matches!(path, ["users" | "groups" | "directoryObjects", _, "getMemberGroups" | "getMemberObjects"]);
    let users = matches!(path, ["users" | "invitations" | "directory", ..]);
    match call.access {
        Access::All => Ok(()),
        Access::WriteUsers if reads || users => Ok(()),
        Access::Read if reads => Ok(()),
        Access::WriteUsers | Access::Read => Err(Failure::denied()),
    }
}

/// Refuses a request that names an object while the fault profile hides it. Only delta queries and notifications contain it.
fn seen(call: &Call<'_>, path: &[&str]) -> Result<(), Failure> {
    let ["users" | "groups" | "directoryObjects", key, ..] = path else {
        return Ok(());
    };
    let (directory, writes) = (call.tenant.read(), call.method != Method::GET);
    let id = Uuid::parse_str(key).ok().or_else(|| directory.user_by_key(key).map(|user| user.id));
    match id {
        Some(id) if !directory.is_visible(id, writes) => {
            let code = if writes { "Directory_ObjectNotFound" } else { "Request_ResourceNotFound" };
            Err(Failure { code: code.to_owned(), ..Failure::not_found(key) })
        }
        Some(_) | None => Ok(()),
    }
}

/// The segments of a path, decoded, in one spelling: `microsoft.graph.delta()`, `delta()` and `delta` are the same.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let plain = |segment: String| {
        let bare = segment.strip_prefix("microsoft.graph.").or_else(|| segment.strip_prefix("graph.")).unwrap_or(&segment);
        bare.strip_suffix("()").unwrap_or(bare).to_owned()
    };
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| plain(decode(segment))).collect()
}

/// Percent-decodes a path segment. Unlike in a form, `+` stands for itself.
fn decode(segment: &str) -> String {
    let form = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The option of that name; the leading `$` may be missing in the request, as Graph allows.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let same =
            |known: &str| known.eq_ignore_ascii_case(name) || name.strip_prefix('$').is_some_and(|bare| known.eq_ignore_ascii_case(bare));
        self.0.iter().find(|(known, _)| same(known)).map(|(_, value)| value.as_str())
    }

    /// All options, decoded.
    pub(crate) fn decoded(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// The first option that is not in the list.
    pub(crate) fn other_than(&self, names: &[&str]) -> Option<&str> {
        let known = |name: &str| !name.starts_with('$') || names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !known(name))
    }
}

impl Call<'_> {
    /// The body as an object.
    pub(crate) fn object(&self) -> Result<Map<String, Json>, Failure> {
        let invalid = || {
            Failure::new(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )
        };
        match serde_json::from_slice(&self.body) {
            Ok(Json::Object(object)) => Ok(object),
            Ok(_) | Err(_) => Err(invalid()),
        }
    }

    /// Checks that the client may change that user: a sensitive change of a privileged user needs full access.
    pub(crate) fn may_act_on(&self, directory: &Directory, user: Uuid, sensitive: bool) -> Result<(), Failure> {
        let refused = sensitive && self.access != Access::All && directory.is_privileged(user);
        if refused { Err(Failure::denied()) } else { Ok(()) }
    }

    /// Whether the request has `ConsistencyLevel: eventual`, which advanced queries need.
    pub(crate) fn is_eventual(&self) -> bool {
        self.header("consistencylevel").eq_ignore_ascii_case("eventual")
    }

    /// Whether `Prefer` has that preference; with the value after `=` if there is one.
    pub(crate) fn prefers(&self, name: &str) -> Option<&str> {
        let preferences =
            self.headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
        preferences.map(str::trim).find_map(|preference| {
            let (known, value) = preference.split_once('=').unwrap_or((preference, ""));
            known.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn context(&self, what: &str) -> Json {
        format!("{}/$metadata#{what}", self.base).into()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Reply {
    pub(crate) fn ok(body: Json) -> Self {
        Self { status: 200, body: Some(body), ..Self::default() }
    }

    pub(crate) fn created(body: Json) -> Self {
        Self { status: 201, body: Some(body), ..Self::default() }
    }

    pub(crate) fn with_headers(mut self, headers: Vec<Header>) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, ..Self::default() }
    }
}

/// Parses an id in a path; an invalid id is answered like an unknown object.
fn id(segment: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(segment).map_err(|_| Failure::not_found(segment))
}

/// Adds the context to a single object.
fn with_context(call: &Call<'_>, what: &str, mut object: Json) -> Json {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("@odata.context".to_owned(), call.context(what));
    }
    object
}
