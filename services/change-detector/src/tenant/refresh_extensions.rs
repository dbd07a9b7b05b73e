//! The look at which directory extensions a tenant's users have, with the look at the tenant itself.
//!
//! Nothing but mappings of extensions depends on it: a directory that refuses to list them is read all the same.

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;
use xtsync_directory::{self as directory, Source};
use xtsync_domain::Timestamp;
use xtsync_domain::extension::Extensions;

use super::Tenant;
use crate::error::Error;

/// The least time between two readings of extensions: a directory may look through all of its applications for them.
const EXTENSIONS_INTERVAL: Duration = Duration::from_secs(60);

/// How long extensions are waited for.
const EXTENSIONS_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether extensions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WithExtensions(pub(super) bool);

/// When extensions are read, and why they could not be.
#[derive(Debug, Default)]
pub(super) struct ExtensionsReading {
    pub(super) due: Timestamp,
    /// The code that was logged last.
    failure: Option<&'static str>,
}

/// Asks for the extensions, and does not wait for them long: consent, which is asked for at the same time, must not wait for them.
pub(super) async fn read(source: &dyn Source, with_extensions: WithExtensions) -> Option<directory::Result<Extensions>> {
    let WithExtensions(true) = with_extensions else { return None };
    let late = || directory::Error::Failing { reason: "the directory extensions take too long".to_owned(), wait: None };
    Some(timeout(EXTENSIONS_TIMEOUT, source.extensions()).await.unwrap_or_else(|_| Err(late())))
}

impl Tenant {
    /// Publishes which directory extensions the users have.
    pub(super) async fn note_extensions(
        &mut self,
        found: directory::Result<Extensions>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        self.facts.extensions.due = asked_at.plus(EXTENSIONS_INTERVAL);
        match found {
            // Those of another directory are not the tenant's.
            Ok(_) if self.is_other_directory() => {}
            Ok(found) => {
                self.facts.extensions.failure = None;
                let fact = self.facts.published.of_extensions(found, asked_at);
                self.publish_facts(fact.into_iter().collect(), now).await?;
            }
            Err(error) => {
                let code = Error::Directory(error).code();
                if self.facts.extensions.failure != Some(code) {
                    warn!(tenant = %self.name, code, "the tenant's directory extensions cannot be read, so that mappings of them wait");
                }
                self.facts.extensions.failure = Some(code);
            }
        }
        Ok(())
    }
}
