//! Shows one link and the reasons for its state.

use prost::Message as _;
use xtsync_contract::convert::{LinkRecord, time};
use xtsync_contract::{control, events};
use xtsync_domain::{DirectoryAnswer, Timestamp, canonical_id};
use xtsync_store::{Row, params};

use crate::Error;
use crate::context::Context;
use crate::view::link::ADDRESS_DIFFERS;

/// What is answered for a user that no role has published.
pub(super) const UNKNOWN: &str = "no role has published such a user: write SOURCE/ID, an id, a principal name or a mail address. Users who \
                                  were never in a scope are not published";

/// The most users that one name may mean.
const USERS_MAX: u32 = 20;

/// Shows what is known of the users of that name, in one target or all.
pub(super) async fn user(context: &Context, request: &control::ShowUserRequest) -> Result<Vec<control::ShownLink>, Error> {
    let mut shown = Vec::new();
    for (source, user_id) in users(context, &request.user).await? {
        let targets = targets(context, &source, &user_id).await?;
        if targets.is_empty() && request.target.is_empty() && is_published(context, &source, &user_id).await? {
            let reasons = vec!["no synchronization has decided on the user: the user is in no scope".to_owned()];
            shown.push(control::ShownLink { source: source.clone(), user_id: user_id.clone(), reasons, ..control::ShownLink::default() });
        }
        for target in targets.into_iter().filter(|target| request.target.is_empty() || *target == request.target) {
            shown.extend(link(context, &source, &user_id, &target).await?);
        }
    }
    Ok(shown)
}

/// The users that a name means, each with its source.
async fn users(context: &Context, name: &str) -> Result<Vec<(String, String)>, Error> {
    const SQL: &str = "SELECT source, user_id FROM view_user WHERE user_id = $1 OR principal_name = $2 OR mail = $2
        UNION SELECT source, user_id FROM view_decision WHERE user_id = $1
        UNION SELECT source, user_id FROM view_link WHERE user_id = $1 ORDER BY source, user_id LIMIT $3";
    if let Some((source, id)) = name.split_once('/') {
        return Ok(vec![(source.to_owned(), canonical_id(id))]);
    }
    let rows = context.store.fetch(SQL, params![canonical_id(name), name.to_lowercase(), USERS_MAX]).await?;
    Ok(rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<_, xtsync_store::Error>>()?)
}

async fn targets(context: &Context, source: &str, user_id: &str) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT target FROM view_decision WHERE source = $1 AND user_id = $2
        UNION SELECT target FROM view_link WHERE source = $1 AND user_id = $2 ORDER BY target";
    let rows = context.store.fetch(SQL, params![source, user_id]).await?;
    Ok(rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?)
}

async fn is_published(context: &Context, source: &str, user_id: &str) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM view_user WHERE source = $1 AND user_id = $2";
    Ok(context.store.fetch_one_opt(SQL, params![source, user_id]).await?.is_some())
}

/// Shows a link; `None` if there is neither a decision nor a link.
async fn link(context: &Context, source: &str, user_id: &str, target: &str) -> Result<Option<control::ShownLink>, Error> {
    const LINK: &str = "SELECT record, status, code, desired FROM view_link WHERE target = $1 AND source = $2 AND user_id = $3";
    const DECISION: &str = "SELECT desired, reason, due, version FROM view_decision WHERE target = $1 AND source = $2 AND user_id = $3";
    let key = || params![target, source, user_id];
    let (source, user_id, target) = (source.to_owned(), user_id.to_owned(), target.to_owned());
    let decision = context.store.fetch_one_opt(DECISION, key()).await?;
    let decision = decision.map(|row| ShownDecision::read(&row)).transpose()?;
    if let Some(row) = context.store.fetch_one_opt(LINK, key()).await? {
        let link = events::Link::decode(row.bytes(0)?.as_slice()).map_err(|error| xtsync_store::Error::Corrupt(error.to_string()))?;
        let link_decision = row.bytes(3)?;
        let newer = decision.filter(|decision| decision.version > link_decision);
        let reasons = reasons(&link, newer.as_ref(), &row.text(1)?, &row.text(2)?);
        return Ok(Some(control::ShownLink { source, user_id, target, link: Some(link), reasons }));
    }
    Ok(decision.map(|decision| control::ShownLink { source, user_id, target, link: None, reasons: vec![decision.without_link()] }))
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
            (_, reason) => skipped(reason),
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
        Desired::Skipped(skip) => {
            let code = skip.reason().as_str_name().trim_start_matches("SKIP_REASON_").to_lowercase();
            let attribute = if skip.attribute.is_empty() { String::new() } else { format!(" ({})", skip.attribute) };
            let blocked = if skip.sign_in_blocked { "; the user is disabled at home, which takes sign-in" } else { "" };
            format!("{}{attribute}{blocked}", skipped(&code))
        }
    })
}

/// Why a user is skipped, and what would change that, by the code of the reason.
fn skipped(code: &str) -> String {
    let reason = match code {
        "not_one_organization" => "source and target are not of one organization: list both in an Organization, and name it in both",
        "scope_unresolved" => "a group of the scope is not resolved yet: see `xtsync status`",
        "no_address" => "the user has no address to invite: set a mail address or a principal name at home",
        "user_type_not_admitted" => {
            "the target does not admit the user type of the mappings: change `userType` there, or the target's CrossTenantAccessPolicy"
        }
        "no_verified_address" => "no address is in a verified domain of the home tenant: verify the domain, or change the address at home",
        "home_domains_unknown" => "the verified domains of the home tenant are not known yet",
        "invalid_attribute" => "an attribute that decides about access is of a wrong type at home",
        _ => return format!("skipped: {code}"),
    };
    format!("skipped: {reason}")
}
