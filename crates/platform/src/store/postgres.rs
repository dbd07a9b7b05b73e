//! Opening a store in PostgreSQL: a schema a service, few connections, limits on every statement.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _, PgPool};

use super::{Error, Options, migration};

/// Connections of one replica at most.
const CONNECTIONS_MAX: u32 = 8;

/// How long to wait for a connection; then the database counts as away.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A connection that rested for longer is tried before it is used: the server may have been restarted. One in steady use shows by itself,
/// and to try it would be a round trip a statement.
const RESTED: Duration = Duration::from_secs(1);

/// What the server is told of each connection, beside the schema.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "60s"),
    // Else a plan that was made while a table was empty is kept when it holds a hundred thousand rows.
    ("plan_cache_mode", "force_custom_plan"),
];

pub(super) fn is_url(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

pub(super) async fn open(options: &Options) -> Result<PgPool, Error> {
    let schema = schema(options.service)?;
    let connect = connect_options(&options.url, &schema)?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(CONNECT_MAX);
    let pool = pool.test_before_acquire(false).before_acquire(|connection, rest| {
        Box::pin(async move {
            if rest.idle_for > RESTED {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    let pool = pool.connect_with(connect).await.map_err(|source| Error::of("connecting", source))?;
    create_schema(&pool, &schema).await.map_err(|source| Error::of("creating the schema", source))?;
    let migrator = migration::migrator(migration::COMMON.postgres, options.migrations.postgres);
    migrator.run(&pool).await.map_err(|error| migration::failed(&schema, error))?;
    Ok(pool)
}

/// The schema of a service, which is the only text besides placeholders that is ever built into SQL, and therefore checked.
fn schema(service: &str) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if service.is_empty() || !service.chars().all(plain) {
        return Err(Error::Unusable { place: service.to_owned(), reason: "a service is named by a-z, 0-9 and '-'".to_owned() });
    }
    Ok(service.replace('-', "_"))
}

fn connect_options(url: &str, schema: &str) -> Result<PgConnectOptions, Error> {
    // The error must not repeat the URL: there may be a password in it.
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
    // What an administrator sets in the URL holds.
    let given = connect.get_options().unwrap_or_default().to_owned();
    let settings = SETTINGS.into_iter().filter(|(name, _)| !given.contains(name));
    Ok(connect.application_name("xtsync").options(settings).options([("search_path", schema)]))
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Asks first, because creating what exists needs a right that using it does not.
async fn create_schema(pool: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    if schema_exists(pool, schema).await? {
        return Ok(());
    }
    match sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).execute(pool).await {
        Ok(_) => Ok(()),
        // Another replica may have made it at the same moment.
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
            assert_eq!(format!("{:?}", connect_options(url, "s").unwrap().get_ssl_mode()), wanted, "{url}");
        }
    }

    #[test]
    fn a_limit_in_the_url_holds_instead_of_ours() {
        let connect = connect_options("postgres://u@localhost/d?options[statement_timeout]=300ms", "s").unwrap();
        let options = connect.get_options().unwrap();
        assert_eq!(options.matches("statement_timeout").count(), 1, "{options}");
        assert!(options.contains("statement_timeout=300ms") && options.contains("lock_timeout=10s"), "{options}");
    }

    #[test]
    fn a_broken_url_is_told_without_its_password() {
        let error = connect_options("postgres://u:hunter2@host:port/d", "policy").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_schema_is_named_after_its_service() {
        assert_eq!(schema("change-detector").unwrap(), "change_detector");
        assert!(schema("x; DROP").is_err());
    }
}
