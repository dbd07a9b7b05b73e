//! How often a decision allocates: what it returns, and what its expressions make.
#![cfg(test)]

use std::hint::black_box;

use xtsync_rules_bench::Decisions;

#[test]
fn a_decision_allocates_what_it_returns_and_little_else() {
    let decisions = Decisions::new();
    // Patterns are compiled at their first use.
    black_box(decisions.decide());
    let counted = allocation_counter::measure(|| drop(black_box(decisions.decide())));
    // The decision's names and list, 13 copied texts, three made ones, and what `Join` and `Append` need to make them.
    assert!(counted.count_total <= 24, "{counted:?}");
}
