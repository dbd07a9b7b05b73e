//! What a configuration answers.

use super::testing::Yaml;
use super::*;
use crate::resource::Kind;

const EVERYONE: &str = r#"{"to":"hub","scope":{"everyone":true}}"#;

fn name(text: &str) -> TenantName {
    TenantName::new(text).unwrap()
}

fn three_tenants() -> Yaml {
    let mut yaml = Yaml::new();
    yaml.organization("contoso", r#"{"tenants":["emea","us","hub"]}"#);
    yaml.tenant("emea", "contoso").tenant("us", "contoso").tenant("hub", "contoso");
    yaml.synchronization("emea", "to-hub", EVERYONE).synchronization("us", "to-hub", EVERYONE);
    yaml
}

#[test]
fn synchronizations_are_found_by_source_and_by_both_ends() {
    let configuration = three_tenants().configuration(4);
    let named = |s: &NamedSynchronization| format!("{}/{}", s.source, s.name);
    assert_eq!(configuration.synchronizations().map(named).collect::<Vec<_>>(), ["emea/to-hub", "us/to-hub"]);
    assert_eq!(configuration.synchronizations_from(&name("us")).map(named).collect::<Vec<_>>(), ["us/to-hub"]);
    assert_eq!(configuration.sources().into_iter().collect::<Vec<_>>(), [&name("emea"), &name("us")]);
    assert!(configuration.synchronization(&name("emea"), &name("hub")).is_some());
    assert!(configuration.synchronization(&name("emea"), &name("us")).is_none());
    assert_eq!((configuration.revision(), configuration.tenants().count()), (4, 3));
}

#[test]
fn two_tenants_are_of_one_organization_only_where_all_three_say_so() {
    for (listed, ours, theirs, want) in [
        (r#"["emea","hub"]"#, "contoso", "contoso", true),
        (r#"["hub"]"#, "contoso", "contoso", false),
        (r#"["emea"]"#, "contoso", "contoso", false),
        (r#"["emea","hub"]"#, "fabrikam", "contoso", false),
        (r#"["emea","hub"]"#, "contoso", "fabrikam", false),
        (r#"["emea","hub"]"#, "fabrikam", "fabrikam", false),
    ] {
        let mut yaml = Yaml::new();
        yaml.organization("contoso", &format!(r#"{{"tenants":{listed}}}"#));
        yaml.organization("fabrikam", r#"{"tenants":["hub"]}"#);
        yaml.tenant("emea", ours).tenant("hub", theirs);
        let configuration = yaml.configuration(1);
        assert_eq!(configuration.one_organization(&name("emea"), &name("hub")), want, "{listed} {ours} {theirs}");
        assert!(!configuration.one_organization(&name("emea"), &name("unknown")));
    }
}

#[test]
fn terms_are_the_targets_for_one_source() {
    let mut yaml = three_tenants();
    yaml.access_policy("hub", r#"{"partners":{"emea":{"keeps":["city"]}}}"#);
    let configuration = yaml.configuration(1);
    assert!(configuration.terms(&name("hub"), &name("emea")).unwrap().keeps.contains("city"));
    assert!(configuration.terms(&name("hub"), &name("us")).is_none());
    assert!(configuration.terms(&name("emea"), &name("hub")).is_none());
}

#[test]
fn the_basis_is_the_newest_of_what_a_sources_decisions_are_made_of_and_nothing_else() {
    let tenant = r#"{"organization":"contoso","graph":{"domain":"x","reader":{"clientId":"a","clientSecret":{"file":"f"}}}}"#;
    let organization = r#"{"tenants":["emea","us","hub"]}"#;
    for (kind, owner, called, json, want) in [
        (Kind::Synchronization, Some("emea"), "to-hub", EVERYONE, 8),
        (Kind::Tenant, Some("emea"), "emea", tenant, 8),
        (Kind::Tenant, Some("hub"), "hub", tenant, 8),
        (Kind::CrossTenantAccessPolicy, Some("hub"), "policy", "{}", 8),
        (Kind::Organization, None, "contoso", organization, 8),
        (Kind::Synchronization, Some("us"), "to-hub", EVERYONE, 1),
        (Kind::Tenant, Some("us"), "us", tenant, 1),
        (Kind::CrossTenantAccessPolicy, Some("us"), "policy", "{}", 1),
        (Kind::Organization, None, "fabrikam", organization, 1),
        (Kind::Projection, Some("emea"), "projection", r#"{"attributes":[],"groups":[]}"#, 8),
        (Kind::NameResolution, Some("emea"), "groups", r#"{"names":["Sales"]}"#, 1),
        (Kind::DirectoryExtensions, Some("emea"), "extensions", r#"{"users":{}}"#, 1), // no mapping names one
    ] {
        let mut yaml = three_tenants();
        yaml.add(8, kind, owner, called, json);
        assert_eq!(yaml.configuration(9).basis(&name("emea")), want, "{kind} {owner:?}");
    }
}

#[test]
fn a_tenants_need_is_what_its_synchronizations_read() {
    let mut yaml = three_tenants();
    let mappings = r#"{"jobTitle":{"source":"employeeType"},"city":{"none":true}}"#;
    let scope = r#"{"groups":["Legal",{"id":"g1","name":"Sales"}],"where":"faxNumber IS NULL"}"#;
    yaml.synchronization("emea", "to-us", &format!(r#"{{"to":"us","scope":{scope},"mappings":{mappings}}}"#));
    let need = needs::needs(&yaml.configuration(1), &name("emea"));
    for (attribute, want) in [
        ("accountEnabled", true),
        ("mail", true),
        ("userPrincipalName", true),
        ("displayName", true),
        ("employeeType", true),
        ("city", true), // the other synchronization's default still reads it
        ("faxNumber", true),
        ("mobilePhone", false),
        ("userType", false),
    ] {
        assert_eq!(need.attributes.contains(attribute), want, "{attribute}");
    }
    assert_eq!(need.groups, [crate::GroupId::from("g1")].into());
    assert_eq!(needs::needs(&yaml.configuration(1), &name("hub")), Projection::default());
}

#[test]
fn every_name_that_is_written_is_looked_up_pinned_or_not_in_force_or_pending() {
    let mut yaml = three_tenants();
    let scope = r#"{"groups":["Legal",{"id":"g1","name":"Sales"},{"id":"g2"}]}"#;
    yaml.synchronization("emea", "to-us", &format!(r#"{{"to":"us","scope":{scope}}}"#));
    let pending = serde_json::from_str(r#"{"to":"us","scope":{"groups":["Law"]}}"#).unwrap();
    let pending = std::collections::BTreeMap::from([("to-us".to_owned(), pending)]);
    let resolution = needs::name_resolution(&yaml.configuration(1), pending.clone(), &name("emea"));
    assert_eq!(resolution.names, ["Law", "Legal", "Sales"].map(str::to_owned).into());
    assert_eq!(resolution.pending, pending);
    assert!(needs::name_resolution(&yaml.configuration(1), [].into(), &name("us")).names.is_empty());
}

#[test]
fn extensions_are_part_of_the_basis_and_of_the_need_where_a_mapping_names_one() {
    const COST: &str = "extension_0123456789abcdef0123456789abcdef_cost";
    let extensions = format!(r#"{{"users":{{"{COST}":{{"dataType":"String"}}}}}}"#);
    for (tenant, want) in [("emea", 8), ("hub", 8), ("us", 1)] {
        let mut yaml = three_tenants();
        let mappings = format!(r#"{{"city":{{"expression":"[{COST}]"}}}}"#);
        yaml.synchronization("emea", "to-hub", &format!(r#"{{"to":"hub","scope":{{"everyone":true}},"mappings":{mappings}}}"#));
        yaml.add(8, Kind::DirectoryExtensions, Some(tenant), "extensions", &extensions);
        let configuration = yaml.configuration(9);
        assert_eq!(configuration.basis(&name("emea")), want, "{tenant}");
        let is_read = needs::needs(&configuration, &name("emea")).attributes.contains(COST);
        assert_eq!(is_read, tenant == "emea", "an extension of a directory that was not read is not asked for");
    }
}
