//! Runs control in the test process, on an embedded bus and a store of its own, with a client that has the token.

#![allow(dead_code, clippy::unwrap_used, reason = "tests: each binary uses a part, and a failure may panic")]

pub(crate) use xtsync_kit::faulty_bus;
pub(crate) mod builders;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use xtsync_bus::{Bus, Embedded};
use xtsync_conformance::memory::MemoryConnector;
use xtsync_connector_graph::GraphConnector;
use xtsync_contract::control;
use xtsync_contract::control::control_service_client::ControlServiceClient;
use xtsync_contract::control::{ApplyRequest, Document, GetStatusRequest};
use xtsync_control::{Config, ContextHandle, Token, build, serve};
use xtsync_directory::{Connector, Connectors};
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::clock::SystemClock;
use xtsync_runtime::health::Health;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;

use self::faulty_bus::FaultyBus;

/// An organization with two tenants, and a synchronization.
pub(crate) const ORGANIZATION: &str = include_str!("organization.yaml");

pub(crate) type Client = ControlServiceClient<InterceptedService<Channel, Bearer>>;

/// A running control service.
pub(crate) struct Control {
    pub(crate) bus: Bus,
    pub(crate) faulty_bus: Arc<FaultyBus>,
    pub(crate) health: Health,
    address: String,
    token: Token,
    shutdown: Shutdown,
    tasks: Vec<JoinHandle<()>>,
    store: String,
    dir: tempfile::TempDir,
}

impl Control {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().to_str().unwrap().to_owned();
        Self::start_in(dir, store).await
    }

    /// As [`Control::start`], with a store at a `postgres://` URL.
    pub(crate) async fn start_on(store: String) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), store).await
    }

    async fn start_in(dir: tempfile::TempDir, store: String) -> Self {
        let faulty_bus = FaultyBus::new(Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap());
        let (bus, health) = (Arc::<FaultyBus>::clone(&faulty_bus) as Bus, Health::new());
        let token = Token::read_or_create(&dir.path().join("token")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (context_handle, shutdown) = (ContextHandle::new(), Shutdown::new());
        let config = Config {
            store: store.clone(),
            lease_ttl: Duration::from_secs(10),
            folder: None,
            connectors: Connectors::new([
                Arc::new(GraphConnector::default()) as Arc<dyn Connector>,
                Arc::new(MemoryConnector(BTreeMap::new())),
            ]),
            hosts: AllowedHosts::default(),
            republish: Duration::ZERO,
        };
        let parts = Parts {
            bus: Bus::clone(&bus),
            clock: Arc::new(SystemClock),
            configuration: tokio::sync::watch::channel(Arc::default()).1,
            health: health.clone(),
            replica: "one".into(),
        };
        let service = build(config, parts, context_handle.clone()).await.unwrap();
        let (stop, api_stop) = (shutdown.clone(), shutdown.clone());
        let api_token = token.clone();
        let tasks = vec![
            tokio::spawn(async move { service.run(stop).await.unwrap() }),
            tokio::spawn(async move { serve(listener, api_token, context_handle, api_stop).await.unwrap() }),
        ];
        let control = Self { bus, faulty_bus, health, address, token, shutdown, tasks, store, dir };
        control.wait_until_leading().await;
        control
    }

    pub(crate) async fn restart(self) -> Self {
        let Self { bus, faulty_bus, shutdown, tasks, store, dir, .. } = self;
        shutdown.begin();
        for task in tasks {
            task.await.unwrap();
        }
        drop((bus, faulty_bus));
        Self::start_in(dir, store).await
    }

    /// Waits until a condition holds.
    pub(crate) async fn wait(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !is_so(self).await {
            assert!(tokio::time::Instant::now() < deadline, "not {what}: {:?}", self.status().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `waiting_for` of the status equals `what`.
    pub(crate) async fn waits_for(&self, what: &[&str]) {
        self.wait(&format!("waiting for {what:?}"), async |control| codes(&control.status().await.waiting_for) == what).await;
    }

    pub(crate) async fn status(&self) -> control::FleetStatus {
        self.client().await.get_status(GetStatusRequest {}).await.unwrap().into_inner().status.unwrap()
    }

    pub(crate) async fn counts(&self) -> control::SynchronizationCounts {
        self.status().await.synchronizations[0].counts.unwrap()
    }

    /// Returns the only synchronization.
    pub(crate) async fn synchronization(&self) -> control::ResourceStatus {
        let listed = self.client().await.list_resources(control::ListResourcesRequest {}).await.unwrap().into_inner();
        listed.resources.into_iter().find(|resource| resource.id.starts_with("Synchronization/")).unwrap()
    }

    /// Returns the revision of the NameResolution that lookups must answer.
    pub(crate) async fn names(&self) -> u64 {
        let listed = self.client().await.list_resources(control::ListResourcesRequest {}).await.unwrap().into_inner();
        listed.resources.into_iter().find(|resource| resource.id == "NameResolution/emea/groups").unwrap().revision
    }

    /// Returns a listed resource, if there is one with this id.
    pub(crate) async fn resource(&self, id: &str) -> Option<control::ResourceStatus> {
        let listed = self.client().await.list_resources(control::ListResourcesRequest {}).await.unwrap().into_inner();
        listed.resources.into_iter().find(|resource| resource.id == id)
    }

    async fn wait_until_leading(&self) {
        let mut client = self.client().await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        // This call succeeds only with the lease. Without a synchronized tenant it publishes no command.
        while let Err(error) = client.republish(control::RepublishRequest::default()).await {
            assert!(tokio::time::Instant::now() < deadline, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.get_status(GetStatusRequest {}).await.unwrap();
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_with(Some(&self.token.authorization())).await
    }

    pub(crate) async fn client_with(&self, authorization: Option<&str>) -> Client {
        let channel = Channel::from_shared(self.address.clone()).unwrap().connect().await.unwrap();
        ControlServiceClient::with_interceptor(channel, Bearer(authorization.map(ToOwned::to_owned)))
    }

    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Formats conditions as their codes and parameters: `open_links links=1 synchronization=to-hub`.
pub(crate) fn codes<'a>(conditions: impl IntoIterator<Item = &'a control::Condition>) -> Vec<String> {
    let format = |condition: &control::Condition| {
        let code = xtsync_contract::convert::code(condition.code().as_str_name(), "CONDITION_CODE_");
        let parameters: BTreeMap<_, _> = condition.parameters.iter().collect();
        parameters.into_iter().fold(code, |text, (name, value)| format!("{text} {name}={value}"))
    };
    conditions.into_iter().map(format).collect()
}

/// Adds a token to each call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            request.metadata_mut().insert("authorization", MetadataValue::try_from(authorization).unwrap());
        }
        Ok(request)
    }
}

pub(crate) fn apply(name: &str, yaml: &str) -> ApplyRequest {
    ApplyRequest { documents: vec![Document { name: name.into(), yaml: yaml.into() }], actor: "test".into(), refresh_names: false }
}
