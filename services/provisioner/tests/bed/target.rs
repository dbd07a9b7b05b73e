//! A target tenant in memory that answers truly unless told otherwise, and keeps a journal of what was written to it.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use xtsync_directory::{Error, Invitation, Patched, Result, Target};
use xtsync_domain::shadow::{Found, Object, ObjectKind};
use xtsync_domain::{Attributes, TargetId, Timestamp};
use xtsync_runtime::clock::{Clock as _, ManualClock};

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It fails and nothing happened.
    Before(Error),
    /// It happened, and its answer is lost.
    After,
    /// The connector panics, and nothing happened.
    Panic,
    /// It happens when it is told to.
    Wait,
    /// It fails when it is told to, and nothing happened.
    WaitBefore(Error),
    /// Its answer never comes; whether it happened is said.
    Hang { happened: bool },
}

/// The tenant.
pub(crate) struct Fake {
    clock: Arc<ManualClock>,
    state: Mutex<State>,
    /// Told when a call hangs or waits.
    pub(crate) hung: Notify,
    /// Tells a waiting call to go on.
    pub(crate) go: Notify,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (String, Object)>,
    journal: Vec<String>,
    faults: VecDeque<Option<Fault>>,
    /// Faults of writes of one name, in order.
    by_name: BTreeMap<&'static str, VecDeque<Fault>>,
    /// Faults of every call of a name whose subject holds this text.
    always: Vec<(&'static str, String, Fault)>,
    /// Calls so far, by name.
    calls: BTreeMap<&'static str, usize>,
    /// Calls until none is answered any more, and which of those that are not happen.
    silence: Option<(usize, VecDeque<bool>)>,
    /// Addresses that look-ups miss.
    hidden: Vec<String>,
    /// Whether most of what is allowed is used up.
    warns: bool,
    in_flight: usize,
    in_flight_most: usize,
}

impl Fake {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default(), hung: Notify::new(), go: Notify::new() })
    }

    /// What was written since this was last asked.
    pub(crate) fn journal(&self) -> Vec<String> {
        std::mem::take(&mut self.state().journal)
    }

    /// Every object: address, object.
    pub(crate) fn objects(&self) -> Vec<(String, Object)> {
        self.state().objects.values().cloned().collect()
    }

    /// The object of an address.
    pub(crate) fn object(&self, address: &str) -> Option<Object> {
        let state = self.state();
        let mut found = state.objects.values().filter(|(held, _)| held == address);
        let object = found.next().map(|(_, object)| object.clone());
        assert!(found.next().is_none(), "two objects hold {address}");
        object
    }

    /// Puts an object there, by whatever hand.
    pub(crate) fn put(&self, address: &str, object: Object) {
        self.state().objects.insert(object.id.to_string(), (address.to_owned(), object));
    }

    /// Takes an object away for good.
    pub(crate) fn purge_by_hand(&self, address: &str) {
        self.state().objects.retain(|_, (held, _)| held != address);
    }

    /// Look-ups by this address find nothing from now on.
    pub(crate) fn hide_from_look_up(&self, address: &str) {
        self.state().hidden.push(address.to_owned());
    }

    /// What goes wrong with the next writes, in order; `None` for nothing.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.state().faults = faults.into_iter().collect();
    }

    /// What goes wrong with the next calls of a name, reads among them.
    pub(crate) fn fail_call(&self, name: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.state().by_name.insert(name, faults.into_iter().collect());
    }

    /// What goes wrong with each call of a name about an address or an id that holds this text, until it is told otherwise.
    pub(crate) fn fail_always(&self, name: &'static str, about: &str, fault: Fault) {
        self.state().always.push((name, about.to_owned(), fault));
    }

    /// Ends what [`Fake::fail_always`] began.
    pub(crate) fn fail_no_more(&self) {
        self.state().always.clear();
    }

    /// How many calls of a name there were so far.
    pub(crate) fn calls(&self, name: &'static str) -> usize {
        self.state().calls.get(name).copied().unwrap_or_default()
    }

    /// After so many more calls, reads among them, none is answered any more; which of those happen all the same is said in order.
    pub(crate) fn fall_silent(&self, after: usize, happen: impl IntoIterator<Item = bool>) {
        // What an earlier silence told nobody is old.
        pin!(self.hung.notified()).enable();
        self.state().silence = Some((after, happen.into_iter().collect()));
    }

    /// Every call is answered again.
    pub(crate) fn speak(&self) {
        self.state().silence = None;
    }

    /// Warns with each answer from now on, or no more, that most of what is allowed is used up.
    pub(crate) fn warn(&self, warns: bool) {
        self.state().warns = warns;
    }

    /// The most calls under way at once so far.
    pub(crate) fn in_flight_most(&self) -> usize {
        self.state().in_flight_most
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn call<T>(&self, name: &'static str, what: String, writes: bool, effect: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let fault = {
            let mut state = self.state();
            state.in_flight += 1;
            state.in_flight_most = state.in_flight_most.max(state.in_flight);
            *state.calls.entry(name).or_default() += 1;
            let always = state.always.iter().find(|(failing, about, _)| *failing == name && what.contains(about.as_str()));
            let always = always.map(|(_, _, fault)| fault.clone());
            let by_name = state.by_name.get_mut(name).and_then(VecDeque::pop_front);
            let queued = by_name.or(always).or_else(|| if writes { state.faults.pop_front().flatten() } else { None });
            queued.or_else(|| state.silenced())
        };
        tokio::task::yield_now().await;
        assert!(!matches!(fault, Some(Fault::Panic)), "as the test wants it");
        if let Some(Fault::Wait | Fault::WaitBefore(_)) = fault {
            self.hung.notify_one();
            self.go.notified().await;
        }
        let happens = !matches!(fault, Some(Fault::Before(_) | Fault::WaitBefore(_) | Fault::Hang { happened: false }));
        let result = happens.then(|| {
            let mut state = self.state();
            let result = effect(&mut state);
            if writes && result.is_ok() {
                state.journal.push(what);
            }
            result
        });
        if let Some(Fault::Hang { .. }) = fault {
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
        self.state().in_flight -= 1;
        match (fault, result) {
            (Some(Fault::Before(error) | Fault::WaitBefore(error)), _) => Err(error),
            (Some(Fault::After), _) => Err(Error::Unknown { reason: "lost".into() }),
            (_, Some(result)) => result,
            (_, None) => unreachable!("only faults keep a call from happening"),
        }
    }
}

impl State {
    /// How one more call fares by the silence.
    fn silenced(&mut self) -> Option<Fault> {
        let (calls_left, happen) = self.silence.as_mut()?;
        match calls_left.checked_sub(1) {
            Some(left) => {
                *calls_left = left;
                None
            }
            None => Some(Fault::Hang { happened: happen.pop_front().unwrap_or(false) }),
        }
    }
}

fn known<'a>(state: &'a mut State, id: &TargetId) -> Result<&'a mut Object> {
    state.objects.get_mut(id.as_str()).map(|(_, object)| object).ok_or(Error::NotFound)
}

fn live<'a>(state: &'a mut State, id: &TargetId) -> Result<&'a mut Object> {
    known(state, id).and_then(|object| if object.bin.is_none() { Ok(object) } else { Err(Error::NotFound) })
}

#[async_trait]
impl Target for Fake {
    fn take_warning(&self) -> bool {
        self.state().warns
    }

    async fn find(&self, anchor: &str, address: &str) -> Result<Found> {
        self.call("find", address.to_owned(), false, |state| {
            let mut found = Found::default();
            for (held, object) in state.objects.values() {
                if object.anchor.as_deref() == Some(anchor) {
                    found.by_anchor.push(object.clone());
                }
                if held == address && !state.hidden.contains(held) {
                    found.by_address.push(object.clone());
                }
            }
            Ok(found)
        })
        .await
    }

    async fn read(&self, id: &TargetId) -> Result<Option<Object>> {
        self.call("read", String::new(), false, |state| Ok(state.objects.get(id.as_str()).map(|(_, object)| object.clone()))).await
    }

    async fn invite(&self, invitation: &Invitation) -> Result<TargetId> {
        let address = invitation.address.clone();
        let now = self.now();
        self.call("invite", format!("invite {address}"), true, |state| {
            // Who is in the bin does not keep the address.
            let holder = state.objects.values().find(|(held, object)| *held == address && object.bin.is_none());
            if let Some((_, object)) = holder {
                return Ok(object.id.clone());
            }
            let id = format!("t{}", state.objects.len() + 1);
            state.objects.insert(id.clone(), (address, invited(&id, now)));
            Ok(id.into())
        })
        .await
    }

    async fn patch(&self, id: &TargetId, anchor: Option<&str>, attributes: &Attributes) -> Result<Patched> {
        let names = attributes.0.keys().cloned().collect::<Vec<_>>().join(",");
        let verb = if anchor.is_some() { "anchor" } else { "patch" };
        self.call("patch", format!("{verb} {id} {names}"), true, |state| {
            let object = live(state, id)?;
            object.attributes.0.extend(attributes.0.clone());
            object.anchor = anchor.map(str::to_owned).or(object.anchor.take());
            Ok(Patched::default())
        })
        .await
    }

    async fn set_enabled(&self, id: &TargetId, enabled: bool) -> Result<()> {
        let (name, what) = if enabled { ("enable", format!("enable {id}")) } else { ("disable", format!("disable {id}")) };
        self.call(name, what, true, |state| live(state, id).map(|object| object.enabled = enabled)).await
    }

    async fn revoke_sessions(&self, id: &TargetId) -> Result<()> {
        self.call("revoke", format!("revoke {id}"), true, |state| live(state, id).map(drop)).await
    }

    async fn soft_delete(&self, id: &TargetId) -> Result<()> {
        let now = self.now();
        self.call("delete", format!("delete {id}"), true, |state| live(state, id).map(|object| object.bin = Some(Some(now)))).await
    }

    async fn restore(&self, id: &TargetId) -> Result<()> {
        self.call("restore", format!("restore {id}"), true, |state| known(state, id).map(|object| object.bin = None)).await
    }

    async fn purge(&self, id: &TargetId) -> Result<()> {
        self.call("purge", format!("purge {id}"), true, |state| state.objects.remove(id.as_str()).map(drop).ok_or(Error::NotFound)).await
    }
}

/// An object that an invitation made.
pub(crate) fn invited(id: &str, created_at: Timestamp) -> Object {
    Object {
        id: id.into(),
        kind: ObjectKind::Invited,
        bin: None,
        anchor: None,
        enabled: true,
        redeemed: false,
        created_at: Some(created_at),
        attributes: Attributes::default(),
    }
}
