//! Which domains may be invited: a list of those that are allowed, or one of those that are not, as external collaboration settings have
//! it; and what the access policies of both sides say of collaboration.

use super::Directory;
use crate::error::Failure;

/// Which addresses a tenant allows to be invited.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Domains {
    /// All of them.
    #[default]
    Any,
    /// Those of these domains only.
    Only(Vec<String>),
    /// Those of other domains only.
    AllBut(Vec<String>),
}

impl Domains {
    fn allow(&self, domain: &str) -> bool {
        let has = |domains: &[String]| domains.iter().any(|known| known.eq_ignore_ascii_case(domain));
        match self {
            Self::Any => true,
            Self::Only(domains) => has(domains),
            Self::AllBut(domains) => !has(domains),
        }
    }
}

impl Directory {
    /// Refuses an invitation that the settings of either side forbid. `home` says whether the home tenant lets its users come here; where
    /// no tenant has the domain there is none to ask.
    pub(super) fn check_collaboration(&self, domain: &str, home: Option<bool>) -> Result<(), Failure> {
        if !self.domains.allow(domain) {
            return Err(Failure::new(400, "BadRequest", format!("The invited user's domain is blocked by policy: {domain}.")));
        }
        if home == Some(false) {
            let message = "This invitation is blocked by the cross-tenant access policy of the invited organization. Admins in both \
                           organizations must configure cross-tenant access settings to allow the invitation.";
            return Err(Failure::new(400, "BadRequest", message));
        }
        Ok(())
    }
}
