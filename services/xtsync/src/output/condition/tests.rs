//! Tests of the texts of conditions.

use super::*;

fn condition(code: Code, parameters: &[(&str, &str)]) -> Condition {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Condition { code: code.into(), parameters }
}

/// A code, its parameters and the text.
type Case<'a> = (Code, &'a [(&'a str, &'a str)], &'a str);

fn check(cases: &[Case<'_>]) {
    for (code, parameters, want) in cases {
        assert_eq!(text(&condition(*code, parameters)), *want);
    }
}

#[test]
fn what_roles_and_work_wait_for() {
    let detector = ("role", "change-detector");
    check(&[
        (Code::FirstApply, &[], "a first apply"),
        (Code::UnpublishedRevision, &[("revision", "7")], "revision 7 to be published"),
        (Code::UnreadRecords, &[("records", "1")], "control to read 1 record"),
        (Code::UnreadRecords, &[("records", "2")], "control to read 2 records"),
        (Code::TopicMissing, &[("topic", "xtsync.v1.links.hub")], "topic xtsync.v1.links.hub is missing: run `xtsync topics create`"),
        (Code::RoleSilent, &[detector, ("tenant", "emea")], "change-detector to report on emea"),
        (Code::RoleSilent, &[("role", "policy")], "policy to report its status"),
        (Code::RoleBlocked, &[detector, ("tenant", "emea"), ("code", "forbidden")], "change-detector of emea: forbidden"),
        (Code::RoleBehind, &[detector, ("tenant", "emea"), ("revision", "7")], "change-detector of emea to take up revision 7"),
        (Code::RoleBehind, &[("role", "policy"), ("revision", "7")], "policy to take up revision 7"),
        (
            Code::ObserveOnlyAfterRebuild,
            &[("tenant", "hub")],
            "hub to be resumed: the store of its links was lost and rebuilt; run `xtsync resume hub`",
        ),
        (Code::UnpublishedUsers, &[("tenant", "emea"), ("users", "2")], "change-detector of emea to publish 2 users"),
        (Code::FirstCycle, &[("tenant", "emea")], "the first cycle of emea"),
        (Code::UnevaluatedRecords, &[("records", "1")], "policy to decide 1 record"),
        (Code::UnprocessedDecisions, &[("tenant", "hub"), ("records", "3")], "provisioner of hub to take in 3 records"),
        (Code::DueLinks, &[("tenant", "hub"), ("links", "4")], "4 links due in hub"),
        (Code::UndecidedUsers, &[("synchronization", "to-hub"), ("users", "1")], "to-hub: 1 user not decided yet"),
        (Code::Replay, &[("synchronization", "to-hub")], "to-hub: users to be decided again"),
        (Code::OpenLinks, &[("synchronization", "to-hub"), ("links", "2")], "to-hub: 2 links not as desired yet"),
        (Code::GracePeriod, &[("synchronization", "to-hub"), ("users", "1")], "to-hub: 1 loss of scope in the grace period"),
        (Code::GracePeriod, &[("synchronization", "to-hub"), ("users", "2")], "to-hub: 2 losses of scope in the grace period"),
    ]);
}

#[test]
fn what_is_known_of_directory_extensions() {
    check(&[
        (
            Code::ExtensionsNotRead,
            &[("tenant", "emea")],
            "the directory extensions of emea are not read yet; its reader needs the permission Directory.Read.All",
        ),
        (
            Code::ExtensionRefused,
            &[("reason", "there is no directory extension `x` in Tenant 'emea'")],
            "there is no directory extension `x` in Tenant 'emea'",
        ),
    ]);
}

/// K-32: what is said of a group that is deleted, renamed or made anew.
#[test]
fn what_is_known_of_groups() {
    let anew = [("group", "A (0123…)"), ("now", "B"), ("tenant", "emea"), ("name", "A"), ("count", "1"), ("others", "{id: 9}")];
    let twice = [("group", "A (0123…)"), ("tenant", "emea"), ("name", "A"), ("count", "2"), ("others", "{id: 8}, {id: 9}")];
    check(&[
        (Code::GroupNotSeen, &[("group", "A")], "group A not seen yet"),
        (Code::GroupNotSeen, &[("group", "A"), ("tenant", "emea")], "group A not seen yet: emea has none of that name"),
        (
            Code::GroupAmbiguous,
            &[("group", "A"), ("tenant", "emea"), ("count", "2"), ("others", "{id: 1}, {id: 2}")],
            "ambiguous: 2 groups of emea are named A; write one of {id: 1}, {id: 2}",
        ),
        (Code::GroupRenamed, &anew[..2], "group A (0123…) is now named B"),
        (
            Code::GroupRenamed,
            &anew,
            "group A (0123…) is now named B; another group of emea is named A, {id: 9}: `xtsync apply --refresh-names` uses it",
        ),
        (
            Code::GroupDeleted,
            &anew[..1],
            "group A (0123…) is deleted, and its last members are kept in scope; write another group, or restore it",
        ),
        (
            Code::GroupDeleted,
            &twice,
            "group A (0123…) is deleted, and its last members are kept in scope; 2 other groups of emea are named A; write one of {id: 8}, {id: 9}",
        ),
        (Code::GroupUnreadable, &anew[..1], "group A (0123…) cannot be read, and its last members are kept in scope"),
        (Code::FormerRevisionInForce, &[("revision", "7"), ("scope", "A (0123…)")], "revision 7 stays in force: A (0123…)"),
        (Code::NothingInForce, &[], "nothing of it is in force yet"),
    ]);
}

#[test]
fn what_is_wrong_with_tenants() {
    check(&[
        (
            Code::TenantNotListed,
            &[("tenant", "emea"), ("organization", "contoso")],
            "Organization contoso does not list it: it is not read, and nothing is written for it",
        ),
        (
            Code::DirectoryChanged,
            &[("tenant", "emea"), ("directory", "e2"), ("former_directory", "e1")],
            "its domain leads to directory e2 instead of e1: nothing is read or written until the domain is corrected, or `xtsync tenant \
             confirm emea` confirms that it moved",
        ),
        (
            Code::DirectoryShared,
            &[("tenant", "emea"), ("directory", "d1"), ("others", "hub")],
            "Tenant hub is the same directory, d1: nothing is written for either until only one names it",
        ),
    ]);
}

#[test]
fn every_code_has_a_text() {
    let unknown = text(&Condition::default());
    let codes: Vec<Code> = (1..).map_while(|code| Code::try_from(code).ok()).collect();
    assert_eq!(codes.len(), 29);
    for code in codes {
        assert_ne!(text(&condition(code, &[])), unknown, "{code:?}");
    }
}
