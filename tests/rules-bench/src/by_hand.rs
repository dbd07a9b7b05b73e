//! The same mappings and filters as they would be written in Rust for one organization.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use xtsync_domain::mapping::Mapped;
use xtsync_domain::{Attributes, Value};

/// The attributes that the default set copies.
const COPIED: [&str; 16] = [
    "city",
    "companyName",
    "country",
    "department",
    "displayName",
    "employeeId",
    "employeeType",
    "givenName",
    "jobTitle",
    "officeLocation",
    "postalCode",
    "preferredLanguage",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
];

/// The default set.
pub(crate) fn defaults(user: &Attributes) -> Mapped {
    let mut mapped = Mapped::default();
    for name in COPIED {
        copy(user, name, &mut mapped.attributes);
    }
    mapped.on_create.insert("userType", "Member".into());
    mapped
}

fn copy(user: &Attributes, name: &'static str, to: &mut Attributes) {
    match user.get(name) {
        Some(Value::Null) | None => {}
        Some(value) => to.insert(name, value.clone()),
    }
}

/// The ten examples, and the default set beside them.
pub(crate) fn examples(user: &Attributes) -> Mapped {
    let mut mapped = Mapped::default();
    let to = &mut mapped.attributes;
    let text = |name: &str| user.text(name).unwrap_or_default();
    let (given, surname) = (text("givenName"), text("surname"));
    put(to, "city", title(&format!("{given} {surname}")));
    put(to, "companyName", format!("{}.test", text("userPrincipalName")));
    copy(user, "country", to);
    put(to, "department", if text("country") == "USA" && text("state") == "CA" { "True" } else { "False" });
    put(to, "displayName", format!("{surname}, {given}"));
    copy(user, "employeeId", to);
    put(to, "employeeType", date(text("employeeId")));
    let local = plain(&format!("{given}.{surname}").replace(' ', ""));
    put(to, "faxNumber", format!("{local}@contoso.com").to_lowercase());
    put(to, "givenName", plain(given));
    copy(user, "jobTitle", to);
    let cut = |text: &str, count: usize| text.chars().take(count).collect::<String>();
    put(to, "mailNickname", format!("{}{}", cut(given, 3), cut(surname, 5)));
    put(to, "mobilePhone", PHONE.replace_all(text("mobilePhone"), "${phoneNumber}"));
    let office = match text("state") {
        "QLD" => "Australia/Brisbane",
        "SA" => "Australia/Adelaide",
        _ => "Australia/Sydney",
    };
    put(to, "officeLocation", office);
    for name in ["postalCode", "preferredLanguage", "state", "streetAddress", "surname", "usageLocation"] {
        copy(user, name, to);
    }
    mapped.on_create.insert("userType", "Member".into());
    mapped
}

static PHONE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\+(?<isdCode>\d* )(?<phoneNumber>\d{10})").expect("it is a regular expression"));

fn put(to: &mut Attributes, name: &'static str, text: impl Into<String>) {
    to.insert(name, Value::Text(text.into()));
}

fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut is_first = true;
    for char in text.chars() {
        if is_first {
            titled.extend(char.to_uppercase());
        } else {
            titled.extend(char.to_lowercase());
        }
        is_first = !char.is_alphanumeric();
    }
    titled
}

fn plain(text: &str) -> String {
    text.nfd().filter(|char| !is_combining_mark(*char)).collect()
}

fn date(text: &str) -> String {
    let digits = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or_default();
    let mut date = String::with_capacity(10);
    write!(date, "{:04}-{:02}-{:02}", digits(0, 4), digits(4, 6), digits(6, 8)).expect("writing to a string does not fail");
    date
}

static WORKER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(?:(1[0-9][0-9][0-9][0-9][0-9][0-9]))$").expect("it is a regular expression"));

/// The five documented filters of [`crate::filters`], in their order.
pub(crate) fn filters(user: &Attributes) -> [bool; 5] {
    let text = |name: &str| user.text(name).filter(|text| !text.is_empty());
    [
        text("department") == Some("Sales"),
        text("country").is_some_and(|country| country != "ES") && text("jobTitle").is_some(),
        text("userPrincipalName").is_some_and(|name| name.ends_with("@emea.example")),
        user.flag("accountEnabled") == Some(true) && text("jobTitle").is_some_and(|title| title.contains("Engineer")),
        text("state") == Some("New York") && text("department") == Some("Engineering") && text("jobTitle").is_some()
            || text("employeeId").is_some_and(|id| WORKER.is_match(id)),
    ]
}
