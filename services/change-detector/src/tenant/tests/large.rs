//! Groups of 20,000 members, on PostgreSQL with a limit of 300 ms a statement: however many users a change concerns, no statement, and no
//! transaction, is on more than some of them, and a process that is killed between two of them is followed by one that goes on.

use super::*;
use crate::chunk::CHUNK;

const MEMBERS: usize = 20_000;

/// Steps between two kills. Each kill has the next process begin a look at the cycle anew, so there must be enough for that.
const KILL_EVERY: usize = 150;

fn all_users() -> Vec<String> {
    (0..MEMBERS).map(|number| format!("p{number:05}")).collect()
}

/// All users exist and were published, in no group; `team` has them all.
async fn all_published() -> Fixture {
    let mut fixture = Fixture::on_limited_postgres(&["city"], &["all"]).await;
    let all = all_users();
    fixture.directory.groups(vec![joined("all", &[]), joined("team", &names(&all))]);
    fixture.directory.users(all.iter().map(|id| changed(id, &[("city", "Paris")])).collect());
    assert_eq!(fixture.run_cycle_killed(KILL_EVERY).await.len(), MEMBERS);
    fixture
}

/// How many users were published as in the group, and how many as in no group, each once.
fn counted(deltas: &[UserDelta]) -> (usize, usize) {
    let users: std::collections::BTreeSet<_> = deltas.iter().map(|delta| &delta.user).collect();
    assert_eq!(users.len(), deltas.len(), "no user is published twice");
    let is_in = |delta: &&UserDelta| match &delta.state {
        State::Present(user) => !user.groups.is_empty() || !user.nested_groups.is_empty(),
        State::Gone(_) => panic!("no user is gone"),
    };
    let inside = deltas.iter().filter(is_in).count();
    (inside, deltas.len() - inside)
}

#[tokio::test]
async fn all_join_and_leave_a_group_with_the_removal_guard_and_without_it() {
    let mut fixture = all_published().await;
    let all = all_users();
    fixture.directory.groups(vec![joined("all", &names(&all))]);
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (MEMBERS, 0));

    fixture.directory.groups(vec![left("all", &names(&all))]);
    assert_eq!(fixture.run_cycle_killed(KILL_EVERY).await, []);
    assert_eq!(fixture.held(), [0, MEMBERS as u64]);

    fixture.directory.groups(vec![joined("all", &names(&all))]);
    assert_eq!(fixture.run_cycle_killed(KILL_EVERY).await, []);
    assert_eq!(fixture.held(), [0, 0], "all are back");

    fixture.directory.groups(vec![left("all", &names(&all))]);
    fixture.run_cycle_killed(KILL_EVERY).await;
    fixture.scope("all", Scope { allows_loss: true, ..Scope::default() }).await;
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (0, MEMBERS));
    assert_eq!(fixture.held(), [0, 0]);

    fixture.directory.groups(vec![joined("all", &names(&all))]);
    fixture.run_cycle_killed(KILL_EVERY).await;
    fixture.directory.groups(vec![left("all", &names(&all))]);
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (0, MEMBERS), "allowed");
}

#[tokio::test]
async fn a_group_of_all_is_nested_and_unnested_and_its_loss_found_by_a_full_read() {
    let mut fixture = all_published().await;
    fixture.scope("all", Scope { allows_loss: true, ..Scope::default() }).await;
    fixture.directory.groups(vec![joined("all", &["group:team"])]);
    fixture.trigger();
    let mut marked = 0;
    while fixture.retried_step().await.unwrap() == Pause::None {
        let now = fixture.dirty_users().await;
        assert!(now.abs_diff(marked) <= CHUNK as u64, "no step is on more than a chunk: from {marked} to {now}");
        marked = now;
    }
    assert_eq!(counted(&fixture.published().await), (MEMBERS, 0));
    fixture.directory.groups(vec![left("all", &["team"])]);
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (0, MEMBERS));
    fixture.directory.groups(vec![joined("all", &["group:team"])]);
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (MEMBERS, 0));

    let all = all_users();
    let read = || all.iter().map(|id| changed(id, &[("city", "Paris")])).collect::<Vec<_>>();
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &[]), joined("team", &names(&all))], read());
    assert_eq!(counted(&fixture.run_cycle().await), (0, MEMBERS), "the nesting was lost");

    fixture.directory.groups(vec![joined("all", &["group:team"])]);
    assert_eq!(counted(&fixture.run_cycle_killed(KILL_EVERY).await), (MEMBERS, 0));
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &["group:team"]), joined("team", &[])], read());
    assert_eq!(counted(&fixture.run_cycle().await), (0, MEMBERS), "the memberships were lost");
}

#[tokio::test]
async fn most_users_are_gone_from_one_day_to_the_next() {
    let mut fixture = all_published().await;
    let all = all_users();
    let stay = &all[..MEMBERS / 2];
    let read = || stay.iter().map(|id| changed(id, &[("city", "Paris")])).collect::<Vec<_>>();
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &[]), joined("team", &names(&all))], read());
    let gone = fixture.run_cycle().await;
    assert_eq!(gone.iter().filter(|delta| delta.state == State::Gone(Gone::Deleted)).count(), MEMBERS / 2);
    assert_eq!(gone.len(), MEMBERS / 2);
}
