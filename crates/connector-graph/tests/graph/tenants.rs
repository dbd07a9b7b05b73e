//! Simulated tenants and how to reach them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;
use xtsync_connector_graph::{Client, Graph};
use xtsync_connector_graph::{Options, Reader, Writer};
use xtsync_domain::TenantName;
use xtsync_domain::resource::SecretRef;
use xtsync_secrets::SecretsDir;
use xtsync_tenant_sim::{Access, Sim, TenantHandle};

/// A simulator that serves `emea`, with people, and `hub`, without.
pub(crate) struct Tenants {
    pub(crate) sim: Sim,
    address: SocketAddr,
    secrets: TempDir,
}

impl Tenants {
    pub(crate) async fn with_people(people: usize) -> Self {
        let sim = Sim::builder()
            .tenant("emea", people)
            .tenant("hub", 0)
            .seed(7)
            .allow("emea", "hub")
            .client("reader", "reader-secret", Access::Read)
            .client("writer", "writer-secret", Access::WriteUsers)
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = sim.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        Self { sim, address, secrets: TempDir::new().unwrap() }
    }

    pub(crate) fn tenant(&self, name: &str) -> TenantHandle {
        self.sim.tenant(name).unwrap()
    }

    pub(crate) fn graph(&self, tenant: &str) -> Graph {
        graph(self.address, tenant, self.secrets.path())
    }

    /// What readers and writers of a tenant are made with.
    pub(crate) fn options(&self, tenant: &str) -> Options {
        options(tenant, self.secrets.path())
    }

    /// Where the secret of a client is.
    pub(crate) fn secret_file(&self, tenant: &str, client: &str) -> PathBuf {
        self.secrets.path().join(tenant).join(client)
    }

    pub(crate) fn reader(&self, tenant: &str) -> Reader {
        self.reader_with(tenant, self.options(tenant))
    }

    pub(crate) fn reader_with(&self, tenant: &str, options: Options) -> Reader {
        Reader::new(&self.graph(tenant), Options { secrets: self.options(tenant).secrets, ..options }).unwrap()
    }

    pub(crate) fn writer(&self, tenant: &str) -> Writer {
        self.writer_with(tenant, self.options(tenant))
    }

    pub(crate) fn writer_with(&self, tenant: &str, options: Options) -> Writer {
        Writer::new(&self.graph(tenant), Options { secrets: self.options(tenant).secrets, ..options }).unwrap()
    }
}

/// Options with the secrets of a tenant below that directory.
pub(crate) fn options(tenant: &str, secrets: &Path) -> Options {
    Options { secrets: SecretsDir::new(secrets).of(&TenantName::new(tenant).unwrap()), ..Options::default() }
}

/// A tenant at that address, with secrets of reader and writer written into the directory.
pub(crate) fn graph(address: SocketAddr, tenant: &str, secrets: &Path) -> Graph {
    let url = Url::parse(&format!("http://{address}")).unwrap();
    let client = |id: &str| {
        let folder = secrets.join(tenant);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(id), format!("{id}-secret\n")).unwrap();
        Client { client_id: id.to_owned(), client_secret: SecretRef { file: id.into() } }
    };
    let (reader, writer) = (client("reader"), Some(client("writer")));
    Graph { domain: tenant.to_owned(), endpoint: url.clone(), authority: url, reader, writer, notifications: None }
}
