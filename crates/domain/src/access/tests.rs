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

fn source_says(own: Option<bool>, default: Option<bool>) -> AccessPolicy {
    policy("target-id", None, [None, own], [None, default])
}

fn target_says(sync_allowed: Option<bool>, own: Option<bool>, default: Option<bool>) -> AccessPolicy {
    policy("source-id", sync_allowed, [own, None], [default, None])
}

fn word<'a>(directory_id: &str, policy: &'a AccessPolicy, age: Duration) -> Option<Word<'a>> {
    // Words borrow their id: a leaked one lives as long as any test.
    let directory_id = Box::leak(Box::new(DirectoryId::from(directory_id)));
    Some(Word { directory_id, policy, read_at: NOW.minus(age) })
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
        let (target, source) = (target_says(target.0, target.1, target.2), source_says(source.0, source.1));
        let got = consent(word("source-id", &source, MINUTE), word("target-id", &target, MINUTE), NOW, MINUTE);
        assert_eq!(got, want, "{target:?} {source:?}");
    }
}

#[test]
fn a_partner_without_an_entry_has_only_the_defaults_and_no_synchronization() {
    let source = AccessPolicy { default: Redemption { inbound: YES, outbound: YES }, partners: BTreeMap::new() };
    let target = policy("somebody-else", YES, [YES, YES], [YES, YES]);
    let ask = |target| consent(word("source-id", &source, MINUTE), word("target-id", target, MINUTE), NOW, MINUTE);
    assert_eq!(ask(&target), Consent::Refused(Refusal::SyncNotAllowed));
    assert_eq!(ask(&target_says(YES, None, YES)), Consent::Given);
}

#[test]
fn k_53_a_partners_id_counts_whatever_its_case() {
    let (source, target) = (source_says(YES, None), target_says(YES, YES, None));
    for (source_id, target_id) in [("SOURCE-ID", "target-id"), ("source-id", "Target-Id"), ("SOURCE-ID", "TARGET-ID")] {
        assert_eq!(consent(word(source_id, &source, MINUTE), word(target_id, &target, MINUTE), NOW, MINUTE), Consent::Given);
    }
    let typed = policy("SOURCE-ID", YES, [YES, None], [None, None]);
    assert_eq!(consent(word("source-id", &source, MINUTE), word("target-id", &typed, MINUTE), NOW, MINUTE), Consent::Given);
    let no = policy("SOURCE-ID", NO, [YES, None], [None, None]);
    let refused = consent(word("source-id", &source, MINUTE), word("target-id", &no, MINUTE), NOW, MINUTE);
    assert_eq!(refused, Consent::Refused(Refusal::SyncNotAllowed));
}

#[test]
fn the_switches_of_the_other_direction_do_not_count() {
    let source = policy("target-id", YES, [YES, NO], [YES, NO]);
    let target = policy("source-id", YES, [YES, NO], [NO, NO]);
    let got = consent(word("source-id", &source, MINUTE), word("target-id", &target, MINUTE), NOW, MINUTE);
    assert_eq!(got, Consent::Refused(Refusal::OutboundRedemptionOff));
}

#[test]
fn a_yes_counts_while_it_is_fresh_and_a_no_for_ever() {
    use Consent::{Given, Refused, Unknown};
    use Ignorance::{SourceNeverRead, SourceStale, TargetNeverRead, TargetStale};
    let (yes_source, no_source) = (source_says(YES, None), source_says(NO, None));
    let (yes_target, no_target) = (target_says(YES, YES, None), target_says(NO, YES, None));
    let old = MINUTE + Duration::from_micros(1);
    let no = Refused(Refusal::SyncNotAllowed);
    for (source, target, want) in [
        (word("source-id", &yes_source, MINUTE), word("target-id", &yes_target, MINUTE), Given),
        (None, word("target-id", &yes_target, MINUTE), Unknown(SourceNeverRead)),
        (word("source-id", &yes_source, MINUTE), None, Unknown(TargetNeverRead)),
        (None, None, Unknown(TargetNeverRead)),
        (word("source-id", &yes_source, old), word("target-id", &yes_target, MINUTE), Unknown(SourceStale)),
        (word("source-id", &yes_source, MINUTE), word("target-id", &yes_target, old), Unknown(TargetStale)),
        (word("source-id", &yes_source, old), word("target-id", &no_target, old), no),
        (word("source-id", &no_source, old), word("target-id", &yes_target, old), Refused(Refusal::OutboundRedemptionOff)),
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
