//! Conditions and reasons: codes with named parameters. Clients make texts of them.

use std::fmt::Display;

use xtsync_contract::control::{Condition, ConditionCode, Reason, ReasonCode};

/// Named parameters of a code.
pub(crate) type Parameters<'a> = &'a [(&'static str, &'a dyn Display)];

/// Returns a condition with its parameters; empty ones are left out.
pub(crate) fn condition(code: ConditionCode, parameters: Parameters<'_>) -> Condition {
    Condition { code: code.into(), parameters: texts(parameters).collect() }
}

/// Returns a reason with its parameters; empty ones are left out.
pub(crate) fn reason(code: ReasonCode, parameters: Parameters<'_>) -> Reason {
    Reason { code: code.into(), parameters: texts(parameters).collect() }
}

fn texts(parameters: Parameters<'_>) -> impl Iterator<Item = (String, String)> {
    let texts = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
    texts.filter(|(_, value)| !value.is_empty())
}

/// Formats conditions as their codes and parameters, for tests: `open_links links=1 synchronization=to-hub`.
#[cfg(test)]
pub(crate) fn codes<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Vec<String> {
    let format = |condition: &Condition| {
        let code = xtsync_contract::convert::code(condition.code().as_str_name(), "CONDITION_CODE_");
        let parameters: std::collections::BTreeMap<_, _> = condition.parameters.iter().collect();
        parameters.into_iter().fold(code, |text, (name, value)| format!("{text} {name}={value}"))
    };
    conditions.into_iter().map(format).collect()
}
