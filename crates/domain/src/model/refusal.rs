//! A refusal by a directory: the stable code, and the directory's own codes. Without the message, which quotes addresses and names.

use std::fmt;

/// A refusal.
///
/// Two refusals are equal if their codes are equal, because the directory's answer differs with each request.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The stable code, such as `domain_blocked`.
    pub code: String,
    /// The directory's answer; `None` if xtsync itself refuses. Boxed to keep error types small.
    pub answer: Option<Box<DirectoryAnswer>>,
}

/// The identifying parts of a directory's answer, for a support request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its own code, such as `BadRequest`.
    pub code: String,
    /// The class of its message; empty if the message is not recognized.
    pub message_class: String,
    /// The directory's request id; empty if the answer has none.
    pub request_id: String,
}

impl From<&str> for Refusal {
    fn from(code: &str) -> Self {
        code.to_owned().into()
    }
}

impl From<String> for Refusal {
    fn from(code: String) -> Self {
        Self { code, answer: None }
    }
}

impl PartialEq for Refusal {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Some(answer) => write!(f, "{}: {answer}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl fmt::Display for DirectoryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}, code {}", self.status, self.code)?;
        for (name, text) in [("message class", &self.message_class), ("request id", &self.request_id)] {
            if !text.is_empty() {
                write!(f, ", {name} {text}")?;
            }
        }
        Ok(())
    }
}
