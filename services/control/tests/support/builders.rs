//! Builds and publishes records of the other roles.

use bytes::Bytes;
use prost::Message;
use xtsync_bus::{Bus, Outgoing, Topic, Urgency};
use xtsync_contract::convert::{LinkRecord, wire_time};
use xtsync_contract::event::{self, Typed};
use xtsync_contract::role::Role;
use xtsync_contract::topic::{self, link_key, marker_key};
use xtsync_contract::{events, internal};
use xtsync_domain::decision::{DeprovisionReason, Desired, Shape, Wanted};
use xtsync_domain::delta::{Kind, State, User, UserDelta};
use xtsync_domain::fact::{Fact, Group, GroupState, Identity};
use xtsync_domain::link::{Account, Applied, DisabledBy, Link, Sessions, Shadow, Stage};
use xtsync_domain::{Attributes, Decision, Origin, TenantFact, TenantName, Timestamp, Version};

pub(crate) fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

pub(crate) fn hub() -> TenantName {
    TenantName::new("hub").unwrap()
}

/// Publishes a detector's lookup of a group name, for a revision of the NameResolution.
pub(crate) async fn group_name(bus: &Bus, resolution: u64, name: &str, ids: &[&str]) {
    fact(bus, Fact::GroupName { name: name.into(), ids: ids.iter().map(|id| (*id).into()).collect(), resolution }).await;
}

/// Publishes the state of a group.
pub(crate) async fn group(bus: &Bus, id: &str, name: &str, state: GroupState) {
    fact(bus, Fact::Group(Group { id: id.into(), name: name.into(), state })).await;
}

async fn fact(bus: &Bus, fact: Fact) {
    let key = fact.key();
    let fact = TenantFact { version: 1, read_at: Timestamp(1), fact };
    publish(bus, topic::TENANT_FACTS.of(emea()), key, &events::TenantFact::from(&fact)).await;
}

/// Publishes the identity of a tenant.
pub(crate) async fn identity(bus: &Bus, tenant: TenantName, id: &str, domains: &[&str]) {
    let verified_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    let fact = Fact::Identity(Identity { directory_id: id.into(), verified_domains, default_domain: None });
    let key = fact.key();
    let fact = TenantFact { version: 1, read_at: Timestamp(1), fact };
    publish(bus, topic::TENANT_FACTS.of(tenant), key, &events::TenantFact::from(&fact)).await;
}

/// Publishes the directory extensions of a tenant's users, as the resource has them, the `nth` time.
pub(crate) async fn extensions(bus: &Bus, tenant: TenantName, nth: u64, json: &str) {
    let fact = Fact::Extensions(serde_json::from_str(json).unwrap());
    let key = fact.key();
    let fact = TenantFact { version: nth, read_at: Timestamp(1), fact };
    publish(bus, topic::TENANT_FACTS.of(tenant), key, &events::TenantFact::from(&fact)).await;
}

/// Publishes a user delta without attributes.
pub(crate) async fn delta(bus: &Bus, user: &str, version: u64) {
    user_delta(bus, user, version, Attributes::default()).await;
}

/// Publishes a user delta with a principal name and a mail address.
pub(crate) async fn named_delta(bus: &Bus, user: &str, version: u64, principal_name: &str, mail: &str) {
    let names = [("userPrincipalName", principal_name.into()), ("mail", mail.into())];
    user_delta(bus, user, version, names.into_iter().collect()).await;
}

async fn user_delta(bus: &Bus, user: &str, version: u64, attributes: Attributes) {
    let state = State::Present(User { attributes, groups: vec![], nested_groups: vec![], kind: Kind::Internal });
    let delta = UserDelta {
        tenant: emea(),
        user: user.into(),
        version,
        projection: 1,
        origin: Origin::Live,
        first_seen: Timestamp(1),
        changed_at: None,
        state,
        changed: vec![],
        before: Attributes::default(),
    };
    publish(bus, topic::USER_DELTAS.of(emea()), user.into(), &events::UserDelta::from(&delta)).await;
}

pub(crate) fn present() -> Desired {
    let (attributes, on_create) = (Attributes::default(), Attributes::default());
    desired(Wanted::Yes(Shape { address: "a@emea.example".into(), attributes, on_create }))
}

pub(crate) fn out_of_scope() -> Desired {
    desired(Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms: 0, shape: None }))
}

/// Of a user not disabled at home.
pub(crate) fn desired(wanted: Wanted) -> Desired {
    Desired { sign_in_blocked: false, wanted }
}

pub(crate) fn decided(user: &str, version: u64, desired: Desired) -> Decision {
    let (synchronization, version) = ("to-hub".into(), Version { delta: version, ..Version::default() });
    Decision { source: emea(), user: user.into(), synchronization, version, origin: Origin::Live, first_seen: Timestamp(1), desired }
}

/// Publishes a decision.
pub(crate) async fn decision(bus: &Bus, decision: Decision) {
    let key = link_key(&decision.source, &decision.user);
    publish(bus, topic::DECISIONS.of(hub()), key, &events::Decision::from(decision)).await;
}

/// Publishes the replay marker of the only partition for a revision.
pub(crate) async fn replayed(bus: &Bus, revision: u64) {
    marker(bus, (0, 1), revision).await;
}

/// Publishes the replay marker of a partition, one of so many, for a revision.
pub(crate) async fn marker(bus: &Bus, (partition, partitions): (u32, u32), revision: u64) {
    let marker = internal::ReplayMarker { source: emea().to_string(), partition, partitions, revision };
    publish(bus, topic::DECISIONS.of(hub()), marker_key(&emea(), partition), &marker).await;
}

/// Publishes a link with an enabled shadow user and the applied decision version.
pub(crate) async fn link(bus: &Bus, desired: Decision, applied: u64) {
    link_version(bus, desired, applied, applied).await;
}

/// As [`link`], with a link version.
pub(crate) async fn link_version(bus: &Bus, desired: Decision, applied: u64, version: u64) {
    link_with(bus, desired, Shadow::Object(account()), applied, version).await;
}

/// An enabled account of a shadow user.
pub(crate) fn account() -> Account {
    Account {
        id: "t1".into(),
        stage: Stage::Live,
        enabled: true,
        disabled_by: DisabledBy::None,
        sessions: Sessions::Open,
        redeemed: false,
        address: "a@emea.example".into(),
        created_at: Timestamp(1),
        creation_incomplete: false,
        former_anchor: None,
        access_taken_at: None,
        taken_from: None,
    }
}

/// Publishes a link with a shadow user at any stage.
pub(crate) async fn link_with(bus: &Bus, desired: Decision, shadow: Shadow, applied: u64, version: u64) {
    let key = link_key(&desired.source, &desired.user);
    let link = Link {
        target: hub(),
        anchor: Some(format!("emea-id/{}", desired.user)),
        desired,
        desired_since: Timestamp(1),
        shadow,
        applied: Applied { version: Version { delta: applied, ..Version::default() }, ..Applied::default() },
        veto: None,
        reject: None,
        holders: [].into(),
        condition: None,
    };
    let record = LinkRecord { link, version, store_id: "i".into() };
    publish(bus, topic::LINKS.of(hub()), key, &events::Link::from(record)).await;
}

/// Publishes a successful outcome.
pub(crate) async fn outcome(bus: &Bus, id: &str, user: &str, verb: events::Verb) {
    let (source, target) = (emea().to_string(), hub().to_string());
    let (verb, result) = (verb.into(), events::OutcomeResult::Done.into());
    let outcome = events::Outcome { id: id.into(), source, target, user_id: user.into(), verb, result, ..Default::default() };
    publish(bus, topic::OUTCOMES.of(hub()), link_key(&emea(), &user.into()), &outcome).await;
}

/// Publishes the statuses of converged roles at a revision, each with its heartbeat.
pub(crate) async fn converged_roles(bus: &Bus, revision: u64, now: Timestamp) {
    for (role, tenant) in [("change-detector", "emea"), ("change-detector", "hub"), ("policy", "emea"), ("provisioner", "hub")] {
        let (at, reporting_since) = (Some(wire_time(now)), Some(wire_time(now)));
        let heartbeat = internal::RoleStatus { role: role.into(), replica: "r".into(), at, reporting_since, ..Default::default() };
        let status = internal::RoleStatus { tenant: tenant.into(), revision, cycle: 1, leader: true, ..heartbeat.clone() };
        publish(bus, topic::STATUS.topic(), format!("{role}/r"), &heartbeat).await;
        publish(bus, topic::STATUS.topic(), format!("{role}/r/{}/{tenant}", now.0), &status).await;
    }
}

/// Publishes a record that is not an event of the contract.
pub(crate) async fn garbage(bus: &Bus, topic: Topic) {
    let record = Outgoing { topic, key: Bytes::from_static(b"k"), value: Some(Bytes::from_static(b"\xff\xff")), headers: vec![] };
    bus.publish(vec![record], Urgency::Live).await.unwrap();
}

async fn publish<M: Message + Typed>(bus: &Bus, topic: Topic, key: String, message: &M) {
    let record = event::record::<M>(Role::POLICY, topic, &key, 1, Timestamp(1), None, message.encode_to_vec());
    bus.publish(vec![record], Urgency::Live).await.unwrap();
}
