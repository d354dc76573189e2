//! The JSON form of a filter of jobs, in which a store keeps it.

use serde::{Deserialize, Serialize};

use super::{ApiAccount, FailedJobs, FingerprintFilter, JobFilter, JobKind, JobStatus, ParkedFor};
use crate::ids::FileId;
use crate::json::{InvalidJson, RawJson};
use crate::time::Timestamp;

/// The members of the object. A member that is left out sets no condition. An unknown member is an error, because a
/// condition of a newer version must not be ignored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoredFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<JobStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<JobKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileId>,
    /// `"dead"` or `"parked"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<StoredGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_for: Option<ParkedFor>,
    /// The empty text selects the jobs without a fingerprint, which is never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredGroup {
    Dead,
    Parked,
}

impl JobFilter {
    /// The filter as a JSON object with one member for each condition:
    ///
    /// | member | value |
    /// | --- | --- |
    /// | `status` | the word of the status |
    /// | `kind`, `file`, `worker`, `account` | the text |
    /// | `failed` | `"dead"` or `"parked"` |
    /// | `parked_for` | the word of the event, beside `"failed":"parked"` |
    /// | `fingerprint` | the text; the empty text for jobs without a fingerprint |
    /// | `ended_since`, `ended_before`, `created_before` | the time in RFC 3339 |
    /// | `payload` | the text that the payload contains |
    ///
    /// [`from_json`](Self::from_json) returns an equal filter.
    ///
    /// ```
    /// use fieldfen_domain::job::JobFilter;
    ///
    /// let filter = JobFilter::new().dead_letters().payload("fox");
    /// assert_eq!(filter.to_json()?.as_str(), r#"{"failed":"dead","payload":"fox"}"#);
    /// # Ok::<(), fieldfen_domain::InvalidJson>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidJson`] if the text has more than [`MAX_JSON_BYTES`](crate::MAX_JSON_BYTES).
    pub fn to_json(&self) -> Result<RawJson, InvalidJson> {
        let (failed, parked_for) = match self.failed {
            None => (None, None),
            Some(FailedJobs::DeadLetters) => (Some(StoredGroup::Dead), None),
            Some(FailedJobs::Parked) => (Some(StoredGroup::Parked), None),
            Some(FailedJobs::ParkedFor(event)) => (Some(StoredGroup::Parked), Some(event)),
        };
        RawJson::from_value(&StoredFilter {
            status: self.status,
            kind: self.kind.clone(),
            file: self.file_id,
            failed,
            parked_for,
            fingerprint: self.fingerprint.as_ref().map(|wanted| match wanted {
                FingerprintFilter::Is(fingerprint) => fingerprint.clone(),
                FingerprintFilter::Missing => String::new(),
            }),
            ended_since: self.ended_since,
            ended_before: self.ended_before,
            created_before: self.created_before,
            worker: self.worker.clone(),
            account: self.account.as_ref().map(ToString::to_string),
            payload: self.payload.clone(),
        })
    }

    /// Reads the form that [`to_json`](Self::to_json) writes.
    ///
    /// # Errors
    /// A text that names the member which is unknown or has an invalid value.
    pub fn from_json(json: &RawJson) -> Result<Self, String> {
        // The derived code also reads an array, and an empty one as a filter that every job passes.
        if !json.as_str().trim_start().starts_with('{') {
            return Err("a filter must be a JSON object".to_owned());
        }
        let stored: StoredFilter = json.read().map_err(|error| error.to_string())?;
        let failed = match (stored.failed, stored.parked_for) {
            (None, None) => None,
            (Some(StoredGroup::Dead), None) => Some(FailedJobs::DeadLetters),
            (Some(StoredGroup::Parked), None) => Some(FailedJobs::Parked),
            (Some(StoredGroup::Parked), Some(event)) => Some(FailedJobs::ParkedFor(event)),
            (_, Some(event)) => return Err(format!("parked_for {event} needs the member \"failed\":\"parked\"")),
        };
        let fingerprint = stored.fingerprint.map(|fingerprint| match fingerprint.as_str() {
            "" => FingerprintFilter::Missing,
            _ => FingerprintFilter::Is(fingerprint),
        });
        let account = stored.account.map(|account| account.parse::<ApiAccount>()).transpose();
        Ok(Self {
            status: stored.status,
            kind: stored.kind,
            file_id: stored.file,
            failed,
            fingerprint,
            ended_since: stored.ended_since,
            ended_before: stored.ended_before,
            created_before: stored.created_before,
            worker: stored.worker,
            account: account.map_err(|error| error.to_string())?,
            payload: stored.payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_survives_its_json() {
        let at = Timestamp::from_timestamp_micros(1_700_000_000_000_001).unwrap();
        let all = JobFilter::new()
            .kind("test.work".parse::<JobKind>().unwrap())
            .file_id(FileId::from_random(1))
            .fingerprint(FingerprintFilter::Is("no \"light\"\n".to_owned()))
            .ended_since(at)
            .ended_before(at)
            .created_before(at)
            .worker("w")
            .account("etsy/main".parse::<ApiAccount>().unwrap())
            .payload("{\"a\":".to_owned());
        for filter in [
            JobFilter::new(),
            JobFilter::new().status(JobStatus::Running),
            JobFilter::new().fingerprint(FingerprintFilter::Missing),
            all.clone().dead_letters(),
            all.clone().parked(),
            all.parked_for(ParkedFor::Approval),
        ] {
            assert_eq!(JobFilter::from_json(&filter.to_json().unwrap()), Ok(filter));
        }
    }

    #[test]
    fn a_condition_that_is_not_understood_is_an_error() {
        for (json, named) in [
            (r#"{"species":"fox"}"#, "species"),
            (r#"{"status":"lost"}"#, "lost"),
            (r#"{"parked_for":"approval"}"#, "failed"),
            (r#"{"failed":"dead","parked_for":"approval"}"#, "failed"),
            (r#"{"account":""}"#, "account"),
            ("[]", "object"),
        ] {
            let error = JobFilter::from_json(&RawJson::unchecked(json.to_owned())).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}
