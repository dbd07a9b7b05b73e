//! Mistakes in mappings of directory extensions.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tests::{good, messages_of};
use super::super::{Proposal, problems};
use super::{extension_problems, unread_extensions};
use crate::TenantName;
use crate::configuration::testing::{Yaml, describe};
use crate::resource::{Id, Kind, Spec};

const EMEA: &str = r#"{"users":{"E_costCenter":{"dataType":"String"},"E_skills":{"dataType":"String","isMultiValued":true},
    "E_level":{"dataType":"Integer"},"E_photo":{"dataType":"Binary"}},"gone":["E_former"]}"#;
const HUB: &str = r#"{"users":{"E_costCenter":{"dataType":"String"},"E_skills":{"dataType":"String","isMultiValued":true},
    "E_xtsyncAnchor":{"dataType":"String"}}}"#;

fn named(text: &str) -> String {
    text.replace("E_", "extension_0123456789abcdef0123456789abcdef_")
}

/// The good configuration with a mapping, and with the extensions of both tenants where they were read.
fn with(mappings: &str, read: &[(&str, &str)]) -> Yaml {
    let mut yaml = good();
    let mappings = named(mappings);
    yaml.synchronization("emea", "to-hub", &format!(r#"{{"to":"hub","scope":{{"everyone":true}},"mappings":{{{mappings}}}}}"#));
    for (tenant, extensions) in read {
        yaml.add(1, Kind::DirectoryExtensions, Some(tenant), "extensions", &named(extensions));
    }
    yaml
}

fn id() -> Id {
    Id { kind: Kind::Synchronization, tenant: TenantName::new("emea").ok(), name: "to-hub".to_owned() }
}

/// The mistakes where the resource is applied over what stands.
fn applied(standing: &BTreeMap<Id, Spec>, yaml: &Yaml) -> Vec<String> {
    let wanted = yaml.wanted();
    let proposal =
        Proposal { standing, wanted: &wanted, written: &BTreeSet::from([id()]), identities: &BTreeMap::new(), describe: &describe };
    messages_of(&proposal)
}

/// The good configuration with a filter, and with the extensions of the source where they were read.
fn filtered(filter: &str, read: Option<&str>) -> Yaml {
    let mut yaml = good();
    let filter = named(filter);
    yaml.synchronization("emea", "to-hub", &format!(r#"{{"to":"hub","scope":{{"everyone":true,"where":{filter:?}}}}}"#));
    if let Some(extensions) = read {
        yaml.add(1, Kind::DirectoryExtensions, Some("emea"), "extensions", &named(extensions));
    }
    yaml
}

#[test]
fn a_filter_tests_extensions_of_one_value_once_they_are_read() {
    for (filter, want) in [
        ("E_costCenter EQUALS \"100\" AND E_level GREATER THAN 3", ""),
        ("E_skills IS NULL", "spec.scope.where: `E_skills` has several values, which cannot be filtered on"),
        ("E_photo IS NULL", "spec.scope.where: there is no attribute `E_photo` to filter on"),
        ("E_badge IS NULL", "spec.scope.where: there is no attribute `E_badge` to filter on"),
    ] {
        let found = applied(&BTreeMap::new(), &filtered(filter, Some(EMEA)));
        match want {
            "" => assert_eq!(found, [""; 0], "{filter}"),
            want => assert!(matches!(&found[..], [only] if only.contains(&named(want))), "{filter}: {found:#?}"),
        }
    }
    let unread = filtered("E_badge IS NULL", None);
    assert_eq!(applied(&BTreeMap::new(), &unread), [""; 0], "it is checked when the extensions are read");
    let configuration = unread.configuration(1);
    let synchronization = configuration.synchronizations().next().unwrap();
    let waits = unread_extensions(&id(), &synchronization.spec, &configuration);
    assert_eq!(waits, [("spec.scope.where".to_owned(), TenantName::new("emea").unwrap())]);
    let gone = filtered("E_badge IS NULL", Some(EMEA));
    assert_eq!(applied(&gone.wanted(), &gone), [""; 0], "what stands may name an extension that is gone since");
}

#[test]
fn a_mapping_of_an_extension_is_checked_against_both_directories() {
    let both = [("emea", EMEA), ("hub", HUB)];
    for (mappings, want) in [
        (r#""E_costCenter":{"source":"E_costCenter"}"#, ""),
        (r#""E_skills":{"source":"E_skills"},"jobTitle":{"expression":"Item([E_skills], 1)"}"#, ""),
        (r#""E_skills":{"expression":"Split([department], \",\")"}"#, ""),
        (
            r#""E_costcenter":{"source":"city"}"#,
            "spec.mappings.E_costcenter: there is no directory extension `E_costcenter` in Tenant 'hub', did you mean `E_costCenter`?",
        ),
        (r#""city":{"source":"E_badge"}"#, "spec.mappings.city.source: there is no directory extension `E_badge` in Tenant 'emea'"),
        (
            r#""city":{"source":"E_former"}"#,
            "spec.mappings.city.source: there is no directory extension `E_former` in Tenant 'emea' any more",
        ),
        (r#""city":{"source":"E_skills"}"#, "spec.mappings.city.source: 'E_skills' holds a list of texts and 'city' holds a text"),
        (r#""E_costCenter":{"source":"E_level"}"#, "spec.mappings.E_costCenter.source: 'E_level' holds a whole number and"),
        (r#""E_costCenter":{"expression":"[E_skills]"}"#, "spec.mappings.E_costCenter.expression: gives a list of texts and"),
        (
            r#""city":{"expression":"[E_costcenter]"}"#,
            "spec.mappings.city.expression: there is no attribute `E_costcenter` that can be read, did you mean `E_costCenter`",
        ),
        (r#""E_skills":{"constant":"rust"}"#, "spec.mappings.E_skills.constant: cannot be a list of texts"),
        (r#""city":{"source":"E_photo"}"#, "spec.mappings.city.source: 'E_photo' cannot be read: no mapping carries bytes"),
        (r#""E_xtsyncAnchor":{"source":"city"}"#, "spec.mappings.E_xtsyncAnchor: must not be written: xtsync keeps in it"),
        (r#""extension_1_x":{"source":"city"}"#, "spec.mappings.extension_1_x: is no attribute that mappings know"),
    ] {
        let found = applied(&BTreeMap::new(), &with(mappings, &both));
        match want {
            "" => assert_eq!(found, [""; 0], "{mappings}"),
            want => assert!(matches!(&found[..], [only] if only.contains(&named(want))), "{mappings}: {found:#?}"),
        }
    }
}

#[test]
fn a_directory_that_lists_no_extensions_says_so() {
    let yaml = with(r#""city":{"source":"E_cost"}"#, &[("emea", r#"{"users":{}}"#)]);
    let found = applied(&BTreeMap::new(), &yaml);
    assert!(matches!(&found[..], [only] if only.ends_with("in Tenant 'emea': the directory lists none")), "{found:#?}");
}

#[test]
fn what_is_not_read_yet_is_waited_for_and_no_mistake() {
    let mappings =
        r#""E_costCenter":{"source":"E_skills"},"city":{"expression":"[E_x]"},"E_level":{"constant":"7"},"jobTitle":{"source":"city"}"#;
    for (read, want) in [
        (&[][..], "city:emea E_costCenter:hub E_level:hub"),
        (&[("hub", HUB)][..], "city:emea E_costCenter:emea"),
        (&[("emea", EMEA)][..], "E_costCenter:hub E_level:hub"),
        (&[("emea", EMEA), ("hub", HUB)][..], ""),
    ] {
        let yaml = with(mappings, read);
        let (wanted, configuration) = (yaml.wanted(), yaml.configuration(1));
        let Spec::Synchronization(synchronization) = &wanted[&id()] else { panic!("a synchronization") };
        let unread = unread_extensions(&id(), synchronization, &configuration);
        let unread: Vec<_> =
            unread.iter().map(|(path, tenant)| format!("{}:{tenant}", path.trim_start_matches("spec.mappings."))).collect();
        assert_eq!(unread.join(" "), named(want));
        let found = applied(&BTreeMap::new(), &yaml);
        assert_eq!(found.is_empty(), read.is_empty(), "{found:#?}");
        assert_eq!(extension_problems(&id(), synchronization, &configuration).len(), found.len());
    }
}

/// An apply of something else is not refused because a directory has lost an extension.
#[test]
fn what_stands_is_not_checked_again() {
    let yaml = with(r#""city":{"source":"E_former"}"#, &[("emea", EMEA), ("hub", HUB)]);
    assert_eq!(applied(&yaml.wanted(), &yaml), [""; 0], "written as it stands");
    let wanted = yaml.wanted();
    let (none, no_identities) = (BTreeMap::new(), BTreeMap::new());
    let proposal =
        Proposal { standing: &none, wanted: &wanted, written: &BTreeSet::new(), identities: &no_identities, describe: &describe };
    assert_eq!(problems(&proposal), []);
}

#[test]
fn a_target_may_keep_an_extension_for_itself() {
    let policy = Id { kind: Kind::CrossTenantAccessPolicy, tenant: TenantName::new("hub").ok(), name: "policy".to_owned() };
    for (kept, read, want) in [("E_costCenter", true, 0), ("E_unknown", false, 0), ("E_unknown", true, 1), ("E_xtsyncAnchor", true, 1)] {
        let mut yaml = with("", if read { &[("hub", HUB)] } else { &[] });
        yaml.access_policy("hub", &named(&format!(r#"{{"partners":{{"emea":{{"keeps":["{kept}"]}}}}}}"#)));
        let wanted = yaml.wanted();
        let (written, none, no_identities) = (BTreeSet::from([policy.clone()]), BTreeMap::new(), BTreeMap::new());
        let proposal = Proposal { standing: &none, wanted: &wanted, written: &written, identities: &no_identities, describe: &describe };
        assert_eq!(problems(&proposal).len(), want, "{kept}");
    }
}
