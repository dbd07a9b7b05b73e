//! Validation problems, each with its resource and field.

mod language;

use super::*;
use crate::configuration::testing::{Yaml, describe};

pub(super) const EVERYONE: &str = r#"{"to":"hub","scope":{"everyone":true}}"#;

pub(super) fn good() -> Yaml {
    let mut yaml = Yaml::new();
    yaml.organization("contoso", r#"{"tenants":["emea","hub"]}"#);
    yaml.tenant("emea", "contoso").tenant("hub", "contoso");
    yaml.synchronization("emea", "to-hub", EVERYONE);
    yaml.access_policy("hub", r#"{"partners":{"emea":{"keeps":["displayName"]}}}"#);
    yaml
}

/// Every mistake as `resource: field: words` where all is written at once and nothing stands.
fn messages(yaml: &Yaml) -> Vec<String> {
    let wanted = yaml.wanted();
    let (none, no_identities) = (BTreeMap::new(), BTreeMap::new());
    messages_of(&Proposal {
        standing: &none,
        wanted: &wanted,
        written: &wanted.keys().cloned().collect(),
        identities: &no_identities,
        describe: &describe,
    })
}

pub(super) fn messages_of(proposal: &Proposal<'_>) -> Vec<String> {
    problems(proposal).into_iter().map(|problem| format!("{}: {}: {}", problem.id, problem.path, problem.message)).collect()
}

/// One resource over the good ones, and the one mistake that comes of it.
fn check(kind: Kind, tenant: Option<&str>, name: &str, json: &str, want: &str) {
    let mut yaml = good();
    yaml.add(1, kind, tenant, name, json);
    let found = messages(&yaml);
    assert!(matches!(&found[..], [only] if only.contains(want)), "{json}: {found:#?}");
}

fn check_synchronization(json: &str, want: &str) {
    check(Kind::Synchronization, Some("emea"), "to-hub", json, &format!("Synchronization/emea/to-hub: {want}"));
}

fn tenant(organization: &str, more: &str) -> String {
    in_domain(organization, "x.example", more)
}

pub(super) fn in_domain(organization: &str, domain: &str, more: &str) -> String {
    let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
    format!(r#"{{"organization":"{organization}","graph":{{"domain":"{domain}","reader":{client}{more}}}}}"#)
}

#[test]
fn a_good_configuration_has_no_mistakes() {
    assert_eq!(messages(&good()), [""; 0]);
    let mut yaml = good();
    let mappings = r#"{"userType":{"constant":"Guest"},"mobilePhone":{"source":"mobilePhone"},"city":{"none":true},
        "companyName":{"constant":"Contoso","apply":"onCreate"},"department":{"source":"companyName"}}"#;
    let groups = r#"{"groups":["Sales",{"id":"g1"}],"nested":true,"where":"accountEnabled IS TRUE OR city EQUALS \"Rome\""}"#;
    yaml.synchronization("emea", "to-hub", &format!(r#"{{"to":"hub","scope":{groups},"mappings":{mappings}}}"#));
    assert_eq!(messages(&yaml), [""; 0]);
}

#[test]
fn a_reference_to_what_does_not_exist_is_a_mistake() {
    check(Kind::Tenant, Some("us"), "us", &tenant("fabrikam", ""), "Tenant/us/us: spec.organization: there is no Organization 'fabrikam'");
    check(Kind::Organization, None, "fabrikam", r#"{"tenants":["us"]}"#, "Organization/-/fabrikam: spec.tenants: there is no Tenant 'us'");
    check_synchronization(r#"{"to":"us","scope":{"everyone":true}}"#, "spec.to: there is no Tenant 'us'");
    check(Kind::Synchronization, Some("us"), "x", EVERYONE, "Synchronization/us/x: metadata.tenant: there is no Tenant 'us'");
    check(Kind::CrossTenantAccessPolicy, Some("emea"), "p", r#"{"partners":{"us":{}}}"#, "spec.partners.us: there is no Tenant 'us'");
}

#[test]
fn a_synchronization_joins_two_tenants_of_one_organization_once() {
    check_synchronization(r#"{"to":"emea","scope":{"everyone":true}}"#, "spec.to: a tenant cannot synchronize into itself");
    check(Kind::Synchronization, Some("emea"), "twice", EVERYONE, "emea/twice: spec.to: 'emea' synchronizes into 'hub' already: 'to-hub'");
    check(Kind::Organization, None, "contoso", r#"{"tenants":["hub"]}"#, "spec.to: 'emea' and 'hub' are not of one organization");
    check(Kind::Tenant, Some("hub"), "hub", &tenant("contoso", ""), "spec.to: Tenant 'hub' has no `graph.writer`");
}

#[test]
fn a_scope_is_groups_or_everyone() {
    check_synchronization(r#"{"to":"hub","scope":{}}"#, "spec.scope: is empty");
    check_synchronization(r#"{"to":"hub","scope":{"everyone":true,"groups":["a"]}}"#, "spec.scope: `everyone` and `groups`");
    check_synchronization(r#"{"to":"hub","scope":{"groups":["a",""]}}"#, "spec.scope.groups[1]: is empty");
    check_synchronization(r#"{"to":"hub","scope":{"groups":[{"id":""}]}}"#, "spec.scope.groups[0]: is empty");
    for group in [r#""a\u0000b""#, r#"{"id":"a\u0000b"}"#, r#"{"id":"a","name":"\u0000"}"#] {
        let json = format!(r#"{{"to":"hub","scope":{{"groups":["x",{group}]}}}}"#);
        check_synchronization(&json, "spec.scope.groups[1]: has a NUL character in it");
    }
    let long = format!(r#"{{"to":"hub","scope":{{"groups":["{}"]}}}}"#, "ü".repeat(257));
    check_synchronization(&long, "spec.scope.groups[0]: is longer than 256 characters");
    check_synchronization(
        r#"{"to":"hub","scope":{"everyone":true},"scopeGracePeriod":"31days"}"#,
        "spec.scopeGracePeriod: is longer than 30 days",
    );
    let allows = r#"{"to":"hub","scope":{"everyone":true},"limits":{"scopeLoss":"allow"}}"#;
    check_synchronization(allows, "spec.limits.scopeLoss: is about groups of the scope");
}

#[test]
fn a_rehire_is_restored_only_where_the_employee_id_is_mapped_from_home() {
    let synchronization =
        |mapping: &str| format!(r#"{{"to":"hub","scope":{{"everyone":true}},"rehire":"restore","mappings":{{{mapping}}}}}"#);
    for other in [r#"{"none":true}"#, r#"{"constant":"7"}"#, r#"{"source":"employeeType"}"#] {
        check_synchronization(
            &synchronization(&format!(r#""employeeId":{other}"#)),
            "spec.rehire: restore knows a user again by `employeeId`",
        );
    }
    for good_one in ["", r#""employeeId":{"source":"employeeId"}"#, r#""employeeId":{"source":"employeeId","apply":"onCreate"}"#] {
        let mut yaml = good();
        yaml.synchronization("emea", "to-hub", &synchronization(good_one));
        assert_eq!(messages(&yaml), [""; 0]);
    }
    let mut yaml = good();
    let new = r#"{"to":"hub","scope":{"everyone":true},"rehire":"new","mappings":{"employeeId":{"none":true}}}"#;
    yaml.synchronization("emea", "to-hub", new);
    assert_eq!(messages(&yaml), [""; 0]);
}

/// A connector of the other kind may lack each of these.
#[test]
fn what_a_synchronization_needs_and_a_directory_cannot_do_is_a_mistake() {
    let whole = |more: &str| format!(r#"{{"to":"hub","scope":{{"everyone":true}}{more}}}"#);
    let groups = r#"{"to":"hub","scope":{"groups":["Sales"]}}"#.to_owned();
    let requires = r#","requires":["blockSignIn","revokeSessions","recycleBin"]"#;
    let restore = r#","rehire":"restore""#;
    let consent = "has no access policy that could consent, and xtsync keeps none for it yet";
    for (tenant, cannot, synchronization, want) in [
        ("hub", "restore", whole(restore), "spec.rehire: Tenant 'hub' (`graph`) has no recycle bin to restore a user from: say `new`"),
        ("hub", "anchor", whole(restore), "spec.rehire: Tenant 'hub' (`graph`) keeps the anchor of a former account for ever: say `new`"),
        ("hub", "disable", whole(requires), "spec.requires[0]: Tenant 'hub' (`graph`) cannot block a sign-in"),
        ("hub", "sessions", whole(requires), "spec.requires[1]: Tenant 'hub' (`graph`) cannot revoke sessions"),
        ("hub", "restore", whole(requires), "spec.requires[2]: Tenant 'hub' (`graph`) has no recycle bin"),
        (
            "emea",
            "groups",
            groups.clone(),
            "spec.scope.groups: Tenant 'emea' (`graph`) does not list the members of groups: say `everyone: true`",
        ),
        ("emea", "consent", whole(""), &format!("spec.to: Tenant 'emea' (`graph`) {consent}")),
        ("hub", "consent", whole(""), &format!("spec.to: Tenant 'hub' (`graph`) {consent}")),
    ] {
        let mut yaml = good();
        let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
        let more = format!(r#","writer":{client},"cannot":["{cannot}"]"#);
        yaml.add(1, Kind::Tenant, Some(tenant), tenant, &in_domain("contoso", &format!("{tenant}.example"), &more));
        yaml.synchronization("emea", "to-hub", &synchronization);
        assert_eq!(messages(&yaml), [format!("Synchronization/emea/to-hub: {want}")]);
    }
    for (tenant, cannot) in [("emea", "restore"), ("emea", "sessions"), ("hub", "groups"), ("hub", "disable")] {
        let mut yaml = good();
        let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
        let more = format!(r#","writer":{client},"cannot":["{cannot}"]"#);
        yaml.add(1, Kind::Tenant, Some(tenant), tenant, &in_domain("contoso", &format!("{tenant}.example"), &more));
        yaml.synchronization("emea", "to-hub", &groups);
        assert_eq!(messages(&yaml), [""; 0], "{tenant} need not {cannot}");
    }
}

#[test]
fn a_mapping_writes_what_directories_let_be_written_from_what_can_be_read() {
    for (mapping, want) in [
        (r#""userPrincipalName":{"source":"mail"}"#, "userPrincipalName: must not be written: the target computes it"),
        (r#""mail":{"source":"mail"}"#, "mail: must not be written"),
        (r#""proxyAddresses":{"source":"proxyAddresses"}"#, "proxyAddresses: must not be written"),
        (r#""otherMails":{"source":"otherMails"}"#, "otherMails: must not be written"),
        (r#""alternativeSecurityIds":{"constant":"x"}"#, "alternativeSecurityIds: must not be written"),
        (r#""identities":{"none":true}"#, "identities: must not be written"),
        (r#""manager":{"source":"manager"}"#, "manager: must not be written: references are not synchronized yet"),
        (r#""showInAddressList":{"constant":"true"}"#, "showInAddressList: must not be written"),
        (r#""accountEnabled":{"constant":"true"}"#, "accountEnabled: must not be written: it follows the account"),
        (r#""badge":{"source":"city"}"#, "badge: is no attribute that mappings know"),
        (r#""City":{"source":"city"}"#, "City: is no attribute that mappings know"),
        (r#""city":{"source":"badge"}"#, "city.source: 'badge' is no attribute that can be read"),
        (r#""city":{"source":"userType"}"#, "city.source: 'userType' is no attribute that can be read"),
        (r#""city":{"source":"otherMails"}"#, "city.source: 'otherMails' holds a list of texts and 'city' holds a text"),
        (r#""businessPhones":{"constant":"1"}"#, "businessPhones.constant: cannot be a list of texts"),
        (r#""city":{"constant":""}"#, "city.constant: is empty"),
        (r#""userType":{"constant":"member"}"#, "userType.constant: is neither Member nor Guest"),
        (r#""displayName":{"none":true}"#, "displayName.none: a user cannot be without a display name"),
    ] {
        let json = format!(r#"{{"to":"hub","scope":{{"everyone":true}},"mappings":{{{mapping}}}}}"#);
        check_synchronization(&json, &format!("spec.mappings.{want}"));
    }
}

#[test]
fn no_secret_goes_in_the_clear() {
    for (more, field) in [
        (r#","endpoint":"http://graph.example""#, "endpoint"),
        (r#","authority":"http://10.0.0.1""#, "authority"),
        (r#","notifications":{"url":"http://xtsync.example"}"#, "notifications.url"),
    ] {
        check(Kind::Tenant, Some("us"), "us", &tenant("contoso", more), &format!("Tenant/us/us: spec.graph.{field}: would send a secret"));
    }
}

#[test]
fn a_url_holds_no_credentials_and_a_problem_does_not_repeat_them() {
    for (more, field) in [
        (r#","endpoint":"https://u:hunter2@graph.microsoft.com""#, "endpoint"),
        (r#","endpoint":"https://graph.microsoft.com/?key=hunter2""#, "endpoint"),
        (r#","authority":"https://u@login.microsoftonline.com""#, "authority"),
        (r#","authority":"https://login.microsoftonline.com/#hunter2""#, "authority"),
        (r#","notifications":{"url":"https://u:hunter2@xtsync.example"}"#, "notifications.url"),
    ] {
        let want = format!("Tenant/us/us: spec.graph.{field}: holds credentials, a query or a fragment: write");
        check(Kind::Tenant, Some("us"), "us", &tenant("contoso", more), &want);
    }
}

#[test]
fn a_reference_to_a_secret_stays_below_the_tenants_directory() {
    for file in ["/etc/shadow", "/proc/self/environ", "../hub/secret", "a/../../hub/secret", "..", ".", ""] {
        let json = tenant("contoso", "").replace("\"file\":\"secret\"", &format!("\"file\":\"{file}\""));
        check(Kind::Tenant, Some("us"), "us", &json, "Tenant/us/us: spec.graph.reader.clientSecret.file: is not a relative path");
    }
}

#[test]
fn a_resource_stands_in_its_own_namespace() {
    check(Kind::Organization, Some("emea"), "mine", r#"{"tenants":[]}"#, "metadata.tenant: an Organization belongs to no tenant");
    check(Kind::Tenant, Some("emea"), "us", &tenant("contoso", ""), "Tenant/emea/us: metadata.tenant: a Tenant belongs to itself");
    check(Kind::Synchronization, None, "x", EVERYONE, "Synchronization/-/x: metadata.tenant: a Synchronization belongs to a tenant");
    check(Kind::Organization, None, "Contoso Ltd", r#"{"tenants":[]}"#, "metadata.name: is not a name");
}

#[test]
fn a_target_has_one_policy_and_keeps_what_is_ever_written() {
    check(
        Kind::CrossTenantAccessPolicy,
        Some("hub"),
        "second",
        "{}",
        "hub/second: metadata.name: the tenant has a CrossTenantAccessPolicy already: 'policy'",
    );
    check(
        Kind::CrossTenantAccessPolicy,
        Some("hub"),
        "policy",
        r#"{"partners":{"emea":{"keeps":["mail"]}}}"#,
        "spec.partners.emea.keeps: 'mail' is no attribute",
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let mut yaml = good();
    yaml.synchronization("emea", "to-hub", r#"{"to":"us","scope":{},"mappings":{"mail":{"none":true},"badge":{"none":true}}}"#);
    yaml.tenant("us2", "unknown");
    assert_eq!(messages(&yaml).len(), 5, "{:#?}", messages(&yaml));
}
