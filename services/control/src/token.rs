//! The token that the control API asks for: written at the first start, readable by its owner only.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The token's length at least; a shorter one was not written by us.
const CHARS_MIN: usize = 32;

/// The token. It is printed nowhere.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads the token in a file.
    ///
    /// # Errors
    /// When the file cannot be read, others than its owner may read it, or what it holds is too short.
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

    /// Reads the token in a file, or writes a new one.
    ///
    /// # Errors
    /// As [`Token::read`], or when it cannot be written.
    pub fn read_or_create(path: &Path) -> io::Result<Self> {
        match Self::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            read => read,
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        // 244 random bits.
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        // Written aside and linked: replicas that start together and share the file all find a whole token, and the same one.
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

    /// The header that presents it.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// What the audit trail knows it by: enough to tell tokens apart, far too little to find one.
    pub(crate) fn fingerprint(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        format!("token-{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
    }

    /// Whether a header presents it. Digests are compared, so the time tells nothing of the token.
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
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left aside");
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
