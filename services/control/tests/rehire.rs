//! Confirming a rehire: what control refuses, by its read model, and what it publishes.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Client, Control, ORGANIZATION, apply, builders};
use tonic::Code;
use xtsync_bus::Table;
use xtsync_contract::control::{ConfirmRehireRequest, ShowUserRequest};
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_contract::{event, topic};
use xtsync_domain::Timestamp;
use xtsync_domain::decision::{DeprovisionReason, Wanted};
use xtsync_domain::link::{Account, Shadow, Stage};

const BIN: Stage = Stage::SoftDeleted { since: Timestamp(1) };

async fn confirm(client: &mut Client, target: &str, user: &str, former: &str) -> Result<bool, (Code, String)> {
    let request = ConfirmRehireRequest { target: target.into(), user: user.into(), former: former.into(), actor: "kim".into() };
    let answer = client.confirm_rehire(request).await;
    answer.map(|answer| answer.into_inner().done).map_err(|status| (status.code(), status.message().to_owned()))
}

async fn published(control: &Control) -> Vec<(String, String, String)> {
    let mut commands = Table::open(&control.bus, vec![topic::COMMANDS.topic()]).await.unwrap();
    let mut given = Vec::new();
    while !commands.caught_up() {
        for record in commands.next().await.unwrap() {
            let command: internal::Command = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
            let Some(Action::Rehire(rehire)) = command.action else { continue };
            given.push((command.target, command.link, rehire.former));
        }
    }
    given
}

#[tokio::test]
async fn a_rehire_is_refused_with_its_reason_or_published_for_the_target() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    let account = builders::account();
    let deleted = || builders::desired(Wanted::No(DeprovisionReason::Deleted));
    for (user, desired, account) in [
        ("old", deleted(), Account { stage: BIN, ..account.clone() }),
        ("married", deleted(), Account { stage: BIN, address: "b@emea.example".into(), id: "t2".into(), ..account.clone() }),
        ("moved", builders::out_of_scope(), Account { stage: BIN, id: "t3".into(), ..account.clone() }),
        ("gone", deleted(), Account { id: "t4".into(), ..account.clone() }),
        ("there", builders::present(), Account { id: "t5".into(), ..account.clone() }),
        ("back", builders::present(), Account { id: "t6".into(), taken_from: Some("old2".into()), ..account.clone() }),
        ("returning", builders::present(), Account { stage: BIN, id: "t7".into(), ..account.clone() }),
        ("leaving", builders::out_of_scope(), Account { stage: BIN, id: "t8".into(), ..account }),
    ] {
        builders::link_with(&control.bus, builders::decided(user, 1, desired), Shadow::Object(account), 1, 1).await;
    }
    for user in ["old", "married", "moved", "gone", "there", "back", "returning", "leaving"] {
        let show = || ShowUserRequest { user: format!("emea/{user}"), target: "hub".into() };
        let is_folded = async |control: &Control| {
            let shown = control.client().await.show_user(show()).await.unwrap().into_inner();
            !shown.links.is_empty()
        };
        control.wait("folded", is_folded).await;
    }
    let refused = |code, text: &str| Err((code, text.to_owned()));
    let there = "emea/there has a shadow user in hub already. To restore the one of emea/old instead, take emea/there out of the scope until \
                 that shadow user is soft-deleted, confirm the rehire, and put emea/there back";
    for (target, user, former, want) in [
        ("nowhere", "emea/new", "emea/old", refused(Code::NotFound, "there is no Tenant nowhere")),
        ("hub", "new", "emea/old", refused(Code::InvalidArgument, "name two accounts, each as SOURCE/USER")),
        ("hub", "emea/old", "emea/old", refused(Code::InvalidArgument, "name two accounts, each as SOURCE/USER")),
        ("hub", "emea/", "emea/old", refused(Code::InvalidArgument, "name two accounts, each as SOURCE/USER")),
        ("hub", "us/new", "emea/old", refused(Code::FailedPrecondition, "both accounts must be of one source")),
        ("hub", "emea/new", "emea/x", refused(Code::FailedPrecondition, "emea/x has no soft-deleted shadow user in hub")),
        ("hub", "emea/new", "emea/gone", refused(Code::FailedPrecondition, "emea/gone has no soft-deleted shadow user in hub")),
        (
            "hub",
            "emea/new",
            "emea/moved",
            refused(Code::FailedPrecondition, "emea/moved is not deleted at home: only the shadow user of a deleted account is taken over"),
        ),
        ("hub", "emea/there", "emea/old", refused(Code::FailedPrecondition, there)),
        (
            "hub",
            "emea/returning",
            "emea/married",
            refused(Code::FailedPrecondition, "emea/returning has another address than the one by which emea/married was invited"),
        ),
        ("hub", "emea/back", "emea/old2", Ok(true)),
        ("hub", "emea/NEW", "emea/old", Ok(false)),
        ("hub", "emea/returning", "emea/old", Ok(false)),
        ("hub", "emea/leaving", "emea/married", Ok(false)),
    ] {
        assert_eq!(confirm(&mut client, target, user, former).await, want, "{target} {user} {former}");
    }
    let mut want = ["NEW old", "leaving married", "returning old"].map(|pair| {
        let (user, former) = pair.split_once(' ').unwrap();
        ("hub".to_owned(), format!("emea/{user}"), former.to_owned())
    });
    want.sort();
    let mut given = published(&control).await;
    given.sort();
    assert_eq!(given, want);
    control.stop().await;
}

#[tokio::test]
async fn a_rehire_is_refused_where_the_target_cannot_restore_for_another_account() {
    let control = Control::start().await;
    let mut client = control.client().await;
    let lab = "---\nkind: Tenant\nmetadata: {name: lab}\nspec: {organization: contoso, memory: {directory: lab}}\n";
    client.apply(apply("a.yaml", &(ORGANIZATION.replace("[emea, hub]", "[emea, hub, lab]") + lab))).await.unwrap();
    let want = "the directory of lab cannot restore a shadow user for another account";
    assert_eq!(confirm(&mut client, "lab", "emea/new", "emea/old").await, Err((Code::FailedPrecondition, want.to_owned())));
    assert_eq!(published(&control).await, []);
    control.stop().await;
}
