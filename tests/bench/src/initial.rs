//! The first synchronization of a large tenant, against the bare client; what it costs in requests, processor time and memory; and what it
//! costs when it is done and nothing changes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_tenant_sim::ALL_USERS;

use crate::first::{self, First};
use crate::report::{Breakdown, Figure, Goal, Report, short};
use crate::{fixture, usage};

/// How long the converged fleet is watched.
const IDLE: Duration = Duration::from_secs(60);

/// A second scope group, to which one edit adds all users.
const SECOND_GROUP: &str = "Again";

/// The most memory of each role, in MiB.
type Peaks = BTreeMap<&'static str, f64>;

/// Creates that many `users`, watches the fleet rest, and then lets one edit of a group concern them all. The memory is compared with that
/// of the same with `larger` users.
///
/// # Errors
/// If a fleet does not come up or does not get there.
pub(crate) async fn measure(users: usize, larger: Option<usize>) -> Result<Report> {
    let bare = first::bare(users, &fixture::tenants(0)?).await?;
    let (mut report, peaks) = run(users, Some(bare)).await?;
    report.figures.extend(peaks.iter().map(|(role, peak)| peak_figure(role, *peak, users).goal(Goal::AtMost(100.0))));
    if let Some(larger) = larger {
        let (more, larger_peaks) = run(larger, None).await?;
        report.extend(more);
        let compared = |(role, peak): (&&'static str, &f64)| {
            let figure = peak_figure(&format!("{role}_{}", short(larger)), *peak, larger);
            figure.against(peaks[role]).goal(Goal::RatioAtMost(1.1))
        };
        report.figures.extend(larger_peaks.iter().map(compared));
    }
    Ok(report)
}

fn peak_figure(name: &str, peak: f64, users: usize) -> Figure {
    Figure::new(format!("peak_rss_mib_{name}"), peak, "MiB", format!("{users} users, and a group edit that concerns them all"))
}

/// One fleet from its first synchronization to the group edit: all figures if it is compared with the bare client, else its speed.
async fn run(users: usize, bare: Option<f64>) -> Result<(Report, Peaks)> {
    let sim = fixture::tenants(users)?;
    let (home, _) = fixture::users(&sim)?;
    let second_group =
        home.create_group(&json!({"displayName": SECOND_GROUP, "mailEnabled": false, "mailNickname": "again", "securityEnabled": true}))?;
    let mut fleet = Fleet::new(sim, plan()).await?;
    fleet.start_unconfigured().await?;
    let first = first::synchronize(&fleet).await?;
    let mut report = match bare {
        Some(bare) => {
            let mut report = costs(&first, bare);
            report.figures.push(idle(&fleet, users).await?);
            report
        }
        None => vec![Figure::new(format!("initial_sync_{}", short(users)), first.speed(), "users/s", first.conditions())].into(),
    };
    report.breakdowns.push(first.processors());
    let (_, in_scope) = fixture::users(&fleet.sim)?;
    for user in in_scope {
        home.add_member(second_group, user)?;
    }
    fleet.converge(fixture::LONG)?;
    let peak = |role| Ok((role, usage::peak_rss_mib(fleet.pid(role, 0)?)?));
    let peaks = ROLES.into_iter().map(peak).collect::<Result<_>>()?;
    fleet.stop().await?;
    Ok((report, peaks))
}

/// The default setup: change notifications, and a poll every 30 seconds.
fn plan() -> Plan {
    let scope = vec![ALL_USERS.to_owned(), SECOND_GROUP.to_owned()];
    Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, scope, ..fixture::plan() }
}

/// What the first synchronization costs.
fn costs(first: &First, bare: f64) -> Report {
    let requests = first.requests_per_create();
    let per_create = |counts: &dyn Fn(&First) -> u64| counts(first) as f64 / first.users as f64;
    let by_role: Vec<_> = first.spent.iter().filter(|(name, _)| ROLES.contains(name)).collect();
    let shares: Vec<_> = by_role.iter().map(|(role, spent)| format!("{role} {:.0}", first.micros(*spent))).collect();
    let own = by_role.iter().map(|(_, spent)| first.micros(*spent)).sum();
    let figures = vec![
        Figure::new("initial_sync_vs_bare", first.speed(), "users/s", first.conditions()).against(bare).goal(Goal::RatioAtLeast(0.5)),
        Figure::new("requests_per_create", per_create(&First::requests), "", "to the target, items of batches one by one")
            .goal(Goal::AtMost(4.0)),
        Figure::new("writes_per_create", per_create(&First::writes), "", "the same that change something").goal(Goal::AtMost(2.0)),
        Figure::new("own_cpu_per_user_us", own, "µs", shares.join(", ")).goal(Goal::AtMost(450.0)),
    ];
    let name = "requests to the target in the first synchronization".to_owned();
    Report { figures, breakdowns: vec![Breakdown { name, columns: vec!["a create"], parts: requests }] }
}

async fn idle(fleet: &Fleet, users: usize) -> Result<Figure> {
    let before = fixture::cpu(fleet)?;
    tokio::time::sleep(IDLE).await;
    let after = fixture::cpu(fleet)?;
    let share = |role: &str| (after[role] - before[role]).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    let shares: Vec<_> = ROLES.iter().map(|role| format!("{role} {:.2}", share(role))).collect();
    let note = format!("{users} users at rest, notifications on, polled every 30 s: {}", shares.join(", "));
    Ok(Figure::new("idle_cpu", ROLES.iter().map(|role| share(role)).sum(), "% of a core", note).goal(Goal::AtMost(0.8)))
}
