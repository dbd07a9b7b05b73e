//! `eval` and `test`: documented behaviour and cases of this project, and what the commands print.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use support::{apply, converged, tenants};
use xtsync::run::{Options, start};
use xtsync_harness::Dir;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn run(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtsync"));
    command.current_dir(dir).env("NO_COLOR", "1").env_remove("XTSYNC_SERVER").env_remove("XTSYNC__DATA_DIR").args(arguments);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn expressions_and_filters_do_what_is_documented() {
    for (file, at_least) in [("expressions.json", 76), ("scoping.json", 80), ("cases.yaml", 34)] {
        let (code, out, err) = run(&vectors(), &["test", file]);
        let passed: usize =
            out.lines().last().unwrap().strip_suffix(" passed, 0 failed").unwrap_or_else(|| panic!("{out}")).parse().unwrap();
        assert!(code == 0 && err.is_empty() && passed >= at_least, "{file}: {out}{err}");
    }
}

#[test]
fn a_failure_is_shown_with_what_differs_and_reported_for_ci() {
    let dir = Dir::new().unwrap();
    let tests = json!([
        {"expression": "Left([a], 2)", "input": {"a": "abc"}, "output": "abc"},
        {"expression": "Left([a], 2)", "input": {"a": "abc"}, "output": "ab"},
        {"filter": "a EQUALS \"x\"", "match": [{"a": "y"}]},
        {"expression": "[a]", "output": "x", "kind": "doc-bug"},
    ]);
    std::fs::write(dir.join("t.json"), tests.to_string()).unwrap();
    let (code, out, err) = run(dir.path(), &["test", "t.json", "--junit", "report.xml"]);
    let want = "FAILED  t.json: 1: Left([a], 2)\n  - output: \"abc\"\n  + output: \"ab\"\n\
                FAILED  t.json: 3: a EQUALS \"x\" for {\"a\":\"y\"}\n  - passes: true\n  + passes: false\n\
                differs, not binding  t.json: 4: [a]\n  - output: \"x\"\n  + output: null\n1 not binding\n1 passed, 2 failed\n";
    assert_eq!((code, out.as_str(), err.as_str()), (1, want, "error: 2 of 4 tests failed\n"));
    let report = std::fs::read_to_string(dir.join("report.xml")).unwrap();
    assert!(report.contains(r#"tests="4" skipped="1" failures="2""#), "{report}");
    let (_, out, _) = run(dir.path(), &["test", "t.json", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["passed"], &json["failed"], &json["tests"][0]["differences"][0]["seen"]), (&json!(1), &json!(2), &json!("\"ab\"")));
}

#[test]
fn what_is_no_test_expression_or_user_is_refused_with_its_place() {
    let dir = Dir::new().unwrap();
    for (file, text) in [
        ("rule.json", r#"[{"rule": "user.city -eq \"x\""}]"#),
        ("field.json", r#"[{"expression": "[a]", "outptu": 1}]"#),
        ("text.json", "7"),
        ("none.yaml", "[]"),
        ("broken.yaml", "- {"),
        ("list.json", "[1]"),
        ("filter.yaml", "- {filter: city IS NULL, match: [{}]}"),
    ] {
        std::fs::write(dir.join(file), text).unwrap();
    }
    for (arguments, code, words) in [
        (
            &["test", "rule.json"][..],
            1,
            "FAILED  rule.json: 1: the entry\n  - entry: a test\n  + entry: rules of dynamic groups cannot be tested yet\n",
        ),
        (&["test", "field.json"], 1, "unknown field `outptu`"),
        (&["test", "field.json", "--junit", "field.json"], 2, "error: --junit would overwrite the tests in field.json\n"),
        (&["test", "text.json"], 1, "error: text.json is no file of tests: a list of tests is expected"),
        (&["test", "none.yaml"], 1, "error: none.yaml has no test\n"),
        (&["test", "broken.yaml"], 1, "error: broken.yaml is no YAML"),
        (&["test", "missing.yaml"], 1, "error: reading the tests in missing.yaml: No such file"),
        (&["test", "filter.yaml", "--kind", "expressions"], 1, "  + entry: it is of another kind: scoping\n0 passed, 1 failed\n"),
        (&["eval", "Joim([city])"], 1, "error: unknown function `Joim`, did you mean `Join`?\nJoim([city])\n^^^^\n"),
        (&["eval", "--filter", "city LIKE"], 1, "^^^^\n"),
        (&["eval", "[city]", "--user", "list.json"], 1, "error: list.json is no JSON object of attributes"),
        (&["eval", "[city]", "--user", "missing.json"], 1, "error: reading the user in missing.json: No such file"),
        (&["eval", "Left([city], \"x\")"], 1, "Left([city], \"x\")\n             ^^^\n"),
        (&["eval", "CDate([city])", "--user", "bad.json"], 1, "error: there is no value: CDate: "),
    ] {
        std::fs::write(dir.join("bad.json"), r#"{"city": "no date"}"#).unwrap();
        let (got, out, err) = run(dir.path(), arguments);
        assert!(got == code && (err.contains(words) || out.contains(words)), "{arguments:?}: {got} {out}{err}");
    }
}

#[test]
fn what_is_redacted_is_not_printed_whatever_stands_around_it() {
    let dir = Dir::new().unwrap();
    for expression in [r#"Redact("door 1234")"#, r#"Append("a", Redact("door 1234"))"#, r#"IIF("a" = "a", Redact("door 1234"), "no")"#] {
        for format in [None, Some("--json")] {
            let (code, out, err) = run(dir.path(), &[&["eval", expression, "--trace"], format.as_slice()].concat());
            assert!(code == 0 && !out.contains("1234"), "{expression}: {out}{err}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_is_evaluated_for_a_user_of_a_tenant() {
    let dir = Dir::new().unwrap();
    let (sim, yaml) = tenants(10, dir.path()).await;
    let emea = sim.tenant("emea").unwrap();
    let user = emea.members(emea.groups("GlobalEmployees")[0])[0];
    emea.patch_user(user, &json!({"department": "Sales", "city": "Paris"})).unwrap();
    let yaml = format!("{yaml}  mappings:\n    city: {{source: city, sensitive: true}}\n");
    let options =
        Options { poll: Duration::from_millis(100), secrets_dir: dir.join("secrets"), ..Options::embedded(&dir.join("xtsync-data")) };
    let running = start(options).await.unwrap();
    let client = running.client().await.unwrap();
    apply(&client, &yaml).await;
    converged(&client).await;
    let server = format!("http://{}", running.control.unwrap());
    let eval = |arguments: &[&str]| run(dir.path(), &[&["eval", "--server", &server], arguments].concat());
    let id = format!("emea/{user}");
    let name = format!("emea/{}", emea.user(user).unwrap()["userPrincipalName"].as_str().unwrap());
    for user in [&id, &name] {
        let (code, out, err) = eval(&["ToUpper([department])", "--user", user]);
        assert_eq!((code, out.as_str()), (0, "value  \"SALES\"\ntype   a text\n"), "{user}: {err}");
    }
    assert_eq!(eval(&["--filter", "department EQUALS \"Sales\"", "--user", &id]).1, "value  true\ntype   a truth value\n");
    let (_, out, _) = eval(&["Join(\" \", [department], [city])", "--user", &id, "--trace"]);
    assert!(out.starts_with("value  [Redact]\n") && out.contains("  [department]  \"Sales\"\n") && !out.contains("Paris"), "{out}");
    for format in [None, Some("--json")] {
        let arguments = [&["--filter", "city IS NOT NULL OR department IS NULL", "--user", &id, "--trace"], format.as_slice()].concat();
        let (code, out, err) = eval(&arguments);
        assert!(code == 0 && !out.contains("Paris") && out.to_lowercase().contains("redact"), "{out} {err}");
    }
    let (code, _, err) = eval(&["[department]", "--user", "emea/unknown"]);
    assert_eq!((code, err.as_str()), (1, "error: nothing is known of such a user; `xtsync show` says where the user may be\n"));
    running.stop(Duration::from_secs(30)).await.unwrap();
}
