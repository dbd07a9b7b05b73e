//! One link, and why it is as it is.

use prost::Message as _;
use xtsync_contract::convert::{LinkRecord, time};
use xtsync_contract::{control, events};
use xtsync_domain::{DirectoryAnswer, Timestamp};
use xtsync_store::{Row, params};

use crate::Error;
use crate::context::Context;
use crate::view::link::ADDRESS_DIFFERS;

/// Shows a link; `None` where neither decision nor link is known.
pub(super) async fn link(context: &Context, request: &control::GetLinkRequest) -> Result<Option<control::GetLinkResponse>, Error> {
    const LINK: &str = "SELECT record, status, code, desired FROM view_link WHERE target = $1 AND source = $2 AND user_id = $3";
    const DECISION: &str = "SELECT desired, reason, due, version FROM view_decision WHERE target = $1 AND source = $2 AND user_id = $3";
    let key = || params![&request.target, &request.source, &request.user_id];
    let decision = context.store.fetch_one_opt(DECISION, key()).await?;
    let decision = decision.map(|row| ShownDecision::read(&row)).transpose()?;
    if let Some(row) = context.store.fetch_one_opt(LINK, key()).await? {
        let link = events::Link::decode(row.bytes(0)?.as_slice()).map_err(|error| xtsync_store::Error::Corrupt(error.to_string()))?;
        let link_decision = row.bytes(3)?;
        let newer = decision.filter(|decision| decision.version > link_decision);
        let reasons = reasons(&link, newer.as_ref(), &row.text(1)?, &row.text(2)?);
        return Ok(Some(control::GetLinkResponse { link: Some(link), reasons }));
    }
    Ok(decision.map(|decision| control::GetLinkResponse { link: None, reasons: vec![decision.without_link()] }))
}

/// What is decided of a user, as the read model has it.
struct ShownDecision {
    desired: String,
    reason: String,
    due: Timestamp,
    version: Vec<u8>,
}

impl ShownDecision {
    fn read(row: &Row) -> Result<Self, xtsync_store::Error> {
        Ok(Self { desired: row.text(0)?, reason: row.text(1)?, due: Timestamp(row.int(2)?), version: row.bytes(3)? })
    }

    /// What that means where no link was ever made.
    fn without_link(&self) -> String {
        match (self.desired.as_str(), self.reason.as_str()) {
            ("not_wanted", "out_of_scope") => "he is not in scope, and there is no shadow user".to_owned(),
            ("disabled", _) => "he is disabled at home and was never created here".to_owned(),
            ("wanted", _) => "he is to be created".to_owned(),
            (_, _) => format!("{}, and there is no shadow user", self.describe()),
        }
    }

    /// What was decided.
    fn describe(&self) -> String {
        match (self.desired.as_str(), self.reason.as_str()) {
            ("wanted", _) => "he is in scope".to_owned(),
            ("disabled", _) => "he is in scope and disabled at home".to_owned(),
            ("not_wanted", "out_of_scope") => "he is not in scope".to_owned(),
            ("not_wanted", "external") => "the source is not his home (external)".to_owned(),
            ("not_wanted", "deleted") => "he was deleted at home".to_owned(),
            ("not_wanted", reason) => format!("the user must not be in the target ({reason})"),
            (_, reason) => format!("nothing is decided now ({reason})"),
        }
    }

    /// What becomes of that.
    fn describe_due(&self) -> String {
        match self.due {
            Timestamp(0) => "it is worked on".to_owned(),
            due => format!("the loss of scope is acted on at {due}, after its grace period"),
        }
    }
}

/// Why a link is as it is, in words.
fn reasons(link: &events::Link, newer: Option<&ShownDecision>, status: &str, code: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    // What is decided counts at once, also where the link does not say yet that it was taken up.
    reasons.extend(newer.map(ShownDecision::describe).or_else(|| wanted(link)));
    reasons.push(match (status, code) {
        ("done", _) if newer.is_some() => newer.map(ShownDecision::describe_due).unwrap_or_default(),
        ("done", _) => "the target is as decided".to_owned(),
        ("waiting", "") => "it is worked on".to_owned(),
        ("waiting", code) => format!("it is tried again: {code}"),
        ("grace", _) => "his loss of scope has not lasted long enough to be acted on".to_owned(),
        ("held", code) => format!("it is held: {code}"),
        ("conflict", code) => format!("another object or person stands in the way: {code}"),
        (_, code) => format!("the target refuses it: {code}"),
    });
    if differs(link) {
        let what = "the shadow user was invited by another address than is decided now, and nobody has redeemed the invitation";
        reasons.push(format!("{what}: {ADDRESS_DIFFERS}"));
    }
    if let Some(condition) = &link.condition {
        reasons.extend(
            condition
                .answer
                .clone()
                .and_then(|answer| DirectoryAnswer::try_from(answer).ok())
                .map(|answer| format!("the target said: {answer}")),
        );
        reasons
            .extend(condition.due.map(|due| time("due", Some(due))).and_then(Result::ok).map(|due| format!("it is tried again at {due}")));
        reasons.extend(condition.others.iter().map(|other| format!("concerns {other}")));
    }
    let failed = link.applied.iter().flat_map(|applied| &applied.failed_attributes);
    reasons.extend(failed.map(|attribute| format!("the target refused attribute {attribute}")));
    reasons
}

/// Whether the address that the shadow user was invited by is another than is decided now, while that matters.
fn differs(link: &events::Link) -> bool {
    LinkRecord::try_from(link.clone()).is_ok_and(|record| record.link.address_differs())
}

/// What is decided, in words.
fn wanted(link: &events::Link) -> Option<String> {
    use events::decision::Desired;
    Some(match link.desired.as_ref()?.desired.as_ref()? {
        Desired::Wanted(shape) if shape.enabled => "he is in scope".to_owned(),
        Desired::Wanted(_) => "he is in scope and disabled at home".to_owned(),
        Desired::NotWanted(not_wanted) => match not_wanted.reason() {
            events::DeprovisionReason::OutOfScope => "he is not in scope".to_owned(),
            events::DeprovisionReason::External => "the source is not his home (external)".to_owned(),
            events::DeprovisionReason::Deleted => "he was deleted at home".to_owned(),
            events::DeprovisionReason::Unspecified => "he must not be there".to_owned(),
        },
        Desired::Skipped(skip) if skip.sign_in_blocked => "the user is disabled at home, and otherwise skipped".to_owned(),
        Desired::Skipped(skip) => skipped(skip),
    })
}

fn skipped(skip: &events::Skipped) -> String {
    match skip.reason() {
        events::SkipReason::NoVerifiedAddress => "skipped: no address is in a verified domain of the home tenant".to_owned(),
        events::SkipReason::HomeDomainsUnknown => "skipped: the verified domains of the home tenant are not known yet".to_owned(),
        events::SkipReason::InvalidAttribute => format!("skipped: {} is of a wrong type at home", skip.attribute),
        events::SkipReason::Unspecified
        | events::SkipReason::NotOneOrganization
        | events::SkipReason::ScopeUnresolved
        | events::SkipReason::NoAddress
        | events::SkipReason::UserTypeNotAdmitted => "he is left as he is".to_owned(),
    }
}
