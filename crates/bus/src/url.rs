//! Bus addresses: `kafka://host:port,host:port?parameter=value…` or `embedded:PATH`.
//!
//! | parameter | meaning |
//! |---|---|
//! | `security` | `plaintext` or `tls`; required unless all brokers are on loopback |
//! | `ca` | the authority's certificate (PEM); default: the system's authorities |
//! | `sasl` | `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`; needs `security=tls` |
//! | `user`, `password_file` | for SCRAM |
//! | `token_url`, `client_id`, `secret_file`, `scope` | for OAUTHBEARER |
//! | `session_timeout`, `drain_limit`, `publish_limit`, `bulk_max_wait` | durations such as `30s` |

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use xtsync_domain::duration;
use xtsync_domain::resource::is_safe_for_secrets;

use super::{Bus, Embedded, Error, Kafka, KafkaOptions, Login, OAuth, ScramHash, Security};
use xtsync_runtime::clock::Clock;
use xtsync_runtime::private::is_url;

/// Connects to the bus at an address. The clock stamps records on the embedded bus; Kafka's client stamps them itself.
///
/// # Errors
/// [`Error::Refused`] when the address is wrong; it names the parameter. Also as [`Embedded::open`] and [`Kafka::connect`].
pub async fn connect(address: &str, clock: Arc<dyn Clock>) -> Result<Bus, Error> {
    match address.strip_prefix("embedded:") {
        Some(path) if is_url(path) => Err(wrong("what follows embedded: is a path")),
        Some(path) => Ok(Embedded::open(Path::new(path), clock).await?),
        None => Ok(Kafka::connect(kafka(address)?).await?),
    }
}

/// Parses the address of a cluster.
fn kafka(address: &str) -> Result<KafkaOptions, Error> {
    let rest = address.strip_prefix("kafka://").ok_or_else(|| wrong("an address begins with kafka:// or embedded:"))?;
    let (brokers, query) = rest.split_once('?').unwrap_or((rest, ""));
    check_brokers(brokers)?;
    let mut parameters = Parameters::read(query)?;
    let defaults = KafkaOptions::new(brokers);
    let options = KafkaOptions {
        security: security(brokers, &mut parameters)?,
        session_timeout: parameters.time("session_timeout")?.unwrap_or(defaults.session_timeout),
        drain_limit: parameters.time("drain_limit")?.unwrap_or(defaults.drain_limit),
        publish_limit: parameters.time("publish_limit")?.unwrap_or(defaults.publish_limit),
        bulk_max_wait: parameters.time("bulk_max_wait")?.unwrap_or(defaults.bulk_max_wait),
        ..defaults
    };
    parameters.end().map(|()| options)
}

fn check_brokers(brokers: &str) -> Result<(), Error> {
    // The text before an @ may be a password, so errors do not repeat it.
    if brokers.contains('@') {
        return Err(wrong("no credentials before the host: use the parameters user and password_file"));
    }
    for broker in brokers.split(',') {
        let port = broker.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err(wrong(format!("'{broker}' is not host:port")));
        }
    }
    Ok(())
}

fn security(brokers: &str, parameters: &mut Parameters) -> Result<Security, Error> {
    let security = parameters.take("security");
    let ca = parameters.take("ca").map(PathBuf::from);
    let login = login(parameters)?;
    match (security.as_deref(), ca, login) {
        (Some("tls"), ca, Some(login)) => Ok(Security::Sasl { ca, login }),
        (Some("tls"), ca, None) => Ok(Security::Tls { ca }),
        (None, None, None) if !brokers.split(',').all(is_loopback) => {
            Err(wrong("parameter security: it is missing, and a broker is not on this machine: set tls, or plaintext explicitly"))
        }
        (None | Some("plaintext"), None, None) => Ok(Security::Plaintext),
        (None | Some("plaintext"), _, Some(_)) => Err(wrong("parameter sasl: it needs security=tls")),
        (None | Some("plaintext"), Some(_), None) => Err(wrong("parameter ca: it needs security=tls")),
        (Some(_), _, _) => Err(wrong("parameter security: it is plaintext or tls")),
    }
}

/// Whether a broker, `host:port`, is on this machine.
fn is_loopback(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn login(parameters: &mut Parameters) -> Result<Option<Login>, Error> {
    let Some(mechanism) = parameters.take("sasl") else { return Ok(None) };
    let scram = |hash, parameters: &mut Parameters| {
        let (user, password_file) = (parameters.need("user")?, parameters.need("password_file")?.into());
        Ok(Some(Login::Scram { hash, user, password_file }))
    };
    match mechanism.as_str() {
        "SCRAM-SHA-256" => scram(ScramHash::Sha256, parameters),
        "SCRAM-SHA-512" => scram(ScramHash::Sha512, parameters),
        "OAUTHBEARER" => Ok(Some(Login::OAuth(OAuth {
            token_url: token_url(&parameters.need("token_url")?)?,
            client_id: parameters.need("client_id")?,
            secret_file: parameters.need("secret_file")?.into(),
            scope: parameters.take("scope"),
        }))),
        _ => Err(wrong("parameter sasl: it is SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")),
    }
}

/// The token request carries a secret, so the URL must be https or on loopback.
fn token_url(text: &str) -> Result<url::Url, Error> {
    let url = url::Url::parse(text).map_err(|error| wrong(format!("parameter token_url: {error}")))?;
    if is_safe_for_secrets(&url) {
        Ok(url)
    } else {
        Err(wrong("parameter token_url: it begins with https://, or with http:// on loopback"))
    }
}

/// Parameters that were not read yet.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn read(query: &str) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                return Err(wrong(format!("parameter {name}: it is empty")));
            }
            if parameters.insert(name.to_string(), value.to_string()).is_some() {
                return Err(wrong(format!("parameter {name}: it is given twice")));
            }
        }
        Ok(Self(parameters))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn need(&mut self, name: &str) -> Result<String, Error> {
        self.take(name).ok_or_else(|| wrong(format!("parameter {name}: it is missing")))
    }

    fn time(&mut self, name: &str) -> Result<Option<Duration>, Error> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let time = duration::parse(&text).map_err(|error| wrong(format!("parameter {name}: {error}")))?;
        if time < Duration::from_secs(1) { Err(wrong(format!("parameter {name}: it is under a second"))) } else { Ok(Some(time)) }
    }

    fn end(self) -> Result<(), Error> {
        match self.0.into_keys().next() {
            Some(name) => Err(wrong(format!("parameter {name}: it is unknown, or has no effect here"))),
            None => Ok(()),
        }
    }
}

fn wrong(reason: impl AsRef<str>) -> Error {
    Error::Refused(format!("its address: {}", reason.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_configures_the_connection_to_a_cluster() {
        let scram = |hash| Login::Scram { hash, user: "ana".into(), password_file: "/p w".into() };
        let oauth = |scope: Option<&str>| {
            let token_url = "https://login.example/t".parse().unwrap();
            Login::OAuth(OAuth { token_url, client_id: "c".into(), secret_file: "/s".into(), scope: scope.map(Into::into) })
        };
        let sasl = |ca: Option<&str>, login| Security::Sasl { ca: ca.map(Into::into), login };
        for (query, security) in [
            ("?security=plaintext", Security::Plaintext),
            ("?security=tls", Security::Tls { ca: None }),
            ("?ca=/ca.pem&security=tls", Security::Tls { ca: Some("/ca.pem".into()) }),
            ("?security=tls&sasl=SCRAM-SHA-256&user=ana&password_file=/p%20w", sasl(None, scram(ScramHash::Sha256))),
            ("?security=tls&ca=/c&sasl=SCRAM-SHA-512&user=ana&password_file=/p+w", sasl(Some("/c"), scram(ScramHash::Sha512))),
            ("?security=tls&sasl=OAUTHBEARER&token_url=https://login.example/t&client_id=c&secret_file=/s", sasl(None, oauth(None))),
            (
                "?security=tls&sasl=OAUTHBEARER&token_url=https://login.example/t&client_id=c&secret_file=/s&scope=a+b",
                sasl(None, oauth(Some("a b"))),
            ),
        ] {
            let options = kafka(&format!("kafka://one:9092,two:9093{query}")).unwrap();
            assert_eq!((options.brokers.as_str(), options.security), ("one:9092,two:9093", security), "{query}");
        }
        let timed =
            kafka("kafka://127.0.0.1:1,localhost:2,[::1]:3?session_timeout=6s&drain_limit=1m&publish_limit=5s&bulk_max_wait=2s").unwrap();
        let seconds = |n| Duration::from_secs(n);
        assert_eq!((timed.session_timeout, timed.drain_limit), (seconds(6), seconds(60)));
        assert_eq!((timed.publish_limit, timed.bulk_max_wait), (seconds(5), seconds(2)));
    }

    #[test]
    fn a_wrong_address_names_its_parameter_and_no_secret() {
        for (address, want) in [
            ("http://one:1", "an address begins with kafka:// or embedded:"),
            ("kafka://", "'' is not host:port"),
            ("kafka://one", "'one' is not host:port"),
            ("kafka://one:1,:2", "':2' is not host:port"),
            ("kafka://one:70000", "'one:70000' is not host:port"),
            ("kafka://ana:hunter2@one:1", "no credentials before the host: use the parameters user and password_file"),
            ("kafka://one:1", "parameter security: it is missing, and a broker is not on this machine: set tls, or plaintext explicitly"),
            (
                "kafka://127.0.0.1:1,10.0.0.7:1",
                "parameter security: it is missing, and a broker is not on this machine: set tls, or plaintext explicitly",
            ),
            ("kafka://one:1?security=ssl", "parameter security: it is plaintext or tls"),
            ("kafka://one:1?security=", "parameter security: it is empty"),
            ("kafka://one:1?ca=/a&ca=/b", "parameter ca: it is given twice"),
            ("kafka://one:1?ca=/ca", "parameter ca: it needs security=tls"),
            ("kafka://one:1?sasl=SCRAM-SHA-256&user=a&password_file=/p", "parameter sasl: it needs security=tls"),
            ("kafka://one:1?security=tls&sasl=PLAIN", "parameter sasl: it is SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"),
            ("kafka://one:1?security=tls&sasl=SCRAM-SHA-256&user=a", "parameter password_file: it is missing"),
            ("kafka://one:1?security=tls&user=a", "parameter user: it is unknown, or has no effect here"),
            (
                "kafka://one:1?security=tls&sasl=SCRAM-SHA-256&user=a&password_file=/p&password=hunter2",
                "parameter password: it is unknown, or has no effect here",
            ),
            (
                "kafka://one:1?security=tls&sasl=OAUTHBEARER&token_url=http://x/&client_id=c&secret_file=/s",
                "parameter token_url: it begins with https://, or with http:// on loopback",
            ),
            (
                "kafka://localhost:1?session_timeout=soon",
                "parameter session_timeout: 'soon' is not a duration: write it as 30s, 5m, 1h 30m or PT5M",
            ),
            ("kafka://localhost:1?drain_limit=5ms", "parameter drain_limit: it is under a second"),
        ] {
            assert_eq!(kafka(address).unwrap_err().to_string(), format!("the bus refuses: its address: {want}"), "{address}");
        }
    }
}
