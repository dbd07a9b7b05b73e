//! What a refusal of Graph is about, by its message: Graph has one code for most of them.
//!
//! The words are looked for, not the sentences: Graph rewords them, and names the address or attribute in between. What a message quotes
//! goes no further than here.
//!
//! Sources: the pages of `invitation` and `user` of Microsoft Graph and its error codes; public threads about the texts in the tests below.

use super::request::Request;

/// One kind of refusal: our code, and the sets of words of which one must all be in the message.
type Kind = (&'static str, &'static [&'static [&'static str]]);

/// Refusals of an invitation, the more specific first.
const INVITATION: &[Kind] = &[
    ("group_address", &[&["group email"], &["group", "address", "not supported"], &["distribution list"]]),
    ("own_domain", &[&["verified domain"], &["domain", "verified in this"], &["domain", "verified by this"]]),
    ("invitations_not_allowed", &[&["invitations not allowed"], &["invitations are not allowed for your"], &["not allowed to invite"]]),
    ("member_not_allowed", &[&["as a member"]]),
    ("not_allowed_by_policy", &[&["cross-tenant access"], &["cross tenant access"]]),
    (
        "domain_blocked",
        &[
            &["domain", "block"],
            &["domain", "not allowed"],
            &["domain", "not permitted"],
            &["domain", "allow list"],
            &["domain", "allowlist"],
            &["domain", "deny list"],
            &["domain", "denylist"],
            &["domain", "restricted"],
        ],
    ),
    ("not_allowed_by_policy", &[&["policy"], &["policies"], &["collaboration settings"], &["collaboration restrictions"]]),
    (
        "invalid_address",
        &[
            &["smtp address"],
            &["is not a valid"],
            &["email", "invalid"],
            &["e-mail", "invalid"],
            &["address", "invalid"],
            &["address", "malformed"],
            &["inviteduseremailaddress"],
        ],
    ),
];

/// Refusals of any request, the more specific first.
const ANY: &[Kind] = &[
    ("already_exists", &[&["already exist"], &["conflicting object"], &["already in use"], &["already being used"]]),
    ("quota_exceeded", &[&["quota"]]),
    ("insufficient_privileges", &[&["insufficient privileges"], &["does not have permission"], &["insufficient permission"]]),
    ("mastered_on_premises", &[&["on-premises mastered"], &["directory sync objects"], &["synchronized from on-premises"]]),
    ("value_too_long", &[&["too long"], &["maximum length"], &["exceeds", "length"], &["exceed", "characters"]]),
    ("invalid_value", &[&["invalid value"], &["property", "invalid"], &["properties", "invalid"], &["not a valid value"]]),
];

/// Graph's codes that are clear without a message.
const CODES: &[(&str, &str)] = &[
    ("objectconflict", "already_exists"),
    ("request_multipleobjectswithsamekeyvalue", "already_exists"),
    ("directory_quotaexceeded", "quota_exceeded"),
    ("authorization_requestdenied", "insufficient_privileges"),
];

/// What a refusal is about, where it can be recognized.
pub(super) fn class(code: &str, message: &str, request: &Request) -> Option<&'static str> {
    let message = plain(message);
    let invitation = if request.template == "/invitations" { INVITATION } else { &[] };
    let holds = |(_, sets): &&Kind| sets.iter().any(|words| words.iter().all(|word| message.contains(word)));
    let by_message = invitation.iter().chain(ANY).find(holds).map(|(class, _)| *class);
    let by_code = || CODES.iter().find(|(known, _)| code.eq_ignore_ascii_case(known)).map(|(_, class)| *class);
    by_message.or_else(by_code)
}

/// A message in lower case, with plain quotes and single spaces.
fn plain(message: &str) -> String {
    let quotes = message.to_lowercase().replace(['\u{2018}', '\u{2019}'], "'").replace(['\u{2010}', '\u{2011}'], "-");
    quotes.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use url::Url;

    use super::*;

    fn request(template: &'static str) -> Request {
        let endpoint = Url::parse("http://127.0.0.1:8700/").unwrap();
        Request::new(Method::POST, &endpoint, template, &[]).unwrap()
    }

    #[test]
    fn k_14_each_refusal_of_an_invitation_has_its_own_code() {
        for (message, want) in [
            ("Primary SMTP Address is an invalid value.", Some("invalid_address")),
            ("The email address 'ana+x@emea.example' is not a valid email address.", Some("invalid_address")),
            ("Group email address is not supported.", Some("group_address")),
            (
                "This invitation is blocked by cross-tenant access settings. Admins in both your organization and the invited user\u{2019}s \
                 organization must configure cross-tenant access settings to allow the invitation.",
                Some("not_allowed_by_policy"),
            ),
            ("The cross-tenant access policy of the invited organization does not allow it.", Some("not_allowed_by_policy")),
            (
                "The CROSS-TENANT  ACCESS policy\n of the invited organization, domain emea.example, forbids it.",
                Some("not_allowed_by_policy"),
            ),
            ("The invited user's domain is blocked by policy.", Some("domain_blocked")),
            ("The domain emea.example is not in the allow list of your organization's collaboration settings.", Some("domain_blocked")),
            ("This action is not permitted by your organization's policies.", Some("not_allowed_by_policy")),
            (
                "The invited user already exists in the directory as object ID: 1. They can use that account to sign in.",
                Some("already_exists"),
            ),
            ("Conflicting object with one or more of the specified property values is present in the directory.", Some("already_exists")),
            (
                "Guest invitations not allowed for your company. Contact your company administrator for more details.",
                Some("invitations_not_allowed"),
            ),
            ("The invited user's domain is a verified domain of this directory; create the user in it instead.", Some("own_domain")),
            ("The directory object quota limit for the Tenant has been exceeded.", Some("quota_exceeded")),
            ("Something new.", None),
            ("", None),
        ] {
            assert_eq!(class("BadRequest", message, &request("/invitations")), want, "{message}");
            assert_eq!(class("BadRequest", &message.to_uppercase(), &request("/invitations")), want, "in other letters: {message}");
        }
    }

    #[test]
    fn refusals_of_other_requests_are_recognized_by_message_or_code() {
        for (code, message, want) in [
            ("Request_BadRequest", "Invalid value specified for property 'usageLocation' of resource 'User'.", Some("invalid_value")),
            (
                "Request_BadRequest",
                "Another object with the same value for property proxyAddresses already exists.",
                Some("already_exists"),
            ),
            ("Authorization_RequestDenied", "Insufficient privileges to complete the operation.", Some("insufficient_privileges")),
            ("authorization_requestdenied", "", Some("insufficient_privileges")),
            (
                "Request_BadRequest",
                "Unable to update the specified properties for on-premises mastered Directory Sync objects.",
                Some("mastered_on_premises"),
            ),
            ("Request_BadRequest", "Property displayName exceeds the maximum length.", Some("value_too_long")),
            ("Request_BadRequest", "A domain that is blocked in a filter.", None),
        ] {
            assert_eq!(class(code, message, &request("/users")), want, "{message}");
        }
    }
}
