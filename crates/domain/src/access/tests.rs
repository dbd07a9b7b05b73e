//! Consent as a table.

use std::collections::BTreeMap;

use super::*;

const NOW: Timestamp = Timestamp(1_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

/// A policy with an entry for one partner and a default, each as (inbound, outbound), and the partner's switch for synchronization.
fn policy(partner: &str, sync_allowed: Option<bool>, own: [Option<bool>; 2], default: [Option<bool>; 2]) -> AccessPolicy {
    let redemption = |[inbound, outbound]: [Option<bool>; 2]| Redemption { inbound, outbound };
    let partners = BTreeMap::from([(partner.into(), Partner { sync_allowed, redemption: redemption(own) })]);
    AccessPolicy { default: redemption(default), partners }
}

fn source_policy(own: Option<bool>, default: Option<bool>) -> AccessPolicy {
    policy("target-id", None, [None, own], [None, default])
}

fn target_policy(sync_allowed: Option<bool>, own: Option<bool>, default: Option<bool>) -> AccessPolicy {
    policy("source-id", sync_allowed, [own, None], [default, None])
}

fn snapshot<'a>(directory_id: &str, policy: &'a AccessPolicy, age: Duration) -> Option<PolicySnapshot<'a>> {
    // Words borrow their id: a leaked one lives as long as any test.
    let directory_id = Box::leak(Box::new(DirectoryId::from(directory_id)));
    Some(PolicySnapshot { directory_id, policy, read_at: NOW.minus(age) })
}

#[test]
fn consent_needs_the_targets_switch_and_both_redemptions_and_null_inherits_from_the_default() {
    use Consent::{Given, Refused};
    use Refusal::{InboundRedemptionOff, OutboundRedemptionOff, SyncNotAllowed};
    //   target: sync, inbound, default    source: outbound, default
    for (target, source, want) in [
        ((YES, YES, None), (YES, None), Given),
        ((YES, None, YES), (None, YES), Given),
        ((YES, YES, NO), (YES, NO), Given),
        ((None, YES, YES), (YES, YES), Refused(SyncNotAllowed)),
        ((NO, YES, YES), (YES, YES), Refused(SyncNotAllowed)),
        ((YES, NO, YES), (YES, YES), Refused(InboundRedemptionOff)),
        ((YES, None, None), (YES, YES), Refused(InboundRedemptionOff)),
        ((YES, None, NO), (YES, YES), Refused(InboundRedemptionOff)),
        ((YES, YES, YES), (NO, YES), Refused(OutboundRedemptionOff)),
        ((YES, YES, YES), (None, None), Refused(OutboundRedemptionOff)),
        ((NO, NO, NO), (NO, NO), Refused(SyncNotAllowed)),
    ] {
        let (target, source) = (target_policy(target.0, target.1, target.2), source_policy(source.0, source.1));
        let got = consent(snapshot("source-id", &source, MINUTE), snapshot("target-id", &target, MINUTE), NOW, MINUTE);
        assert_eq!(got, want, "{target:?} {source:?}");
    }
}

#[test]
fn a_partner_without_an_entry_has_only_the_defaults_and_no_synchronization() {
    let source = AccessPolicy { default: Redemption { inbound: YES, outbound: YES }, partners: BTreeMap::new() };
    let target = policy("another-id", YES, [YES, YES], [YES, YES]);
    let ask = |target| consent(snapshot("source-id", &source, MINUTE), snapshot("target-id", target, MINUTE), NOW, MINUTE);
    assert_eq!(ask(&target), Consent::Refused(Refusal::SyncNotAllowed));
    assert_eq!(ask(&target_policy(YES, None, YES)), Consent::Given);
}

#[test]
fn k_53_a_partners_id_counts_whatever_its_case() {
    let (source, target) = (source_policy(YES, None), target_policy(YES, YES, None));
    for (source_id, target_id) in [("SOURCE-ID", "target-id"), ("source-id", "Target-Id"), ("SOURCE-ID", "TARGET-ID")] {
        assert_eq!(consent(snapshot(source_id, &source, MINUTE), snapshot(target_id, &target, MINUTE), NOW, MINUTE), Consent::Given);
    }
    let typed = policy("SOURCE-ID", YES, [YES, None], [None, None]);
    assert_eq!(consent(snapshot("source-id", &source, MINUTE), snapshot("target-id", &typed, MINUTE), NOW, MINUTE), Consent::Given);
    let no = policy("SOURCE-ID", NO, [YES, None], [None, None]);
    let refused = consent(snapshot("source-id", &source, MINUTE), snapshot("target-id", &no, MINUTE), NOW, MINUTE);
    assert_eq!(refused, Consent::Refused(Refusal::SyncNotAllowed));
}

#[test]
fn the_switches_of_the_other_direction_do_not_count() {
    let source = policy("target-id", YES, [YES, NO], [YES, NO]);
    let target = policy("source-id", YES, [YES, NO], [NO, NO]);
    let got = consent(snapshot("source-id", &source, MINUTE), snapshot("target-id", &target, MINUTE), NOW, MINUTE);
    assert_eq!(got, Consent::Refused(Refusal::OutboundRedemptionOff));
}

#[test]
fn consent_expires_and_a_refusal_does_not() {
    use Consent::{Given, Refused, Unknown};
    use UnknownReason::{SourceNeverRead, SourceStale, TargetNeverRead, TargetStale};
    let (yes_source, no_source) = (source_policy(YES, None), source_policy(NO, None));
    let (yes_target, no_target) = (target_policy(YES, YES, None), target_policy(NO, YES, None));
    let old = MINUTE + Duration::from_micros(1);
    let no = Refused(Refusal::SyncNotAllowed);
    for (source, target, want) in [
        (snapshot("source-id", &yes_source, MINUTE), snapshot("target-id", &yes_target, MINUTE), Given),
        (None, snapshot("target-id", &yes_target, MINUTE), Unknown(SourceNeverRead)),
        (snapshot("source-id", &yes_source, MINUTE), None, Unknown(TargetNeverRead)),
        (None, None, Unknown(TargetNeverRead)),
        (snapshot("source-id", &yes_source, old), snapshot("target-id", &yes_target, MINUTE), Unknown(SourceStale)),
        (snapshot("source-id", &yes_source, MINUTE), snapshot("target-id", &yes_target, old), Unknown(TargetStale)),
        (snapshot("source-id", &yes_source, old), snapshot("target-id", &no_target, old), no),
        (snapshot("source-id", &no_source, old), snapshot("target-id", &yes_target, old), Refused(Refusal::OutboundRedemptionOff)),
    ] {
        assert_eq!(consent(source, target, NOW, MINUTE), want);
    }
}

#[test]
fn terms_admit_the_user_types_they_name_and_no_terms_admit_both() {
    use UserType::{Guest, Member};
    let terms = |json| serde_json::from_str::<PartnerTerms>(json).unwrap();
    for (terms, user_type, want) in [
        (None, Member, true),
        (Some(terms("{}")), Member, true),
        (Some(terms(r#"{"as":["Guest"]}"#)), Member, false),
        (Some(terms(r#"{"as":["Guest"]}"#)), Guest, true),
        (Some(terms(r#"{"as":[]}"#)), Guest, false),
    ] {
        assert_eq!(admits(terms.as_ref(), user_type), want, "{terms:?} {user_type:?}");
    }
}
