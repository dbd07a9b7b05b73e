//! The grammar: a table of filters and whether they match one user.

use serde_json::json;
use uuid::Uuid;

use crate::directory::Directory;
use crate::faults::FaultState;
use crate::filter::{matches, narrowed, parse};
use crate::journal::Journal;
use crate::property::ObjectKind;

fn ana() -> (Directory, Uuid) {
    let mut directory = Directory::new("emea", Uuid::nil(), Journal::new(), FaultState::default());
    let body = json!({
        "accountEnabled": true, "displayName": "Ana O'Brien", "mailNickname": "ana", "userPrincipalName": "ana@emea.example",
        "passwordProfile": {"password": "x"}, "mail": "Ana@emea.example", "department": "Sales", "otherMails": ["ana@home.example"],
        "employeeHireDate": "2024-03-01T00:00:00Z", "employeeOrgData": {"costCenter": "100"}, "jobTitle": null,
    });
    let id = directory.create_user(body.as_object().unwrap()).unwrap();
    (directory, id)
}

#[test]
fn a_filter_matches_as_documented() {
    let (directory, id) = ana();
    for (filter, want) in [
        ("department eq 'Sales'", true),
        ("department eq 'sales'", true),
        ("department ne 'Sales'", false),
        ("displayName eq 'Ana O''Brien'", true),
        ("startsWith(displayName,'ana')", true),
        ("endsWith(mail, '@EMEA.example')", true),
        ("endswith(mail,'@us.example')", false),
        ("accountEnabled eq true", true),
        ("not (accountEnabled eq true)", false),
        ("not accountEnabled eq true", false),
        ("department in ('Legal', 'Sales')", true),
        ("department in ('Legal')", false),
        ("id in ('00000000-0000-0000-0000-000000000000')", false),
        ("jobTitle eq null", true),
        ("city eq null", true),
        ("department eq null", false),
        ("department ne null", true),
        ("city ne 'Paris'", true),
        ("otherMails/any(x:x eq 'ANA@home.example')", true),
        ("otherMails/any(x:startswith(x,'ana'))", true),
        ("otherMails/any(x:x eq 'eva@home.example')", false),
        ("proxyAddresses/any(p:p eq 'smtp:ana@emea.example')", true),
        ("proxyAddresses/any(p:p eq 'a' or endsWith(p,'emea.example'))", true),
        ("otherMails/any()", true),
        ("imAddresses/any()", false),
        ("employeeOrgData/costCenter eq '100'", true),
        ("employeeHireDate ge 2024-03-01T00:00:00Z", true),
        ("employeeHireDate ge 2024-03-02", false),
        ("employeeHireDate le 2024-03-01", true),
        ("department eq 'Legal' or city eq null and accountEnabled eq true", true),
        ("(department eq 'Legal' or city eq null) and accountEnabled eq false", false),
    ] {
        let parsed = parse(&directory.schema, ObjectKind::User, filter).unwrap_or_else(|failure| panic!("{filter}: {failure}"));
        assert_eq!(matches(&parsed, directory.users.get(id).unwrap()), want, "{filter}");
        let found = narrowed(Some(&parsed), &directory.users, None).any(|user| user.id == id);
        assert!(found || !want, "the index loses {filter}");
    }
    let among = format!("id in ('x','{id}')");
    let parsed = parse(&directory.schema, ObjectKind::User, &among).unwrap();
    assert_eq!(narrowed(Some(&parsed), &directory.users, None).filter(|user| matches(&parsed, *user)).count(), 1, "{among}");
}

#[test]
fn unsupported_filters_are_refused() {
    let (directory, _) = ana();
    for (filter, code) in [
        ("shoeSize eq 42", "Request_BadRequest"),
        ("department eq", "Request_BadRequest"),
        ("department eq 'Sales", "Request_BadRequest"),
        ("department eq 'Sales')", "Request_BadRequest"),
        ("department like 'Sales'", "Request_UnsupportedQuery"),
        ("contains(department,'a')", "Request_UnsupportedQuery"),
        ("otherMails eq 'ana@home.example'", "Request_UnsupportedQuery"),
        ("department/any(x:x eq 'a')", "Request_BadRequest"),
        ("", "Request_BadRequest"),
    ] {
        let failure = parse(&directory.schema, ObjectKind::User, filter).expect_err(filter);
        assert_eq!(failure.code, code, "{filter}");
    }
    let listed = |count| format!("id in ({})", vec!["'x'"; count].join(","));
    assert!(parse(&directory.schema, ObjectKind::User, &listed(15)).is_ok());
    let failure = parse(&directory.schema, ObjectKind::User, &listed(16)).unwrap_err();
    assert_eq!(failure.code, "Request_UnsupportedQuery", "Graph takes 15 values");
    let deep = format!("{}accountEnabled eq true{}", "(".repeat(60), ")".repeat(60));
    assert!(parse(&directory.schema, ObjectKind::User, &deep).is_err());
}
