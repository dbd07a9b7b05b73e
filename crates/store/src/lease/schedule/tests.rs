use super::*;

const TTL: Duration = Duration::from_secs(9);
const LOOK: Duration = Duration::from_millis(500);
const RENEWAL: Duration = Duration::from_secs(3);

fn add(schedule: &mut Schedule, name: &str, now: Instant) -> (CancellationToken, watch::Receiver<LeaseState>) {
    let (stop, changes) = (CancellationToken::new(), watch::Sender::new(LeaseState::Lost));
    let watcher = changes.subscribe();
    let claim = Arc::new(Claim { name: name.to_owned(), owner: "a".to_owned(), ttl: TTL });
    schedule.add(Kept { claim, stop: stop.clone(), due: now, state: watch::Sender::new(LocalState::Lost), changes });
    (stop, watcher)
}

fn name(at: u64) -> String {
    format!("target/{at}")
}

/// A schedule of many leases that another replica holds, added at different times.
fn standing_by(count: u64, began: Instant) -> Schedule {
    let mut schedule = Schedule::default();
    for at in 0..count {
        let now = began + Duration::from_millis(at);
        add(&mut schedule, &name(at), now);
        look(&mut schedule, now, &[]);
    }
    schedule
}

fn acquire(schedule: &mut Schedule, now: Instant) -> usize {
    let wanted = schedule.due_looks(now);
    let all: Vec<_> = wanted.iter().map(|wanted| wanted.claim.name.clone()).collect();
    let acquired = all.iter().map(|name| (name.clone(), Epoch(1))).collect();
    schedule.set_acquired(&wanted, &acquired, now, now);
    wanted.len()
}

/// Looks at what is due; only the leases in `free` are free. Returns how many were looked at.
fn look(schedule: &mut Schedule, now: Instant, free: &[&str]) -> usize {
    let wanted = schedule.due_looks(now);
    let acquired = free.iter().map(|name| ((*name).to_owned(), Epoch(1))).collect();
    schedule.set_acquired(&wanted, &acquired, now, now);
    wanted.len()
}

/// Renews what is due, except for the leases in `lost`. Returns how many were due.
fn renew(schedule: &mut Schedule, now: Instant, lost: &[&str]) -> usize {
    let due = schedule.due_renewals(now);
    let kept = due.iter().filter(|held| !lost.contains(&held.claim.name.as_str()));
    let renewed = kept.map(|held| (held.claim.name.clone(), held.epoch)).collect();
    schedule.set_renewed(&due, &renewed, now, now);
    due.len()
}

/// Repeats a step whenever it is due, for a minute; returns the number of leases of each.
fn minute(
    schedule: &mut Schedule,
    next: fn(&Schedule) -> Option<Instant>,
    step: fn(&mut Schedule, Instant, &[&str]) -> usize,
) -> Vec<usize> {
    let first = next(schedule).unwrap();
    let mut sizes = Vec::new();
    while let Some(now) = next(schedule).filter(|now| *now < first + Duration::from_secs(60)) {
        sizes.push(step(schedule, now, &[]));
    }
    sizes
}

#[test]
fn the_number_of_looks_and_renewals_does_not_grow_with_the_number_of_leases() {
    for count in [1, 200] {
        let mut schedule = standing_by(count, Instant::now());
        let looks = minute(&mut schedule, Schedule::next_look, look);
        let many = usize::try_from(count).unwrap();
        assert!((119..=121).contains(&looks.len()), "{count} leases: {} looks in a minute", looks.len());
        assert!(looks.iter().skip(1).all(|size| *size == many), "{count} leases: {looks:?}");
        // They are acquired at different times.
        let began = schedule.next_look().unwrap();
        for at in 0..count {
            look(&mut schedule, began + LOOK * u32::try_from(at % 6).unwrap(), &[&name(at)]);
        }
        while let Some(now) = schedule.next_look() {
            acquire(&mut schedule, now);
        }
        let renewals = minute(&mut schedule, Schedule::next_renewal, renew);
        assert!((19..=23).contains(&renewals.len()), "{count} leases: {} renewals in a minute", renewals.len());
        assert!(renewals.iter().skip(2).all(|size| *size == many), "{count} leases: {renewals:?}");
    }
}

#[test]
fn a_lease_is_renewed_after_a_third_of_its_duration_and_lost_at_its_end() {
    let (mut schedule, began) = (Schedule::default(), Instant::now());
    let (_, watcher) = add(&mut schedule, "x", began);
    assert_eq!(acquire(&mut schedule, began), 1);
    assert_eq!(*watcher.borrow(), LeaseState::Held(Epoch(1)));
    assert_eq!((schedule.next_look(), schedule.next_renewal(), schedule.next_expiry()), (None, Some(began + RENEWAL), Some(began + TTL)));
    let due = schedule.due_renewals(began + RENEWAL);
    schedule.postpone_renewals(&due, began + RENEWAL);
    assert_eq!(*watcher.borrow(), LeaseState::Held(Epoch(1)), "a failure alone loses nothing");
    assert_eq!(schedule.next_renewal(), Some(began + RENEWAL + TTL / 10));
    assert!(!schedule.expire(began + TTL - Duration::from_millis(1)));
    assert!(schedule.expire(began + TTL));
    assert_eq!(*watcher.borrow(), LeaseState::Lost);
    schedule.set_renewed(&due, &HashSet::from([("x".to_owned(), Epoch(1))]), began + RENEWAL, began + TTL);
    assert_eq!(*watcher.borrow(), LeaseState::Lost, "an answer that comes after the expiry changes nothing");
    assert_eq!((schedule.next_look(), schedule.next_renewal()), (Some(began + TTL), None));
}

#[test]
fn one_lost_lease_is_looked_at_at_once_and_alone() {
    let (mut schedule, began) = (Schedule::default(), Instant::now());
    let watchers: Vec<_> = (0..5).map(|at| add(&mut schedule, &name(at), began).1).collect();
    assert_eq!(acquire(&mut schedule, began), 5);
    assert_eq!(renew(&mut schedule, began + RENEWAL, &["target/3"]), 5);
    let held: Vec<_> = watchers.iter().map(|watcher| *watcher.borrow() == LeaseState::Held(Epoch(1))).collect();
    assert_eq!(held, [true, true, true, false, true]);
    assert_eq!(schedule.next_look(), Some(began + RENEWAL));
    let wanted = schedule.due_looks(began + RENEWAL);
    assert_eq!(wanted.iter().map(|wanted| wanted.claim.name.as_str()).collect::<Vec<_>>(), ["target/3"]);
}

#[test]
fn a_stopped_lease_is_released_if_it_is_held_and_forgotten_otherwise() {
    let (mut schedule, began) = (Schedule::default(), Instant::now());
    let (stop_held, watcher) = add(&mut schedule, "held", began);
    let (stop_in_progress, _) = add(&mut schedule, "in progress", began);
    let wanted = schedule.due_looks(began);
    stop_in_progress.cancel();
    let acquired = ["held", "in progress"].map(|name| (name.to_owned(), Epoch(1))).into();
    schedule.set_acquired(&wanted, &acquired, began, began);
    let in_progress = schedule.due_releases();
    assert_eq!(in_progress.iter().map(|held| held.claim.name.as_str()).collect::<Vec<_>>(), ["in progress"]);
    schedule.forget(&in_progress);
    stop_held.cancel();
    let held = schedule.due_releases();
    assert_eq!((held.len(), *watcher.borrow(), schedule.next_renewal()), (1, LeaseState::Lost, None));
    schedule.forget(&held);
    assert!(schedule.is_empty());
    let (stop, _) = add(&mut schedule, "another's", began);
    look(&mut schedule, began, &[]);
    stop.cancel();
    assert!(schedule.due_looks(began).is_empty() && schedule.is_empty());
}

#[test]
fn of_two_claims_to_one_lease_one_is_made_at_a_time() {
    let (mut schedule, began) = (Schedule::default(), Instant::now());
    add(&mut schedule, "x", began);
    add(&mut schedule, "x", began);
    assert_eq!(look(&mut schedule, began, &[]), 1);
    assert_eq!(schedule.next_look(), Some(began));
    assert_eq!(look(&mut schedule, began, &[]), 1);
    assert_eq!(schedule.next_look(), Some(began + LOOK));
}
