//! What makes a broker a secured one: an authority and a certificate made for this test, and one SCRAM user.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{Dir, tool};

/// Opens the key store, which lives as long as the test.
const STORE_PASSWORD: &str = "changeit";

/// What a client needs to be let in by SASL_SSL with SCRAM-SHA-512.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The PEM file of the authority that signed the broker's certificate.
    pub ca_file: PathBuf,
    /// The SCRAM user.
    pub user: String,
    /// The file with the user's password, without a newline.
    pub password_file: PathBuf,
    store: PathBuf,
}

impl Credentials {
    /// Makes the authority, the broker's certificate for 127.0.0.1 and a password, all in `dir`.
    pub(super) async fn create(dir: &Dir) -> anyhow::Result<Self> {
        let credentials = Self {
            ca_file: dir.join("ca.pem"),
            user: "xtsync".to_owned(),
            password_file: dir.join("scram-password"),
            store: dir.join("broker.p12"),
        };
        let password = format!("{:032x}", rand::random::<u128>());
        std::fs::write(&credentials.password_file, password).context("writing the SCRAM password")?;
        credentials.certify().await?;
        Ok(credentials)
    }

    /// The argument of `--add-scram` that makes the user.
    pub(super) fn scram(&self) -> anyhow::Result<String> {
        let password = std::fs::read_to_string(&self.password_file).context("reading the SCRAM password")?;
        Ok(format!("SCRAM-SHA-512=[name={},password={password}]", self.user))
    }

    /// The lines of `server.properties` that guard the listener of the clients.
    pub(super) fn properties(&self) -> Vec<String> {
        let login = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
        vec![
            "sasl.enabled.mechanisms=SCRAM-SHA-512".to_owned(),
            format!("listener.name.client.scram-sha-512.sasl.jaas.config={login}"),
            "listener.name.client.ssl.keystore.type=PKCS12".to_owned(),
            format!("listener.name.client.ssl.keystore.location={}", self.store.display()),
            format!("listener.name.client.ssl.keystore.password={STORE_PASSWORD}"),
        ]
    }

    /// The authority signs the broker's key within one store, is exported as PEM, and its own key is thrown away.
    async fn certify(&self) -> anyhow::Result<()> {
        let pair = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2"];
        let store = &self.store;
        keytool(store, &[&pair[..], &["-alias", "ca", "-dname", "CN=xtsync tests", "-ext", "bc:c"]].concat(), None).await?;
        let broker = ["-alias", "broker", "-signer", "ca", "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1,dns:localhost"];
        keytool(store, &[&pair[..], &broker].concat(), None).await?;
        keytool(store, &["-exportcert", "-rfc", "-alias", "ca"], Some(&self.ca_file)).await?;
        keytool(store, &["-delete", "-alias", "ca"], None).await
    }
}

async fn keytool(store: &Path, arguments: &[&str], file: Option<&Path>) -> anyhow::Result<()> {
    let mut command = Command::new("keytool");
    command.args(arguments).arg("-keystore").arg(store).args(["-storetype", "PKCS12", "-storepass", STORE_PASSWORD]);
    if let Some(file) = file {
        command.arg("-file").arg(file);
    }
    tool::run("making the broker's certificate (keytool comes with Java)", command).await.map(drop)
}
