//! The functions: **this is the table where one is added**, one row each, by name. Their files say what they do.
//!
//! Semantics follow <https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data>; where that is
//! silent or contradicts itself, `docs/language.md` says what was decided.

mod append;
mod bit_and;
mod c_date;
mod cbool;
mod coalesce;
mod convert_to_base64;
mod convert_to_utf8_hex;
mod count;
mod cstr;
mod date_add;
mod date_diff;
mod date_from_num;
mod default_domain;
mod format_date_time;
mod guid;
mod ignore_flow;
mod iif;
mod in_str;
mod interval;
mod is_nothing;
mod is_null;
mod is_null_or_empty;
mod is_present;
mod is_string;
mod item;
mod join;
mod left;
mod mid;
mod normalize_diacritics;
mod not;
mod now;
mod num_from_date;
mod pcase;
mod prepend;
mod random_string;
mod redact;
mod remove_duplicates;
mod replace;
mod select_unique_value;
mod split;
mod strip_spaces;
mod switch;
#[cfg(test)]
mod tests;
mod to_lower;
mod to_upper;
mod word;

pub(crate) use self::redact::REDACT;
use crate::function::Function;

/// Every function, by name.
const ALL: &[&Function] = &[
    &append::APPEND,
    &bit_and::BIT_AND,
    &cbool::CBOOL,
    &c_date::C_DATE,
    &cstr::CSTR,
    &coalesce::COALESCE,
    &convert_to_base64::CONVERT_TO_BASE64,
    &convert_to_utf8_hex::CONVERT_TO_UTF8_HEX,
    &count::COUNT,
    &date_add::DATE_ADD,
    &date_diff::DATE_DIFF,
    &date_from_num::DATE_FROM_NUM,
    &default_domain::DEFAULT_DOMAIN,
    &format_date_time::FORMAT_DATE_TIME,
    &guid::GUID,
    &iif::IIF,
    &ignore_flow::IGNORE_FLOW,
    &in_str::IN_STR,
    &is_nothing::IS_NOTHING,
    &is_null::IS_NULL,
    &is_null_or_empty::IS_NULL_OR_EMPTY,
    &is_present::IS_PRESENT,
    &is_string::IS_STRING,
    &item::ITEM,
    &join::JOIN,
    &left::LEFT,
    &mid::MID,
    &normalize_diacritics::NORMALIZE_DIACRITICS,
    &not::NOT,
    &now::NOW,
    &num_from_date::NUM_FROM_DATE,
    &pcase::PCASE,
    &prepend::PREPEND,
    &random_string::RANDOM_STRING,
    &redact::REDACT,
    &remove_duplicates::REMOVE_DUPLICATES,
    &replace::REPLACE,
    &select_unique_value::SELECT_UNIQUE_VALUE,
    &split::SPLIT,
    &strip_spaces::STRIP_SPACES,
    &switch::SWITCH,
    &to_lower::TO_LOWER,
    &to_upper::TO_UPPER,
    &word::WORD,
];

/// Functions of the documentation that cannot be used here, and why.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("AltSecIdFromNetId", "it belongs to Microsoft's own directory, which alone knows a net id"),
    ("AppRoleAssignments", "role assignments exist for applications, which are no target here"),
    ("AppRoleAssignmentsComplex", "role assignments exist for applications, which are no target here"),
    ("AssertiveAppRoleAssignmentsComplex", "role assignments exist for applications, which are no target here"),
    ("SingleAppRoleAssignment", "role assignments exist for applications, which are no target here"),
];

/// The function of a name; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    ALL.binary_search_by(|function| function.name.cmp(name)).ok().map(|at| ALL[at])
}

/// Why a function of the documentation cannot be used.
pub(crate) fn unsupported(name: &str) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(unsupported, _)| *unsupported == name).map(|(_, why)| *why)
}

/// The names of all functions, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|function| function.name)
}
