//! Shows one link and the reasons for its state.

use prost::Message as _;
use xtsync_contract::control::{self, Reason, ReasonCode};
use xtsync_contract::convert::{LinkRecord, time};
use xtsync_contract::events;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::link::DELETION_DEFERRED;
use xtsync_domain::{DirectoryAnswer, TenantName, canonical_id};
use xtsync_store::params;

use crate::Error;
use crate::condition::reason;
use crate::context::Context;
use crate::names::Names;
use crate::resources;

use super::decided::Decided;
use super::{searched, sensitive};

/// The most users that one name may mean.
const USERS_MAX: u32 = 20;

/// Shows what is known of the users of that name, in one target or all. If nothing is known, it shows where the user may be. `Err` holds the
/// name of a tenant that does not exist.
pub(super) async fn user(
    context: &Context,
    request: &control::ShowUserRequest,
) -> Result<Result<control::ShowUserResponse, String>, Error> {
    let stored = resources::read(&context.store).await?;
    let names = Names::of(stored.values());
    let configuration = Configuration::new(0, stored.into_values());
    let tenant = |name: &str| -> Result<Option<TenantName>, Error> {
        let Ok(name) = TenantName::new(name) else { return Ok(None) };
        Ok(Some(names.key(&name)?).filter(|key| configuration.tenant(key).is_some()))
    };
    let (source, target) =
        (request.user.split_once('/').map(|(source, _)| source), Some(request.target.as_str()).filter(|name| !name.is_empty()));
    for name in source.into_iter().chain(target) {
        if tenant(name)?.is_none() {
            return Ok(Err(name.to_owned()));
        }
    }
    let by_key = control::ShowUserRequest { user: names.user_key(&request.user)?, target: names.key_of(&request.target)? };
    let mut links = self::links(context, &by_key).await?;
    for link in &mut links {
        sensitive::redact(link, &configuration);
        names.name_link(link);
    }
    let searched = match links.is_empty() {
        true => searched::sources(context, &configuration, &names, source.map(tenant).transpose()?.flatten().as_ref()).await?,
        false => Vec::new(),
    };
    Ok(Ok(control::ShowUserResponse { links, searched }))
}

/// Shows the links of users. The tenants are named by their keys.
async fn links(context: &Context, request: &control::ShowUserRequest) -> Result<Vec<control::ShownLink>, Error> {
    let mut shown = Vec::new();
    for (source, user_id) in users(context, &request.user).await? {
        let targets = targets(context, &source, &user_id).await?;
        let wanted: Vec<String> = targets.into_iter().filter(|target| request.target.is_empty() || *target == request.target).collect();
        if wanted.is_empty() && is_published(context, &source, &user_id).await? {
            let (target, reasons) = (request.target.clone(), vec![reason(ReasonCode::Undecided, &[])]);
            shown.push(control::ShownLink { source: source.clone(), user_id: user_id.clone(), target, reasons, ..Default::default() });
        }
        for target in wanted {
            shown.extend(link(context, &source, &user_id, &target).await?);
        }
    }
    Ok(shown)
}

/// The users that a name means, each with its source: an id, a principal name or a mail address, perhaps after `SOURCE/`.
pub(super) async fn users(context: &Context, name: &str) -> Result<Vec<(String, String)>, Error> {
    const SQL: &str = "SELECT source, user_id FROM view_user
            WHERE (user_id = $1 OR principal_name = $2 OR mail = $2) AND ($3 = '' OR source = $3)
        UNION SELECT source, user_id FROM view_decision WHERE user_id = $1 AND ($3 = '' OR source = $3)
        UNION SELECT source, user_id FROM view_link WHERE user_id = $1 AND ($3 = '' OR source = $3) ORDER BY source, user_id LIMIT $4";
    let (source, name) = name.split_once('/').unwrap_or(("", name));
    let rows = context.store.fetch(SQL, params![canonical_id(name), name.to_lowercase(), source, USERS_MAX]).await?;
    Ok(rows.iter().map(|row| Ok((row.text("source")?, row.text("user_id")?))).collect::<Result<_, xtsync_store::Error>>()?)
}

async fn targets(context: &Context, source: &str, user_id: &str) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT target FROM view_decision WHERE source = $1 AND user_id = $2
        UNION SELECT target FROM view_link WHERE source = $1 AND user_id = $2 ORDER BY target";
    let rows = context.store.fetch(SQL, params![source, user_id]).await?;
    Ok(rows.iter().map(|row| row.text("target")).collect::<Result<_, _>>()?)
}

async fn is_published(context: &Context, source: &str, user_id: &str) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM view_user WHERE source = $1 AND user_id = $2";
    Ok(context.store.fetch_one_opt(SQL, params![source, user_id]).await?.is_some())
}

/// Shows a link; `None` if there is neither a decision nor a link.
async fn link(context: &Context, source: &str, user_id: &str, target: &str) -> Result<Option<control::ShownLink>, Error> {
    const LINK: &str = "SELECT record, status, code, desired, digest FROM view_link WHERE target = $1 AND source = $2 AND user_id = $3";
    let key = || params![target, source, user_id];
    let (source, user_id, target) = (source.to_owned(), user_id.to_owned(), target.to_owned());
    let decision = Decided::read(&context.store, key()).await?;
    if let Some(row) = context.store.fetch_one_opt(LINK, key()).await? {
        let link =
            events::Link::decode(row.bytes("record")?.as_slice()).map_err(|error| xtsync_store::Error::Corrupt(error.to_string()))?;
        let (version, digest) = (row.bytes("desired")?, row.bytes("digest")?);
        let newer = decision.filter(|decision| decision.version > version && decision.digest != digest);
        let reasons = reasons(&link, newer.as_ref(), &row.text("status")?, &row.text("code")?);
        return Ok(Some(control::ShownLink { source, user_id, target, link: Some(link), reasons, sensitive: Vec::new() }));
    }
    Ok(decision.map(|decision| control::ShownLink {
        source,
        user_id,
        target,
        reasons: vec![decision.reason(), reason(ReasonCode::NoShadowUser, &[])],
        ..Default::default()
    }))
}

/// When the provisioner tries a link again; empty if it does not by itself.
fn next_try(link: &events::Link) -> String {
    let due = link.condition.as_ref().and_then(|condition| condition.due);
    due.and_then(|due| time("due", Some(due)).ok()).map_or_else(String::new, |due| due.to_string())
}

/// The reasons for a link's state.
fn reasons(link: &events::Link, newer: Option<&Decided>, status: &str, code: &str) -> Vec<Reason> {
    let mut reasons = Vec::new();
    // A newer decision is shown at once, also before the provisioner has published the link with it.
    reasons.extend(newer.map(Decided::reason).or_else(|| Some(Decided::of(link.desired.as_ref()?)?.reason())));
    reasons.push(match (status, newer) {
        ("done", Some(newer)) => newer.next(),
        ("done", None) => reason(ReasonCode::AsDecided, &[]),
        ("waiting", _) if code.is_empty() => reason(ReasonCode::InProgress, &[]),
        ("waiting", _) => reason(ReasonCode::Retry, &[("code", &code)]),
        ("grace", _) if code == DELETION_DEFERRED => reason(ReasonCode::DeletionDeferred, &[("until", &next_try(link))]),
        ("grace", _) => reason(ReasonCode::GracePeriod, &[]),
        ("held", _) => reason(ReasonCode::Held, &[("code", &code)]),
        ("conflict", _) => reason(ReasonCode::Conflict, &[("code", &code)]),
        (_, _) => reason(ReasonCode::Refused, &[("code", &code)]),
    });
    if differs(link) {
        reasons.push(reason(ReasonCode::AddressDiffers, &[]));
    }
    if let Some(condition) = &link.condition {
        let answer = condition.answer.clone().and_then(|answer| DirectoryAnswer::try_from(answer).ok());
        reasons.extend(answer.map(|answer| reason(ReasonCode::TargetAnswer, &[("answer", &answer)])));
        let due = Some(next_try(link)).filter(|due| !due.is_empty() && status != "grace");
        reasons.extend(due.map(|due| reason(ReasonCode::NextTry, &[("at", &due)])));
        reasons.extend(condition.others.iter().map(|other| reason(ReasonCode::Concerns, &[("other", &other)])));
    }
    let failed = link.applied.iter().flat_map(|applied| &applied.failed_attributes);
    reasons.extend(failed.map(|attribute| reason(ReasonCode::AttributeRefused, &[("attribute", &attribute)])));
    reasons
}

/// Whether the address of an unredeemed invitation differs from the address decided now.
fn differs(link: &events::Link) -> bool {
    LinkRecord::try_from(link.clone()).is_ok_and(|record| record.link.address_differs())
}
