//! The cost of a request in resource units and writes, by Microsoft's table for identity and access.
//!
//! Source: the page on service-specific throttling limits, section *Identity and access service limits*. The rows for `me/` also apply to
//! `users/{id}/`.

use axum::http::Method;

use crate::call::Call;

/// The amounts that one request takes from the quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) units: u32,
    pub(super) writes: u32,
}

/// A request with a `$top` below this costs one unit less.
const SMALL_PAGE: u32 = 20;

pub(super) fn of(call: &Call<'_>) -> Cost {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let base = base(&call.method, &path);
    let asks = |name: &str| call.query.get(name).is_some();
    let small = call.query.get("$top").and_then(|top| top.parse().ok()).is_some_and(|top: u32| top < SMALL_PAGE);
    let units = base.units + u32::from(asks("$expand"));
    let units = units.saturating_sub(u32::from(asks("$select")) + u32::from(small)).max(1);
    Cost { units, ..base }
}

fn base(method: &Method, path: &[&str]) -> Cost {
    let (units, writes) = match (method.as_str(), path) {
        ("GET", ["users"]) => (2, 0),
        ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..]) => (2, 0),
        ("GET", ["groups", _, "members", ..]) => (3, 0),
        ("GET", ["groups", _, "transitiveMembers", ..]) => (5, 0),
        ("POST", ["users" | "directoryObjects", _, "getMemberGroups" | "getMemberObjects"]) => (2, 0),
        ("GET", _) => (1, 0),
        (_, _) => (1, 1),
    };
    Cost { units, writes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_cost_as_documented() {
        for (method, path, units, writes) in [
            (Method::GET, vec!["users"], 2, 0),
            (Method::GET, vec!["users", "1"], 1, 0),
            (Method::GET, vec!["groups", "1", "members"], 3, 0),
            (Method::GET, vec!["groups", "1", "transitiveMembers"], 5, 0),
            (Method::GET, vec!["users", "1", "memberOf"], 2, 0),
            (Method::POST, vec!["users", "1", "getMemberGroups"], 2, 0),
            (Method::POST, vec!["invitations"], 1, 1),
            (Method::PATCH, vec!["users", "1"], 1, 1),
            (Method::PUT, vec!["users", "1", "manager", "$ref"], 1, 1),
            (Method::DELETE, vec!["users", "1"], 1, 1),
        ] {
            assert_eq!(base(&method, &path), Cost { units, writes }, "{method} {path:?}");
        }
    }
}
