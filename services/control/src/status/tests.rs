//! What the read model is behind by.

use xtsync_bus::{Outgoing, Urgency};
use xtsync_contract::event::Typed;

use super::*;
use crate::actor::Actor;
use crate::apply::apply;
use crate::context::ROLE;
use crate::context::tests::{YAML, close, context, written};
use xtsync_contract::events;
use xtsync_contract::internal;

async fn put<M: prost::Message + Typed + Default>(context: &Context, topic: Topic) {
    let record = Outgoing::event::<M>(ROLE, topic, "emea/ana", 1, context.clock.now(), None, M::default().encode_to_vec());
    context.bus.publish(vec![record], Urgency::Live).await.unwrap();
}

async fn waits_to_read(context: &Context) -> bool {
    read(context).await.unwrap().waiting_for.iter().any(|what| what.starts_with("control to read"))
}

#[tokio::test]
async fn what_is_told_at_intervals_is_not_waited_for_and_what_changes_something_is() {
    let dir = tempfile::tempdir().unwrap();
    let context = context(dir.path()).await;
    apply(&context, &written(YAML), Actor::own("test"), false).await.unwrap();
    let (emea, hub) = (TenantName::new("emea").unwrap(), TenantName::new("hub").unwrap());
    put::<events::TenantFact>(&context, Topic::TenantFacts(emea)).await;
    put::<internal::RoleStatus>(&context, Topic::Status).await;
    assert!(!waits_to_read(&context).await);
    put::<events::Link>(&context, Topic::Links(hub)).await;
    assert!(waits_to_read(&context).await);
    close(context).await;
}
