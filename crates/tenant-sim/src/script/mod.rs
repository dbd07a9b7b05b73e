//! Scripted answers: rules that change what the simulator answers to some requests, installed and removed while it runs.
//!
//! A rule names the requests ([`Rule`]) and what happens to them ([`Act`]): an answer instead of carrying them out, or the genuine answer
//! with edits. One mechanism stands for every answer that real tenants, gateways and hostile servers give and the simulator does not give
//! by itself. Requests that came alone, items of a `$batch` and token requests go through the same questions.

mod act;
mod edit;
mod pattern;
mod rewrite;
mod rule;

use parking_lot::{Mutex, MutexGuard};

pub use self::act::Act;
pub use self::edit::Edit;
pub(crate) use self::rewrite::Rewrite;
pub(crate) use self::rule::RequestToMatch;
pub use self::rule::{Place, Rule};
use crate::error::Failure;

/// How many rules are kept at once.
pub const RULES_MAX: usize = 1_000;

/// The rules of one simulator, in the order of installation.
#[derive(Debug, Default)]
pub struct Script(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    last: u64,
    installed: Vec<Installed>,
}

/// A rule with its number and the count of requests it was applied to.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// The number by which it is removed.
    pub id: u64,
    /// How many requests it was applied to.
    pub used: u32,
    /// The rule as it was given.
    pub rule: Rule,
    /// How many requests it named, those that it let pass included.
    #[serde(skip)]
    seen: u32,
}

/// What is to happen to one request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is not carried out: that is the answer.
    Instead(Act, Vec<(String, String)>),
    /// It is carried out, and its answer is changed by these in turn.
    Genuine(Vec<Rewrite>),
}

impl Script {
    /// Installs a rule and returns its number.
    ///
    /// # Errors
    /// If the rule cannot be applied to anything, or too many others are installed.
    pub fn install(&self, rule: Rule) -> Result<u64, Failure> {
        rule.check()?;
        let mut rules = self.rules();
        if rules.installed.len() >= RULES_MAX {
            rules.installed.retain(|installed| !installed.is_used_up());
        }
        if rules.installed.len() >= RULES_MAX {
            return Err(Failure::bad_request(format!("More than {RULES_MAX} rules are installed.")));
        }
        rules.last += 1;
        let id = rules.last;
        rules.installed.push(Installed { id, used: 0, rule, seen: 0 });
        Ok(id)
    }

    /// Removes a rule; returns whether it existed.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.installed.len();
        rules.installed.retain(|installed| installed.id != id);
        rules.installed.len() < before
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules().installed.clear();
    }

    /// The rules that are installed, those that are used up included.
    pub fn installed(&self) -> Vec<Installed> {
        self.rules().installed.clone()
    }

    /// How many requests the rule was applied to; 0 after it was removed.
    pub fn used(&self, id: u64) -> u32 {
        self.rules().installed.iter().find(|installed| installed.id == id).map_or(0, |installed| installed.used)
    }

    /// Whether no rule is left, so that nothing need be found out about a request.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules().installed.is_empty()
    }

    /// What the rules say of a request. The oldest rule that answers in its place decides; otherwise all edits apply, oldest first.
    pub(crate) fn verdict(&self, request: &RequestToMatch<'_>) -> Verdict {
        let mut rules = self.rules();
        let mut rewrites = Vec::new();
        for installed in &mut rules.installed {
            if !installed.matches(request) {
                continue;
            }
            match &installed.rule.then {
                Act::Rewrite { status, edits } => {
                    let (status, headers, edits) = (*status, installed.rule.headers(), edits.clone());
                    rewrites.push(Rewrite { status, headers, edits });
                }
                Act::Refuse { .. } | Act::Answer { .. } => return Verdict::Instead(installed.rule.then.clone(), installed.rule.headers()),
            }
        }
        Verdict::Genuine(rewrites)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock()
    }
}

impl Installed {
    fn is_used_up(&self) -> bool {
        self.rule.times.is_some_and(|times| self.used >= times)
    }

    /// Whether the rule applies to the request; counts it if so.
    fn matches(&mut self, request: &RequestToMatch<'_>) -> bool {
        if self.is_used_up() || !self.rule.covers(request) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        let matches = self.seen > self.rule.after;
        self.used += u32::from(matches);
        matches
    }
}
