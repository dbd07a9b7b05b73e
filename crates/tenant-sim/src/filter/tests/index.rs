//! A look-up by index gives the same users as a full scan and reads only a few of them.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::directory::{Directory, anchor_property};
use crate::faults::FaultState;
use crate::filter::narrow::CANDIDATES_MAX;
use crate::filter::{Comparison, Filter, Items, Literal, Term, Test, matches, narrowed, parse};
use crate::generate::uuid;
use crate::journal::Journal;
use crate::object::Fields;
use crate::property::{self, ObjectKind, Prop, named};
use crate::user_index::UserIndex;
use crate::value::Value;

/// Few texts, so that values repeat; some letters have a case of several letters, or one that depends on the place in a word.
const TEXTS: [&str; 12] = ["", "a", "A", "ana", "Ana@hub", "ANA@HUB", "anastasia", "b", "Straße", "ΟΔΟΣ", "οδος", "İpek"];

fn text(rng: &mut StdRng) -> &'static str {
    TEXTS.choose(rng).unwrap()
}

fn directory() -> (Directory, [Prop; 6]) {
    let directory = Directory::new("hub", Uuid::nil(), Journal::new(), FaultState::default());
    let anchor = directory.schema.find(ObjectKind::User, &anchor_property()).unwrap();
    (directory, [property::UPN, property::MAIL, anchor, const { named("city") }, property::OTHER_MAILS, property::PROXY_ADDRESSES])
}

fn is_list(prop: Prop) -> bool {
    [property::OTHER_MAILS, property::PROXY_ADDRESSES].contains(&prop)
}

fn value(prop: Prop, rng: &mut StdRng) -> Value {
    match rng.random_range(0..5) {
        0 => Value::Null,
        1 if is_list(prop) => Value::texts([text(rng), text(rng)]),
        _ if is_list(prop) => Value::texts([text(rng)]),
        _ => Value::text(text(rng)),
    }
}

/// Creates users, then changes, deletes and restores some.
fn populate(directory: &mut Directory, props: &[Prop], rng: &mut StdRng) {
    for _ in 0..rng.random_range(0..40) {
        let mut fields = Fields::default();
        for prop in props.iter().copied().filter(|_| rng.random_ratio(3, 4)).collect::<Vec<_>>() {
            fields.set(prop, value(prop, rng));
        }
        directory.add_user(uuid(rng), fields);
    }
    for _ in 0..60 {
        let ids: Vec<Uuid> = directory.users.after(None).chain(directory.deleted.after(None)).map(|user| user.id).collect();
        let (Some(id), prop) = (ids.choose(rng), *props.choose(rng).unwrap()) else {
            return;
        };
        match rng.random_range(0..4) {
            0 => drop(directory.delete_user(*id)),
            1 => drop(directory.restore_user(*id)),
            _ => directory.users.set(*id, prop, value(prop, rng)),
        }
    }
}

fn test(rng: &mut StdRng) -> Test {
    let literal = |rng: &mut StdRng| if rng.random_ratio(1, 8) { Literal::Null } else { Literal::Text(text(rng).to_owned()) };
    match rng.random_range(0..8) {
        0 => Test::Compare(Comparison::NotEqual, literal(rng)),
        1 => Test::In(vec![literal(rng), literal(rng)]),
        2 | 3 => Test::StartsWith(text(rng).to_owned()),
        4 => Test::EndsWith(text(rng).to_owned()),
        _ => Test::Compare(Comparison::Equal, literal(rng)),
    }
}

fn filter(props: &[Prop], user_index: &UserIndex, depth: u32, rng: &mut StdRng) -> Filter {
    let inner = |rng: &mut StdRng| Box::new(filter(props, user_index, depth - 1, rng));
    match rng.random_range(0..10) {
        0..4 if depth > 0 => Filter::Or(inner(rng), inner(rng)),
        4 if depth > 0 => Filter::And(inner(rng), inner(rng)),
        5 if depth > 0 => Filter::Not(inner(rng)),
        6 => {
            let ids: Vec<Uuid> = user_index.after(None).map(|user| user.id).collect();
            let id = ids.choose(rng).map_or_else(|| "unknown".to_owned(), Uuid::to_string);
            Filter::Test(Term { prop: property::ID, part: None }, Test::Compare(Comparison::Equal, Literal::Text(id)))
        }
        _ => match *props.choose(rng).unwrap() {
            prop if is_list(prop) => Filter::Any(prop, Some(Box::new(Items::Test(None, test(rng))))),
            prop => Filter::Test(Term { prop, part: None }, test(rng)),
        },
    }
}

fn ids<'a>(users: impl Iterator<Item = &'a crate::user::User>, filter: &Filter) -> Vec<Uuid> {
    users.filter(|user| matches(filter, *user)).map(|user| user.id).collect()
}

#[test]
fn the_index_finds_the_same_users_in_the_same_order_as_a_scan() {
    let mut narrower = 0;
    for seed in 0..150 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut directory, props) = directory();
        populate(&mut directory, &props, &mut rng);
        for user_index in [&directory.users, &directory.deleted] {
            for _ in 0..40 {
                let filter = filter(&props, user_index, 3, &mut rng);
                let after = rng.random_ratio(1, 2).then(|| uuid(&mut rng));
                let scanned = ids(user_index.after(after), &filter);
                assert_eq!(ids(narrowed(Some(&filter), user_index, after), &filter), scanned, "seed {seed}: {filter:?} after {after:?}");
                narrower += usize::from(narrowed(Some(&filter), user_index, None).count() < user_index.len());
            }
        }
    }
    assert!(narrower > 2_000, "only {narrower} filters were narrowed");
}

#[test]
fn the_look_ups_of_a_create_scan_only_matching_users() {
    let (mut directory, props) = directory();
    let mut rng = StdRng::seed_from_u64(7);
    for number in 0..300 {
        let mut fields = Fields::default();
        let mail = format!("person.{number}@emea.example");
        fields.set(property::UPN, Value::text(format!("Person.{number}_emea.example#EXT#@hub.onmicrosoft.example")));
        fields.set(property::MAIL, Value::text(mail.as_str()));
        fields.set(property::PROXY_ADDRESSES, Value::texts([format!("SMTP:{mail}")]));
        fields.set(property::OTHER_MAILS, Value::texts([mail]));
        fields.set(props[2], Value::text(format!("emea/{number}")));
        directory.add_user(uuid(&mut rng), fields);
    }
    let mail = "mail eq 'person.7@emea.example' or proxyAddresses/any(p:p eq 'smtp:person.7@emea.example')";
    let ours = format!("{} eq 'emea/7' or {mail} or otherMails/any(m:m eq 'person.7@emea.example')", anchor_property());
    let name = "userPrincipalName eq 'person.7@emea.example' or startsWith(userPrincipalName,'person.7_emea.example#EXT#@')";
    for filter in [mail, &ours, name, &format!("{ours} or {name}"), "startsWith(userPrincipalName,'PERSON.299_')"] {
        let parsed = parse(&directory.schema, ObjectKind::User, filter).unwrap();
        assert_eq!(narrowed(Some(&parsed), &directory.users, None).count(), 1, "{filter}");
    }
}

#[test]
fn a_value_shared_by_too_many_users_is_found_by_a_scan() {
    let (mut directory, props) = directory();
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..=CANDIDATES_MAX {
        let mut fields = Fields::default();
        fields.set(props[2], Value::text("shared"));
        directory.add_user(uuid(&mut rng), fields);
    }
    let filter = parse(&directory.schema, ObjectKind::User, &format!("{} eq 'shared'", anchor_property())).unwrap();
    assert_eq!(ids(narrowed(Some(&filter), &directory.users, None), &filter).len(), directory.users.len());
}
