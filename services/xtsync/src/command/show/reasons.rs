//! The texts of reasons: why a user is so in a target, and what would change it.

use xtsync_contract::control::{Reason, ReasonCode};

/// The text of a reason, in lower case and without a full stop.
pub(super) fn text(reason: &Reason) -> String {
    let parameter = |name: &str| reason.parameters.get(name).map_or("", String::as_str);
    match reason.code() {
        ReasonCode::InScope => "the user is in scope".to_owned(),
        ReasonCode::InScopeDisabled => "the user is in scope and disabled at home".to_owned(),
        ReasonCode::NotInScope => "the user is not in scope".to_owned(),
        ReasonCode::External => "the source is not the user's home (external)".to_owned(),
        ReasonCode::DeletedAtHome => "the user was deleted at home".to_owned(),
        ReasonCode::Skipped => skipped(parameter("reason"), parameter("attribute"), parameter("sign_in_blocked") == "true"),
        ReasonCode::Undecided => "no synchronization has decided on the user: the user is in no scope".to_owned(),
        ReasonCode::NoShadowUser => "there is no shadow user".to_owned(),
        ReasonCode::AsDecided => "the target is as decided".to_owned(),
        ReasonCode::InProgress => "the provisioner works on it".to_owned(),
        ReasonCode::Retry => format!("it is retried: {}", parameter("code")),
        ReasonCode::GracePeriod => match parameter("until") {
            "" => "the user is in the scope grace period".to_owned(),
            until => format!("the scope grace period ends at {until}"),
        },
        ReasonCode::DeletionDeferred => {
            format!("the user has lost access and is deleted at {}, since a deletion is final there", parameter("until"))
        }
        ReasonCode::Held => format!("it is held: {}", parameter("code")),
        ReasonCode::Conflict => format!("another object or user is in conflict with it: {}", parameter("code")),
        ReasonCode::Refused => format!("the target refuses it: {}; see `xtsync retry`", parameter("code")),
        ReasonCode::AddressDiffers => "the pending invitation went to another address than the one decided now: address_differs".to_owned(),
        ReasonCode::TargetAnswer => format!("the target answered: {}", parameter("answer")),
        ReasonCode::NextTry => format!("it is retried at {}", parameter("at")),
        ReasonCode::Concerns => format!("concerns {}", parameter("other")),
        ReasonCode::AttributeRefused => format!("the target refused attribute {}", parameter("attribute")),
        ReasonCode::Unspecified => "for a reason that this version does not know".to_owned(),
    }
}

/// Why a user is skipped, and what would change that.
fn skipped(reason: &str, attribute: &str, is_blocked: bool) -> String {
    let text = match reason {
        "not_one_organization" => "source and target are not of one organization: list both in an Organization, and name it in both",
        "scope_unresolved" => "a group of the scope or a directory extension of a mapping is not known yet: see `xtsync status`",
        "no_address" => "the user has no address to invite: set a mail address or a principal name at home",
        "user_type_not_admitted" => {
            "the target does not admit the user type of the mappings: change `userType` there, or the target's CrossTenantAccessPolicy"
        }
        "no_verified_address" => "no address is in a verified domain of the home tenant: verify the domain, or change the address at home",
        "home_domains_unknown" => "the verified domains of the home tenant are not known yet",
        "invalid_attribute" => "an attribute that decides about access is of a wrong type at home",
        other => other,
    };
    let attribute = if attribute.is_empty() { String::new() } else { format!(" ({attribute})") };
    let blocked = if is_blocked { "; the home account is disabled, so sign-in is blocked" } else { "" };
    format!("skipped: {text}{attribute}{blocked}")
}

#[cfg(test)]
mod tests {
    use xtsync_contract::convert::code;
    use xtsync_contract::events::SkipReason;

    use super::*;

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let codes = (1..).map_while(|code| ReasonCode::try_from(code).ok());
        let texts: Vec<String> = codes.map(|code| text(&Reason { code: code.into(), ..Reason::default() })).collect();
        let unique: std::collections::BTreeSet<&String> = texts.iter().collect();
        assert_eq!((unique.len(), texts.len()), (texts.len(), 21));
    }

    #[test]
    fn every_skip_reason_says_what_would_change_it() {
        for reason in (1..).map_while(|reason| SkipReason::try_from(reason).ok()) {
            let code = code(reason.as_str_name(), "SKIP_REASON_");
            assert_ne!(skipped(&code, "", false), format!("skipped: {code}"));
        }
        let got = skipped("invalid_attribute", "accountEnabled", true);
        assert!(got.ends_with("at home (accountEnabled); the home account is disabled, so sign-in is blocked"), "{got}");
    }
}
