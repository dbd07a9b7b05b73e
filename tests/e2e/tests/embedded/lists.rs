//! What the oracle and the fleets list by hand, so that they stay strangers to the product, is all that the product has.

use std::collections::BTreeSet;

use xtsync::run::all_roles;
use xtsync_domain::mapping::{ByDefault, known};
use xtsync_e2e::fleet::ROLES;
use xtsync_e2e::oracle::MAPPED;

#[test]
fn fleets_start_every_role() {
    let roles = all_roles();
    assert_eq!(BTreeSet::from(ROLES), roles.iter().map(|role| role.name()).collect());
}

#[test]
fn the_oracle_compares_every_attribute_that_is_mapped_by_default() {
    let direct = known().iter().filter(|attribute| matches!(attribute.default, ByDefault::Direct));
    assert_eq!(BTreeSet::from(MAPPED), direct.map(|attribute| attribute.name).collect());
}
