//! How long values may be. Source: the `user` and `group` resource pages of Microsoft Graph v1.0; directory extensions hold 256 characters a value.

use super::Directory;
use super::sets::Sets;
use crate::error::Failure;
use crate::property::{self, Prop, named};
use crate::value::Value;

/// The characters that texts may have. What is not listed has no limit that a client meets.
const LIMITS: &[(Prop, usize)] = &[
    (named("displayName"), 256),
    (named("givenName"), 64),
    (named("surname"), 64),
    (named("jobTitle"), 128),
    (named("department"), 64),
    (named("companyName"), 64),
    (named("city"), 128),
    (named("state"), 128),
    (named("country"), 128),
    (named("streetAddress"), 1024),
    (named("postalCode"), 40),
    (named("officeLocation"), 128),
    (named("mobilePhone"), 64),
    (named("employeeId"), 16),
    (named("mailNickname"), 64),
    (named("usageLocation"), 2),
];

/// The characters of a value of a directory extension.
const EXTENSION_MAX: usize = 256;

impl Directory {
    /// Refuses what is too long, and a second business phone: Graph keeps one.
    pub(super) fn check_lengths(&self, sets: &Sets, resource: &str) -> Result<(), Failure> {
        let listed = |prop: Prop| LIMITS.iter().find(|(known, _)| *known == prop).map(|(_, limit)| *limit);
        let limit = |prop: Prop| listed(prop).or(property::is_extension(prop).then_some(EXTENSION_MAX));
        let long =
            |prop: Prop, value: &Value| value.each_text().iter().any(|text| limit(prop).is_some_and(|limit| text.chars().count() > limit));
        let many = |prop: Prop, value: &Value| prop == named("businessPhones") && value.each_text().len() > 1;
        match sets.iter().find(|(prop, value)| long(*prop, value) || many(*prop, value)) {
            Some((prop, _)) => Err(Failure::invalid_value(self.schema.name(*prop), resource)),
            None => Ok(()),
        }
    }
}
