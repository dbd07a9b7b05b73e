//! The token of the control API: written at the first start, in a file that only its owner can read.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The minimum length of a token. xtsync never writes a shorter one.
const CHARS_MIN: usize = 32;

/// The token. `Debug` does not print it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads the token from a file.
    ///
    /// # Errors
    /// If the file cannot be read, users other than its owner may access it, or the token is too short.
    pub fn read(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other(format!("{} is not a regular file", path.display())));
        }
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(io::Error::other(format!("{} may be read by others: chmod 600 it", path.display())));
        }
        let token = std::fs::read_to_string(path)?.trim().to_owned();
        if token.len() < CHARS_MIN {
            return Err(io::Error::other(format!("{} holds no token", path.display())));
        }
        Ok(Self(token))
    }

    /// Reads the token from a file, or creates the file with a new token.
    ///
    /// # Errors
    /// As [`Token::read`], or if the file cannot be written.
    pub fn read_or_create(path: &Path) -> io::Result<Self> {
        match Self::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            read => read,
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        // 244 random bits.
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        // The token is written to a temporary file, which is then linked: replicas that start together and share the file all read the same
        // complete token.
        let temporary = path.with_extension(Uuid::new_v4().simple().to_string());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(token.as_bytes())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&temporary, path);
        std::fs::remove_file(&temporary)?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            linked => linked.map(|()| Self(token)),
        }
    }

    /// Returns the value of the `authorization` header.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Returns the identity in the audit trail: 32 bits of a digest, enough to distinguish tokens and too little to guess one.
    pub(crate) fn fingerprint(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        format!("token-{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
    }

    /// Whether an `authorization` header has this token. Digests are compared, so that the time reveals nothing about the token.
    pub(crate) fn admits(&self, authorization: Option<&str>) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        authorization.is_some_and(|given| digest(given) == digest(&self.authorization()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_created_once_with_mode_600_and_admits_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let token = Token::read_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Token::read_or_create(&path).unwrap();
        assert!(token.admits(Some(&again.authorization())));
        for wrong in [None, Some(""), Some("Bearer "), Some("Bearer x"), Some(&token.authorization()[..30])] {
            assert!(!token.admits(wrong));
        }
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert_eq!(token.fingerprint(), again.fingerprint());
        assert!(
            token.fingerprint().starts_with("token-") && token.fingerprint().len() == 14 && !token.0.contains(&token.fingerprint()[6..])
        );
    }

    #[test]
    fn replicas_that_start_together_have_the_same_token() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let tokens: Vec<Token> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..8).map(|_| scope.spawn(|| Token::read_or_create(&path).unwrap())).collect();
            made.into_iter().map(|made| made.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|token| token.0 == tokens[0].0));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_token_file_readable_by_others_or_without_a_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        for (text, mode) in [("0123456789abcdef0123456789abcdef", 0o644), ("short", 0o600), ("", 0o600)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(Token::read_or_create(&path).is_err(), "{text} {mode:o}");
        }
    }
}
