//! Maps the outcome of publishing to the outcome of its job.

use fieldfen_domain::job::ParkedFor;
use fieldfen_domain::publication::Target;
use serde_json::json;

use super::call_error::CallError;
use super::error::PublishError;
use super::listing_update::UpdateOutcome;
use super::publish_outcome::PublishOutcome;
use crate::worker::{Completion, Outcome};

/// The outcome of a job that publishes at a target.
pub(super) fn outcome_of_publishing(published: Result<PublishOutcome, PublishError>, target: &Target) -> Outcome {
    let completion = Completion::new();
    Outcome::Complete(match published {
        Ok(PublishOutcome::Published { platform_id, url }) => {
            completion.result(&json!({ "platform_id": platform_id, "url": url }))
        }
        Ok(PublishOutcome::AlreadyPublished { platform_id }) => {
            completion.result(&json!({ "platform_id": platform_id, "already_published": true }))
        }
        Ok(PublishOutcome::Delisted { platform_id }) => {
            return Outcome::fail(format!(
                "{target}: {platform_id:?} was delisted as soon as it was made; a retry lists another one"
            ));
        }
        Ok(PublishOutcome::WaitsForPerson { reason }) => {
            return Outcome::park(ParkedFor::Person, format!("waits for a person: {target}: {reason}"));
        }
        Ok(PublishOutcome::NotApproved { status }) => {
            return Outcome::park(ParkedFor::Approval, format!("waits for an approval: the file is {status}"));
        }
        Ok(PublishOutcome::FileNotFound) => completion.result(&json!({ "skipped": "there is no such file" })),
        Ok(PublishOutcome::InProgress { until }) => {
            let error =
                format!("{target} is reserved, its last call may still take effect, or a lookup may not show it yet");
            return Outcome::throttled(until, error);
        }
        Ok(PublishOutcome::Throttled { until, reason }) => return Outcome::throttled(until, reason),
        Ok(PublishOutcome::Refused { reason }) => return Outcome::fail(format!("{target}: {reason}")),
        Ok(PublishOutcome::NotSent { reason }) => {
            return Outcome::retry(format!("{target} was not reached: {reason}"));
        }
        Ok(PublishOutcome::Unknown { reason }) => {
            return Outcome::retry(format!("{target} may be published, the next try looks it up: {reason}"));
        }
        Err(error) => return outcome_of_error(error),
    })
}

/// The outcome of a job that updates a listing.
pub(super) fn outcome_of_update(updated: Result<UpdateOutcome, PublishError>) -> Outcome {
    let result = match updated {
        Ok(UpdateOutcome::Updated) => "updated",
        Ok(UpdateOutcome::Delisted) => "delisted",
        Ok(UpdateOutcome::NotApproved { .. }) => "not approved",
        Ok(UpdateOutcome::NotFound) => "gone",
        Ok(UpdateOutcome::WaitsForPerson { publication, key }) => {
            let reason = format!(
                "waits for a person: the product has the unknown key {:?}: is it the product of \
                 publication {publication}, or was it made by hand?",
                key.as_str()
            );
            return Outcome::park(ParkedFor::Person, reason);
        }
        Ok(UpdateOutcome::NotVisible { until }) => {
            return Outcome::throttled(until, "the listing is so new that the platform may not show it yet");
        }
        Err(error) => return outcome_of_error(error),
    };
    Outcome::Complete(Completion::new().result(&json!({ "listing": result })))
}

/// The outcome of a job whose publishing failed with an error.
pub(super) fn outcome_of_error(error: PublishError) -> Outcome {
    match error.call() {
        Some(CallError::Throttled { until, reason }) => Outcome::throttled(*until, reason.clone()),
        Some(CallError::Refused { .. }) => Outcome::fail(error),
        _ if matches!(
            error,
            PublishError::NotConfigured { .. }
                | PublishError::Endless { .. }
                | PublishError::WhichAccount { .. }
                | PublishError::NoId { .. }
        ) =>
        {
            Outcome::fail(error)
        }
        _ => Outcome::retry(error),
    }
}
