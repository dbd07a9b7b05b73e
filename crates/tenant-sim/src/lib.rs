//! Graph-compatible tenants in one process, good enough that Microsoft's own SDKs work against them.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use xtsync_tenant_sim::Sim;
//!
//! let sim = Sim::builder().tenant("emea", 2000).tenant("hub", 0).seed(7).allow("emea", "hub").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let serving = tokio::spawn({
//!     let sim = sim.clone();
//!     async move { sim.serve(listener, std::future::pending()).await }
//! });
//! let mut writes = sim.journal().subscribe();
//! let hub = sim.tenant("hub").expect("it was described above");
//! assert_eq!(hub.user_count(), 0);
//! # drop((serving, writes.try_recv()));
//! # Ok(())
//! # }
//! ```
//!
//! One listener serves `/{tenant}/oauth2/v2.0/token` and, for the tenant that the token names, `/v1.0/…`; loopback clients also find the
//! simulator's own door at `/sim/v1/…`. Directories are made by seed and live in memory. The reference is how Graph behaves, including
//! where that is inconvenient: how often it is, the [`FaultProfile`] says, by seed; it is calm unless told otherwise. Who subscribed is
//! notified of changes. What it does not answer by itself, a [`Rule`] makes it answer. The simulator shares no types with xtsync's Graph connector: they are strangers, so that a mistake in one is
//! seen by the other.

mod args;
mod builder;
mod connection;
mod counts;
mod cursor;
mod directory;
mod error;
mod faults;
mod filter;
mod generate;
mod group;
mod http;
mod journal;
mod notify;
mod object;
mod policy;
mod property;
mod routes;
mod script;
mod select;
mod sim;
mod tenant;
mod tls;
mod token;
mod user;
mod user_index;
mod value;

pub use self::args::{AllowArg, Args, Bound, ClientArg, TenantArg, ThrottleArg};
pub use self::builder::Builder;
pub use self::directory::{ANCHOR_APP_ID, Domains, Redemption, anchor_property};
pub use self::error::{Failure, Header};
pub use self::faults::{DeltaFaults, FaultProfile, InjectedFault, InvitationFaults, Quota, Span, Throttle};
pub use self::generate::ALL_USERS;
pub use self::journal::{ENTRIES_MAX, Entry, Journal, LAG_MAX, Verb};
pub use self::notify::{Delivery, LifecycleEvent};
pub use self::property::ObjectKind;
pub use self::script::{Act, Edit, Installed, Place, RULES_MAX, Rule, Script};
pub use self::sim::Sim;
pub use self::tenant::TenantHandle;
pub use self::tls::Tls;
pub use self::token::Access;
