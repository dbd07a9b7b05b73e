//! Makes a directory of any size by seed: users with names, places, jobs and managers, and their groups.
//!
//! Exactly as many users as asked for: of fifty one is a guest, of a hundred one is a disabled member. Every enabled member is in
//! `GlobalEmployees`; most of a city's are also in `Team-{City}`, and the teams are nested in `GlobalEmployees`. Nothing of it is in the
//! journal: the directory was there before.

mod user;
mod words;

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use time::OffsetDateTime;
use uuid::Uuid;

use self::user::{GeneratedUser, Maker};
use crate::directory::Directory;
use crate::object::Fields;
use crate::property::{self, ObjectKind, named};
use crate::value::Value;

/// The group of all enabled members.
pub const ALL_USERS: &str = "GlobalEmployees";
/// Of fifty users, the one at this place is a guest.
const GUEST: (usize, usize) = (50, 25);
/// Of a hundred users, the one at this place is disabled.
const DISABLED: (usize, usize) = (100, 37);
/// How many users report to one manager.
const REPORTS: usize = 8;

/// An id by seed.
pub(crate) fn uuid(rng: &mut StdRng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid()
}

/// Fills an empty directory with `count` users and their groups.
pub(crate) fn fill(directory: &mut Directory, count: usize, rng: &mut StdRng) {
    if count == 0 {
        return;
    }
    let mut maker = Maker::new(&directory.domain, &directory.initial_domain);
    let mut ids = Vec::with_capacity(count);
    let mut teams: BTreeMap<&'static str, Vec<Uuid>> = BTreeMap::new();
    let mut all_users = Vec::with_capacity(count);
    for place in 0..count {
        let (guest, enabled) = (is_at(place, GUEST), !is_at(place, DISABLED));
        let GeneratedUser { fields, city } = maker.user(place, guest, enabled, rng);
        let id = uuid(rng);
        directory.add_user(id, fields);
        directory.refer(id, boss(place, &ids, rng));
        ids.push(id);
        if enabled && !guest {
            all_users.push(id);
            if rng.random_ratio(2, 3) {
                teams.entry(city).or_default().push(id);
            }
        }
    }
    let global = add_group(directory, ALL_USERS, &all_users, rng);
    for (city, members) in teams {
        let team = add_group(directory, &format!("Team-{city}"), &members, rng);
        directory.join(global, team, ObjectKind::Group);
    }
}

fn is_at(place: usize, (of, at): (usize, usize)) -> bool {
    place % of == at
}

/// Most users report to a user created before them; guests manage no user.
fn boss(place: usize, ids: &[Uuid], rng: &mut StdRng) -> Option<Uuid> {
    let above = place.checked_sub(1)? / REPORTS;
    let reports = !is_at(place, GUEST) && !is_at(above, GUEST) && rng.random_ratio(19, 20);
    ids.get(above).copied().filter(|_| reports)
}

fn add_group(directory: &mut Directory, name: &str, members: &[Uuid], rng: &mut StdRng) -> Uuid {
    let mut fields = Fields::default();
    fields.set(property::DISPLAY_NAME, Value::text(name));
    fields.set(property::MAIL_NICKNAME, Value::text(name.replace(' ', "")));
    fields.set(property::MAIL_ENABLED, Value::Flag(false));
    fields.set(property::SECURITY_ENABLED, Value::Flag(true));
    fields.set(property::GROUP_TYPES, Value::texts::<&str>([]));
    fields.set(const { named("description") }, Value::text(format!("Made for {}", directory.name)));
    fields.set(property::CREATED, Value::Time(OffsetDateTime::UNIX_EPOCH + time::Duration::days(19_000)));
    let id = uuid(rng);
    directory.add_group(id, fields);
    for member in members {
        directory.join(id, *member, ObjectKind::User);
    }
    id
}

#[cfg(test)]
mod tests {
    use crate::Sim;
    use std::collections::BTreeSet;

    #[test]
    fn a_directory_has_exactly_as_many_users_as_asked_for() {
        for (users, guests, disabled) in [(0, 0, 0), (1, 0, 0), (26, 1, 0), (100, 2, 1), (2_000, 40, 20)] {
            let sim = Sim::builder().tenant("emea", users).seed(7).build().unwrap();
            let emea = sim.tenant("emea").unwrap();
            let all: Vec<_> = emea.users().into_iter().map(|id| emea.user(id).unwrap()).collect();
            let count = |name: &str, value: serde_json::Value| all.iter().filter(|user| user[name] == value).count();
            assert_eq!((all.len(), count("userType", "Guest".into()), count("accountEnabled", false.into())), (users, guests, disabled));
            let mails: BTreeSet<_> = all.iter().filter_map(|user| user["mail"].as_str()).map(str::to_lowercase).collect();
            assert_eq!(mails.len(), users, "mails are unique");
            assert_eq!(emea.groups("GlobalEmployees").len(), usize::from(users > 0));
        }
    }

    #[test]
    fn enabled_users_are_in_the_global_group_and_the_teams_are_nested_in_it() {
        let sim = Sim::builder().tenant("emea", 2_000).seed(7).build().unwrap();
        let emea = sim.tenant("emea").unwrap();
        let members: BTreeSet<_> = emea.members(emea.groups("GlobalEmployees")[0]).into_iter().collect();
        let teams: Vec<_> = members.iter().filter(|id| emea.user(**id).is_none()).collect();
        assert!(teams.len() > 5);
        assert_eq!(members.len() - teams.len(), 2_000 - 40 - 20);
        for team in teams {
            let within = emea.members(*team);
            assert!(!within.is_empty() && within.iter().all(|member| members.contains(member)));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_directory() {
        let sim = |seed| Sim::builder().tenant("emea", 50).tenant("us", 50).seed(seed).build().unwrap();
        let all = |sim: &Sim, name| sim.tenant(name).unwrap().users();
        assert_eq!(all(&sim(7), "emea"), all(&sim(7), "emea"));
        assert_ne!(all(&sim(7), "emea"), all(&sim(8), "emea"));
        assert_ne!(all(&sim(7), "emea"), all(&sim(7), "us"));
        assert_eq!(sim(7).tenant("emea").unwrap().id(), sim(7).tenant("emea").unwrap().id());
        assert!(sim(7).journal().is_empty());
    }
}
