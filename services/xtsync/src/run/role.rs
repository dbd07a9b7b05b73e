//! Roles on the command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use xtsync_contract::role::Role;

/// Reads a role, and tells what each is for.
#[must_use]
pub fn parser() -> impl TypedValueParser<Value = Role> {
    let values = Role::ALL.map(|role| PossibleValue::new(role.name()).help(help(role)));
    PossibleValuesParser::new(values).map(|name| {
        let named = Role::ALL.into_iter().find(|role| role.name() == name);
        named.expect("only names of roles are possible")
    })
}

fn help(role: Role) -> &'static str {
    match role {
        Role::ChangeDetector => "Reads source tenants",
        Role::Policy => "Decides",
        Role::Provisioner => "Writes target tenants",
        Role::Control => "Holds the configuration and answers administrators",
    }
}
