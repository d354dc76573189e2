//! The answer of a program: the JSON document on its stdout.

use std::error::Error;

use chrono::{DateTime, Utc};
use fieldfen_domain::file::{Dimensions, FileEdit, FileMetadata};
use fieldfen_domain::job::{ApiAccount, DedupKey, JobKind, NewJob, Priority};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, RawJson, truncate_to_micros, with_causes};
use fieldfen_services::Environment;
use fieldfen_services::pipeline::Pipeline;
use fieldfen_services::queue::{Completion, RetryPolicies};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The keys of an answer. An object with one of them is an answer; every other document is the result itself.
const KEYS: [&str; 3] = ["result", "then", "file_event"];

/// The answer of a program.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    then: Vec<FollowUp<'a>>,
    file_event: Option<FileEvent>,
}

/// A job that is enqueued in the transaction that completes the present one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowUp<'a> {
    kind: JobKind,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    file: Option<FileId>,
    account: Option<String>,
    at: Option<DateTime<Utc>>,
    priority: Option<i64>,
    retries: Option<u32>,
    dedup_key: Option<String>,
}

/// An event of the file of the job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileEvent {
    /// `CreateFileRecord` is done.
    Recorded,
    /// The picture was upscaled.
    Upscaled(Upscaled),
    /// The picture has its title and description.
    Described(serde_json::Value),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upscaled {
    processed_filename: String,
    width: u32,
    height: u32,
}

/// The rules and the clock that an answer needs.
pub(super) struct Rules<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) environment: &'a Environment,
    /// The number of retries of each kind, and the consequence of a worker's death.
    pub(super) policies: &'a RetryPolicies,
    /// Whether there is a file with an id.
    pub(super) file_exists: &'a dyn Fn(&FileId) -> Result<bool, StoreError>,
}

/// The reason why no completion was made of an answer.
#[derive(Debug)]
pub(super) enum AnswerError {
    /// The document is no answer. Every later attempt would return the same one.
    NoAnswer(String),
    /// The database could not be read.
    Store(StoreError),
}

impl From<String> for AnswerError {
    fn from(problem: String) -> Self {
        Self::NoAnswer(problem)
    }
}

impl Rules<'_> {
    /// The completion that a program's stdout stands for.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub(super) fn completion(&self, stdout: &[u8], file: Option<FileId>) -> Result<Completion, AnswerError> {
        let text = str::from_utf8(stdout).map_err(|_| "stdout is not UTF-8".to_owned())?.trim();
        if text.is_empty() {
            return Ok(Completion::new());
        }
        let Answer { result, then, file_event } = answer(text)?;
        let mut completion = Completion::new();
        if let Some(result) = result {
            RawJson::parse(result.get()).map_err(|error| format!("result on stdout: {error}"))?;
            completion = completion.result(result);
        }
        for (index, follow_up) in then.into_iter().enumerate() {
            let job = self.job(follow_up).map_err(|error| format!("stdout: then[{index}]: {error}"))?;
            if let Some(id) = &job.file_id
                && !(self.file_exists)(id).map_err(AnswerError::Store)?
            {
                return Err(format!("stdout: then[{index}]: there is no file {id}").into());
            }
            completion = completion.then(job);
        }
        match file_event {
            None => Ok(completion),
            Some(event) => {
                let file = file.ok_or_else(|| "stdout has a file_event, but the job has no file".to_owned())?;
                Ok(self.with_event(completion, file, event).map_err(|error| format!("stdout: file_event: {error}"))?)
            }
        }
    }

    fn job(&self, follow_up: FollowUp<'_>) -> Result<NewJob, String> {
        let FollowUp { kind, payload, file, account, at, priority, retries, dedup_key } = follow_up;
        let shown = |error: &(dyn Error + 'static)| with_causes(error);
        let payload = payload.map(|json| RawJson::parse(json.get())).transpose().map_err(|error| shown(&error))?;
        let account = account.map(|name| name.parse::<ApiAccount>()).transpose().map_err(|error| shown(&error))?;
        let key = dedup_key.map(DedupKey::new).transpose().map_err(|error| shown(&error))?;
        let policy = *self.policies.of(&kind);
        let mut job = NewJob::untyped(self.environment.job_id(), kind, payload, self.environment.now())
            .map_err(|error| shown(&error))?
            .file_id(file)
            .account(account)
            .dedup_key(key)
            .max_retries(retries.unwrap_or(policy.max_retries))
            .on_worker_death(policy.on_worker_death);
        if let Some(at) = at {
            job = job.run_at(truncate_to_micros(at));
        }
        if let Some(number) = priority {
            let rule = || format!("priority is {number}: it must be 0 (urgent), 1 (high), 2 (normal) or 3 (low)");
            job = job.priority(Priority::from_number(number).ok_or_else(rule)?);
        }
        Ok(job)
    }

    /// Adds the event to the transaction that completes the job.
    fn with_event(&self, completion: Completion, file: FileId, event: FileEvent) -> Result<Completion, String> {
        let pipeline = self.pipeline.clone();
        Ok(match event {
            FileEvent::Recorded => completion.writing(move |t| pipeline.record_confirmed(t, &file).map(drop)),
            FileEvent::Upscaled(Upscaled { processed_filename, width, height }) => {
                let size = Dimensions::new(width, height).map_err(|error| error.to_string())?;
                let edit = FileEdit::new().processed_filename(processed_filename).size(size);
                completion.writing(move |t| pipeline.upscaled(t, &file, &edit).map(drop))
            }
            FileEvent::Described(metadata) => {
                let json = RawJson::from_value(&metadata).map_err(|error| error.to_string())?;
                let metadata = FileMetadata::from_json(&json).map_err(|error| with_causes(&error))?;
                completion.writing(move |t| pipeline.described(t, &file, &metadata).map(drop))
            }
        })
    }
}

fn answer(text: &str) -> Result<Answer<'_>, String> {
    let result: &RawValue =
        serde_json::from_str(text).map_err(|error| format!("stdout is not one JSON document: {error}"))?;
    let keys: Option<serde_json::Map<String, serde_json::Value>> =
        if text.starts_with('{') { serde_json::from_str(text).ok() } else { None };
    if keys.is_some_and(|keys| KEYS.iter().any(|key| keys.contains_key(*key))) {
        return serde_json::from_str(text).map_err(|error| format!("stdout is no answer: {error}"));
    }
    Ok(Answer { result: Some(result), ..Answer::default() })
}

#[cfg(test)]
mod tests {
    use fieldfen_services::shop::Shop;

    use super::*;

    fn completion(stdout: &str, file: Option<FileId>) -> Result<String, String> {
        let environment = Environment::system();
        let pipeline = Shop::new().pipeline(environment.clone()).unwrap();
        let policies = RetryPolicies::default();
        let rules = Rules {
            pipeline: &pipeline,
            environment: &environment,
            policies: &policies,
            file_exists: &|id| Ok(*id == FileId::from_random(7)),
        };
        match rules.completion(stdout.as_bytes(), file) {
            Ok(completion) => Ok(format!("{completion:?}")),
            Err(AnswerError::NoAnswer(problem)) => Err(problem),
            Err(AnswerError::Store(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_job_that_follows_must_be_about_a_file_that_exists() {
        let then = |id: FileId| format!(r#"{{"then": [{{"kind": "a.a"}}, {{"kind": "a.b", "file": "{id}"}}]}}"#);
        completion(&then(FileId::from_random(7)), None).unwrap();
        let unknown = FileId::from_random(8);
        let error = completion(&then(unknown), None).unwrap_err();
        assert_eq!(error, format!("stdout: then[1]: there is no file {unknown}"));
    }

    #[test]
    fn a_document_without_the_keys_of_an_answer_is_the_result_with_all_its_digits() {
        for text in ["12345678901234567890123", "[1, null]", "\"x\"", "{\"width\": 0.10}", "{}", "true"] {
            let shown = completion(&format!(" {text}\n"), None).unwrap();
            assert!(shown.contains(&format!("{text:?}")) && shown.contains("follow_ups: []"), "{text}: {shown}");
        }
        for text in ["", " \n", "null"] {
            assert!(completion(text, None).is_ok(), "{text:?}");
        }
        let shown = completion(r#"{"result": {"n": 9007199254740993}}"#, None).unwrap();
        assert!(shown.contains(r#"{\"n\": 9007199254740993}"#), "{shown}");
    }

    #[test]
    fn an_answer_has_jobs_and_an_event() {
        let text = r#"{"result": 1, "then": [{"kind": "acme.next", "payload": {"n": 2}, "priority": 1, "retries": 7,
            "at": "2027-01-01T00:00:00+01:00", "account": "etsy/main", "dedup_key": "k"}], "file_event": "recorded"}"#;
        let shown = completion(text, Some(FileId::from_random(7))).unwrap();
        for part in
            ["acme.next", r#"{\"n\": 2}"#, "priority: High", "max_retries: 7", "2026-12-31T23:00:00Z", "writes: 1"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        for event in [
            r#"{"upscaled": {"processed_filename": "fox-x4.png", "width": 8000, "height": 6000}}"#,
            r##"{"described": {"title": "Red fox", "hashtags": ["#Fox"]}}"##,
        ] {
            let shown = completion(&format!("{{\"file_event\": {event}}}"), Some(FileId::from_random(7))).unwrap();
            assert!(shown.contains("writes: 1"), "{shown}");
        }
    }

    #[test]
    fn a_wrong_answer_is_refused_with_its_place() {
        for (text, problem) in [
            ("done", "stdout is not one JSON document"),
            ("{} {}", "stdout is not one JSON document"),
            (r#"{"result": 1, "thn": []}"#, "unknown field `thn`"),
            (r#"{"then": {}}"#, "stdout is no answer"),
            (r#"{"then": [{"payload": 1}]}"#, "missing field `kind`"),
            (r#"{"then": [{"kind": "a b"}]}"#, "a b"),
            (r#"{"then": [{"kind": "a.b", "priority": 9}]}"#, "then[0]: priority is 9"),
            (r#"{"then": [{"kind": "a.b", "dedup_key": ""}]}"#, "then[0]: dedup key"),
            (r#"{"file_event": "recorded"}"#, "the job has no file"),
            (r#"{"file_event": "published"}"#, "unknown variant `published`"),
        ] {
            let error = completion(text, None).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
        for (event, problem) in [
            (r#"{"upscaled": {"processed_filename": "x.png", "width": 0, "height": 1}}"#, "file_event: "),
            (r#"{"described": {"title": " "}}"#, "metadata field title must not be blank"),
        ] {
            let error = completion(&format!("{{\"file_event\": {event}}}"), Some(FileId::from_random(7))).unwrap_err();
            assert!(error.contains(problem), "{event}: {error}");
        }
    }
}
