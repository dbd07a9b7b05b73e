//! The checks that every connector must pass, on the simulator.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use uuid::Uuid;
use xtsync_conformance::Fixture;
use xtsync_connector_graph::{CAPABILITIES, Options};
use xtsync_directory::{Source, Target};
use xtsync_domain::{Capabilities, GroupId, UserId};
use xtsync_tenant_sim::{Act, Edit, Rule};

use crate::tenants::Tenants;

async fn fixture() -> Tenants {
    Tenants::with_people(0).await
}

impl Tenants {
    fn script(&self, rule: Rule) {
        self.sim.script().install(rule).unwrap();
    }
}

fn account(name: &str, domain: &str, mail: &str) -> Json {
    json!({"displayName": name, "mailNickname": name, "userPrincipalName": format!("{name}@{domain}"), "mail": mail, "city": "Paris",
        "accountEnabled": true, "passwordProfile": {"password": "not-used-anywhere-1"}})
}

impl Fixture for Tenants {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.reader_with("emea", Options { page_objects_max: 2, ..Options::default() }))
    }

    fn target(&self) -> Arc<dyn Target> {
        Arc::new(self.writer_with("hub", Options { page_objects_max: 2, ..Options::default() }))
    }

    fn add_user(&self, name: &str) -> UserId {
        let body = account(name, "emea.example", &format!("{name}@emea.example"));
        UserId(self.tenant("emea").create_user(&body).unwrap().to_string())
    }

    fn set(&self, user: &UserId, attribute: &str, value: Option<&str>) {
        self.tenant("emea").patch_user(user.0.parse().unwrap(), &json!({attribute: value})).unwrap();
    }

    fn remove(&self, user: &UserId) {
        self.tenant("emea").delete_user(user.0.parse().unwrap()).unwrap();
    }

    fn add_group(&self, name: &str, member: &UserId) -> GroupId {
        let body = json!({"displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true});
        let group = self.tenant("emea").create_group(&body).unwrap();
        self.tenant("emea").add_member(group, member.0.parse().unwrap()).unwrap();
        GroupId(group.to_string())
    }

    fn leave(&self, group: &GroupId, member: &UserId) {
        self.tenant("emea").remove_member(group.0.parse().unwrap(), member.0.parse().unwrap()).unwrap();
    }

    fn remove_group(&self, group: &GroupId) {
        self.tenant("emea").delete_group(group.0.parse::<Uuid>().unwrap()).unwrap();
    }

    fn lose_cursors(&self) {
        self.tenant("emea").expire_delta();
    }

    fn repeat_objects(&self) {
        self.script(Rule::on("GET", "/users/delta").rewrite([Edit::repeat("/value")]));
    }

    fn throttle_source(&self, wait: Duration) {
        self.script(Rule::on("GET", "/users/delta").times(1).fail(429).retry_after(Some(wait)));
    }

    fn throttle_target(&self, wait: Duration) {
        self.script(Rule::on("POST", "/invitations").times(1).fail(429).retry_after(Some(wait)));
    }

    fn lose_creation_answer(&self) {
        let then = Act::Rewrite { status: Some(500), edits: Vec::new() };
        self.script(Rule { then, ..Rule::on("POST", "/invitations").times(1) });
    }

    fn occupy(&self, address: &str) {
        let name: String = address.chars().take_while(|letter| *letter != '@').filter(char::is_ascii_alphanumeric).collect();
        self.tenant("hub").create_user(&account(&name, "hub.example", address)).unwrap();
    }

    fn writes(&self) -> usize {
        self.tenant("hub").journal_len()
    }
}

xtsync_conformance::suite!(fixture());
