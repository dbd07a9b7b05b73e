//! What is in force after each apply and each thing that becomes known, in any order.

use xtsync_domain::GroupId;
use xtsync_domain::fact::Fact;

use super::*;
use crate::context::tests::{YAML, written};

const SYNC: &str = "Synchronization/emea/to-hub";

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

/// What is known of groups: `name: ids`.
fn lookup(names: &[(&str, &[&str])]) -> Lookup {
    let fact = |(name, ids): &(&str, &[&str])| {
        let ids = ids.iter().map(|id| GroupId::from(*id)).collect();
        Fact::GroupName { name: (*name).to_owned(), ids, resolution: 1 }
    };
    [(emea(), Known::new(names.iter().map(fact), 1))].into()
}

fn apply(plan: &mut Plan, scope: &str, lookup: &Lookup) {
    apply_anew(plan, scope, lookup, false);
}

fn apply_anew(plan: &mut Plan, scope: &str, lookup: &Lookup, repin: bool) {
    let yaml = YAML.replace("{groups: [GlobalEmployees]}", scope);
    assert!(scope == "{groups: [GlobalEmployees]}" || yaml != YAML);
    for resource in written(&yaml) {
        plan.write(&resource.id, &resource.spec, lookup, repin);
    }
}

/// The groups of the synchronization that are in force and those that wait, and the names that are looked up.
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
fn the_first_names_resolve_when_they_are_known_and_decide_about_nobody_before() {
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A, B]}", &lookup(&[]));
    check(&plan, "A,B", "", "A,B");
    plan = plan.resolved(&lookup(&[("A", &["1"]), ("B", &[])]));
    check(&plan, "A=1,B", "", "A,B");
    plan = plan.resolved(&lookup(&[("A", &["9"]), ("B", &["2"])]));
    check(&plan, "A=1,B=2", "", "A,B");
}

/// K-30: from A to B and back, also where both are known, or nothing is.
#[test]
fn back_to_a_former_scope_is_in_force_as_soon_as_its_name_is_known() {
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
fn a_mistyped_name_waits_and_what_was_resolved_stays_in_force_until_it_is_corrected() {
    let known = lookup(&[("A", &["1"]), ("Aa", &[]), ("B", &["2"])]);
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A]}", &known);
    apply(&mut plan, "{groups: [A, Aa]}", &known);
    check(&plan, "A=1", "A=1,Aa", "A,Aa");
    assert_eq!(plan.resolved(&known), plan);
    assert_eq!(Plan::of(&standing(&plan)).pending, plan.pending, "it stands in the rows");
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
fn a_name_keeps_its_group_though_another_one_bears_it_until_it_is_asked_for_anew() {
    let mut plan = Plan::default();
    apply(&mut plan, "{groups: [A]}", &lookup(&[("A", &["1"])]));
    let made_anew = lookup(&[("A", &["2"])]);
    apply(&mut plan, "{groups: [A]}", &made_anew);
    check(&plan, "A=1", "", "A");
    apply_anew(&mut plan, "{groups: [A]}", &lookup(&[]), true);
    check(&plan, "A=1", "A", "A");
    check(&plan.resolved(&made_anew), "A=2", "", "A");
    apply_anew(&mut plan, "{groups: [A]}", &made_anew, true);
    check(&plan, "A=2", "", "A");
    apply_anew(&mut plan, "{groups: [A]}", &lookup(&[("A", &["1", "2"])]), true);
    check(&plan, "A=2", "A", "A");
}

/// Two that change places, and one of them before the other: never two synchronizations of one pair.
#[test]
fn what_would_be_a_mistake_in_force_goes_on_waiting() {
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

fn standing(plan: &Plan) -> Standing {
    let resource = |(id, spec): (Id, Spec)| (id.clone(), xtsync_domain::resource::Resource { id, revision: 1, spec });
    plan.clone().stored().into_iter().map(resource).collect()
}
