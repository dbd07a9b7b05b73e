//! Opens a store in PostgreSQL: one schema per service, few connections, limits on each statement.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _, PgPool};
use url::Url;

use super::{Error, Options, migration};

/// The most connections of one replica: eight for its work, and one that listens to signals.
const CONNECTIONS_MAX: u32 = 9;

/// Connections for leases: one for renewals and one for looks at the leases of others, each of which is one statement for all.
const LEASE_CONNECTIONS_MAX: u32 = 2;

/// How long to wait for a connection before the database counts as unavailable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was idle for longer is tested before use, because the server may have been restarted. A test of busy connections would
/// cost a round trip per statement.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// The settings of each connection, beside the schema.
const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "60s"),
    // Otherwise a plan made for an empty table stays in use when it has a hundred thousand rows. To allow indexes alone does not help: made
    // for an empty table, it takes any index that begins with the target.
    ("plan_cache_mode", "force_custom_plan"),
    // No statement runs long enough to be worth a compilation.
    ("jit", "off"),
];

pub(super) fn is_url(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Checks whether a URL can be parsed. The content of a password file is not checked.
pub(super) fn check(url: &str) -> Result<(), Error> {
    let unusable = |reason: &str| Error::Unusable { place: "the store".to_owned(), reason: reason.to_owned() };
    let (url, _) = take_password_file(url).map_err(unusable)?;
    connect_options_to(&url, "the store").map(drop)
}

/// Opens a store: the connection pool of its work, the one of its leases, and the name of its schema.
pub(super) async fn open(options: &Options) -> Result<(PgPool, PgPool, String), Error> {
    let schema = schema(options.service)?;
    let connect = connect_options(&options.url, &schema).await?;
    let leases = pool(LEASE_CONNECTIONS_MAX).connect_lazy_with(connect.clone());
    let pool = pool(CONNECTIONS_MAX).connect_with(connect).await.map_err(|source| Error::of("connecting", source))?;
    create_schema(&pool, &schema).await.map_err(|source| Error::of("creating the schema", source))?;
    let migrator = migration::migrator(migration::COMMON.postgres, options.migrations.postgres);
    migrator.run(&pool).await.map_err(|error| migration::failed(&schema, error))?;
    Ok((pool, leases, schema))
}

fn pool(connections_max: u32) -> PgPoolOptions {
    let pool = PgPoolOptions::new().max_connections(connections_max).acquire_timeout(CONNECT_TIMEOUT);
    pool.test_before_acquire(false).before_acquire(|connection, rest| {
        Box::pin(async move {
            if rest.idle_for > IDLE_BEFORE_PING {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

/// The schema of a service. It is the only text besides placeholders that is built into SQL, and is therefore validated.
fn schema(service: &str) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if service.is_empty() || !service.chars().all(plain) {
        return Err(Error::Unusable { place: service.to_owned(), reason: "a service is named by a-z, 0-9 and '-'".to_owned() });
    }
    Ok(service.replace('-', "_"))
}

/// Builds the connection options. The password may be in a file (`password_file=`), because a list of processes can show the URL. The file
/// is read at each opening, so that a rotated password is used.
async fn connect_options(url: &str, schema: &str) -> Result<PgConnectOptions, Error> {
    // An error must not repeat the URL: it may contain a password.
    let unusable = |reason: String| Error::Unusable { place: schema.to_owned(), reason };
    let (url, password_file) = take_password_file(url).map_err(|reason| unusable(reason.to_owned()))?;
    let connect = connect_options_to(&url, schema)?;
    let Some(file) = password_file else { return Ok(connect) };
    let read = xtsync_secrets::file::read(file.clone()).await;
    let password = read.map_err(|error| unusable(format!("parameter password_file: {}: {error}", file.display())))?;
    Ok(connect.password(password.expose_secret()))
}

/// The URL without the parameter `password_file`, and the value of that parameter.
fn take_password_file(text: &str) -> Result<(String, Option<PathBuf>), &'static str> {
    if !text.contains("password_file=") {
        return Ok((text.to_owned(), None));
    }
    let mut url = Url::parse(text).map_err(|_| "its URL is not postgres://user@host/database")?;
    let (files, others): (Vec<_>, Vec<_>) =
        url.query_pairs().into_owned().partition(|(name, _): &(String, String)| name == "password_file");
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    match files.as_slice() {
        [] => Ok((url.to_string(), None)),
        [(_, file)] if url.password().is_none() && !file.is_empty() => Ok((url.to_string(), Some(file.into()))),
        [(_, file)] if file.is_empty() => Err("parameter password_file: it is empty"),
        [_] => Err("parameter password_file: the URL holds a password already"),
        _ => Err("parameter password_file: it is given twice"),
    }
}

fn connect_options_to(url: &str, schema: &str) -> Result<PgConnectOptions, Error> {
    let unusable = |reason: String| Error::Unusable { place: schema.to_owned(), reason };
    let connect = PgConnectOptions::from_str(url).map_err(|_| unusable("its URL is not postgres://user@host/database".to_owned()))?;
    let local = is_local(connect.get_host()) || connect.get_socket().is_some();
    let said = url.split_once('?').is_some_and(|(_, query)| query.contains("sslmode=") || query.contains("ssl-mode="));
    let connect = match (said, local) {
        (true, _) => connect,
        (false, true) => connect.ssl_mode(PgSslMode::Disable),
        (false, false) => connect.ssl_mode(PgSslMode::VerifyFull),
    };
    let connect = connect.statement_cache_capacity(super::STATEMENTS_MAX);
    // A setting in the URL takes precedence.
    let given = connect.get_options().unwrap_or_default().to_owned();
    let settings = SETTINGS.into_iter().filter(|(name, _)| !given.contains(name));
    Ok(connect.application_name("xtsync").options(settings).options([("search_path", schema)]))
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Checks for the schema first, because creating it requires a permission that using it does not.
async fn create_schema(pool: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    if schema_exists(pool, schema).await? {
        return Ok(());
    }
    match sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).execute(pool).await {
        Ok(_) => Ok(()),
        // Another replica may have created it at the same time.
        Err(error) => match schema_exists(pool, schema).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(error),
        },
    }
}

async fn schema_exists(pool: &PgPool, schema: &str) -> Result<bool, sqlx::Error> {
    Ok(sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema).fetch_optional(pool).await?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_server_is_verified_unless_the_url_says_otherwise() {
        for (url, wanted) in [
            ("postgres://u@127.0.0.1:5432/d", "Disable"),
            ("postgres://u@localhost/d", "Disable"),
            ("postgres://u@db.example.com/d", "VerifyFull"),
            ("postgres://u@db.example.com/d?sslmode=require", "Require"),
            ("postgres://u@10.0.0.7/d", "VerifyFull"),
        ] {
            assert_eq!(format!("{:?}", connect_options_to(url, "s").unwrap().get_ssl_mode()), wanted, "{url}");
        }
    }

    #[test]
    fn a_limit_in_the_url_takes_precedence() {
        let connect = connect_options_to("postgres://u@localhost/d?options[statement_timeout]=300ms", "s").unwrap();
        let options = connect.get_options().unwrap();
        assert_eq!(options.matches("statement_timeout").count(), 1, "{options}");
        assert!(options.contains("statement_timeout=300ms") && options.contains("lock_timeout=10s"), "{options}");
    }

    #[test]
    fn a_broken_url_is_reported_without_its_password() {
        let error = connect_options_to("postgres://u:hunter2@host:port/d", "policy").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_password_file_is_read_and_no_error_shows_the_password() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pass word");
        std::fs::write(&file, "hunter2\n").unwrap();
        let url = format!("postgres://u@db.example/d?sslmode=require&password_file={}", file.display().to_string().replace(' ', "%20"));
        let connect = connect_options(&url, "policy").await.unwrap();
        assert_eq!((connect.get_host(), connect.get_username(), connect.get_database()), ("db.example", "u", Some("d")));
        assert_eq!(format!("{:?}", connect.get_ssl_mode()), "Require", "other parameters stay");
        assert_eq!(take_password_file(&url).unwrap(), ("postgres://u@db.example/d?sslmode=require".to_owned(), Some(file)));
        for (query, want) in [
            ("password_file=", "it is empty"),
            ("password_file=/a&password_file=/b", "it is given twice"),
            ("password_file=/dev/zero", "/dev/zero: it is not a regular file"),
            ("password_file=/nowhere/p", "/nowhere/p: the file cannot be read"),
        ] {
            let error = connect_options(&format!("postgres://u@h/d?{query}"), "policy").await.unwrap_err().to_string();
            assert!(error.contains(want), "{query}: {error}");
        }
        let error = connect_options("postgres://u:hunter2@h/d?password_file=/p", "policy").await.unwrap_err().to_string();
        assert!(error.contains("holds a password already") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_schema_is_named_after_its_service() {
        assert_eq!(schema("change-detector").unwrap(), "change_detector");
        assert!(schema("x; DROP").is_err());
    }
}
