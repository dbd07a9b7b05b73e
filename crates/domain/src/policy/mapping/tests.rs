//! What becomes of attributes.

use super::*;

fn source(name: &str) -> Mapping {
    MappingSource::Source(name.to_owned()).into()
}

fn constant(text: &str, apply: Apply) -> Mapping {
    Mapping { apply, ..MappingSource::Constant(text.to_owned()).into() }
}

fn none() -> Mapping {
    MappingSource::None.into()
}

fn set(pairs: &[(&'static str, Value)]) -> Attributes {
    pairs.iter().cloned().collect()
}

fn check(
    written: &[(&str, Mapping)],
    nulls: Nulls,
    keeps: &[&str],
    user: &[(&'static str, Value)],
    want: &[(&'static str, Value)],
    on_create: &[(&'static str, Value)],
) {
    let written = written.iter().map(|(name, mapping)| ((*name).to_owned(), mapping.clone())).collect();
    let keeps = keeps.iter().map(|name| (*name).to_owned()).collect();
    let mapped = map(&compile(&written, nulls, &keeps, &Tables::default()), &set(user), &Context::default());
    assert_eq!(mapped, Mapped { attributes: set(want), on_create: set(on_create), invalid: Vec::new() }, "{written:?}");
}

#[test]
fn by_default_attributes_map_to_themselves_and_users_become_members() {
    let user = [("displayName", "Ana".into()), ("city", "Paris".into()), ("mail", "ana@x".into()), ("mobilePhone", "1".into())];
    check(&[], Nulls::Clear, &[], &user, &[("city", "Paris".into()), ("displayName", "Ana".into())], &[("userType", "Member".into())]);
}

#[test]
fn a_written_mapping_replaces_the_default_and_none_switches_it_off() {
    let user = [("department", "Sales".into()), ("city", "Paris".into()), ("mobilePhone", "1".into())];
    let written = [
        ("city", none()),
        ("jobTitle", source("department")),
        ("userType", constant("Guest", Apply::Always)),
        ("mobilePhone", source("mobilePhone")),
    ];
    let want = [("department", "Sales".into()), ("jobTitle", "Sales".into()), ("mobilePhone", "1".into()), ("userType", "Guest".into())];
    check(&written, Nulls::Clear, &[], &user, &want, &[]);
}

#[test]
fn a_null_clears_what_can_be_cleared_and_what_was_not_read_is_left_alone() {
    let emptied = [("city", Value::Null), ("displayName", Value::Null), ("usageLocation", Value::Null)];
    let member = [("userType", "Member".into())];
    check(&[], Nulls::Clear, &[], &emptied, &[("city", Value::Null)], &member);
    check(&[], Nulls::Keep, &[], &emptied, &[], &member);
    check(&[], Nulls::Clear, &[], &[], &[], &member);
}

#[test]
fn what_is_for_creation_or_what_the_target_keeps_is_written_at_creation_only() {
    let user = [("city", "Paris".into()), ("displayName", "Ana".into()), ("department", Value::Null)];
    let once = Mapping { apply: Apply::OnCreate, ..source("city") };
    let written = [("city", once), ("userType", none())];
    check(&written, Nulls::Clear, &["displayName", "department"], &user, &[], &user[..2]);
}

#[test]
fn an_attribute_that_must_not_be_written_never_is() {
    let user = [("mail", "ana@x".into()), ("city", "Paris".into())];
    let written = [
        ("mail", source("mail")),
        ("userPrincipalName", source("mail")),
        ("badge", source("city")),
        ("userType", none()),
        ("city", none()),
    ];
    check(&written, Nulls::Clear, &[], &user, &[], &[]);
}

#[test]
fn an_invitation_makes_a_guest_unless_a_mapping_asks_for_a_member() {
    for (mapping, want) in [
        (None, UserType::Member),
        (Some(constant("Member", Apply::Always)), UserType::Member),
        (Some(constant("Guest", Apply::OnCreate)), UserType::Guest),
        (Some(none()), UserType::Guest),
    ] {
        let written = mapping.into_iter().map(|mapping| ("userType".to_owned(), mapping)).collect();
        assert_eq!(compile(&written, Nulls::Clear, &BTreeSet::new(), &Tables::default()).user_type(), want);
    }
}

#[test]
fn only_source_attributes_are_read() {
    let written = BTreeMap::from([("jobTitle".to_owned(), source("employeeType")), ("city".to_owned(), none())]);
    let mappings = compile(&written, Nulls::Clear, &BTreeSet::new(), &Tables::default());
    let reads: Vec<_> = mappings.reads().collect();
    assert!(reads.contains(&"employeeType") && reads.contains(&"displayName"));
    assert!(!reads.contains(&"city") && !reads.contains(&"jobTitle") && !reads.contains(&"userType"));
}

fn expression(text: &str) -> Mapping {
    MappingSource::Expression(text.to_owned()).into()
}

#[test]
fn an_expression_gives_a_value_or_nothing_and_then_the_default_counts() {
    let user = [("givenName", "Ana".into()), ("surname", "Gil".into()), ("department", Value::Null), ("businessPhones", Value::Null)];
    let joined = expression(r#"Join(" ", [givenName], [surname])"#);
    let with_default = Mapping { default: Some("none".to_owned()), ..expression(r#"Append([department], "")"#) };
    for (mapping, want) in [
        (joined, Some(Value::from("Ana Gil"))),
        (expression("[department]"), Some(Value::Null)),
        (Mapping { nulls: Some(Nulls::Keep), ..expression("[department]") }, None),
        (with_default, Some("none".into())),
        (expression("[jobTitle]"), None),
        (expression("no expression"), None),
    ] {
        let written = BTreeMap::from([("city".to_owned(), mapping.clone())]);
        let mapped = map(&compile(&written, Nulls::Clear, &BTreeSet::new(), &Tables::default()), &set(&user), &Context::default());
        assert_eq!(mapped.attributes.get("city"), want.as_ref(), "{mapping:?}");
        assert_eq!(mapped.invalid, [], "{mapping:?}");
    }
}

#[test]
fn what_an_expression_reads_is_what_is_read_of_the_source() {
    let written = BTreeMap::from([("city".to_owned(), expression("Append([mailNickname], [mobilePhone])"))]);
    let mappings = compile(&written, Nulls::Clear, &BTreeSet::new(), &Tables::default());
    let reads: BTreeSet<&str> = mappings.reads().collect();
    assert!(reads.contains("mailNickname") && reads.contains("mobilePhone") && !reads.contains("city"), "{reads:?}");
}

#[test]
fn a_changed_expression_is_another_mapping() {
    let compiled =
        |text: &str| compile(&BTreeMap::from([("city".to_owned(), expression(text))]), Nulls::Clear, &BTreeSet::new(), &Tables::default());
    assert_eq!(compiled("[state]"), compiled("[state]"));
    assert_ne!(compiled("[state]"), compiled("Append([state], \"\")"));
}
