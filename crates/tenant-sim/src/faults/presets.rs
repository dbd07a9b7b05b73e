//! The named fault profiles, by severity: `mild`, `rough`, `severe`.
//!
//! A client converges under each of them if it retries, reads back and runs a full cycle from time to time. They contain no fault that
//! blocks a user permanently, such as an internal user, a foreign guest or a contact with the same address; a test sets those itself.

use std::num::NonZeroU32;
use std::str::FromStr;

use super::{DeltaFaults, FaultProfile, InvitationFaults, Span, Throttle};

impl FaultProfile {
    /// Rare faults, as on an ordinary day.
    pub fn mild(seed: u64) -> Self {
        Self {
            seed,
            latency: Span::milliseconds(0, 5),
            server_errors: 0.002,
            fails_after_commit: 0.001,
            hides_fresh_objects_for: Span::milliseconds(0, 20),
            delta: DeltaFaults { reorders: 0.2, repeats: 0.05, empty: 0.1, loses: 0.0 },
            ..Self::default()
        }
    }

    /// Frequent faults.
    pub fn rough(seed: u64) -> Self {
        Self {
            seed,
            latency: Span::milliseconds(0, 20),
            throttle: Some(Throttle::documented()),
            server_errors: 0.02,
            fails_after_commit: 0.01,
            hides_fresh_objects_for: Span::milliseconds(0, 200),
            delta: DeltaFaults { reorders: 0.5, repeats: 0.1, empty: 0.2, loses: 0.002 },
            expires_tokens_every: NonZeroU32::new(500),
            invitations: InvitationFaults {
                vanishes: 0.005,
                late: 0.05,
                late_for: Span::milliseconds(50, 300),
                ..InvitationFaults::default()
            },
            ..Self::default()
        }
    }

    /// All faults at high frequency.
    pub fn severe(seed: u64) -> Self {
        Self {
            seed,
            latency: Span::milliseconds(0, 60),
            throttle: Some(Throttle::documented()),
            server_errors: 0.1,
            fails_after_commit: 0.05,
            hides_fresh_objects_for: Span::milliseconds(0, 800),
            delta: DeltaFaults { reorders: 0.8, repeats: 0.3, empty: 0.3, loses: 0.02 },
            expires_tokens_every: NonZeroU32::new(50),
            invitations: InvitationFaults {
                vanishes: 0.02,
                late: 0.2,
                late_for: Span::milliseconds(100, 1_000),
                ..InvitationFaults::default()
            },
            ..Self::default()
        }
    }
}

/// Parses `SEED` or `SEED:NAME`; the default name is `rough`.
impl FromStr for FaultProfile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, name) = text.split_once(':').unwrap_or((text, "rough"));
        let seed = seed.parse().map_err(|_| format!("'{seed}' is no seed"))?;
        match name {
            "none" => Ok(Self { seed, ..Self::default() }),
            "mild" => Ok(Self::mild(seed)),
            "rough" => Ok(Self::rough(seed)),
            "severe" => Ok(Self::severe(seed)),
            other => Err(format!("'{other}' is no preset: none, mild, rough, severe")),
        }
    }
}
