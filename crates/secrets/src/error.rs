//! Why a secret could not be read. Nothing here holds any of a file's contents.

/// Why a secret could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file does not exist, or permission is denied.
    #[error("the file cannot be read")]
    Unreadable,
    /// The reference leads out of the tenant's directory.
    #[error("the reference leads out of the tenant's secrets directory")]
    Outside,
    /// It is a FIFO, a device, a socket or a directory.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is longer than any secret.
    #[error("the file is longer than {} bytes", crate::file::BYTES_MAX)]
    TooLarge,
    /// Its file system did not answer in time.
    #[error("reading the file took longer than {:?}", crate::file::READ_TIMEOUT)]
    TooSlow,
    /// It is not UTF-8 text.
    #[error("the file is not text")]
    NotText,
    /// It holds nothing but white space.
    #[error("the file is empty")]
    Empty,
}

impl Error {
    /// A stable code for conditions and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "secret_unreadable",
            Self::Outside => "secret_outside",
            Self::NotRegular => "secret_not_a_file",
            Self::TooLarge => "secret_too_large",
            Self::TooSlow => "secret_too_slow",
            Self::NotText => "secret_not_text",
            Self::Empty => "secret_empty",
        }
    }
}
