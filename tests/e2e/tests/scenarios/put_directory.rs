//! A directory of another kind than Entra, as source and as target, through the whole pipeline: it is put to under a native anchor, and has
//! neither groups nor a recycle bin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use expect_test::expect;
use xtsync::exit::Failure;
use xtsync::sandbox::Sandbox;
use xtsync_conformance::memory::{Memory, MemoryConnector};
use xtsync_directory::Connector;
use xtsync_domain::{UserId, Value};
use xtsync_tenant_sim::Sim;

const CONVERGE_TIMEOUT: Duration = Duration::from_secs(30);

/// `hr`, from which users come; `app`, which keeps those who left for an hour; and `lab`, which deletes them at once.
struct World {
    sandbox: Sandbox,
    hr: Memory,
    app: Memory,
    lab: Memory,
}

type Shadow = (String, bool, Option<String>);

impl World {
    async fn open() -> Result<Self> {
        let tenant = |name: &str| Memory::new(&format!("{name}.example"));
        let (hr, app, lab) = (tenant("hr"), tenant("app"), tenant("lab"));
        for target in [&app, &lab] {
            hr.allow(target);
            target.allow(&hr);
        }
        let by_name = [("hr", &hr), ("app", &app), ("lab", &lab)].map(|(name, memory)| (name.to_owned(), memory.clone()));
        let connector: Arc<dyn Connector> = Arc::new(MemoryConnector(BTreeMap::from(by_name)));
        let sandbox = Sandbox::open_with(Sim::builder().tenant("unused", 0).build()?, [connector]).await?;
        Ok(Self { sandbox, hr, app, lab })
    }

    /// Applies both synchronizations; `more` stands in that into `app`.
    async fn apply(&mut self, more: &str) -> Result<()> {
        let mut yaml =
            "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: contoso}\nspec: {tenants: [hr, app, lab]}\n".to_owned();
        for (name, section) in [
            ("hr", "directory: hr"),
            ("app", "directory: app, deletionGracePeriod: 1h"),
            ("lab", "directory: lab, deletionGracePeriod: 0s"),
        ] {
            yaml += &format!("---\nkind: Tenant\nmetadata: {{name: {name}}}\nspec: {{organization: contoso, memory: {{{section}}}}}\n");
        }
        for (target, more) in [("app", more), ("lab", "scope: {everyone: true}")] {
            yaml += &format!(
                "---\nkind: Synchronization\nmetadata: {{tenant: hr, name: to-{target}}}\nspec:\n  to: {target}\n  mode: enforce\n  {more}\n"
            );
        }
        self.sandbox.apply("put.yaml", &yaml, false).await.map_err(unexpected)
    }

    async fn converge(&mut self) -> Result<()> {
        self.sandbox.converge(CONVERGE_TIMEOUT).await.map_err(unexpected)
    }

    /// The condition of a user's link into `app`.
    async fn condition(&mut self, user: &UserId) -> Result<String> {
        let link = self.sandbox.link("app", "hr", &user.0).await.map_err(unexpected)?;
        Ok(link.condition.map(|condition| condition.code).unwrap_or_default())
    }
}

fn unexpected(failure: Failure) -> anyhow::Error {
    failure.error
}

fn shadow(name: &str, enabled: bool, city: &str) -> Shadow {
    (format!("{name}@hr.example"), enabled, Some(city.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_between_directories_of_another_kind() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let mut world = World::open().await?;
    let (ana, bob) = (world.hr.add_user("ana"), world.hr.add_user("bob"));
    world.apply("scope: {everyone: true}").await?;
    world.converge().await?;
    let both = vec![shadow("ana", true, "Paris"), shadow("bob", true, "Paris")];
    assert_eq!((world.app.shadow_users(), world.lab.shadow_users()), (both.clone(), both));
    assert_eq!(world.app.writes(), 2, "a put is all that a creation takes");

    world.hr.set(&ana, "city", "Rome".into());
    world.hr.set(&bob, "accountEnabled", Value::Flag(false));
    world.converge().await?;
    assert_eq!(world.app.shadow_users(), [shadow("ana", true, "Rome"), shadow("bob", false, "Paris")]);
    assert_eq!(world.app.writes(), 4);

    world.hr.remove(&bob);
    world.hr.remove(&ana);
    world.converge().await?;
    assert_eq!(world.app.shadow_users(), [shadow("ana", false, "Rome"), shadow("bob", false, "Paris")]);
    assert_eq!(world.condition(&ana).await?, "deletion_deferred");
    assert_eq!(world.lab.shadow_users(), []);

    world.hr.lose_cursors();
    world.hr.repeat_objects();
    let _ = world.hr.add_user("eve");
    world.converge().await?;
    assert_eq!(world.app.shadow_users().last(), Some(&shadow("eve", true, "Paris")));
    assert_eq!(world.lab.shadow_users(), [shadow("eve", true, "Paris")]);
    world.sandbox.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_synchronization_needs_and_a_directory_cannot_do_is_refused_with_its_place() {
    let mut world = World::open().await.unwrap();
    let more = "scope: {groups: [Sales]}\n  rehire: restore\n  requires: [blockSignIn, revokeSessions, recycleBin]";
    let refusal = world.apply(more).await.unwrap_err();
    expect![[r#"
        put.yaml: document 5, line 23, spec.scope.groups: Tenant 'hr' (`memory`) does not list the members of groups: say `everyone: true`
        put.yaml: document 5, line 24, spec.rehire: Tenant 'app' (`memory`) has no recycle bin to restore a user from: say `new`
        put.yaml: document 5, line 25, spec.requires[1]: Tenant 'app' (`memory`) cannot revoke sessions
        put.yaml: document 5, line 25, spec.requires[2]: Tenant 'app' (`memory`) has no recycle bin
    "#]]
    .assert_eq(&format!("{refusal:#}\n"));
    world.sandbox.close().await.unwrap();
}
