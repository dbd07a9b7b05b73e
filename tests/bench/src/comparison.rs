//! Users lose access while the whole source is read for comparison, each request to it taking its time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::{ALL_USERS, FaultProfile, Span, TenantHandle};

use crate::fixture::{self, Changes, SOURCE};
use crate::report::{Figure, Goal, show};

/// The time of every request to the source, and so of every page.
const LATENCY: Duration = Duration::from_millis(300);

/// Between two users who lose access.
const PACE: Duration = Duration::from_millis(400);

/// The longest comparison that is measured; a target holds further users of its source after 500 lost scopes an hour.
const USERS_MAX: usize = 1_200;

/// What the change-detector logs when it begins a full read, and when it has ended one.
const BEGUN: &str = "everything is read";
const ENDED: &str = "everything was read";

/// How users lose access, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Disabled,
    Deleted,
    OutOfScope,
}

const LOSSES: [Loss; 3] = [Loss::Disabled, Loss::Deleted, Loss::OutOfScope];

/// Times users who are disabled, deleted or taken out of scope in a source of that many `users`, while all of it is read again.
///
/// # Errors
/// If the fleet does not start, the comparison does not run, or a user keeps access.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let mut fleet = Fleet::new(fixture::tenants(users)?, plan()).await?;
    fleet.start().await?;
    fleet.converge(fixture::LONG)?;
    fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    fleet.sim.set_fault_profile(FaultProfile { latency: Span::exactly(LATENCY), slow: vec![SOURCE.to_owned()], ..FaultProfile::default() });
    let before = full_reads(&fleet);
    fleet.administer(&["resync", SOURCE])?;
    xtsync_harness::wait_for(Duration::from_secs(60), "the comparison", async || Ok((full_reads(&fleet).0 > before.0).then_some(())))
        .await?;
    let began = Instant::now();
    let (home, in_scope) = fixture::users(&fleet.sim)?;
    let (mut leavers, mut out_of_scope) = (Changes::new(&fleet.sim, "accountEnabled"), Changes::new(&fleet.sim, "accountEnabled"));
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (user, loss) in in_scope.into_iter().zip(LOSSES.into_iter().cycle()).take(USERS_MAX) {
        pace.tick().await;
        if full_reads(&fleet).1 > before.1 {
            break;
        }
        let changes = if loss == Loss::OutOfScope { &mut out_of_scope } else { &mut leavers };
        changes.begin(user);
        lose(&home, user, loss)?;
    }
    let took = began.elapsed();
    show(&format!("the comparison of {users} users took {:.1} s", took.as_secs_f64()));
    let within = Duration::from_secs(120);
    let (leavers, out_of_scope) = (leavers.propagated(&fleet.sim, within).await?, out_of_scope.propagated(&fleet.sim, within).await?);
    ensure!(!out_of_scope.is_empty(), "the comparison was over before three users lost access");
    fleet.stop().await?;
    let note = format!("a full comparison of {users} users, {} ms a request, took {:.0} s", LATENCY.as_millis(), took.as_secs_f64());
    let figure = |name: &str, times: &[Duration], part| {
        Figure::new(name, fixture::percentile_ms(times, part), "ms", format!("{} users; {note}", times.len()))
    };
    Ok(vec![
        figure("leaver_overtakes_p50_ms_in_comparison", &leavers, 0.5),
        figure("leaver_overtakes_p99_ms_in_comparison", &leavers, 0.99).goal(Goal::AtMost(500.0)),
        figure("lost_scope_p50_ms_in_comparison", &out_of_scope, 0.5),
        figure("lost_scope_p99_ms_in_comparison", &out_of_scope, 0.99),
    ])
}

/// The default setup: change notifications, and a poll every 30 seconds. A lost scope takes effect at once.
fn plan() -> Plan {
    Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, grace: Duration::ZERO, ..fixture::plan() }
}

fn lose(home: &TenantHandle, user: Uuid, loss: Loss) -> Result<()> {
    match loss {
        Loss::Disabled => home.patch_user(user, &serde_json::json!({"accountEnabled": false}))?,
        Loss::Deleted => home.delete_user(user)?,
        Loss::OutOfScope => {
            for group in home.groups(ALL_USERS) {
                home.remove_member(group, user)?;
            }
        }
    }
    Ok(())
}

/// How many full reads have begun, and how many have ended.
fn full_reads(fleet: &Fleet) -> (usize, usize) {
    let logs = fleet.logs();
    (logs.matches(BEGUN).count(), logs.matches(ENDED).count())
}
