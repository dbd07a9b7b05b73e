//! What a synchronization wants for a user: the rules of policy in their order.
//!
//! Pure: the same delta, configuration and rules always give the same decision, so repeating or replaying one does no harm. Whether the
//! target consents is not asked here but at the provisioner's gate, so that a change takes effect at the next call, without a replay.
//!
//! **A skip reason is added here**, after its value in `decision.proto`: an arm of [`crate::decision::SkipReason`], a row of `desired`
//! or `shape`, a row of the table of tests, and one more in [`RULES_VERSION`], so that users decided without it are decided anew.
//! ARCHITECTURE.md has the whole list.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use xtsync_language::Context;
use xtsync_language::date::DateTime;

use crate::access;
use crate::address::{self, Home};
use crate::configuration::{Configuration, NamedSynchronization};
use crate::decision::{Decision, DeprovisionReason, Desired, Shape, SkipReason, Wanted};
use crate::delta::{Gone, Kind, State, User, UserDelta};
use crate::mapping::{self, Invalid, Mappings};
use crate::resource::Synchronization;
use crate::scope::{self, Scope, Standing};
use crate::{TenantName, Value, Version, key};

/// The version of the rules. Increment it whenever the same input may give another decision; every user is then decided anew.
pub const RULES_VERSION: u32 = 4;

/// What decisions need of a revision of the configuration, compiled once.
#[derive(Debug, Clone)]
pub struct CompiledRules {
    configuration: Arc<Configuration>,
    /// By source and name of the synchronization.
    rules: BTreeMap<TenantName, BTreeMap<String, Rules>>,
    /// Their digests, likewise.
    digests: BTreeMap<TenantName, BTreeMap<String, u64>>,
}

/// What decisions need of one synchronization.
#[derive(Debug, Clone, Hash)]
struct Rules {
    /// Both tenants are confirmed members of one organization.
    confirmed: bool,
    scope: Scope,
    mappings: Mappings,
    /// The target's default domain, if a mapping reads it.
    default_domain: Option<String>,
    /// The target admits the user type of the mappings.
    admitted: bool,
    grace_period_ms: u64,
}

impl CompiledRules {
    /// Compiles the rules of every synchronization.
    #[must_use]
    pub fn compile(configuration: Arc<Configuration>) -> Self {
        let mut rules: BTreeMap<TenantName, BTreeMap<String, Rules>> = BTreeMap::new();
        for NamedSynchronization { source, name, spec, .. } in configuration.synchronizations() {
            rules.entry(source.clone()).or_default().insert(name.clone(), Rules::compile(&configuration, source, spec));
        }
        let digests = rules.iter().map(|(source, rules)| {
            let projection = configuration.projection(source).map(|(revision, _)| revision);
            let digest = |rules: &Rules| BuildHasherDefault::<DefaultHasher>::default().hash_one((projection, rules));
            (source.clone(), rules.iter().map(|(name, rules)| (name.clone(), digest(rules))).collect())
        });
        let digests = digests.collect();
        Self { configuration, rules, digests }
    }

    /// The configuration that the rules were compiled of.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// A digest of the rules of each synchronization of a source, by name, with the projection that its users are decided in: where it is as
    /// before, deciding the users again changes nothing. Another build may give other digests; then all users are decided again.
    #[must_use]
    pub fn digests(&self, source: &TenantName) -> &BTreeMap<String, u64> {
        const NONE: &BTreeMap<String, u64> = &BTreeMap::new();
        self.digests.get(source).unwrap_or(NONE)
    }

    fn of(&self, synchronization: &NamedSynchronization) -> Option<&Rules> {
        self.rules.get(&synchronization.source)?.get(&synchronization.name)
    }
}

impl Rules {
    fn compile(configuration: &Configuration, source: &TenantName, spec: &Synchronization) -> Self {
        let terms = configuration.terms(&spec.to, source);
        let mappings = mapping::of(configuration, source, spec);
        // A mapping that is not known to fit is never left out while users are created without it.
        let needs_domain = spec.mappings.values().any(mapping::reads_default_domain);
        let default_domain = configuration.default_domain(&spec.to).filter(|_| needs_domain).map(str::to_owned);
        let is_resolved =
            mapping::is_resolved(&spec.mappings, &configuration.tables(source, &spec.to)) && (!needs_domain || default_domain.is_some());
        Self {
            confirmed: configuration.one_organization(source, &spec.to),
            scope: if is_resolved { scope::compile(&spec.scope, &configuration.attributes(source)) } else { scope::unresolved() },
            admitted: access::admits(terms, mappings.user_type()),
            mappings,
            default_domain,
            grace_period_ms: u64::try_from(spec.scope_grace_period.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What was decided about a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What is wanted.
    pub decision: Decision,
    /// The attributes that have no value for the user, so that they are left as they are in the target.
    pub invalid: Vec<Invalid>,
}

/// What a synchronization wants for the user of a delta; `home` is what is known of the user's tenant.
///
/// `None` if the rules have no such synchronization, or the user exists and the delta is projected for another configuration. An attribute
/// that was not read must not count as empty, nor a group that was not requested as one without the user. The detector republishes the
/// user, or a newer configuration arrives.
#[must_use]
pub fn decide(delta: &UserDelta, synchronization: &NamedSynchronization, compiled: &CompiledRules, home: &Home) -> Option<Decided> {
    let (configuration, rules) = (compiled.configuration(), compiled.of(synchronization)?);
    let complete = || configuration.projection(&delta.tenant).is_some_and(|(revision, _)| delta.projection == revision);
    if matches!(delta.state, State::Present(_)) && !complete() {
        return None;
    }
    let (desired, invalid) = desired(delta, rules, home);
    let decision = Decision {
        source: delta.tenant.clone(),
        user: delta.user.clone(),
        synchronization: synchronization.name.clone(),
        version: Version { delta: delta.version, facts: home.facts, revision: configuration.revision(), rules: RULES_VERSION },
        origin: delta.origin,
        first_seen: delta.first_seen,
        desired,
    };
    Some(Decided { decision, invalid })
}

/// The rules; the first match decides. Without a confirmed organization the user is skipped. A user deleted at home is always
/// deprovisioned, and a user disabled at home loses sign-in even if skipped.
fn desired(delta: &UserDelta, rules: &Rules, home: &Home) -> (Desired, Vec<Invalid>) {
    let unblocked = |wanted| (Desired { sign_in_blocked: false, wanted }, Vec::new());
    let user = match (rules.confirmed, &delta.state) {
        (false, State::Present(_) | State::Gone(_)) => return unblocked(Wanted::Skipped(SkipReason::NotOneOrganization)),
        (true, State::Gone(Gone::SoftDeleted | Gone::Deleted)) => return unblocked(Wanted::No(DeprovisionReason::Deleted)),
        (true, State::Present(user)) => user,
    };
    let mut invalid = Vec::new();
    let wanted = match (user.kind, scope::standing(&rules.scope, user)) {
        (Kind::External, _) => return unblocked(Wanted::No(DeprovisionReason::External)),
        (Kind::Internal, Standing::Unresolved) => Wanted::Skipped(SkipReason::ScopeUnresolved),
        (Kind::Internal, Standing::Unknown(attribute)) => Wanted::Skipped(SkipReason::InvalidAttribute(attribute)),
        (Kind::Internal, Standing::Out) => {
            let (grace_period_ms, shape) = (rules.grace_period_ms, shape(delta, user, rules, home).ok());
            Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape: shape.map(|(shape, _)| shape) })
        }
        (Kind::Internal, Standing::In) => match shape(delta, user, rules, home) {
            Ok((shape, without)) => {
                invalid = without;
                Wanted::Yes(shape)
            }
            Err(reason) => Wanted::Skipped(reason),
        },
    };
    (Desired { sign_in_blocked: sign_in(user) == Ok(false), wanted }, invalid)
}

/// How the user looks in the target, or would look if they were wanted there, and the attributes that have no value for them.
///
/// # Errors
/// Why that cannot be decided; the first reason.
fn shape(delta: &UserDelta, user: &User, rules: &Rules, home: &Home) -> Result<(Shape, Vec<Invalid>), SkipReason> {
    let address = address(user, home)?;
    if !rules.admitted {
        return Err(SkipReason::UserTypeNotAdmitted);
    }
    sign_in(user)?;
    let mapped = mapping::map(&rules.mappings, &user.attributes, &context(delta, rules));
    Ok((Shape { address: address.to_owned(), attributes: mapped.attributes, on_create: mapped.on_create }, mapped.invalid))
}

/// What expressions may depend on besides the attributes. It follows from the delta, so that to decide it again gives the same values.
fn context(delta: &UserDelta, rules: &Rules) -> Context {
    if !rules.mappings.depend_on_context() {
        return Context::default();
    }
    let now = i64::try_from(delta.version).ok().and_then(DateTime::from_unix_micros).unwrap_or_default();
    let seed = Sha256::digest(key::compose([delta.tenant.as_str(), delta.user.as_str(), &delta.version.to_string()])).into();
    Context { now, seed, default_domain: rules.default_domain.clone(), ..Context::default() }
}

/// The address the user is invited by: the first that their home tenant redeems.
fn address<'a>(user: &'a User, home: &Home) -> Result<&'a str, SkipReason> {
    let mut candidates = address::candidates(user).peekable();
    match (candidates.peek(), &home.domains) {
        (None, _) => Err(SkipReason::NoAddress),
        (Some(_), None) => Err(SkipReason::HomeDomainsUnknown),
        (Some(_), Some(domains)) => candidates.find(|address| domains.admit(address)).ok_or(SkipReason::NoVerifiedAddress),
    }
}

/// Whether the user may sign in at home. A directory without the switch never says it; what is neither yes nor no is not guessed.
fn sign_in(user: &User) -> Result<bool, SkipReason> {
    match user.attributes.get("accountEnabled") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Flag(enabled)) => Ok(*enabled),
        Some(Value::Text(_) | Value::Number(_) | Value::Texts(_) | Value::Time(_) | Value::Reference(_) | Value::Binary(_)) => {
            Err(SkipReason::InvalidAttribute("accountEnabled"))
        }
    }
}

#[cfg(test)]
mod tests;
