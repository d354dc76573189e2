//! The payload of a job: a type for each kind of job.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Priority;
use super::api_account::ApiAccount;
use super::kind::{JobKind, is_name};
use super::on_worker_death::OnWorkerDeath;
use crate::ids::FileId;
use crate::json::{InvalidJson, RawJson};

/// The payload of one kind of job. An importing program implements it for each kind of its own.
pub trait Payload: Serialize + DeserializeOwned {
    /// The name of the payload's kind of job: one of the specification's eight, or 1 to 64 ASCII letters, digits, `_`,
    /// `-`, `.` or `:`. Another name does not compile where the kind is used:
    ///
    /// ```compile_fail
    /// # use fieldfen_domain::job::Payload;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Resize;
    ///
    /// impl Payload for Resize {
    ///     const KIND: &'static str = "two words";
    /// }
    /// # fn main() {
    /// let _ = Resize::kind();
    /// # }
    /// ```
    const KIND: &'static str;

    /// The number of retries of this kind of job; with `None`, the queue's retry policies decide.
    const MAX_RETRIES: Option<u32> = None;

    /// The consequence for a job of this kind if its worker dies; with `None`, the retry policies of the queue or
    /// of the worker decide.
    ///
    /// ```
    /// use fieldfen_domain::JobId;
    /// use fieldfen_domain::job::{NewJob, OnWorkerDeath, Payload};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct OrderPrint {
    ///     number: u32,
    /// }
    ///
    /// impl Payload for OrderPrint {
    ///     const KIND: &'static str = "acme.order_print";
    ///     const ON_WORKER_DEATH: Option<OnWorkerDeath> = Some(OnWorkerDeath::Hold); // A second order would cost money.
    /// }
    ///
    /// let job = NewJob::new(JobId::from_random(1), &OrderPrint { number: 7 }, "2026-11-27T09:00:00Z".parse()?)?;
    /// assert_eq!(job.on_worker_death, Some(OnWorkerDeath::Hold));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    const ON_WORKER_DEATH: Option<OnWorkerDeath> = None;

    /// The priority of this kind of job.
    const PRIORITY: Priority = Priority::Normal;

    /// The kind with the name [`Payload::KIND`]. Not meant to be implemented.
    #[must_use]
    fn kind() -> JobKind {
        const { assert!(is_name(Self::KIND), "a KIND is 1 to 64 ASCII letters, digits, '_', '-', '.' or ':'") };
        JobKind::named(Self::KIND)
    }

    /// A subject that at most one live job of this kind may have. While a job with it is pending or running, no other
    /// one is enqueued. The job's [`DedupKey`](super::DedupKey) is `kind:subject`.
    fn unique_subject(&self) -> Option<String> {
        None
    }

    /// The file of the job, for `jobs.file_id`: the job is deleted with it. `None` if it has none.
    fn file_id(&self) -> Option<FileId> {
        None
    }

    /// The service or account that the job uses, for `jobs.account`: a [pause](super::Pause) of it stops the job, and a
    /// [concurrency limit](super::ConcurrencyLimit) per account counts it. `None` if it uses none, or several.
    fn account(&self) -> Option<ApiAccount> {
        None
    }

    /// Checks rules that the types alone cannot express, when the job is enqueued and when it runs.
    ///
    /// A worker fails a job that breaks such a rule for good at once, since a rule of this version should hold in every
    /// version. If a newer version may accept values that this one does not, let the handler return `Outcome::Decline`
    /// for them instead, or relax the rule one version earlier.
    ///
    /// # Errors
    /// [`InvalidPayload`] with the field, its value and the rule.
    fn check(&self) -> Result<(), InvalidPayload> {
        Ok(())
    }

    /// Reads and checks the payload of a job.
    ///
    /// # Errors
    /// [`InvalidPayload`] if the JSON is not this payload or breaks one of its rules.
    fn from_json(json: &RawJson) -> Result<Self, InvalidPayload> {
        let payload: Self = json.read().map_err(|source| InvalidPayload::Json { kind: Self::kind(), source })?;
        payload.check()?;
        Ok(payload)
    }

    /// Reads and checks the payload of a job whose column may be empty. An empty column is read as `null`, so that a
    /// payload without fields may be left out.
    ///
    /// # Errors
    /// As [`Payload::from_json`].
    fn from_column(json: Option<&RawJson>) -> Result<Self, InvalidPayload> {
        match json {
            Some(json) => Self::from_json(json),
            None => Self::from_json(&RawJson::unchecked("null".to_owned())),
        }
    }
}

/// The error of a payload that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPayload {
    /// The JSON does not have the payload's shape.
    #[error("payload of {kind}: {source}")]
    Json {
        /// The kind of the job.
        kind: JobKind,
        /// The parser's error, with the place.
        source: InvalidJson,
    },
    /// A field breaks a rule.
    #[error("payload of {kind}: {field} is {value:?}; it must be {rule}")]
    Field {
        /// The kind of the job.
        kind: JobKind,
        /// The name of the field in the JSON.
        field: &'static str,
        /// The value of the field.
        value: String,
        /// The rule for the value.
        rule: &'static str,
    },
}

impl InvalidPayload {
    /// Returns whether a newer version of the program may be able to read the payload, because it is JSON of another
    /// shape than this version's type. No version can read a text that is not JSON, and a rule holds in every version.
    #[must_use]
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::Json { source, .. } if source.is_other_type())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::ids::JobId;
    use crate::job::NewJob;

    #[derive(Debug, Serialize, Deserialize)]
    struct Resize(u32);

    impl Payload for Resize {
        const KIND: &'static str = "acme.resize";
        const MAX_RETRIES: Option<u32> = Some(7);
        const ON_WORKER_DEATH: Option<OnWorkerDeath> = Some(OnWorkerDeath::Hold);
        const PRIORITY: Priority = Priority::High;

        fn unique_subject(&self) -> Option<String> {
            Some("x".repeat(self.0 as usize))
        }
    }

    #[test]
    fn a_payload_says_the_settings_and_the_dedup_key_of_its_job() {
        let job = |width| NewJob::new(JobId::from_random(1), &Resize(width), crate::MIN_TIMESTAMP);
        let new = job(2).unwrap();
        assert_eq!((new.kind.as_str(), new.priority, new.max_retries), ("acme.resize", Priority::High, 7));
        assert_eq!(new.on_worker_death, Some(OnWorkerDeath::Hold));
        assert_eq!(new.dedup_key.unwrap().as_str(), "acme.resize:xx");
        assert!(job(244).unwrap_err().to_string().contains("255"));
    }
}
