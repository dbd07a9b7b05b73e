//! The directory extensions of a tenant's users are published when they differ, and a directory that refuses to list them is read all the same.

use xtsync_domain::fact::Fact;

use super::*;

/// What was published of extensions, in order.
async fn published(fixture: &Fixture) -> Vec<Vec<String>> {
    let extensions = fixture.facts().await.into_iter().filter_map(|fact| match fact.fact {
        Fact::Extensions(extensions) => Some(extensions.0.into_keys().collect()),
        Fact::Group(_) | Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Freshness { .. } => None,
    });
    extensions.collect()
}

async fn read(fixture: &mut Fixture) {
    fixture.advance_past_facts();
    fixture.run_cycle().await;
}

#[tokio::test]
async fn extensions_are_published_at_first_contact_and_when_they_differ() {
    let mut fixture = with_ana_and_bo(Fixture::new(&["city"], &[]).await);
    fixture.run_cycle().await;
    assert_eq!(published(&fixture).await, [[""; 0]], "that there are none");
    fixture.directory.set_extensions(&["b", "a"]);
    read(&mut fixture).await;
    read(&mut fixture).await;
    assert_eq!(published(&fixture).await, [vec![], vec!["a", "b"]]);
    fixture.directory.set_extensions(&["b"]);
    fixture.directory.set_identity("another");
    read(&mut fixture).await;
    assert_eq!(published(&fixture).await.len(), 2, "those of another directory are not the tenant's");
}

#[tokio::test]
async fn a_directory_that_refuses_to_list_its_extensions_is_read_all_the_same() {
    let mut fixture = with_ana_and_bo(Fixture::new(&["city"], &[]).await);
    fixture.directory.set_extensions(&["a"]);
    fixture.directory.refuse_extensions(true);
    assert_eq!(fixture.run_cycle().await.len(), 2, "users are published");
    assert_eq!((published(&fixture).await.len(), fixture.warning(), fixture.condition()), (0, "", None));
    fixture.directory.refuse_extensions(false);
    read(&mut fixture).await;
    assert_eq!(published(&fixture).await, [["a"]]);
    fixture.directory.set_extensions(&["a", "b"]);
    fixture.configure(&["city", "department"], &[], 2).await;
    fixture.run_cycle().await;
    assert_eq!(published(&fixture).await, [vec!["a"], vec!["a", "b"]], "a configuration that needs something else has them read at once");
}
