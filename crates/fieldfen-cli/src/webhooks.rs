//! `webhooks`: list, show, receive, forget.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::Context as _;
use fieldfen_domain::job::{EnqueueOutcome, NewJob, Payload};
use fieldfen_domain::webhook::{Delivery, PayloadHash};
use fieldfen_domain::{FileId, JobId, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::QueueError;
use fieldfen_services::webhooks::{DEFAULT_BODY_LIMIT, Deliveries, ReceiveError, ReceiveOutcome, WebhookIntake};
use fieldfen_terminal::Exit;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::{Answer, Outcome};
use crate::context::Context;
use crate::page::{List, PageArgs};
use crate::time_argument::shown;

/// The commands of `webhooks`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List the remembered deliveries, the newest first
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one remembered delivery
    Show {
        /// The hash of the delivery, as `list` shows it
        hash: PayloadHash,
    },
    /// Receive a webhook from a file, as a server receives it: a repetition has no effect
    Receive(ReceiveArgs),
    /// Forget a delivery, so that it takes effect when its sender sends it again
    Forget {
        /// The hash of the delivery, as `list` shows it
        hash: PayloadHash,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// A webhook in a file. No signature is checked, since the operator vouches for the file.
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiveArgs {
    /// The file with the body, which is one JSON document; - reads stdin
    path: PathBuf,
    /// The name of the sender, for example shopify
    #[arg(long)]
    source: String,
    /// The sender's id of the delivery; without it, equal bodies of one sender are one delivery
    #[arg(long, value_name = "ID")]
    delivery_id: Option<String>,
    /// The name of the event, for example orders/paid
    #[arg(long)]
    event: Option<String>,
}

/// The payload of the job `webhook.received`, as a server of webhooks writes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookReceived {
    source: String,
    delivery_id: Option<String>,
    event: Option<String>,
    /// The received JSON, unchanged.
    body: Box<RawValue>,
}

impl Payload for WebhookReceived {
    const KIND: &'static str = "webhook.received";
}

/// The JSON document of a remembered delivery.
#[derive(Debug, Serialize)]
struct DeliveryLine {
    hash: String,
    source: Option<String>,
    file: Option<FileId>,
    first_seen: Option<Timestamp>,
    /// From when the same delivery counts as new; `null` for never.
    expires: Option<Timestamp>,
    /// The jobs that were enqueued for it, as `receive` and the example `webhook_server` do.
    jobs: Vec<DeliveryJob>,
}

/// The JSON document of a job of a delivery.
#[derive(Debug, Serialize)]
struct DeliveryJob {
    id: JobId,
    kind: String,
    /// `pending`, `running`, `completed` or `failed`.
    status: &'static str,
}

impl DeliveryLine {
    /// The document of a delivery with its jobs. A job that cannot be read is left out, and a message names it.
    fn read(delivery: Delivery, deliveries: &Deliveries<SqliteStore>, context: &Context<'_>) -> Self {
        let jobs = deliveries.jobs(&delivery.hash).unwrap_or_else(|error| {
            let hash = &delivery.hash;
            context.terminal.print_message(&format!("the jobs of delivery {hash} are not shown: {error}"));
            Vec::new()
        });
        let jobs = jobs.into_iter().map(|job| DeliveryJob {
            id: job.id,
            kind: job.kind.to_string(),
            status: job.state.status().as_str(),
        });
        Self {
            jobs: jobs.collect(),
            hash: delivery.hash.to_string(),
            source: delivery.source,
            file: delivery.file_id,
            first_seen: delivery.first_seen,
            expires: delivery.expires_at,
        }
    }
}

impl DeliveryLine {
    fn cells(&self) -> [String; 5] {
        let source = self.source.clone().unwrap_or_default();
        let time = |at: Option<Timestamp>| at.map(shown).unwrap_or_default();
        let jobs: Vec<_> = self.jobs.iter().map(|job| format!("{} {}", job.kind, job.status)).collect();
        [self.hash.clone(), source, time(self.first_seen), time(self.expires), jobs.join(", ")]
    }
}

impl WebhooksCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List { .. } | Self::Show { .. });
        let store = context.store_for(only_reads)?;
        let deliveries = Deliveries::new(store.clone(), context.environment.clone());
        match self {
            Self::List { page } => {
                let page = deliveries.list(&page.request())?;
                let list = List::of(page, |delivery| DeliveryLine::read(delivery, &deliveries, context));
                context.terminal.print_result(&list, |out| {
                    if !list.items().is_empty() {
                        let mut table = context.terminal.table(["hash", "source", "first seen", "expires", "jobs"]);
                        list.items().iter().for_each(|delivery| table.add_row(delivery.cells()));
                        out.table(&table)?;
                    }
                    list.write_end(
                        out,
                        "delivery",
                        "a server of webhooks remembers one, and `fieldfen webhooks receive` one from a file",
                    )
                })?;
                Ok(())
            }
            Self::Show { hash } => {
                let found = deliveries.find(hash)?;
                let found = found.ok_or_else(|| Exit::NotFound.with(format!("no delivery {hash} is remembered")))?;
                let line = DeliveryLine::read(found, &deliveries, context);
                context.terminal.print_result(&line, |out| {
                    let file = line.file.map(|file| file.to_string()).unwrap_or_default();
                    let names = ["hash", "source", "first seen", "expires", "file"];
                    let values = line.cells().into_iter().take(4).chain([file]);
                    names.iter().zip(values).try_for_each(|(name, value)| writeln!(out, "{name:<16} {value}"))?;
                    for DeliveryJob { id, kind, status } in &line.jobs {
                        writeln!(out, "{:<16} {id} {kind} {status}", "job")?;
                    }
                    Ok(())
                })?;
                Ok(())
            }
            Self::Receive(args) => args.run(&WebhookIntake::new(store, context.environment.clone()), context),
            Self::Forget { hash, reason, yes } => {
                context.confirm(&format!("this lets delivery {hash} take effect a second time"), *yes)?;
                let answer = if deliveries.forget(hash, &context.action(reason)?)? {
                    Answer::new(format_args!("delivery {hash}"), Outcome::Done, "forgotten")
                } else {
                    Answer::new(format_args!("delivery {hash}"), Outcome::NotFound, "it is not remembered")
                };
                answer.print(context)
            }
        }
    }
}

impl ReceiveArgs {
    fn run(&self, intake: &WebhookIntake<SqliteStore>, context: &Context<'_>) -> anyhow::Result<()> {
        let Self { path, source, delivery_id, event } = self;
        let body = self.body().with_context(|| format!("cannot read {path:?}"))?;
        let json = RawValue::from_string(body.clone())
            .map_err(|error| Exit::Usage.with(format!("the body in {path:?} must be one JSON document: {error}")))?;
        let payload = WebhookReceived {
            source: source.clone(),
            delivery_id: delivery_id.clone(),
            event: event.clone(),
            body: json,
        };
        let environment = &context.environment;
        // Equal bodies without an id are one delivery for each sender, not for all senders.
        let id = delivery_id.clone().unwrap_or_else(|| PayloadHash::of_body(body.as_bytes()).to_string());
        let job = NewJob::new(environment.job_id(), &payload, environment.now())?;
        let received = intake.receive(source, Some(&id), None, body.as_bytes(), |t| t.enqueue_for_delivery(&job));
        let subject = format!("webhook of {source}");
        let answer = match received {
            Ok(ReceiveOutcome::New(EnqueueOutcome::Created(job) | EnqueueOutcome::Duplicate(job))) => {
                Answer::new(subject, Outcome::Done, format!("received; job {job} handles it"))
            }
            Ok(ReceiveOutcome::Duplicate { first_seen, .. }) => {
                let at = first_seen.map(|at| format!(" at {at}")).unwrap_or_default();
                Answer::new(subject, Outcome::Unchanged, format!("it was received before{at}"))
            }
            Err(ReceiveError::Store(error) | ReceiveError::Effect(QueueError::Store(error))) => {
                return Err(error.into());
            }
            Err(error) => return Err(Exit::Usage.with(error).into()),
        };
        answer.print(context)
    }

    /// The body, of which at most one byte more than the limit is read.
    fn body(&self) -> io::Result<String> {
        let mut body = String::new();
        let limit = DEFAULT_BODY_LIMIT as u64 + 1;
        if self.path.as_os_str() == "-" {
            io::stdin().lock().take(limit).read_to_string(&mut body)?;
        } else {
            File::open(&self.path)?.take(limit).read_to_string(&mut body)?;
        }
        Ok(body)
    }
}
