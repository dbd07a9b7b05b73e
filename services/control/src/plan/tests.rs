//! Tests of what is in force after applies and lookups, in any order.

use xtsync_domain::GroupId;
use xtsync_domain::fact::Fact;

use super::*;
use crate::context::tests::{YAML, written};

const SYNC: &str = "Synchronization/emea/to-hub";

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

/// Returns the known groups, as `(name, ids)`.
fn lookup(names: &[(&str, &[&str])]) -> Lookup {
    let fact = |(name, ids): &(&str, &[&str])| {
        let ids = ids.iter().map(|id| GroupId::from(*id)).collect();
        Fact::GroupName { name: (*name).to_owned(), ids, resolution: 1 }
    };
    [(emea(), Known::new(names.iter().map(fact), 1))].into()
}

fn apply(plan: &mut Plan, scope: &str, lookup: &Lookup) {
    apply_with(plan, scope, lookup, false);
}

fn apply_with(plan: &mut Plan, scope: &str, lookup: &Lookup, refresh_names: bool) {
    let yaml = YAML.replace("{groups: [GlobalEmployees]}", scope);
    assert!(scope == "{groups: [GlobalEmployees]}" || yaml != YAML);
    for resource in written(&yaml) {
        plan.write(&resource.id, &resource.spec, lookup, refresh_names);
    }
}

/// Returns the synchronization's groups in force, its pending groups, and the names to look up.
fn shown(plan: &Plan) -> (String, String, String) {
    let groups = |synchronization: &Synchronization| match synchronization.scope.everyone {
        true => "everyone".to_owned(),
        false => {
            let group = |group: &xtsync_domain::resource::GroupRef| match group.id() {
                Some(id) => format!("{}={id}", group.name().unwrap_or_default()),
                None => group.name().unwrap_or_default().to_owned(),
            };
            synchronization.scope.groups.iter().map(group).collect::<Vec<_>>().join(",")
        }
    };
    let stored = plan.clone().stored();
    let Some(Spec::NameResolution(resolution)) = stored.get(&needs::name_resolution_id(&emea())) else { panic!("it is derived") };
    let pending = plan.pending.iter().inspect(|(id, _)| assert_eq!(id.to_string(), SYNC)).map(|(_, written)| groups(written));
    let in_force = plan.synchronization(&id(&emea(), "to-hub")).map(groups).unwrap_or_default();
    (in_force, pending.collect(), resolution.names.iter().cloned().collect::<Vec<_>>().join(","))
}

fn check(plan: &Plan, in_force: &str, pending: &str, names: &str) {
    assert_eq!(shown(plan), (in_force.to_owned(), pending.to_owned(), names.to_owned()));
}

#[test]
fn first_names_resolve_once_they_are_known() {
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A, B]}", &lookup(&[]));
    check(&plan, "A,B", "", "A,B");
    plan = plan.resolved(&lookup(&[("A", &["1"]), ("B", &[])]));
    check(&plan, "A=1,B", "", "A,B");
    plan = plan.resolved(&lookup(&[("A", &["9"]), ("B", &["2"])]));
    check(&plan, "A=1,B=2", "", "A,B");
}

/// K-30: from A to B and back, with both names known and with none known.
#[test]
fn a_former_scope_is_in_force_again_once_its_name_is_resolved() {
    for known in [lookup(&[("A", &["1"]), ("B", &["2"])]), lookup(&[])] {
        let both = lookup(&[("A", &["1"]), ("B", &["2"])]);
        let mut plan = Plan::default();
        for (scope, in_force) in [
            ("{groups: [A]}", "A=1"),
            ("{groups: [B]}", "B=2"),
            ("{groups: [A]}", "A=1"),
            ("{everyone: true}", "everyone"),
            ("{groups: [B]}", "B=2"),
        ] {
            apply(&mut plan, scope, &known);
            plan = plan.resolved(&both);
            assert_eq!(shown(&plan).0, in_force);
            assert!(plan.pending.is_empty());
        }
    }
}

#[test]
fn a_mistyped_name_is_pending_and_the_resolved_spec_stays_in_force() {
    let known = lookup(&[("A", &["1"]), ("Aa", &[]), ("B", &["2"])]);
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A]}", &known);
    apply(&mut plan, "{groups: [A, Aa]}", &known);
    check(&plan, "A=1", "A=1,Aa", "A,Aa");
    assert_eq!(plan.resolved(&known), plan);
    assert_eq!(Plan::of(&stored(&plan)).pending, plan.pending, "the rows hold it");
    apply(&mut plan, "{groups: [A, B]}", &known);
    check(&plan, "A=1,B=2", "", "A,B");
    apply(&mut plan, "{groups: [Aa]}", &known);
    apply(&mut plan, "{groups: [A, B]}", &known);
    check(&plan, "A=1,B=2", "", "A,B");
    apply(&mut plan, "{groups: [Aa]}", &known);
    apply(&mut plan, "{everyone: true}", &known);
    check(&plan, "everyone", "", "");
}

#[test]
fn a_name_keeps_its_group_until_names_are_refreshed() {
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A]}", &lookup(&[("A", &["1"])]));
    let recreated = lookup(&[("A", &["2"])]);
    apply(&mut plan, "{groups: [A]}", &recreated);
    check(&plan, "A=1", "", "A");
    apply_with(&mut plan, "{groups: [A]}", &lookup(&[]), true);
    check(&plan, "A=1", "A", "A");
    check(&plan.resolved(&recreated), "A=2", "", "A");
    apply_with(&mut plan, "{groups: [A]}", &recreated, true);
    check(&plan, "A=2", "", "A");
    apply_with(&mut plan, "{groups: [A]}", &lookup(&[("A", &["1", "2"])]), true);
    check(&plan, "A=2", "A", "A");
}

/// A pair of tenants never has two synchronizations in force.
#[test]
fn a_resolved_spec_that_would_be_invalid_stays_pending() {
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A]}", &lookup(&[("A", &["1"])]));
    let us = "---\napiVersion: xtsync.dev/v1\nkind: Synchronization\nmetadata: {name: other, tenant: emea}\nspec: {to: hub, scope: {groups: [Z]}}\n";
    let other = written(us).remove(0);
    let Spec::Synchronization(other_spec) = other.spec.clone() else { panic!("a synchronization") };
    plan.pending.insert(other.id.clone(), other_spec);
    let next = plan.resolved(&lookup(&[("Z", &["9"])]));
    assert_eq!(next.pending.len(), 1, "the pair has one already");
    assert_eq!(next.in_force, plan.in_force);
}

fn stored(plan: &Plan) -> StoredResources {
    let resource = |(id, spec): (Id, Spec)| (id.clone(), xtsync_domain::resource::Resource { id, revision: 1, spec });
    plan.clone().stored().into_iter().map(resource).collect()
}
