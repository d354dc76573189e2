//! `jobs kinds`: the kinds of fieldfen's own jobs, their payloads, and the programs that handle them.

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{
    CreateFileRecord, CreateListing, DeleteFile, GenerateMetadata, InvalidPayload, JobKind, OnWorkerDeath, Payload,
    PublishSocial, UpdateImage, UpdateListing, UpscaleImage,
};
use fieldfen_services::operator::{
    ApproveRequest, DeleteRequest, EditRequest, FailRequest, PublishRequest, RejectRequest, ResolveKeyRequest,
    ResolveRowRequest, ResolveUnknownRequest, RetryRequest, WithdrawRequest,
};
use fieldfen_services::publishing::Reconcile;
use fieldfen_services::upkeep::Upkeep;
use serde::Serialize;

use crate::context::Context;
use crate::webhooks::WebhookReceived;

/// A field of a payload: its name, with a `?` if it may be left out, and its value.
type Field = (&'static str, &'static str);

const FILE: Field = ("file_id", "id of the file");
const ACTION: Field = ("action", r#"{"by": {"name": "ann", "via": "tool"}, "reason": text}"#);
const ACCOUNT: Field = ("account?", "text");
const SHOP: Field = ("platform", "shopify, etsy, ebay or amazon");
const TARGET: Field = ("target", r#"{"channel": "listing", "platform", "account", "variant"} or a post"#);
const ROW: Field = ("row", r#"{"table": "listing" or "post", "id"}"#);
const SECONDS: &str = "seconds";

const OF_PROGRAM: &str = "a program of the shop";
const OF_WORK: &str = "fieldfen work";
const OF_PUBLISHER: &str = "a worker with the platform's client, in Rust";
const ANSWER: &str = "the answer to the operator";

/// A kind of fieldfen's own jobs.
#[derive(Debug, Serialize)]
pub(super) struct KnownKind {
    kind: &'static str,
    payload: Vec<FieldLine>,
    handled_by: &'static str,
    result: &'static str,
    #[serde(skip)]
    check: fn(&RawJson) -> Result<(), InvalidPayload>,
    /// The fields of the payload after it was read and written.
    #[cfg(test)]
    #[serde(skip)]
    rewrite: fn(&RawJson) -> serde_json::Map<String, serde_json::Value>,
    /// The number of retries, if fieldfen.toml does not decide.
    retries: Option<u32>,
    /// The consequence of a worker's death, if fieldfen.toml does not decide.
    on_worker_death: Option<OnWorkerDeath>,
}

/// The JSON document of a field.
#[derive(Debug, Serialize)]
struct FieldLine {
    field: &'static str,
    value: &'static str,
    optional: bool,
}

impl KnownKind {
    fn of<P: Payload>(fields: &[Field], handled_by: &'static str, result: &'static str) -> Self {
        let payload = fields.iter().map(|(name, value)| {
            let field = name.trim_end_matches('?');
            FieldLine { field, value, optional: field != *name }
        });
        Self {
            kind: P::KIND,
            payload: payload.collect(),
            handled_by,
            result,
            check: |json| P::from_json(json).map(drop),
            #[cfg(test)]
            rewrite: |json| serde_json::from_value(serde_json::to_value(P::from_json(json).unwrap()).unwrap()).unwrap(),
            retries: P::MAX_RETRIES,
            on_worker_death: P::ON_WORKER_DEATH,
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Checks that this is a payload of the kind.
    pub(super) fn check(&self, payload: &RawJson) -> Result<(), InvalidPayload> {
        (self.check)(payload)
    }
}

/// The kinds of fieldfen's own jobs.
pub(super) fn known() -> Vec<KnownKind> {
    let request = |last: &[Field]| [&[ACTION, FILE], last].concat();
    vec![
        KnownKind::of::<CreateFileRecord>(&[FILE], OF_WORK, "none"),
        KnownKind::of::<UpscaleImage>(
            &[FILE, ("scale_factor", "1 to 64"), ("target_dpi", "1 to 65535")],
            OF_PROGRAM,
            "that of the program",
        ),
        KnownKind::of::<UpdateImage>(&[FILE], OF_PROGRAM, "that of the program"),
        KnownKind::of::<GenerateMetadata>(&[FILE], OF_PROGRAM, "that of the program"),
        KnownKind::of::<CreateListing>(&[FILE, SHOP, ACCOUNT, ("variant?", "text")], OF_PUBLISHER, "platform_id, url"),
        KnownKind::of::<UpdateListing>(&[FILE, ("listing_id", "id of the row")], OF_PUBLISHER, "listing"),
        KnownKind::of::<PublishSocial>(
            &[
                FILE,
                ("platform", "instagram, tiktok, facebook or pinterest"),
                ("post_type?", "post, story, reel or pin"),
                ACCOUNT,
                ("post_key?", "text, a new one for a repost"),
            ],
            OF_PUBLISHER,
            "platform_id, url",
        ),
        KnownKind::of::<DeleteFile>(&[FILE, ("force?", "true or false")], OF_WORK, "file"),
        KnownKind::of::<ApproveRequest>(&request(&[]), OF_WORK, ANSWER),
        KnownKind::of::<RejectRequest>(&request(&[]), OF_WORK, ANSWER),
        KnownKind::of::<FailRequest>(&request(&[]), OF_WORK, ANSWER),
        KnownKind::of::<RetryRequest>(&request(&[]), OF_WORK, ANSWER),
        KnownKind::of::<EditRequest>(&request(&[("edit", "as `files edit` writes it")]), OF_WORK, ANSWER),
        KnownKind::of::<DeleteRequest>(&request(&[("force", "true or false")]), OF_WORK, ANSWER),
        KnownKind::of::<PublishRequest>(&request(&[TARGET]), OF_WORK, ANSWER),
        KnownKind::of::<ResolveRowRequest>(
            &request(&[ROW, ("resolution", r#"{"is": "adopt", "target", "platform_id"} or {"is": "not_there"}"#)]),
            OF_WORK,
            ANSWER,
        ),
        KnownKind::of::<ResolveKeyRequest>(
            &[ACTION, ("publication_id", "id of the publication"), ("resolution", r#"{"ours": key} or "not_ours""#)],
            OF_WORK,
            ANSWER,
        ),
        KnownKind::of::<ResolveUnknownRequest>(
            &request(&[TARGET, ("resolution", r#"{"is": "there", "platform_id", "url"} or {"is": "nothing_there"}"#)]),
            OF_WORK,
            ANSWER,
        ),
        KnownKind::of::<WithdrawRequest>(&[ACTION, ROW, ("platform", "text"), ACCOUNT], OF_PUBLISHER, ANSWER),
        KnownKind::of::<Reconcile>(&[SHOP, ACCOUNT], OF_PUBLISHER, "the numbers of repairs"),
        KnownKind::of::<Upkeep>(
            &[
                ("completed_max_age_secs?", SECONDS),
                ("completed_keep?", "number of jobs"),
                ("failed_max_age_secs?", SECONDS),
                ("failed_keep?", "number of jobs"),
                ("publications_max_age_secs?", SECONDS),
                ("operator_actions_max_age_secs?", SECONDS),
                ("api_calls_max_age_secs?", SECONDS),
                ("rate_limits_max_age_secs?", SECONDS),
                ("batch?", "1 to 10000"),
            ],
            OF_WORK,
            "the numbers of deleted rows",
        ),
        KnownKind::of::<WebhookReceived>(
            &[("source", "text"), ("delivery_id?", "text"), ("event?", "text"), ("body", "JSON")],
            OF_PROGRAM,
            "that of the program",
        ),
    ]
}

/// The kind of fieldfen's own with this name.
pub(super) fn find(kind: &JobKind) -> Option<KnownKind> {
    known().into_iter().find(|known| known.kind == kind.as_str())
}

pub(super) fn list(context: &Context<'_>) -> anyhow::Result<()> {
    let kinds = known();
    let document = serde_json::json!({ "items": kinds });
    context.terminal.print_result(&document, |out| {
        for known in &kinds {
            writeln!(out, "{}\n  handled by: {}\n  result: {}", known.kind, known.handled_by, known.result)?;
            known.payload.iter().try_for_each(|line| {
                let optional = if line.optional { " (optional)" } else { "" };
                writeln!(out, "  {}{optional}: {}", line.field, line.value)
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value, json};

    use fieldfen_domain::with_causes;

    use super::*;

    const README: &str = include_str!("../../README.md");
    const ID: &str = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40";

    /// A payload with all fields of a kind.
    fn example(kind: &str) -> Map<String, Value> {
        let value = |field: &str| match field {
            "file_id" | "listing_id" | "publication_id" => json!(ID),
            "action" => json!({"by": {"name": "ann", "via": "tool"}, "reason": "sharp"}),
            "platform" if kind == "PublishSocial" => json!("tiktok"),
            "platform" => json!("etsy"),
            "target" => json!({"channel": "listing", "platform": "etsy", "account": "", "variant": "a3"}),
            "row" => json!({"table": "listing", "id": ID}),
            "resolution" if kind == "fieldfen.resolve_key" => json!({"ours": "ff-aaaaaaaaaaaaaaaaaaaaaaaaaa"}),
            "resolution" if kind == "fieldfen.resolve_unknown" => {
                json!({"is": "there", "platform_id": "7", "url": null})
            }
            "resolution" => json!({"is": "not_there"}),
            "edit" => json!({}),
            "force" => json!(true),
            "post_type" => json!("reel"),
            "account" | "variant" | "post_key" | "source" | "delivery_id" | "event" => json!("text"),
            "body" => json!({"id": 7}),
            _ => json!(64),
        };
        let kind = known().into_iter().find(|known| known.kind == kind).unwrap();
        kind.payload.iter().map(|line| (line.field.to_owned(), value(line.field))).collect()
    }

    fn json_of(fields: &Map<String, Value>) -> RawJson {
        RawJson::parse(Value::Object(fields.clone()).to_string()).unwrap()
    }

    #[test]
    fn the_fields_of_each_kind_are_those_of_its_payload() {
        for known in known() {
            let whole = example(known.kind);
            known.check(&json_of(&whole)).unwrap_or_else(|error| panic!("{}", with_causes(&error)));
            let written = (known.rewrite)(&json_of(&whole));
            assert_eq!(written.keys().collect::<BTreeSet<_>>(), whole.keys().collect(), "{}", known.kind);
            for line in &known.payload {
                let mut without = whole.clone();
                without.remove(line.field);
                let checked = known.check(&json_of(&without));
                assert_eq!(checked.is_ok(), line.optional, "{} without {}: {checked:?}", known.kind, line.field);
                if let Err(error) = checked {
                    assert!(with_causes(&error).contains(line.field), "{}", with_causes(&error));
                }
            }
        }
    }

    #[test]
    fn the_table_in_the_readme_has_every_kind_and_field() {
        let (_, rest) = README.split_once("## The kinds of jobs\n").unwrap();
        let chapter = rest.split("\n## ").next().unwrap();
        let rows: Vec<&str> = chapter.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = known().iter().map(KnownKind::row).collect();
        assert_eq!(rows, expected, "the table must be\n{}\n", expected.join("\n"));
        let names: BTreeSet<&str> = known().iter().map(KnownKind::kind).collect();
        assert!(JobKind::SPECIFIED.iter().all(|kind| names.contains(kind.as_str())));
    }

    #[test]
    fn no_kind_has_a_rule_of_its_own_for_retries_or_the_death_of_a_worker() {
        // The README says so.
        for known in known() {
            assert!(matches!(known.retries, None | Some(5)) && known.on_worker_death.is_none(), "{}", known.kind);
        }
    }

    impl KnownKind {
        /// The row of the README.
        fn row(&self) -> String {
            let field = |line: &FieldLine| {
                format!("`{}`{}: {}", line.field, if line.optional { " (optional)" } else { "" }, line.value)
            };
            let payload: Vec<String> = self.payload.iter().map(field).collect();
            format!("| `{}` | {} | {} | {} |", self.kind, payload.join("; "), self.handled_by, self.result)
        }
    }
}
