//! Which address of a user may be invited: one in a domain that their home tenant, and no other, has proven to own.
//!
//! An invitation is redeemed by the tenant that owns the address's domain, not by the tenant whose user bears the address. Consent is
//! asked of the home tenant, so that tenant must be the one that redeems: any other address would let a source invite the users of a
//! third tenant, or take an account over by an address of the target itself.
//! (<https://learn.microsoft.com/entra/external-id/redemption-experience>: which identity redeems follows from the address.)

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::delta::User;
use crate::fact::Identity;
use crate::{Configuration, TenantName};

/// The attributes whose value may be invited, in order. An alias is not among them: it cannot redeem (pitfall R3).
pub const CANDIDATES: [&str; 2] = ["mail", "userPrincipalName"];

/// Characters that are invalid in an unquoted address. Parsers that disagree about them could see different domains.
const AMBIGUOUS: &str = "<>()[]{},;:\\\"";

/// The verified domains of every tenant that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifiedDomains {
    tenants: BTreeMap<TenantName, Tenant>,
    /// The tenants that have verified each domain; mostly one.
    verified_by: BTreeMap<String, BTreeSet<TenantName>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tenant {
    directory_id: String,
    domains: BTreeSet<String>,
    version: u64,
}

/// The domains that a home tenant owns and no other known tenant does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeDomains(BTreeSet<String>);

/// What decisions for the users of one tenant are made of besides the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Home {
    /// The tenant's own domains; `None` while they are not known.
    pub domains: Option<HomeDomains>,
    /// The version of these facts; it grows with each change.
    pub facts: u64,
}

impl VerifiedDomains {
    /// Takes the newest identity of a tenant. Returns whether it says anything else than the one before.
    pub fn take(&mut self, tenant: &TenantName, identity: &Identity, version: u64) -> bool {
        let domains = identity.verified_domains.iter().filter_map(|domain| normal(domain)).collect();
        let taken = Tenant { directory_id: identity.directory_id.to_string(), domains, version };
        let is_same = |before: &Tenant| (&before.directory_id, &before.domains) == (&taken.directory_id, &taken.domains);
        if let Some(before) = self.tenants.get_mut(tenant).filter(|before| is_same(before)) {
            before.version = version;
            return false;
        }
        for domain in &taken.domains {
            self.verified_by.entry(domain.clone()).or_default().insert(tenant.clone());
        }
        let before = self.tenants.insert(tenant.clone(), taken);
        for domain in before.iter().flat_map(|before| &before.domains).filter(|domain| !self.tenants[tenant].domains.contains(*domain)) {
            if let Some(tenants) = self.verified_by.get_mut(domain) {
                tenants.remove(tenant);
            }
        }
        true
    }

    /// The domains of a tenant as a home, beside those other tenants that the configuration names. Every directory has a domain: where none
    /// is known, nothing is.
    #[must_use]
    pub fn home_domains(&self, tenant: &TenantName, configuration: &Configuration) -> Option<HomeDomains> {
        let home = self.tenants.get(tenant).filter(|home| !home.domains.is_empty())?;
        // Two names of one directory are one tenant.
        let is_other = |name: &TenantName| {
            let directory_id = self.tenants.get(name).map(|other| &other.directory_id);
            directory_id != Some(&home.directory_id) && configuration.tenant(name).is_some()
        };
        let is_own = |domain: &&String| !self.verified_by.get(*domain).into_iter().flatten().any(is_other);
        Some(HomeDomains(home.domains.iter().filter(is_own).cloned().collect()))
    }

    /// What is known of each source of a configuration as a home.
    #[must_use]
    pub fn homes(&self, configuration: &Configuration) -> BTreeMap<TenantName, Home> {
        let configured = self.tenants.iter().filter(|(name, _)| configuration.tenant(name).is_some());
        let facts = configured.map(|(_, known)| known.version).max().unwrap_or(0);
        let home = |source: &TenantName| Home { domains: self.home_domains(source, configuration), facts };
        configuration.sources().into_iter().map(|source| (source.clone(), home(source))).collect()
    }
}

impl HomeDomains {
    /// The domains of a tenant, for a caller that knows no other tenant.
    #[must_use]
    pub fn new<'a>(domains: impl IntoIterator<Item = &'a str>) -> Self {
        Self(domains.into_iter().filter_map(normal).collect())
    }

    /// Whether an address is in one of these domains. A sub-domain is a domain of its own.
    #[must_use]
    pub fn admit(&self, address: &str) -> bool {
        domain_of(address).is_some_and(|domain| self.0.contains(&*domain))
    }

    /// A short digest: equal for equal domains.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hash = Sha256::new();
        for domain in &self.0 {
            hash.update(domain.as_bytes());
            hash.update([0]);
        }
        let bytes: [u8; 32] = hash.finalize().into();
        bytes.iter().take(8).fold(0, |digest, byte| digest << 8 | u64::from(*byte))
    }
}

/// The addresses a user has, the one to be invited first.
pub fn candidates(user: &User) -> impl Iterator<Item = &str> {
    CANDIDATES.into_iter().filter_map(|name| user.attributes.text(name)).map(normal_address).filter(|text| !text.is_empty())
}

/// An address without what surrounds it: blanks, and the dot of the root.
fn normal_address(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix('.').unwrap_or(text)
}

/// The domain of an address in its normal form; `None` for what is no plain address.
fn domain_of(address: &str) -> Option<Cow<'_, str>> {
    let (local, domain) = address.split_once('@')?;
    let is_plain =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control() || AMBIGUOUS.contains(c));
    if !is_plain(local) || !is_plain(domain) {
        return None;
    }
    if is_normal(domain) { Some(Cow::Borrowed(domain)) } else { normal(domain).map(Cow::Owned) }
}

/// Whether a domain is surely in its normal form already, as nearly every one is: lower case in ASCII, and nothing encoded.
fn is_normal(domain: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    domain.as_bytes().iter().all(is_plain) && !domain.ends_with('.') && !domain.contains("xn--")
}

/// A domain as all spellings of it are compared: lower case, without the dot of the root, in ASCII (IDNA).
fn normal(domain: &str) -> Option<String> {
    let domain = domain.trim();
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    idna::domain_to_ascii(domain).ok().filter(|domain| !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::testing::Yaml;

    fn name(name: &str) -> TenantName {
        TenantName::new(name).unwrap()
    }

    /// Tenants `us`, `emea` and `again`.
    fn configuration() -> Configuration {
        let mut yaml = Yaml::new();
        yaml.tenant("us", "contoso").tenant("emea", "contoso").tenant("again", "contoso");
        yaml.configuration(1)
    }

    fn known(tenants: &[(&str, &str, &[&str])]) -> VerifiedDomains {
        let mut known = VerifiedDomains::default();
        for ((tenant, directory_id, domains), version) in tenants.iter().zip(1..) {
            let verified_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
            known.take(&name(tenant), &Identity { directory_id: (*directory_id).into(), verified_domains, default_domain: None }, version);
        }
        known
    }

    #[test]
    fn an_address_is_admitted_by_its_exact_domain_in_whatever_spelling() {
        let home = HomeDomains::new(["us.example", "BÜCHER.example.", "xn--strae-oqa.example"]);
        for (address, want) in [
            ("ana@us.example", true),
            ("Ana.K+x&y@US.Example", true),
            ("ana@us.example.", true),
            ("o'hara@us.example", true),
            ("ana@bücher.example", true),
            ("ana@xn--bcher-kva.example", true),
            ("ana@straße.example", true),
            ("ana@mail.us.example", false),
            ("ana@example", false),
            ("ana@emea.example", false),
            ("ana@us.example.emea.example", false),
            ("ana@emea.example@us.example", false),
            ("\"ana@emea.example\"@us.example", false),
            ("ana@emea.example,bo@us.example", false),
            ("<ana@us.example>", false),
            ("ana @us.example", false),
            ("ana@us.example\nbcc", false),
            ("@us.example", false),
            ("us.example", false),
            ("ana@", false),
            ("ana@.", false),
            ("", false),
        ] {
            assert_eq!(home.admit(address), want, "{address}");
        }
    }

    fn home_domains(known: &VerifiedDomains, tenant: &str, configuration: &Configuration) -> Option<HomeDomains> {
        known.home_domains(&name(tenant), configuration)
    }

    #[test]
    fn a_domain_that_two_tenants_verified_belongs_to_neither() {
        let known = known(&[
            ("us", "1", &["us.example", "moved.example"]),
            ("emea", "2", &["emea.example", "Moved.Example."]),
            ("again", "1", &["us.example"]),
        ]);
        let configuration = configuration();
        let us = home_domains(&known, "us", &configuration);
        assert_eq!(us, Some(HomeDomains::new(["us.example"])), "two names of one directory are one tenant");
        assert_eq!(home_domains(&known, "emea", &configuration), Some(HomeDomains::new(["emea.example"])));
        let alone = Yaml::new().tenant("us", "contoso").configuration(2);
        let us = home_domains(&known, "us", &alone);
        assert_eq!(us, Some(HomeDomains::new(["us.example", "moved.example"])), "a tenant that is not configured any more has no say");
    }

    #[test]
    fn a_tenant_without_known_domains_is_not_known() {
        let known = known(&[("us", "1", &[]), ("hub", "2", &["hub.example"])]);
        assert_eq!(["us", "unknown"].map(|tenant| home_domains(&known, tenant, &configuration())), [None, None]);
    }

    #[test]
    fn the_facts_of_every_home_are_as_new_as_the_newest_of_a_configured_tenant() {
        let known = known(&[("us", "1", &["us.example"]), ("emea", "2", &["emea.example"]), ("gone", "3", &["gone.example"])]);
        let mut yaml = Yaml::new();
        yaml.tenant("us", "contoso").tenant("emea", "contoso").synchronization(
            "us",
            "to-emea",
            r#"{"to":"emea","scope":{"everyone":true}}"#,
        );
        let homes = known.homes(&yaml.configuration(1));
        let want = Home { domains: Some(HomeDomains::new(["us.example"])), facts: 2 };
        assert_eq!(homes, [(name("us"), want)].into());
    }

    #[test]
    fn an_identity_is_news_where_its_directory_or_its_domains_are() {
        let mut known = known(&[("us", "1", &["us.example", "moved.example"]), ("emea", "2", &["emea.example"])]);
        let mut take = |directory_id: &str, domains: &[&str], version| {
            let verified_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
            known.take(&name("us"), &Identity { directory_id: directory_id.into(), verified_domains, default_domain: None }, version)
        };
        assert!(!take("1", &["Moved.example.", "us.example"], 3));
        assert!(take("1", &["us.example"], 4));
        assert!(take("9", &["us.example"], 5));
        let again = Identity {
            directory_id: "2".into(),
            verified_domains: vec!["moved.example".into(), "us.example".into()],
            default_domain: None,
        };
        assert!(known.take(&name("emea"), &again, 6));
        let emea = home_domains(&known, "emea", &configuration());
        assert_eq!(emea, Some(HomeDomains::new(["moved.example"])), "the other has given one domain up, and still has one");
    }

    #[test]
    fn equal_domains_have_equal_digests() {
        let digest = |domains: &[&str]| HomeDomains::new(domains.iter().copied()).digest();
        assert_eq!(digest(&["a.example", "B.example"]), digest(&["b.example.", "a.example"]));
        assert_ne!(digest(&["a.example", "b.example"]), digest(&["a.example"]));
        assert_ne!(digest(&["a.exampleb"]), digest(&["a.example", "b"]));
    }
}
