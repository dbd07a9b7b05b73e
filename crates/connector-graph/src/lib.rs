//! Microsoft Graph: a tenant of Microsoft Entra, or anything that speaks like one.
//!
//! A [`Reader`] holds the reader's credentials and can write nothing; a [`Writer`] holds the writer's. Both stand on one `http::call`,
//! which bounds every request in time and size and sorts every failure into [`xtsync_directory::Error`]. Nothing here retries: waiting is the
//! caller's, who knows what else is due.

mod anchor;
mod answer;
mod attribute;
mod batch;
mod bounded;
mod census;
mod exchange;
mod extensions;
mod groups;
mod http;
mod invite;
mod limit;
mod lookup;
mod message;
mod object;
mod odata;
mod patch;
mod policy;
mod reads;
mod refusal;
mod refused;
mod request;
mod retry_after;
mod section;
mod source;
mod subscription;
mod surrogates;
mod target;
mod token;
mod users;
mod value;

use std::sync::Arc;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};
use xtsync_directory::{Connector, Error, Result, Source, Target};
use xtsync_domain::resource::{Description, SectionProblem};
use xtsync_secrets::TenantSecrets;

pub use reqwest::header::HeaderMap;

pub use self::section::{CAPABILITIES, Client, Graph, Notifications};
pub use self::source::Reader;
pub use self::target::Writer;

/// How requests to a tenant are made. The limits hold for each request.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the tenant's references to secrets are looked up in.
    pub secrets: TenantSecrets,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer, connection included; a request for a token has the same limit by itself.
    pub timeout: Duration,
    /// Largest answer that is read.
    pub body_bytes_max: usize,
    /// The requested size of a page; Graph may return fewer objects.
    pub page_objects_max: u32,
    /// Most pages read of one list that is read whole, such as the partners of a policy.
    pub pages_max: usize,
    /// Exchanges at once; requests that come while all are under way go together.
    pub exchanges_max: usize,
    /// Adds headers to each request, such as `traceparent`.
    pub decorate: Option<fn(&mut HeaderMap)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            secrets: TenantSecrets::default(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            body_bytes_max: 32 * 1024 * 1024,
            page_objects_max: 999,
            pages_max: 50,
            exchanges_max: 32,
            decorate: None,
        }
    }
}

/// The connector of Microsoft Graph, with what every request is made with but the tenant's secrets.
#[derive(Debug, Clone, Default)]
pub struct GraphConnector(pub Options);

impl GraphConnector {
    fn read(&self, settings: &Map<String, Value>, secrets: TenantSecrets) -> Result<(Graph, Options)> {
        let graph =
            Graph::read(settings).map_err(|problem| Error::Malformed { reason: format!("{}: {}", problem.path, problem.message) })?;
        Ok((graph, Options { secrets, ..self.0.clone() }))
    }
}

impl Connector for GraphConnector {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Graph>()
    }

    fn describe(&self, settings: &Map<String, Value>) -> Result<Description, SectionProblem> {
        Ok(Graph::read(settings)?.describe())
    }

    fn source(&self, settings: &Map<String, Value>, secrets: TenantSecrets) -> Result<Arc<dyn Source>> {
        let (graph, options) = self.read(settings, secrets)?;
        Ok(Arc::new(Reader::new(&graph, options)?))
    }

    fn target(&self, settings: &Map<String, Value>, secrets: TenantSecrets) -> Result<Arc<dyn Target>> {
        let (graph, options) = self.read(settings, secrets)?;
        Ok(Arc::new(Writer::new(&graph, options)?))
    }
}
