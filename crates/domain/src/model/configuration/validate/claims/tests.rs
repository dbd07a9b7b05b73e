//! Whose mistake it is where two resources claim the same.

use std::collections::BTreeSet;

use super::super::tests::{EVERYONE, good, in_domain, messages_of};
use super::*;
use crate::configuration::testing::{Yaml, describe};
use crate::resource::Kind;

/// The mistakes where the last of these is applied over the first, with what is known of tenants.
fn messages(standing: &Yaml, written: &Yaml, identities: &[(&str, Identity)]) -> Vec<String> {
    let (standing, written) = (standing.wanted(), written.wanted());
    let wanted = standing.clone().into_iter().chain(written.clone()).collect();
    let identities = identities.iter().map(|(name, identity)| (TenantName::new(*name).unwrap(), identity.clone())).collect();
    let written: BTreeSet<Id> = written.into_keys().collect();
    messages_of(&Proposal { standing: &standing, wanted: &wanted, written: &written, identities: &identities, describe: &describe })
}

fn identity(id: &str, domains: &[&str]) -> Identity {
    Identity {
        directory_id: id.into(),
        verified_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        default_domain: None,
    }
}

fn tenants(domains: &[(&str, &str)]) -> Yaml {
    let mut yaml = Yaml::new();
    for (name, domain) in domains {
        yaml.add(1, Kind::Tenant, Some(name), name, &in_domain("contoso", domain, ""));
    }
    yaml
}

#[test]
fn the_newcomer_is_the_mistake_also_where_its_name_comes_first() {
    let mut second = Yaml::new();
    second.synchronization("emea", "again", EVERYONE);
    assert_eq!(messages(&good(), &second, &[]), ["Synchronization/emea/again: spec.to: 'emea' synchronizes into 'hub' already: 'to-hub'"]);
    let mut second = Yaml::new();
    second.add(1, Kind::CrossTenantAccessPolicy, Some("hub"), "a-policy", "{}");
    let want = "CrossTenantAccessPolicy/hub/a-policy: metadata.name: the tenant has a CrossTenantAccessPolicy already: 'policy'";
    assert_eq!(messages(&good(), &second, &[]), [want]);
    // Who moves to where another one stands is the newcomer there.
    let mut two = good();
    two.tenant("us", "contoso").organization("contoso", r#"{"tenants":["emea","hub","us"]}"#);
    two.synchronization("emea", "a-us", r#"{"to":"us","scope":{"everyone":true}}"#);
    let mut moved = Yaml::new();
    moved.synchronization("emea", "a-us", EVERYONE);
    assert_eq!(messages(&two, &moved, &[]), ["Synchronization/emea/a-us: spec.to: 'emea' synchronizes into 'hub' already: 'to-hub'"]);
}

#[test]
fn one_place_belongs_to_one_tenant_however_it_is_spelled() {
    for domain in ["hub.example", "HUB.example", "hub.example.", " hub.example"] {
        let want = "Tenant/a-hub/a-hub: spec.graph.domain: is the directory of Tenant 'hub' already: a directory belongs to one Tenant; \
                    `xtsync tenant rename hub a-hub` renames it";
        assert_eq!(messages(&good(), &tenants(&[("a-hub", domain)]), &[]), [want], "{domain}");
    }
    let mut elsewhere = Yaml::new();
    let china = r#","endpoint":"https://microsoftgraph.chinacloudapi.cn""#;
    elsewhere.add(1, Kind::Tenant, Some("a-hub"), "a-hub", &in_domain("contoso", "hub.example", china));
    assert_eq!(messages(&good(), &elsewhere, &[]), [""; 0], "another cloud may have the same domain");
    let both = tenants(&[("b", "x.example"), ("a", "X.example")]);
    let want = "Tenant/b/b: spec.graph.domain: is the directory of Tenant 'a' already: a directory belongs to one Tenant";
    assert_eq!(messages(&good(), &both, &[]), [want], "both are new");
}

#[test]
fn a_directory_that_was_read_is_known_by_its_id_and_all_its_domains() {
    let hub = [("hub", identity("D1", &["hub.example", "hub.onmicrosoft.example"]))];
    for domain in ["d1", "D1", "hub.onmicrosoft.example", "HUB.example"] {
        let want = "Tenant/new/new: spec.graph.domain: is directory d1, of Tenant 'hub' already: a directory belongs to one Tenant; \
                    `xtsync tenant rename hub new` renames it";
        assert_eq!(messages(&good(), &tenants(&[("new", domain)]), &hub), [want], "{domain}");
    }
    assert_eq!(messages(&good(), &tenants(&[("new", "d2")]), &hub), [""; 0]);
    // What was read of a Tenant says nothing once it points elsewhere.
    assert_eq!(messages(&good(), &tenants(&[("hub", "other.example"), ("new", "d1")]), &hub).len(), 1, "only that hub has no writer");
}

#[test]
fn two_existing_tenants_of_one_directory_do_not_block_other_applies() {
    let mut standing = good();
    standing.tenant("hub2", "contoso");
    let identities = [("hub", identity("d1", &["hub.example"])), ("hub2", identity("d1", &["hub.example"]))];
    let mut other = Yaml::new();
    other.organization("fabrikam", r#"{"tenants":[]}"#);
    assert_eq!(messages(&standing, &other, &identities), [""; 0]);
    let mut again = Yaml::new();
    again.tenant("hub", "contoso").tenant("hub2", "contoso");
    let want = "Tenant/hub2/hub2: spec.graph.domain: is directory d1, of Tenant 'hub' already: a directory belongs to one Tenant";
    assert_eq!(messages(&standing, &again, &identities), [want]);
    let moved = tenants(&[("hub2", "right.example")]);
    assert_eq!(messages(&standing, &moved, &identities), [""; 0], "pointing one elsewhere mends it");
}
