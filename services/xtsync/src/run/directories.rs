//! The connectors that services are given: Microsoft Graph, with the trace of the work a call belongs to.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};
use xtsync_directory::graph::{self, Reader, Writer};
use xtsync_directory::{Result, Source, Target};
use xtsync_domain::{TenantName, resource};
use xtsync_platform::trace;

/// Reads a tenant.
pub(super) fn source(_name: &TenantName, tenant: &resource::Tenant) -> Result<Arc<dyn Source>> {
    Ok(Arc::new(Reader::new(&tenant.graph, options())?))
}

/// Writes a tenant.
pub(super) fn target(_name: &TenantName, tenant: &resource::Tenant) -> Result<Arc<dyn Target>> {
    Ok(Arc::new(Writer::new(&tenant.graph, options())?))
}

fn options() -> graph::Options {
    graph::Options { decorate: Some(traced), ..graph::Options::default() }
}

/// Adds the trace parent of the current span.
fn traced(headers: &mut HeaderMap) {
    if let Some(parent) = trace::traceparent().and_then(|parent| HeaderValue::try_from(parent).ok()) {
        headers.insert("traceparent", parent);
    }
}
