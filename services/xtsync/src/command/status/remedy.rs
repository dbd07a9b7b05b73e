//! Remedies: what an administrator does about a code that `status` shows.
//!
//! One table holds every code that requires an administrator. A condition that ends by itself, such as throttling, has no row.

/// Each code with its remedy.
const REMEDIES: &[(&str, &str)] = &[
    // The directory as a whole.
    ("away", "the directory cannot be reached: check host, name resolution, proxy and certificate"),
    ("unauthorized", "the application's credentials are refused: check clientId, the secret's file and the application in that tenant"),
    ("secret_expired", "the client secret has expired: create a new one for the application and put it into the secret's file"),
    ("secret_invalid", "the client secret is wrong: put the secret's value, not its id, into the secret's file"),
    ("forbidden", "a permission is missing: grant the application the permissions that README lists, with administrator consent"),
    ("malformed", "the answer is not Microsoft Graph's: check `endpoint` and any proxy in between"),
    ("refused", "the directory refuses the request: see the log of the change-detector, then `xtsync resync TENANT`"),
    (
        "delta_never_ends",
        "the directory's delta query does not end: the detector starts a full cycle by itself; report it to the directory's vendor",
    ),
    (
        "secret_outside",
        "the secret's file lies outside the folder of its Tenant: put it below --secrets-dir, or remove the link that leads out",
    ),
    ("secret_not_a_file", "the secret is no regular file: put the client secret into a file"),
    ("secret_too_large", "the secret's file is too large to be a client secret: check its path"),
    ("secret_too_slow", "the secret's file cannot be read in time: check where the secrets directory is mounted from"),
    ("secret_not_text", "the secret's file is not text: put the client secret's value into it"),
    ("host_not_allowed_endpoint", "`endpoint` names a host that is not allowed here: start with --allow-host, or correct it"),
    ("host_not_allowed_authority", "`authority` names a host that is not allowed here: start with --allow-host, or correct it"),
    ("no_writer", "the target has no writer: add `writer` to its Tenant"),
    ("secret_unreadable", "the secret's file cannot be read: check its path and permissions"),
    ("secret_empty", "the secret's file is empty: put the client secret into it"),
    ("secret_missing", "no client secret was sent: check the secret's file"),
    (
        "application_unknown",
        "the application is not known in that tenant: check clientId and domain, and grant administrator consent there",
    ),
    ("application_disabled", "the application is disabled in its tenant: enable it there"),
    ("tenant_unknown", "the domain names no tenant: check `domain` and `authority`"),
    ("consent_missing", "the application has no consent in that tenant: grant administrator consent"),
    ("token_refused", "the directory refuses the token: check endpoint, authority and the application's permissions"),
    ("everything_forbidden", "the target forbids everything: grant the writer the permissions that README lists; leavers are still tried"),
    ("invite_forbidden", "the target forbids invitations: grant User.Invite.All, and check who may invite guests there"),
    ("look_up_forbidden", "the target forbids reading users: grant the writer the permissions that README lists"),
    ("patch_forbidden", "the target forbids changing users: grant User.ReadWrite.All, or the user holds an administrator's role there"),
    (
        "reset_redemption_forbidden",
        "the target forbids resetting a redemption: grant User.Invite.All and User.ReadWrite.All, or reset it there for a user with a role",
    ),
    ("address_differs", "the pending invitation went to another address than the decision has now: see `xtsync show`"),
    // Between two tenants.
    (
        "sync_not_allowed",
        "in the target, allow users of the source to be synchronized into it: cross-tenant access settings, inbound, cross-tenant sync",
    ),
    (
        "inbound_redemption_off",
        "in the target, redeem invitations automatically: cross-tenant access settings of the source, inbound trust",
    ),
    (
        "outbound_redemption_off",
        "in the source, redeem invitations automatically: cross-tenant access settings of the target, outbound trust",
    ),
    ("source_never_read", "the source has not been read yet: see its change-detector below"),
    ("target_never_read", "the target has not been read yet: see its change-detector below"),
    ("source_stale", "the source's access policy was read too long ago: see its change-detector below"),
    ("target_stale", "the target's access policy was read too long ago: see its change-detector below"),
    ("directory_shared", "two Tenants are one directory: keep one of them"),
    ("directory_changed", "the domain names another directory than at first contact: check it, then `xtsync tenant confirm TENANT`"),
    ("not_configured", "the synchronization is gone from the configuration: apply it again, or leave its users as they are"),
    // The installation.
    (PANICKED, "a defect: xtsync restarts the task by itself; report it with the log of the role"),
    ("observe_only_after_rebuild", "the provisioner's store was lost and rebuilt: check what it would write, then `xtsync resume TARGET`"),
    ("observing", "set `mode: enforce` to have it written"),
    ("store", "the database cannot be used: see the log of the role"),
    ("bus", "Kafka cannot be used: see the log of the role"),
    ("scope_empty", "no user is in scope: check the groups of the scope, their members, and `nested` where those are in groups"),
    // What keeps users who left.
    ("scope_loss", "a group of the scope lost most of its members at once: put them back, or allow it with `limits: {scopeLoss: allow}`"),
    ("user_loss", "most users of the tenant were missing when it was read: check what the reader may read"),
    (
        "members_not_in_delta",
        "the directory's delta query returns no members of a group that has some: the detector reads the group in full by itself",
    ),
    ("limit_leaver", "more leavers than `limits.leaver` allows within an hour: check that they are, and raise the limit"),
    ("limit_delete", "more deletions than `limits.delete` allows within an hour: they go on as the hour passes, or raise the limit"),
    ("limit_disable", "more lost sign-ins than `limits.disable` allows within an hour: they go on as the hour passes, or raise the limit"),
    ("limit_create", "more creations than `limits.create` allows within an hour: they go on as the hour passes, or raise the limit"),
    ("limit_update", "more updates than `limits.update` allows within an hour: they go on as the hour passes, or raise the limit"),
];

/// The prefix of the code of a task that panicked; the task's name follows.
const PANICKED: &str = "panicked";

/// The prefixes of a condition code that concerns one part of a role's work.
const PARTS: [&str; 2] = ["full_read_", "notifications_"];

/// The remedy for a code; `None` where the condition ends by itself, or only the directory's own message explains it.
pub(super) fn of(code: &str) -> Option<&'static str> {
    let code = PARTS.iter().find_map(|part| code.strip_prefix(part)).unwrap_or(code);
    let code = if code.strip_prefix(PANICKED).is_some_and(|task| task.starts_with('_')) { PANICKED } else { code };
    REMEDIES.iter().find(|(known, _)| *known == code).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_listed_once_with_a_remedy() {
        for (index, (code, remedy)) in REMEDIES.iter().enumerate() {
            assert!(!remedy.is_empty() && of(code) == Some(*remedy), "{code}");
            assert!(REMEDIES[index + 1..].iter().all(|(other, _)| other != code), "{code} is listed twice");
        }
        assert_eq!(of("throttled"), None, "throttling ends by itself");
        assert_eq!(of("full_read_forbidden"), of("forbidden"));
        assert_eq!(of("panicked_detect"), of(PANICKED));
    }
}
