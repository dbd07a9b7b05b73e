//! Short ways to the most common scripted answers, and the counts of requests.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::counts::Counts;
use crate::error::Failure;
use crate::script::{Rule, Script};

/// Which requests are to fail.
#[derive(Debug, Clone, Default)]
pub struct Matching(Rule);

/// A view of a simulator's script.
#[derive(Debug, Clone, Copy)]
pub struct Faults<'a> {
    script: &'a Script,
    counts: &'a Counts,
}

impl Matching {
    /// Requests whose path contains that text, by any method if `method` is empty.
    pub fn new(method: &str, path: &str) -> Self {
        Self(Rule::on(method, &format!("**{}**", path.trim_start_matches("/v1.0"))))
    }
}

impl<'a> Faults<'a> {
    pub(crate) fn new(script: &'a Script, counts: &'a Counts) -> Self {
        Self { script, counts }
    }

    /// The next `times` matching requests are answered with that status instead of being carried out.
    pub fn fail_next(&self, matching: Matching, times: u32, status: u16, retry_after: Option<Duration>) {
        let Failure { code, message, .. } = Failure::by_status(status);
        let rule = matching.0.times(times).refuse(status, &code, &message);
        self.install(retry_after.into_iter().fold(rule, |rule, wait| rule.header("retry-after", wait.as_secs_f64())));
    }

    /// The next `times` requests to Graph are answered with a page of HTML, as a proxy in between would.
    pub fn answer_html(&self, times: u32) {
        let page = json!("<!DOCTYPE html><html><body>Service unavailable</body></html>");
        self.install(Rule::default().times(times).header("content-type", "text/html; charset=utf-8").answer(200, page));
    }

    /// Requests about that group are refused until it is allowed again.
    pub fn forbid_group(&self, group: Uuid) {
        let denied = Failure::denied();
        self.install(Rule::on("", &format!("/groups/{group}**")).refuse(denied.status, &denied.code, &denied.message));
    }

    /// Takes back `forbid_group`.
    pub fn allow_group(&self, group: Uuid) {
        let path = Some(format!("/groups/{group}**"));
        for installed in self.script.installed().into_iter().filter(|installed| installed.rule.path == path) {
            self.script.remove(installed.id);
        }
    }

    /// Switches everything off; counts stay.
    pub fn clear(&self) {
        self.script.clear();
    }

    /// How many requests of that method were made to paths of that template, e.g. `GET` `/v1.0/users/{id}`. Items of a batch count.
    pub fn count(&self, method: &str, template: &str) -> u64 {
        self.counts.of(method, template)
    }

    /// All counts by (method, path template).
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.counts.all()
    }

    fn install(&self, rule: Rule) {
        self.script.install(rule).expect("the rule is sound, and tests install few");
    }
}
