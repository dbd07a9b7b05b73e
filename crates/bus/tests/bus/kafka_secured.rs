//! Kafka with TLS and authentication.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use xtsync_bus::{Error, KafkaOptions, Login, OAuth, ScramHash, Security, Urgency, connect};
use xtsync_harness::{Kafka as Broker, KafkaOptions as BrokerOptions};
use xtsync_runtime::clock::SystemClock;

use crate::builders::{everything, publish, put};
use crate::bus_fixture::{BusFixture, new_topic};
use crate::contract;

async fn secured() -> Broker {
    Broker::start(BrokerOptions { secured: true, compact_soon: true, ..BrokerOptions::default() }).await.unwrap()
}

fn options(broker: &Broker, user: &str, password_file: &Path) -> KafkaOptions {
    let ca = broker.credentials().unwrap().ca_file.clone();
    let login = Login::Scram { hash: ScramHash::Sha512, user: user.into(), password_file: password_file.into() };
    let publish_limit = std::time::Duration::from_secs(5);
    KafkaOptions { security: Security::Sasl { ca: Some(ca), login }, publish_limit, ..KafkaOptions::new(broker.bootstrap()) }
}

#[tokio::test]
async fn the_contract_holds_over_tls_with_scram() {
    let broker = secured().await;
    let credentials = broker.credentials().unwrap();
    let fixture = BusFixture::on(options(&broker, &credentials.user, &credentials.password_file)).await;
    contract::records_of_a_key_keep_their_order(&fixture).await;
    contract::uncommitted_records_are_delivered_again(&fixture).await;
    contract::a_commit_is_read_back_with_its_metadata(&fixture).await;
    contract::a_record_round_trips(&fixture).await;
    contract::compaction_keeps_the_newest_record_and_a_tombstone_removes_a_key(&fixture).await;
    contract::topics_are_created_once_and_missing_ones_are_listed(&fixture).await;
    wrong_credentials_are_refused(&broker).await;
    a_url_configures_tls_and_scram(&broker).await;
}

async fn wrong_credentials_are_refused(broker: &Broker) {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("password");
    std::fs::write(&wrong, "hunter2\n").unwrap();
    let fixture = BusFixture::on(options(broker, "xtsync", &wrong)).await;
    let error = fixture.bus.publish(vec![put(&new_topic(), "k", 1)], Urgency::Live).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");

    let missing = xtsync_bus::Kafka::connect(options(broker, "xtsync", &folder.path().join("none"))).await.err().unwrap();
    assert!(matches!(&missing, Error::Refused(reason) if reason.contains("none")), "{missing}");
}

async fn a_url_configures_tls_and_scram(broker: &Broker) {
    let credentials = broker.credentials().unwrap();
    let (ca, password) = (credentials.ca_file.display(), credentials.password_file.display());
    let login = format!("security=tls&ca={ca}&sasl=SCRAM-SHA-512&user={}&password_file={password}", credentials.user);
    let bus = connect(&format!("kafka://{}?{login}", broker.bootstrap()), Arc::new(SystemClock)).await.unwrap();
    assert_eq!(bus.missing(&[]).await.unwrap(), []);
    assert_eq!(bus.missing(&[new_topic()]).await.unwrap().len(), 1);
}

/// The broker accepts any unsigned token that has not expired: Kafka's default validator for tests.
#[tokio::test]
async fn a_token_is_fetched_and_used() {
    let jaas = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";";
    let properties = [
        ("sasl.enabled.mechanisms", "OAUTHBEARER"),
        ("listener.name.client.oauthbearer.sasl.jaas.config", jaas),
        ("allow.everyone.if.no.acl.found", "true"),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let broker = Broker::start(BrokerOptions { secured: true, properties, ..BrokerOptions::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "client-secret\n").unwrap();
    let token_url = token_endpoint().await.parse().unwrap();
    let oauth = OAuth { token_url, client_id: "xtsync".into(), secret_file, scope: Some("kafka".into()) };
    let security = Security::Sasl { ca: Some(broker.credentials().unwrap().ca_file.clone()), login: Login::OAuth(oauth) };

    let fixture = BusFixture::on(KafkaOptions { security, ..KafkaOptions::new(broker.bootstrap()) }).await;
    let topic = fixture.topic().await;
    publish(&fixture.bus, &topic, 50).await;
    assert_eq!(everything(&fixture.bus, &topic).await.len(), 50);
    let mut member = crate::builders::join(&fixture.bus, "g", &topic).await;
    crate::builders::take(&mut *member, 50).await;
    contract::topics_are_created_once_and_missing_ones_are_listed(&fixture).await;
}

/// Issues a token for the client's secret.
async fn token_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let mut length = 0;
            while !String::from_utf8_lossy(&request[..length]).contains("scope=kafka") {
                length += stream.read(&mut request[length..]).await.unwrap();
            }
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let known = request.contains("grant_type=client_credentials&client_id=xtsync&client_secret=client-secret");
            let body = format!("{{\"access_token\":\"{}\",\"expires_in\":300}}", unsigned_token());
            let status = if known { "200 OK" } else { "401 Unauthorized" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

/// An unsigned token: `{"alg":"none"}` and the claims.
fn unsigned_token() -> String {
    use xtsync_runtime::clock::Clock as _;
    let now = SystemClock.now().0 / 1_000_000;
    let claims = format!("{{\"sub\":\"xtsync\",\"iat\":{now},\"exp\":{}}}", now + 300);
    format!("{}.{}.", base64url(b"{\"alg\":\"none\"}"), base64url(claims.as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |n| char::from(DIGITS[(bits >> (18 - 6 * n) & 63) as usize])).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}
