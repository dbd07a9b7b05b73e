//! The rules of policy as tables.

use super::*;
use crate::address::HomeDomains;
use crate::configuration::testing::Yaml;
use crate::resource::{Directory, Resource, Spec};
use crate::{Attributes, Origin, Timestamp, Value};

const ORGANIZATION: &str = r#"{"tenants":["emea","hub"]}"#;
const SALES: &str = r#""groups":[{"id":"sales"}]"#;

/// Two tenants of one organization, and a synchronization between them.
struct Fixture {
    organization: &'static str,
    scope: &'static str,
    more: &'static str,
    terms: Option<&'static str>,
}

const FIXTURE: Fixture = Fixture { organization: ORGANIZATION, scope: SALES, more: "", terms: None };

impl Fixture {
    fn configuration(&self) -> Configuration {
        self.yaml().configuration(9)
    }

    /// The configuration with one resource more.
    fn with(&self, more: Resource) -> Configuration {
        Configuration::new(9, self.yaml().resources().chain([more]))
    }

    fn yaml(&self) -> Yaml {
        let mut yaml = Yaml::new();
        yaml.organization("contoso", self.organization);
        yaml.tenant("emea", "contoso").tenant("hub", "contoso");
        yaml.synchronization("emea", "to-hub", &format!(r#"{{"to":"hub","scope":{{{}}}{}}}"#, self.scope, self.more));
        yaml.projection("emea", 5);
        if let Some(terms) = self.terms {
            yaml.access_policy("hub", &format!(r#"{{"partners":{{"emea":{terms}}}}}"#));
        }
        yaml
    }

    fn decide(&self, delta: &UserDelta) -> Option<Decision> {
        let compiled = CompiledRules::compile(Arc::new(self.configuration()));
        decide(delta, compiled.configuration().synchronizations().next().unwrap(), &compiled, &emea()).map(|decided| decided.decision)
    }

    fn desired(&self, state: State) -> Desired {
        self.decide(&delta(state)).unwrap().desired
    }
}

/// What is known of the users' home.
fn emea() -> Home {
    Home { domains: Some(HomeDomains::new(["emea.example", "upn.example"])), facts: 3 }
}

fn delta(state: State) -> UserDelta {
    UserDelta {
        tenant: TenantName::new("emea").unwrap(),
        user: "ana".into(),
        version: 7,
        projection: 5,
        origin: Origin::Live,
        first_seen: Timestamp(1),
        changed_at: None,
        state,
        changed: Vec::new(),
        before: Attributes::default(),
    }
}

fn ana() -> User {
    let attributes = [("accountEnabled", true.into()), ("displayName", "Ana".into()), ("mail", "ana@emea.example".into())];
    User { attributes: attributes.into_iter().collect(), groups: vec!["sales".into()], nested_groups: vec![], kind: Kind::Internal }
}

fn with(name: &'static str, value: Value) -> User {
    let mut user = ana();
    user.attributes.insert(name, value);
    user
}

fn unblocked(wanted: Wanted) -> Desired {
    Desired { sign_in_blocked: false, wanted }
}

fn skipped(reason: SkipReason) -> Desired {
    unblocked(Wanted::Skipped(reason))
}

fn deleted() -> Desired {
    unblocked(Wanted::No(DeprovisionReason::Deleted))
}

fn external() -> Desired {
    unblocked(Wanted::No(DeprovisionReason::External))
}

fn out_of_scope(grace_period_ms: u64, shape: Option<Shape>) -> Desired {
    unblocked(Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape }))
}

/// How Ana looks in the target.
fn shape() -> Shape {
    Shape {
        address: "ana@emea.example".to_owned(),
        attributes: Attributes::from_iter([("displayName", Value::from("Ana"))]),
        on_create: Attributes::from_iter([("userType", Value::from("Member"))]),
    }
}

fn outsider(kind: Kind) -> State {
    State::Present(User { groups: vec![], kind, ..ana() })
}

/// Each row breaks one rule more than those below it need, so the table also says their order.
#[test]
fn the_first_rule_that_matches_decides() {
    let unlisted = Fixture { organization: r#"{"tenants":["hub"]}"#, scope: r#""groups":["Sales"]"#, ..FIXTURE };
    let unresolved = Fixture { scope: r#""groups":["Sales"]"#, terms: Some(r#"{"as":["Guest"]}"#), ..FIXTURE };
    let unread = Fixture {
        more: r#","mappings":{"city":{"source":"extension_0123456789abcdef0123456789abcdef_city"}}"#,
        terms: Some(r#"{"as":["Guest"]}"#),
        ..FIXTURE
    };
    let guests_only = Fixture { terms: Some(r#"{"as":["Guest"]}"#), ..FIXTURE };
    let nowhere = || State::Present(User { attributes: Attributes::default(), ..ana() });
    let there = || State::Present(ana());
    for (fixture, state, want) in [
        (&unlisted, State::Gone(Gone::Deleted), skipped(SkipReason::NotOneOrganization)),
        (&unlisted, outsider(Kind::External), skipped(SkipReason::NotOneOrganization)),
        (&unresolved, State::Gone(Gone::Deleted), deleted()),
        (&unresolved, State::Gone(Gone::SoftDeleted), deleted()),
        (&unresolved, outsider(Kind::External), external()),
        (&unresolved, nowhere(), skipped(SkipReason::ScopeUnresolved)),
        (&unread, State::Gone(Gone::Deleted), deleted()),
        (&unread, outsider(Kind::Internal), skipped(SkipReason::ScopeUnresolved)),
        (&unread, there(), skipped(SkipReason::ScopeUnresolved)),
        (&guests_only, outsider(Kind::Internal), out_of_scope(30_000, None)),
        (&guests_only, nowhere(), skipped(SkipReason::NoAddress)),
        (&guests_only, there(), skipped(SkipReason::UserTypeNotAdmitted)),
    ] {
        assert_eq!(fixture.desired(state.clone()), want, "{state:?}");
    }
    assert!(matches!(FIXTURE.desired(there()).wanted, Wanted::Yes(_)));
}

#[test]
fn a_user_in_scope_is_wanted_with_the_mapped_shape() {
    assert_eq!(FIXTURE.desired(State::Present(ana())), unblocked(Wanted::Yes(shape())));
}

#[test]
fn what_the_target_keeps_is_written_at_creation_only() {
    let fixture = Fixture { terms: Some(r#"{"keeps":["displayName"]}"#), ..FIXTURE };
    let Wanted::Yes(shape) = fixture.desired(State::Present(ana())).wanted else { panic!("the user is in scope") };
    assert!(shape.attributes.is_empty());
    assert_eq!(shape.on_create.text("displayName"), Some("Ana"));
}

#[test]
fn a_mapping_that_reads_the_targets_default_domain_waits_for_it() {
    let fixture = Fixture { more: r#","mappings":{"city":{"expression":"Append(\"at \", DefaultDomain())"}}"#, ..FIXTURE };
    let with = |domain: Option<&str>| {
        let directory = Directory { id: "hub-id".into(), default_domain: domain.map(str::to_owned) };
        let directory = Resource { id: Directory::id_of(&"hub".parse().unwrap()), revision: 8, spec: Spec::Directory(directory) };
        CompiledRules::compile(Arc::new(fixture.with(directory)))
    };
    let wanted = |compiled: &CompiledRules| {
        let synchronization = compiled.configuration().synchronizations().next().unwrap();
        decide(&delta(State::Present(ana())), synchronization, compiled, &emea()).unwrap().decision.desired.wanted
    };
    let (unknown, hub, other) = (with(None), with(Some("hub.example")), with(Some("other.example")));
    assert_eq!(wanted(&unknown), Wanted::Skipped(SkipReason::ScopeUnresolved));
    let Wanted::Yes(shape) = wanted(&hub) else { panic!("the user is in scope") };
    assert_eq!(shape.attributes.text("city"), Some("at hub.example"));
    let digests = [&unknown, &hub, &other].map(|compiled| compiled.digests(&"emea".parse().unwrap())["to-hub"]);
    assert!(digests[0] != digests[1] && digests[1] != digests[2], "its users are decided again");
}

#[test]
fn a_filter_moves_users_in_and_out_of_the_scope() {
    let fixture = Fixture { scope: r#""groups":[{"id":"sales"}],"where":"department EQUALS \"Legal\" AND NOT (city IS NULL)""#, ..FIXTURE };
    let in_city = |department: Value| {
        let mut user = with("department", department);
        user.attributes.insert("city", "Paris".into());
        user
    };
    let mut unread = in_city("Legal".into());
    unread.attributes.set_unread("department");
    for (user, want) in [
        (in_city("Legal".into()), "in_scope"),
        (in_city("legal".into()), "out_of_scope"),
        (in_city(Value::Null), "out_of_scope"),
        (unread.clone(), "invalid_attribute"),
        (User { groups: vec![], ..unread }, "out_of_scope"),
    ] {
        assert_eq!(fixture.desired(State::Present(user.clone())).wanted.reason(), want, "{user:?}");
    }
}

#[test]
fn a_user_disabled_at_home_loses_sign_in_also_where_the_filter_cannot_be_known() {
    let fixture = Fixture { scope: r#""everyone":true,"where":"department IS NULL""#, ..FIXTURE };
    let mut user = with("accountEnabled", false.into());
    user.attributes.set_unread("department");
    let want = Desired { sign_in_blocked: true, wanted: Wanted::Skipped(SkipReason::InvalidAttribute("department")) };
    assert_eq!(fixture.desired(State::Present(user)), want);
}

#[test]
fn a_user_is_admitted_as_guest_where_the_mapping_says_guest() {
    let fixture = Fixture { more: r#","mappings":{"userType":{"constant":"Guest"}}"#, terms: Some(r#"{"as":["Guest"]}"#), ..FIXTURE };
    assert!(matches!(fixture.desired(State::Present(ana())).wanted, Wanted::Yes(_)));
}

#[test]
fn a_user_is_invited_by_the_first_address_in_a_verified_domain_of_their_home() {
    let named = |mail: Value| {
        let mut user = with("userPrincipalName", "ana@upn.example".into());
        user.attributes.insert("mail", mail);
        user
    };
    for (user, want) in [
        (ana(), Ok("ana@emea.example")),
        (named("ana@emea.example".into()), Ok("ana@emea.example")),
        (named(" ana@EMEA.example. ".into()), Ok("ana@EMEA.example")),
        (named(Value::Null), Ok("ana@upn.example")),
        (named("".into()), Ok("ana@upn.example")),
        (named(Value::Number(7)), Ok("ana@upn.example")),
        (named("ana@us.example".into()), Ok("ana@upn.example")),
        (named("ana@hub.example".into()), Ok("ana@upn.example")),
        (named("ana@mail.emea.example".into()), Ok("ana@upn.example")),
        (named("ana@gmail.example".into()), Ok("ana@upn.example")),
        (with("mail", "ana@us.example".into()), Err(SkipReason::NoVerifiedAddress)),
        (with("mail", "ana".into()), Err(SkipReason::NoVerifiedAddress)),
        (with("mail", Value::Null), Err(SkipReason::NoAddress)),
    ] {
        assert_eq!(address(&user, &emea()), want);
    }
    let unknown = Home { domains: None, facts: 3 };
    assert_eq!(address(&ana(), &unknown), Err(SkipReason::HomeDomainsUnknown));
    assert_eq!(address(&with("mail", Value::Null), &unknown), Err(SkipReason::NoAddress));
}

#[test]
fn a_leaver_needs_no_address_and_no_known_domains() {
    let compiled = CompiledRules::compile(Arc::new(FIXTURE.configuration()));
    let synchronization = compiled.configuration().synchronizations().next().unwrap();
    for home in [Home::default(), emea()] {
        let decided = decide(&delta(State::Gone(Gone::Deleted)), synchronization, &compiled, &home).unwrap();
        assert_eq!(decided.decision.desired, deleted());
    }
}

#[test]
fn only_an_explicit_false_disables_a_user() {
    for (value, want) in [(true.into(), true), (false.into(), false), (Value::Null, true)] {
        let desired = FIXTURE.desired(State::Present(with("accountEnabled", value)));
        assert_eq!(desired, Desired { sign_in_blocked: !want, wanted: Wanted::Yes(shape()) });
    }
}

/// K-30: whatever is not known of a user, home's no to their sign-in is.
#[test]
fn a_skipped_user_who_is_disabled_at_home_loses_sign_in_unless_the_tenants_are_not_one_organization() {
    let disabled = || with("accountEnabled", false.into());
    let nowhere = || User { attributes: Attributes::from_iter([("accountEnabled", Value::from(false))]), ..ana() };
    let unlisted = Fixture { organization: r#"{"tenants":["hub"]}"#, ..FIXTURE };
    let unresolved = Fixture { scope: r#""groups":["Sales"]"#, ..FIXTURE };
    let guests_only = Fixture { terms: Some(r#"{"as":["Guest"]}"#), ..FIXTURE };
    for (fixture, user, reason, blocked) in [
        (&unlisted, disabled(), SkipReason::NotOneOrganization, false),
        (&unresolved, disabled(), SkipReason::ScopeUnresolved, true),
        (&FIXTURE, nowhere(), SkipReason::NoAddress, true),
        (&guests_only, disabled(), SkipReason::UserTypeNotAdmitted, true),
        (&unresolved, ana(), SkipReason::ScopeUnresolved, false),
    ] {
        let want = Desired { sign_in_blocked: blocked, wanted: Wanted::Skipped(reason) };
        assert_eq!(fixture.desired(State::Present(user)), want);
    }
}

#[test]
fn a_scope_lost_waits_as_long_as_the_synchronization_says() {
    let fixture = Fixture { more: r#","scopeGracePeriod":"1s 500ms""#, ..FIXTURE };
    assert_eq!(fixture.desired(outsider(Kind::Internal)), out_of_scope(1_500, Some(shape())));
}

#[test]
fn a_user_with_another_projection_is_not_decided_but_a_leaver_is() {
    let decided = |projection, state| FIXTURE.decide(&UserDelta { projection, ..delta(state) }).is_some();
    for (projection, state, want) in [
        (5, State::Present(ana()), true),
        (6, State::Present(ana()), false),
        (4, State::Present(ana()), false),
        (4, outsider(Kind::Internal), false),
        (4, State::Gone(Gone::Deleted), true),
    ] {
        assert_eq!(decided(projection, state.clone()), want, "{projection} {state:?}");
    }
}

#[test]
fn a_decision_says_what_it_was_made_of() {
    let decision = FIXTURE.decide(&delta(State::Gone(Gone::Deleted))).unwrap();
    let version = Version { delta: 7, facts: 3, revision: 9, rules: RULES_VERSION };
    assert_eq!((decision.version, decision.origin, decision.first_seen), (version, Origin::Live, Timestamp(1)));
    assert_eq!((decision.source.as_str(), decision.user.as_str(), decision.synchronization.as_str()), ("emea", "ana", "to-hub"));
}

/// `"false"` as a text, as a directory or a gateway before it may say: it must not admit a user blocked at home.
#[test]
fn an_invalid_account_enabled_value_skips_the_user() {
    for value in ["false".into(), "true".into(), "".into(), Value::Number(0), Value::Texts(vec!["false".to_owned()])] {
        let desired = FIXTURE.desired(State::Present(with("accountEnabled", value)));
        assert_eq!(desired, skipped(SkipReason::InvalidAttribute("accountEnabled")));
    }
    let out = State::Present(User { groups: vec![], ..with("accountEnabled", "false".into()) });
    assert_eq!(FIXTURE.desired(out), out_of_scope(30_000, None), "the scope is lost all the same");
}

#[test]
fn an_attribute_of_a_wrong_type_is_not_written_and_is_named() {
    let mut user = with("displayName", Value::Number(7));
    user.attributes.insert("city", Value::Texts(vec!["Paris".to_owned()]));
    user.attributes.insert("department", Value::Null);
    let compiled = CompiledRules::compile(Arc::new(FIXTURE.configuration()));
    let (delta, synchronization) = (delta(State::Present(user)), compiled.configuration().synchronizations().next().unwrap());
    let decided = decide(&delta, synchronization, &compiled, &emea()).unwrap();
    assert_eq!(decided.invalid.iter().map(|invalid| invalid.attribute.as_str()).collect::<Vec<_>>(), ["city", "displayName"]);
    let Wanted::Yes(shape) = decided.decision.desired.wanted else { panic!("in scope") };
    assert_eq!(shape.attributes, Attributes::from_iter([("department", Value::Null)]));
}

#[test]
fn a_user_who_is_disabled_and_out_of_scope_is_known_as_both() {
    let disabled = State::Present(User { groups: vec![], ..with("accountEnabled", false.into()) });
    assert_eq!(FIXTURE.desired(disabled), Desired { sign_in_blocked: true, ..out_of_scope(30_000, Some(shape())) });
}

/// A holder other than the synchronization may want a user out of its scope.
#[test]
fn a_user_out_of_scope_has_the_shape_that_they_would_have_in_it_as_far_as_it_is_known() {
    let guests_only = Fixture { terms: Some(r#"{"as":["Guest"]}"#), ..FIXTURE };
    let only = |attributes: &[(&'static str, Value)]| User { attributes: attributes.iter().cloned().collect(), ..ana() };
    for (fixture, user, want) in [
        (&FIXTURE, ana(), Some(shape())),
        // What a user in no scope is published with.
        (&FIXTURE, only(&[("accountEnabled", true.into())]), None),
        (&FIXTURE, with("mail", "ana@us.example".into()), None),
        (&FIXTURE, with("accountEnabled", "false".into()), None),
        (&guests_only, ana(), None),
    ] {
        let out = State::Present(User { groups: vec![], ..user });
        assert_eq!(fixture.desired(out.clone()), out_of_scope(30_000, want), "{out:?}");
    }
}
