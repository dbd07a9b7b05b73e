//! One generated user.

use std::collections::HashMap;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use time::{Duration, OffsetDateTime};

use super::words::{DEPARTMENTS, GIVEN, KINDS, SITES, SURNAMES, Site};
use crate::object::Fields;
use crate::property::{self, Prop, named};
use crate::value::Value;

const COMPANY: &str = "Contoso";

/// A user without an id.
pub(super) struct GeneratedUser {
    pub(super) fields: Fields,
    pub(super) city: &'static str,
}

/// Makes users with different addresses, and keeps every repeated text once.
pub(super) struct Maker {
    domain: String,
    initial_domain: String,
    /// How many users have each pair of names so far.
    namesakes: HashMap<(usize, usize), u32>,
    texts: HashMap<&'static str, Arc<str>>,
}

impl Maker {
    pub(super) fn new(domain: &str, initial_domain: &str) -> Self {
        Self { domain: domain.to_owned(), initial_domain: initial_domain.to_owned(), namesakes: HashMap::new(), texts: HashMap::new() }
    }

    pub(super) fn user(&mut self, place: usize, guest: bool, enabled: bool, rng: &mut StdRng) -> GeneratedUser {
        let (given, surname) = (rng.random_range(0..GIVEN.len()), rng.random_range(0..SURNAMES.len()));
        let local = self.local_part(given, surname);
        let site = SITES.choose(rng).expect("there are sites");
        let mut fields = Fields::with_capacity(30);
        self.identify(&mut fields, &local, guest);
        fields.set(property::DISPLAY_NAME, Value::text(format!("{} {}", GIVEN[given], SURNAMES[surname])));
        fields.set(const { named("givenName") }, self.text(GIVEN[given]));
        fields.set(const { named("surname") }, self.text(SURNAMES[surname]));
        fields.set(property::ACCOUNT_ENABLED, Value::Flag(enabled));
        let age = Duration::minutes(rng.random_range(0..1_500_000));
        fields.set(property::CREATED, Value::Time(OffsetDateTime::UNIX_EPOCH + Duration::days(19_000) + age));
        if !guest {
            self.employ(&mut fields, place, &local, rng);
            self.place(&mut fields, site, rng);
        }
        GeneratedUser { fields, city: site.city }
    }

    /// `given.surname`, with a number from the second namesake on.
    fn local_part(&mut self, given: usize, surname: usize) -> String {
        let count = self.namesakes.entry((given, surname)).or_default();
        *count += 1;
        let name = plain(&format!("{}.{}", GIVEN[given], SURNAMES[surname]));
        if *count == 1 { name } else { format!("{name}{count}") }
    }

    fn identify(&self, fields: &mut Fields, local: &str, guest: bool) {
        let address: Arc<str> = if guest { format!("{local}@partner.example") } else { format!("{local}@{}", self.domain) }.into();
        let nickname: Arc<str> = if guest { format!("{local}_partner.example#EXT#") } else { local.to_owned() }.into();
        let upn = if guest { Value::text(format!("{nickname}@{}", self.initial_domain)) } else { Value::Text(Arc::clone(&address)) };
        fields.set(property::UPN, upn);
        fields.set(property::MAIL_NICKNAME, Value::Text(nickname));
        fields.set(property::PROXY_ADDRESSES, Value::texts([format!("SMTP:{address}")]));
        fields.set(property::USER_TYPE, Value::text(if guest { "Guest" } else { "Member" }));
        if guest {
            fields.set(property::CREATION_TYPE, Value::text("Invitation"));
            fields.set(property::EXTERNAL_STATE, Value::text("Accepted"));
            fields.set(property::OTHER_MAILS, Value::Texts(Arc::from([Arc::clone(&address)])));
        }
        fields.set(property::MAIL, Value::Text(address));
    }

    fn employ(&mut self, fields: &mut Fields, place: usize, local: &str, rng: &mut StdRng) {
        let (department, jobs) = DEPARTMENTS.choose(rng).expect("there are departments");
        fields.set(const { named("department") }, self.text(department));
        fields.set(const { named("jobTitle") }, self.text(jobs.choose(rng).expect("every department has jobs")));
        fields.set(const { named("companyName") }, self.text(COMPANY));
        fields.set(property::EMPLOYEE_ID, Value::text(format!("{:06}", 100_000 + place)));
        // Directories have gaps: not every user has every attribute.
        if rng.random_ratio(9, 10) {
            fields.set(const { named("employeeType") }, self.text(KINDS.choose(rng).expect("there are kinds")));
        }
        if rng.random_ratio(1, 10) {
            fields.set(property::OTHER_MAILS, Value::texts([format!("{local}@home.example")]));
        }
        if rng.random_ratio(1, 4) {
            let alias = format!("smtp:{}@{}", local.replace('.', "_"), self.domain);
            let primary = format!("SMTP:{local}@{}", self.domain);
            fields.set(property::PROXY_ADDRESSES, Value::texts([primary, alias]));
        }
    }

    fn place(&mut self, fields: &mut Fields, site: &'static Site, rng: &mut StdRng) {
        let texts: [(Prop, &'static str); 5] = [
            (const { named("city") }, site.city),
            (const { named("country") }, site.country),
            (const { named("usageLocation") }, site.usage),
            (const { named("preferredLanguage") }, site.language),
            (const { named("postalCode") }, site.postal),
        ];
        for (prop, text) in texts {
            fields.set(prop, self.text(text));
        }
        if let Some(state) = site.state {
            fields.set(const { named("state") }, self.text(state));
        }
        fields.set(const { named("streetAddress") }, Value::text(format!("{} {}", site.street, rng.random_range(1..90))));
        fields.set(const { named("officeLocation") }, Value::text(format!("{}/{}", rng.random_range(1..12), rng.random_range(100..999))));
        if rng.random_ratio(4, 5) {
            fields.set(const { named("mobilePhone") }, Value::text(format!("{} 555 {:04}", site.dial, rng.random_range(0..10_000))));
        }
        if rng.random_ratio(1, 2) {
            fields.set(const { named("businessPhones") }, Value::texts([format!("{} 555 {:04}", site.dial, rng.random_range(0..10_000))]));
        }
    }

    fn text(&mut self, text: &'static str) -> Value {
        Value::Text(Arc::clone(self.texts.entry(text).or_insert_with(|| Arc::from(text))))
    }
}

/// A name as addresses have it: lower case, no accents, no spaces. Apostrophes stay, as they do in real addresses.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        'á' | 'à' | 'ä' => 'a',
        'é' | 'ë' | 'è' => 'e',
        'í' | 'ı' => 'i',
        'ó' | 'ö' | 'ø' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        ' ' => '-',
        other => other,
    };
    name.to_lowercase().chars().map(letter).collect()
}
