//! Maps the client library's errors. They never repeat the value of a setting: it may be a secret.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::Error;

/// The error of an operation on the cluster as a whole.
pub(super) fn of(error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, reason, setting, _) => Error::Refused(format!("setting {setting}: {reason}")),
        KafkaError::ClientCreation(reason) => Error::Refused(reason.clone()),
        other => other.rdkafka_error_code().map_or_else(|| Error::Unavailable(other.to_string()), by_code),
    }
}

/// The error of an operation on one topic.
pub(super) fn of_topic(error: &KafkaError, topic: &str) -> Error {
    match error.rdkafka_error_code() {
        Some(code) if is_missing(code) => Error::Missing(topic.to_owned()),
        Some(_) | None => of(error),
    }
}

/// The error of a record that was not accepted.
pub(super) fn of_record(error: &KafkaError, topic: &str) -> Error {
    match (of_topic(error, topic), error.rdkafka_error_code()) {
        // The record itself is the cause: another attempt fails as well.
        (_, Some(code @ (Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord))) => {
            Error::Publish { topic: topic.to_owned(), reason: code.to_string() }
        }
        (error, _) => error,
    }
}

/// The error of a code.
pub(super) fn by_code(code: Code) -> Error {
    match code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::PolicyViolation
        | Code::InvalidReplicationFactor
        | Code::InvalidConfig => Error::Refused(code.to_string()),
        other => Error::Unavailable(other.to_string()),
    }
}

/// Whether a code means that a topic or partition does not exist.
pub(super) fn is_missing(code: Code) -> bool {
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// Whether a code means that another broker leads a partition, or that the same one leads it anew.
pub(super) fn is_stale_leader(code: Code) -> bool {
    matches!(code, Code::FencedLeaderEpoch | Code::UnknownLeaderEpoch | Code::NotLeaderForPartition | Code::LeaderNotAvailable)
}

/// Whether a code means that the group no longer counts this client as its member.
pub(super) fn is_fenced(code: Code) -> bool {
    matches!(code, Code::UnknownMemberId | Code::FencedInstanceId | Code::FencedMemberEpoch | Code::StaleMemberEpoch | Code::AssignmentLost)
}

/// Whether a code means that a rebalance is in progress. A commit can succeed after it for the partitions that are still owned.
pub(super) fn is_rebalancing(code: Code) -> bool {
    matches!(code, Code::IllegalGeneration | Code::RebalanceInProgress)
}
