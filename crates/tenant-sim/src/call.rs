//! One request to Graph as its handler sees it.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::directory::Directory;
use crate::error::Failure;
use crate::query::Query;
use crate::sim::{Sim, Tenant};
use crate::token::Access;

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
