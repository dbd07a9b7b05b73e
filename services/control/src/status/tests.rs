//! Tests of the read model's lag in the status.

use xtsync_bus::Urgency;
use xtsync_contract::event::{self, Typed};

use super::*;
use crate::actor::Actor;
use crate::apply::apply;
use crate::context::ROLE;
use crate::context::tests::{YAML, close, context, written};
use xtsync_contract::{events, internal};

async fn put<M: prost::Message + Typed + Default>(context: &Context, topic: Topic) {
    let record = event::record::<M>(ROLE, topic, "emea/ana", 1, context.clock.now(), None, M::default().encode_to_vec());
    context.bus.publish(vec![record], Urgency::Live).await.unwrap();
}

async fn waits_to_read(context: &Context) -> bool {
    read(context).await.unwrap().waiting_for.iter().any(|what| what.starts_with("control to read"))
}

#[tokio::test]
async fn heartbeat_topics_do_not_prevent_convergence_and_others_do() {
    let dir = tempfile::tempdir().unwrap();
    let context = context(dir.path()).await;
    apply(&context, &written(YAML), Actor::internal("test"), false).await.unwrap();
    let (emea, hub) = (TenantName::new("emea").unwrap(), TenantName::new("hub").unwrap());
    put::<events::TenantFact>(&context, topic::TENANT_FACTS.of(emea)).await;
    put::<internal::RoleStatus>(&context, topic::STATUS.topic()).await;
    assert!(!waits_to_read(&context).await);
    put::<events::Link>(&context, topic::LINKS.of(hub)).await;
    assert!(waits_to_read(&context).await);
    close(context).await;
}
