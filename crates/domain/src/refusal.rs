//! What a directory says when it refuses: our word for it, and its own beside it. No message: those quote addresses and names.

use std::fmt;

/// A refusal.
///
/// Two are the same if their codes are: the request that met it differs each time.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// Our stable code, such as `domain_blocked`.
    pub code: String,
    /// What the directory said; none where it is our own refusal. Boxed, since errors that carry it are passed on everywhere.
    pub answer: Option<Box<DirectoryAnswer>>,
}

/// What a directory said, for whoever asks its support about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its own code, such as `BadRequest`.
    pub code: String,
    /// What its message is about, in our word; empty where we do not recognize it.
    pub message_class: String,
    /// The id under which it knows the request; empty where it told none.
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
