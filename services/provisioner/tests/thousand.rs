//! A thousand crashes by seed, between intent, call and record, while newer decisions come: one object for each user, and in the end
//! every user as desired. `XTSYNC_SEED` chooses others.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use fixture::{Fixture, Place, address, describe_attributes, not_wanted, tenant, wanted};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::{JoinSet, LocalSet};
use xtsync_domain::decision::{Desired, Wanted};
use xtsync_domain::link::Link;

/// How many stores are crashed on, how many of them at once, and how often each.
const SIMULATIONS: u8 = 40;
const AT_ONCE: u8 = 8;
const CRASHES: usize = 25;

const USERS: [&str; 12] = ["ana", "bo", "cai", "dee", "eli", "fay", "gus", "hal", "ida", "jo", "kim", "lea"];
const CITIES: [&str; 4] = ["Paris", "Rome", "Oslo", "Bern"];

/// How many decisions come before the target falls silent, and while it is.
const DECISIONS: RangeInclusive<usize> = 1..=4;

/// How many calls are answered before that.
const ANSWERED: RangeInclusive<usize> = 0..=8;

/// How much time passes after a crash, in seconds: calls are doubted for 35.
const PAUSES: [u64; 4] = [0, 20, 40, 40];

/// How often time passes at the end before the check, and until everything must be at rest.
const STEPS_LIMIT: RangeInclusive<usize> = 4..=100;

#[tokio::test]
async fn a_thousand_crashes_make_no_second_object_and_lose_no_user() {
    let seed = std::env::var("XTSYNC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7_u64);
    let (local, mut lanes) = (LocalSet::new(), JoinSet::new());
    for lane in 0..AT_ONCE {
        let live = async move {
            for life in (lane..SIMULATIONS).step_by(AT_ONCE.into()) {
                Simulation::new(seed.wrapping_mul(SIMULATIONS.into()).wrapping_add(u64::from(life))).await.live().await;
            }
        };
        lanes.spawn_local_on(live, &local);
    }
    local.run_until(lanes.join_all()).await;
}

/// A target and a store that outlive their provisioners.
struct Simulation {
    fixture: Fixture,
    rng: StdRng,
    case: String,
    /// The wanted state of each user.
    wanted: BTreeMap<&'static str, Desired>,
    /// Everything that was written to the target.
    written: Vec<String>,
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        let fixture = Fixture::new(Place::Sqlite).await;
        fixture.limit(r#"{"delete":1000000}"#).await;
        let case = format!("seed {seed}");
        Self { fixture, rng: StdRng::seed_from_u64(seed), case, wanted: BTreeMap::new(), written: Vec::new() }
    }

    async fn live(mut self) {
        let mut crashes = 0;
        while crashes < CRASHES {
            self.decide().await;
            crashes += usize::from(self.crash().await);
        }
        self.converge().await;
        self.check().await;
    }

    /// Policy decides about some of them.
    async fn decide(&mut self) {
        for _ in 0..self.rng.random_range(DECISIONS) {
            let who = *USERS.choose(&mut self.rng).unwrap();
            let desired = match self.rng.random_range(0..10) {
                0..6 => wanted(who, CITIES.choose(&mut self.rng).unwrap(), true),
                6..8 => wanted(who, CITIES.choose(&mut self.rng).unwrap(), false),
                _ => not_wanted(),
            };
            self.fixture.decide(who, desired.clone()).await;
            self.wanted.insert(who, desired);
        }
        self.fixture.intake().await;
    }

    /// Works until some call is not answered, drops the provisioner with all that it has under way, and starts another. False where
    /// nothing was under way in the end.
    async fn crash(&mut self) -> bool {
        let happen: Vec<bool> = (0..USERS.len()).map(|_| self.rng.random()).collect();
        self.fixture.fake.stop_answering(self.rng.random_range(ANSWERED), happen);
        let provisioner = Arc::clone(&self.fixture.provisioner);
        let mut work = tokio::spawn(async move { provisioner.work_step(&tenant("hub")).await });
        let hung = tokio::select! {
            done = &mut work => {
                done.unwrap().unwrap();
                false
            }
            () = self.fixture.fake.hung.notified() => {
                self.decide().await;
                work.abort();
                assert!(work.await.unwrap_err().is_cancelled(), "{}", self.case);
                true
            }
        };
        self.fixture.fake.answer_again();
        if hung || self.rng.random_bool(0.1) {
            self.fixture.restart().await;
        } else {
            self.fixture.provisioner.publish_step(&tenant("hub")).await.unwrap();
        }
        self.written.extend(self.fixture.fake.journal());
        let pause = *PAUSES.choose(&mut self.rng).unwrap();
        self.pass(Duration::from_secs(pause)).await;
        hung
    }

    async fn pass(&self, time: Duration) {
        self.fixture.clock.advance(time);
        self.fixture.publish_consent(true).await;
        self.fixture.facts().await;
    }

    async fn converge(&mut self) {
        for passed in 0..*STEPS_LIMIT.end() {
            self.fixture.converge().await;
            if *STEPS_LIMIT.start() <= passed && self.is_converged().await {
                self.written.extend(self.fixture.fake.journal());
                return;
            }
            self.pass(Duration::from_secs(30)).await;
        }
        panic!("{}: no rest: {:?}", self.case, self.fixture.links().await);
    }

    async fn is_converged(&self) -> bool {
        // One that wants the same as before moves no link.
        let is_newest = |link: &Link| self.wanted[link.user().as_str()] == link.desired.desired;
        self.fixture.links().await.iter().all(|record| is_newest(&record.link) && record.link.is_converged())
    }

    async fn check(&self) {
        let case = &self.case;
        for (who, desired) in &self.wanted {
            let object = self.fixture.fake.object(&address(who));
            let live = object.as_ref().filter(|object| object.soft_deleted.is_none());
            match &desired.wanted {
                Wanted::Yes(wanted) if !desired.sign_in_blocked => {
                    let live = live.unwrap_or_else(|| panic!("{case}: {who} is not there"));
                    assert_eq!((live.enabled, live.anchor.clone()), (true, Some(format!("emea-id/{who}"))), "{case}");
                    let city = wanted.attributes.text("city").unwrap();
                    assert_eq!(describe_attributes(&live.attributes), format!("city={city} displayName={who} userType=Member"), "{case}");
                }
                Wanted::Yes(_) => assert!(live.is_none_or(|live| !live.enabled), "{case}: {who} can sign in"),
                Wanted::No(_) | Wanted::Skipped(_) => assert!(live.is_none(), "{case}: {who} is still there"),
            }
            let invited = self.written.iter().filter(|write| **write == format!("invite {}", address(who))).count();
            assert_eq!(invited, usize::from(object.is_some()), "{case}: {who}; {:?}", self.written);
        }
        let objects = self.fixture.fake.objects().len();
        assert!(objects <= self.wanted.len(), "{case}: {objects} objects for {} users", self.wanted.len());
        for link in self.fixture.links().await.iter().map(|record| &record.link) {
            assert!(link.condition.is_none() && link.veto.is_none(), "{case}: {link:?}");
        }
    }
}
