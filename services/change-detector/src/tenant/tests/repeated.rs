//! Facts that say again what is known are published together with those of other tenants, and news are not.

use xtsync_domain::fact::{Fact, IDENTITY, TenantFact};

use super::*;

#[tokio::test]
async fn at_rest_only_what_is_repeated_is_published_and_that_together() {
    for fixture in [Fixture::new(&["city"], &[]).await, Fixture::on_postgres(&["city"], &[]).await] {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.run_cycle().await;
        assert_eq!(fixture.publish_repeated().await, 1, "that the cycle is complete");
        let facts = fixture.facts().await;
        for _ in 0..2 {
            fixture.advance_past_facts();
            fixture.run_cycle().await;
        }
        assert_eq!(fixture.facts().await, facts, "nothing is published by itself");
        assert_eq!(fixture.publish_repeated().await, 3, "identity, policy and freshness, each as it was read last");
        assert_eq!(fixture.publish_repeated().await, 0);
    }
}

#[tokio::test]
async fn what_waits_to_be_repeated_is_not_published_after_news_nor_by_a_former_owner() {
    let mut fixture = with_ana_and_bo(Fixture::new(&["city"], &[]).await);
    fixture.run_cycle().await;
    fixture.publish_repeated().await;
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    fixture.directory.set_identity("another");
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    let identity = async |fixture: &Fixture| match fixture.facts().await.into_iter().rfind(|fact| fact.fact.key() == IDENTITY) {
        Some(TenantFact { fact: Fact::Identity(identity), .. }) => identity.directory_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(identity(&fixture).await, "another".into(), "news do not wait");
    assert!(fixture.publish_repeated().await > 0);
    assert_eq!(identity(&fixture).await, "another".into());
    fixture.advance_past_facts();
    fixture.steps().await.unwrap();
    fixture.take_lease_away().await;
    assert_eq!(fixture.publish_repeated().await, 0);
}
