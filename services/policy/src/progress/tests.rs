//! How progress is stored, and what a change has decide anew.

use super::*;

fn home(domain: &str, facts: u64) -> Home {
    Home { domains: Some(HomeDomains::new([domain])), facts }
}

/// The rules of synchronizations, each with a digest.
fn rules<const N: usize>(digests: [(&str, u64); N]) -> Rules {
    Rules::of(&digests.map(|(name, digest)| (name.to_owned(), digest)).into())
}

fn two() -> Rules {
    rules([("to-hub", 1), ("to-lab", 2)])
}

/// A replay of these from there.
fn replayed<const N: usize>(next: i64, synchronizations: [&str; N]) -> Option<Replayed> {
    Some(Replayed { next, synchronizations: synchronizations.map(key).into() })
}

#[test]
fn progress_reads_back_and_unknown_text_does_not() {
    let fresh = Progress::fresh(7, two(), &home("x.example", 3));
    for progress in [
        fresh.clone(),
        Progress { replay: replayed(40, ["to-lab"]), ..fresh.clone() },
        Progress { rules: Rules::default(), ..fresh },
        Progress::unknown(),
    ] {
        assert_eq!(Progress::parse(&progress.to_string()), Some(progress));
    }
    for note in [
        "",
        "v2;revision=1;rules=1;domains=a;facts=1;replay=done",
        "v4;revision=1;rules=1;domains=a;facts=1;replay=done;synchronizations=",
        "v3;revision=1;rules=1",
        "v3;revision=x;rules=1;domains=a;facts=1;replay=1;synchronizations=",
        "v3;revision=1;rules=1;domains=x;facts=1;replay=1;synchronizations=",
        "v3;revision=1;rules=1;domains=a;facts=1;replay=1;synchronizations=1",
        "v3;revision=1;rules=1;domains=a;facts=1;replay=1;synchronizations=1:x",
        "v3;revision=1;rules=1;domains=a;facts=1;replay=1;synchronizations=1:2;x=1",
    ] {
        assert_eq!(Progress::parse(note), None, "{note}");
    }
}

#[test]
fn only_synchronizations_with_other_rules_decide_anew() {
    let known = home("x.example", 3);
    let done = Progress::fresh(5, two(), &known);
    let under_way = |next, of| Progress { replay: replayed(next, of), ..done.clone() };
    for (before, after, replay) in [
        (done.clone(), two(), None),
        (done.clone(), rules([("to-hub", 1)]), None),
        (done.clone(), rules([("to-hub", 1), ("to-lab", 3)]), replayed(2, ["to-lab"])),
        (done.clone(), rules([("to-hub", 1), ("to-lab", 2), ("to-new", 3)]), replayed(2, ["to-new"])),
        (under_way(30, ["to-lab"]), two(), replayed(30, ["to-lab"])),
        (under_way(30, ["to-lab"]), rules([("to-hub", 1)]), None),
        (
            under_way(30, ["to-lab"]),
            rules([("to-hub", 9), ("to-lab", 2)]),
            Some(Replayed { next: 2, synchronizations: ["to-hub", "to-lab"].map(key).into() }),
        ),
    ] {
        let moved = before.clone().toward(8, after.clone(), &known, 2);
        assert_eq!(moved, Progress { revision: 8, rules: after, replay, ..done.clone() }, "{before:?}");
    }
    let all = Some(Replayed { next: 2, synchronizations: ["to-hub", "to-lab"].map(key).into() });
    for before in [Progress { rules_version: RULES_VERSION + 1, ..done }, Progress::unknown()] {
        assert_eq!(before.clone().toward(8, two(), &known, 2).replay, all, "{before:?}");
    }
}

#[test]
fn other_domains_have_all_decide_anew_with_a_greater_version() {
    let before = Progress::fresh(8, two(), &home("x.example", 30));
    let all = Some(Replayed { next: 2, synchronizations: ["to-hub", "to-lab"].map(key).into() });
    for (home, facts, replay) in [
        (home("x.example", 30), 30, None),
        (home("x.example", 40), 30, None),
        (home("y.example", 40), 40, all.clone()),
        (home("y.example", 20), 31, all.clone()),
        (Home { domains: None, facts: 30 }, 31, all),
    ] {
        let after = before.clone().toward(8, two(), &home, 2);
        assert_eq!((after.facts, after.replay), (facts, replay), "{home:?}");
    }
}

#[test]
fn more_synchronizations_than_the_metadata_holds_decide_together() {
    let many = |last| Rules::of(&(0..=TOLD_APART_MAX).map(|at| (format!("to-{at}"), if at == 0 { last } else { 0 })).collect());
    let known = home("x.example", 3);
    let before = Progress::fresh(5, many(1), &known);
    assert!(before.to_string().len() < 4_096);
    assert_eq!(before.clone().toward(6, many(1), &known, 2).replay, None);
    let after = before.toward(6, many(2), &known, 2);
    assert!(after.replays("to-0") && after.replays("to-7"));
    let most = Rules::of(&(0..TOLD_APART_MAX).map(|at| (format!("to-{at}"), u64::MAX)).collect());
    let longest = Progress::unknown().toward(u64::MAX, most, &known, i64::MAX);
    assert!(longest.to_string().len() < 4_096, "{} bytes", longest.to_string().len());
}
