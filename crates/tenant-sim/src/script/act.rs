//! What a rule does with a request.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::edit::Edit;
use crate::error::Failure;
use crate::reply::Reply;

/// What happens to a request that a rule names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Act {
    /// It is refused in Graph's form; a token request in the authority's form.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// Graph's error code; for a token request the authority's, such as `invalid_client`.
        code: String,
        /// Graph's explanation; for a token request with its number, such as `AADSTS7000222: …`.
        message: String,
    },
    /// It is answered without being carried out.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body; null stands for none, and a bare text is sent as text.
        #[serde(default)]
        body: Json,
    },
    /// It is carried out, and its answer is changed.
    Rewrite {
        /// The status to answer with, in place of the genuine one.
        #[serde(default)]
        status: Option<u16>,
        /// What is changed in the body, one after the other.
        #[serde(default)]
        edits: Vec<Edit>,
    },
}

impl Default for Act {
    /// Nothing is changed.
    fn default() -> Self {
        Self::Rewrite { status: None, edits: Vec::new() }
    }
}

impl Act {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let status = match self {
            Self::Refuse { status, .. } | Self::Answer { status, .. } => Some(*status),
            Self::Rewrite { status, edits } => {
                edits.iter().try_for_each(Edit::check)?;
                *status
            }
        };
        match status {
            Some(status) if !(200..600).contains(&status) => Err(Failure::bad_request(format!("{status} is no final status."))),
            Some(_) | None => Ok(()),
        }
    }

    /// The answer in the place of Graph's. An answer in JSON gets its content type by default.
    pub(crate) fn reply(&self, headers: Vec<(String, String)>, base: &str) -> Result<Reply, Failure> {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value)).collect();
        match self {
            Self::Refuse { status, code, message } => Err(Failure { headers, ..Failure::new(*status, code, message.clone()) }),
            Self::Answer { status, body } => {
                let body = Some(super::edit::filled(body, base)).filter(|body| !body.is_null());
                Ok(Reply { status: *status, headers, body })
            }
            Self::Rewrite { .. } => Ok(Reply { status: 204, headers, body: None }),
        }
    }

    /// The same in the place of the authority's.
    pub(crate) fn token_reply(&self, headers: Vec<(String, String)>, base: &str) -> Result<Reply, Failure> {
        match self {
            Self::Refuse { status, code, message } => {
                let number = message.strip_prefix("AADSTS").map(|rest| rest.split(':').next().unwrap_or(rest));
                let numbers: Vec<u64> = number.and_then(|number| number.parse().ok()).into_iter().collect();
                let body = json!({"error": code, "error_description": message, "error_codes": numbers});
                Self::Answer { status: *status, body }.reply(headers, base)
            }
            Self::Answer { .. } | Self::Rewrite { .. } => self.reply(headers, base),
        }
    }
}
