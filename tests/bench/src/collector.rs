//! A collector of spans: what processes export by OTLP over gRPC, kept in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use xtsync_harness::wait_for;

/// A span that has ended. Times are microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Span {
    /// The service that exported it, such as `xtsync-policy`.
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: Vec<u8>,
    pub(crate) begun: i64,
    pub(crate) ended: i64,
    /// The attributes that are texts.
    pub(crate) texts: HashMap<String, String>,
}

/// The collector. Clones have the same spans.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// Listens until this program ends; returns the address as well.
    ///
    /// # Errors
    /// If it cannot listen.
    pub(crate) async fn start() -> Result<(Self, String)> {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
        Ok((collector, address))
    }

    /// Waits until no span of a change has been exported for a while. Requests to directories go on.
    ///
    /// # Errors
    /// If there is no end of it.
    pub(crate) async fn until_quiet(&self) -> Result<()> {
        const QUIET: Duration = Duration::from_secs(3);
        let mut before = (0, Instant::now());
        wait_for(Duration::from_secs(120), "the last spans", async || {
            let now = self.0.lock().iter().filter(|span| span.name != "graph").count();
            if now != before.0 {
                before = (now, Instant::now());
            }
            Ok((before.1.elapsed() > QUIET).then_some(()))
        })
        .await
    }

    /// The spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().extend(request.into_inner().resource_spans.into_iter().flat_map(spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn spans(exported: ResourceSpans) -> impl Iterator<Item = Span> {
    let resource = exported.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
    let service = resource.get("service.name").cloned().unwrap_or_default();
    exported.scope_spans.into_iter().flat_map(|scope| scope.spans).map(move |span| Span {
        service: service.clone(),
        name: span.name,
        trace: span.trace_id,
        begun: micros(span.start_time_unix_nano),
        ended: micros(span.end_time_unix_nano),
        texts: texts(span.attributes),
    })
}

fn micros(nanos: u64) -> i64 {
    (nanos / 1_000).cast_signed()
}

fn texts(attributes: Vec<KeyValue>) -> HashMap<String, String> {
    let text = |attribute: KeyValue| match attribute.value?.value? {
        any_value::Value::StringValue(text) => Some((attribute.key, text)),
        _ => None,
    };
    attributes.into_iter().filter_map(text).collect()
}
