//! The report in JUnit's format, which CI systems read.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::outcome::{Difference, Outcome};

/// The report: a suite a file, a case a test. A test that is not binding and differs is skipped.
pub(super) fn report(outcomes: &[Outcome]) -> anyhow::Result<String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for outcome in outcomes {
        let (file, place) = outcome.place.split_once(": ").unwrap_or(("", &outcome.place));
        let mut status = match (outcome.differences.is_empty(), outcome.is_binding) {
            (true, _) => TestCaseStatus::success(),
            (false, true) => TestCaseStatus::non_success(NonSuccessKind::Failure),
            (false, false) => TestCaseStatus::skipped(),
        };
        if !outcome.differences.is_empty() {
            let line = |Difference { field, expected, seen }: &Difference| format!("{field}: {expected} expected, {seen} seen");
            status.set_message(outcome.differences.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
        let case = TestCase::new(format!("{place}: {}", outcome.name), status);
        suites.entry(file).or_insert_with(|| TestSuite::new(file)).add_test_case(case);
    }
    let mut report = Report::new("xtsync test");
    report.add_test_suites(suites.into_values());
    Ok(report.to_string()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_what_failed_and_what_is_not_binding() {
        let failed = Outcome::new("[a] & <b>", [Difference::new("output", "\"a\"", "null")]).at("x.json", "2");
        let remark = Outcome { is_binding: false, ..failed.clone() };
        let passed = Outcome::new("one", []).at("y.json", "1");
        let xml = report(&[failed, remark, passed]).unwrap();
        assert!(xml.contains(r#"<testsuite name="x.json" tests="2" skipped="1" errors="0" failures="1">"#), "{xml}");
        assert!(xml.contains(r#"<testcase name="2: [a] &amp; &lt;b&gt;">"#), "{xml}");
        assert!(xml.contains(r#"<failure message="output: &quot;a&quot; expected, null seen""#), "{xml}");
    }
}
