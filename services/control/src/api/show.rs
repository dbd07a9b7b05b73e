//! Shows one link and the reasons for its state.

use prost::Message as _;
use xtsync_contract::convert::{LinkRecord, time};
use xtsync_contract::{control, events};
use xtsync_domain::{DirectoryAnswer, Timestamp};
use xtsync_store::{Row, params};

use crate::Error;
use crate::context::Context;
use crate::view::link::ADDRESS_DIFFERS;

/// Shows a link; `None` if there is neither a decision nor a link.
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

/// The decision on a user, from the read model.
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

    /// Describes the decision on a user without a link.
    fn without_link(&self) -> String {
        match (self.desired.as_str(), self.reason.as_str()) {
            ("not_wanted", "out_of_scope") => "the user is not in scope, and there is no shadow user".to_owned(),
            ("disabled", _) => "the user is disabled at home and was never created in the target".to_owned(),
            ("wanted", _) => "the user is to be created".to_owned(),
            (_, _) => format!("{}, and there is no shadow user", self.describe()),
        }
    }

    /// Describes the decision.
    fn describe(&self) -> String {
        match (self.desired.as_str(), self.reason.as_str()) {
            ("wanted", _) => "the user is in scope".to_owned(),
            ("disabled", _) => "the user is in scope and disabled at home".to_owned(),
            ("not_wanted", "out_of_scope") => "the user is not in scope".to_owned(),
            ("not_wanted", "external") => "the source is not the user's home (external)".to_owned(),
            ("not_wanted", "deleted") => "the user was deleted at home".to_owned(),
            ("not_wanted", reason) => format!("the user must not be in the target ({reason})"),
            (_, reason) => format!("the user is skipped ({reason})"),
        }
    }

    /// Describes what happens next.
    fn describe_due(&self) -> String {
        match self.due {
            Timestamp(0) => "the provisioner works on it".to_owned(),
            due => format!("the scope grace period ends at {due}"),
        }
    }
}

/// Returns the reasons for a link's state, as texts.
fn reasons(link: &events::Link, newer: Option<&ShownDecision>, status: &str, code: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    // A newer decision is shown at once, also before the provisioner has published the link with it.
    reasons.extend(newer.map(ShownDecision::describe).or_else(|| wanted(link)));
    reasons.push(match (status, code) {
        ("done", _) if newer.is_some() => newer.map(ShownDecision::describe_due).unwrap_or_default(),
        ("done", _) => "the target is as decided".to_owned(),
        ("waiting", "") => "the provisioner works on it".to_owned(),
        ("waiting", code) => format!("it is tried again: {code}"),
        ("grace", _) => "the user is in the scope grace period".to_owned(),
        ("held", code) => format!("it is held: {code}"),
        ("conflict", code) => format!("another object or user is in conflict with it: {code}"),
        (_, code) => format!("the target refuses it: {code}"),
    });
    if differs(link) {
        let what = "the invitation went to another address than the one decided now, and is not redeemed";
        reasons.push(format!("{what}: {ADDRESS_DIFFERS}"));
    }
    if let Some(condition) = &link.condition {
        reasons.extend(
            condition
                .answer
                .clone()
                .and_then(|answer| DirectoryAnswer::try_from(answer).ok())
                .map(|answer| format!("the target answered: {answer}")),
        );
        reasons
            .extend(condition.due.map(|due| time("due", Some(due))).and_then(Result::ok).map(|due| format!("it is tried again at {due}")));
        reasons.extend(condition.others.iter().map(|other| format!("concerns {other}")));
    }
    let failed = link.applied.iter().flat_map(|applied| &applied.failed_attributes);
    reasons.extend(failed.map(|attribute| format!("the target refused attribute {attribute}")));
    reasons
}

/// Whether the address of an unredeemed invitation differs from the address decided now.
fn differs(link: &events::Link) -> bool {
    LinkRecord::try_from(link.clone()).is_ok_and(|record| record.link.address_differs())
}

/// Describes the decision of a link.
fn wanted(link: &events::Link) -> Option<String> {
    use events::decision::Desired;
    Some(match link.desired.as_ref()?.desired.as_ref()? {
        Desired::Wanted(shape) if shape.enabled => "the user is in scope".to_owned(),
        Desired::Wanted(_) => "the user is in scope and disabled at home".to_owned(),
        Desired::NotWanted(not_wanted) => match not_wanted.reason() {
            events::DeprovisionReason::OutOfScope => "the user is not in scope".to_owned(),
            events::DeprovisionReason::External => "the source is not the user's home (external)".to_owned(),
            events::DeprovisionReason::Deleted => "the user was deleted at home".to_owned(),
            events::DeprovisionReason::Unspecified => "the user must not be in the target".to_owned(),
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
        | events::SkipReason::UserTypeNotAdmitted => "the user is skipped".to_owned(),
    }
}
