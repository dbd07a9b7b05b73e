//! Parts of JSON schemas that several resources share.
//!
//! The schema of a resource is derived from the structs that the parser reads, so the two cannot differ: serde's attributes give the shape, and
//! the doc comments are the text of the reference. Three keywords stand beside those of JSON Schema. `x-limits` says in words what no keyword
//! can say, or what a pattern says to machines only. `x-default` says a default that is computed. `x-key` names what the keys of a map are.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::TenantName;
use crate::name::{NAME_CHARS_MAX, NAME_RULE};

/// Durations as [`crate::duration::parse`] reads them, but for their units: ISO 8601, or numbers with units behind them.
const DURATION_PATTERN: &str = r"^\s*([Pp]([0-9.,]+[A-Za-z]|[Tt])+|([0-9.,]+\s*[a-zµμ]+[\s,]*)+)$";

/// A URL that is safe for secrets and plain, see [`crate::resource::is_safe_for_secrets`] and [`crate::resource::DescribedUrl::is_plain`].
const URL_PATTERN: &str = r"^(https://[^/?#@\s]+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?)(/[^?#]*)?$";

/// The name of a tenant or of another resource.
pub fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": format!("^[a-z0-9-]{{1,{NAME_CHARS_MAX}}}$"), "x-limits": NAME_RULE})
}

/// A duration.
pub fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": DURATION_PATTERN, "x-limits": "a duration, such as `30s`, `5m`, `1h 30m`, `7d` or `PT5M`"})
}

/// A URL of a service that gets or sends secrets.
pub fn service_url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": URL_PATTERN,
        "x-limits": "an `https://` URL, or `http://` to this machine; without user, query and fragment",
    })
}

impl JsonSchema for TenantName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TenantName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        name(generator)
    }
}
