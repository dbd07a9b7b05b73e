//! What names resolve to, whatever was known before.

use super::*;

fn sync(groups: &[GroupRef]) -> Synchronization {
    let mut spec: Synchronization = serde_json::from_str(r#"{"to": "b", "scope": {}}"#).unwrap();
    spec.scope.groups = groups.to_vec();
    spec
}

fn named(name: &str) -> GroupRef {
    GroupRef::Named(name.into())
}

fn group(id: &str, name: Option<&str>) -> GroupRef {
    GroupRef::Pinned(PinnedGroup { id: id.into(), name: name.map(Into::into) })
}

fn found(name: &str, ids: &[&str], resolution: u64) -> Fact {
    Fact::GroupName { name: name.into(), ids: ids.iter().map(|id| GroupId::from(*id)).collect(), resolution }
}

#[test]
fn a_bare_name_keeps_the_id_it_had_and_nothing_else_does() {
    for (before, written, want) in [
        (vec![group("1", Some("All"))], vec![named("All")], vec![group("1", Some("All"))]),
        (vec![group("1", None)], vec![named("All")], vec![named("All")]),
        (vec![named("All")], vec![named("All")], vec![named("All")]),
        (vec![group("1", Some("All"))], vec![named("Sales")], vec![named("Sales")]),
        (vec![group("1", Some("All"))], vec![group("2", None)], vec![group("2", None)]),
        (vec![], vec![named("All")], vec![named("All")]),
    ] {
        assert_eq!(retain_ids(Some(&sync(&before)), &sync(&written)), sync(&want));
    }
    assert_eq!(retain_ids(None, &sync(&[named("All")])), sync(&[named("All")]));
}

#[test]
fn what_one_group_bears_resolves_as_often_as_it_is_asked() {
    let known = Known::new([found("All", &["1"], 7), found("Two", &["2", "3"], 7), found("No", &[], 7), found("Old", &["4"], 6)], 7);
    let written = sync(&[named("All"), named("Two"), named("No"), named("Old"), group("5", Some("All"))]);
    let want = sync(&[group("1", Some("All")), named("Two"), named("No"), named("Old"), group("5", Some("All"))]);
    assert_eq!(resolve(&written, &known), want);
    assert_eq!(resolve(&want, &known), want);
}

#[test]
fn a_name_resolves_to_what_was_looked_up_for_the_newest_revision() {
    let known = Known::new([found("One", &["1"], 7), found("Two", &["1", "2"], 7), found("No", &[], 7), found("Old", &["1"], 6)], 7);
    let several = Name::Several(["1", "2"].map(GroupId::from).into());
    for (name, want) in
        [("One", Name::One("1".into())), ("Two", several), ("No", Name::None), ("Old", Name::Unknown), ("Never", Name::Unknown)]
    {
        assert_eq!(known.name(name), want, "{name}");
    }
}
