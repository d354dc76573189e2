//! `jobs why`: the reason for which a job runs, or does not run, now, and the command that helps.

use fieldfen_domain::job::{ParkedFor, Why};
use fieldfen_domain::{FileId, JobId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::context::Context;
use crate::shell_word::shell_word;

/// The JSON document of the reason.
#[derive(Debug, Serialize)]
struct WhyDocument {
    job: JobId,
    /// The reason in a sentence, for people.
    message: String,
    /// The command that helps; `null` if there is none.
    command: Option<String>,
    /// The variant in `why`, and its values.
    #[serde(flatten)]
    why: Why,
}

/// The reason of this job, with the budgets of the shop.
pub(super) fn reason(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<Why> {
    let costs = context.costs(queue.store())?;
    let limiter = RateLimiter::new(queue.store().clone(), context.environment.clone()).budgets(costs);
    let why = queue.why_with(&limiter, id)?;
    why.ok_or_else(|| Exit::NotFound.with(format!("there is no job {id}")).into())
}

pub(super) fn run(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<()> {
    let why = reason(queue, id, context)?;
    let file = queue.find(id)?.and_then(|job| job.file_id);
    let document = WhyDocument { job: *id, message: why.to_string(), command: command(&why, id, file.as_ref()), why };
    context.terminal.print_result(&document, |out| {
        writeln!(out, "job {id}: {}", document.message)?;
        match &document.command {
            Some(command) => writeln!(out, "what helps: {command}"),
            None => Ok(()),
        }
    })?;
    Ok(())
}

/// The command that changes the reason, or shows more about it; `None` if there is nothing to do but wait.
pub(super) fn command(why: &Why, id: &JobId, file: Option<&FileId>) -> Option<String> {
    let command = match why {
        Why::DueLater { .. } => format!("fieldfen jobs run-now {id}"),
        Why::Paused { scope, name, .. } => format!("fieldfen resume --{scope} {}", shell_word(name)),
        Why::LimitReached { jobs, .. } => format!("fieldfen jobs show {}", jobs.first()?),
        Why::LimitReachedByJobsBefore { .. } | Why::FarBehind { .. } => format!("fieldfen jobs priority {id} --to 0"),
        Why::NoLiveWorker { .. } => "fieldfen work".to_owned(),
        Why::ServiceClosed { .. } => "fieldfen usage limits".to_owned(),
        Why::BudgetSpent { .. } => "fieldfen usage budget".to_owned(),
        Why::Running { cancel_requested: Some(_), .. } => format!("fieldfen jobs kill {id} --reason TEXT"),
        Why::Running { is_alive: false, .. } => "fieldfen workers".to_owned(),
        Why::RunByOtherProgram { .. } => format!("fieldfen jobs release {id}"),
        Why::Parked { parked_for, .. } => match file {
            Some(file) if parked_for == ParkedFor::Approval.as_str() => format!("fieldfen files approve {file}"),
            _ => format!("fieldfen jobs retry {id}"),
        },
        Why::Cancelled { .. } | Why::Failed { .. } => format!("fieldfen jobs retry {id}"),
        // Nothing needs a person, or a worker does the next step by itself.
        _ => return None,
    };
    Some(command)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use fieldfen_domain::Timestamp;
    use fieldfen_domain::job::{OnWorkerDeath, PauseScopeKind};

    use super::*;
    use crate::Fieldfen;

    #[test]
    fn each_reason_that_a_person_can_change_names_a_command_of_the_program() {
        let (id, file) = (JobId::from_random(1), FileId::from_random(2));
        let at: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        let parked = |event: ParkedFor| Why::Parked { parked_for: event.to_string(), since: None, error: None };
        let paused = |scope, name: &str| Why::Paused {
            scope,
            name: name.to_owned(),
            reason: String::new(),
            until: None,
            by: "ann".to_owned(),
        };
        let running = |is_alive, cancel_requested| Why::Running {
            worker: "kestrel".to_owned(),
            since: None,
            lease_until: at,
            is_alive,
            cancel_requested,
            on_worker_death: OnWorkerDeath::Retry,
        };
        for (why, begins) in [
            (Why::Failed { at: None, retries: 0, error: None }, "fieldfen jobs retry "),
            (Why::Cancelled { at: None, error: None }, "fieldfen jobs retry "),
            (parked(ParkedFor::Approval), "fieldfen files approve "),
            (parked(ParkedFor::Person), "fieldfen jobs retry "),
            (paused(PauseScopeKind::Kind, "UpscaleImage"), "fieldfen resume --kind UpscaleImage"),
            (paused(PauseScopeKind::Service, "etsy"), "fieldfen resume --service etsy"),
            (paused(PauseScopeKind::Account, "etsy/main"), "fieldfen resume --account etsy/main"),
            (Why::NoLiveWorker { kind: "acme.count".parse().unwrap(), before: 0 }, "fieldfen work"),
            (Why::FarBehind { before: 9 }, "fieldfen jobs priority "),
            (running(false, None), "fieldfen workers"),
            (running(true, Some(at)), "fieldfen jobs kill "),
            (Why::RunByOtherProgram { since: None }, "fieldfen jobs release "),
            (Why::BudgetSpent { budget: "b".into(), reason: String::new(), until: at }, "fieldfen usage budget"),
            (Why::ServiceClosed { account: "a".into(), reason: String::new(), until: at }, "fieldfen usage limits"),
        ] {
            let command = command(&why, &id, Some(&file)).unwrap();
            assert!(command.starts_with(begins), "{command}");
            let parsed = Fieldfen::try_parse_from(command.split(' '));
            assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
        }
        for why in [Why::Completed { at: None }, Why::AfterReclaim, running(true, None)] {
            assert_eq!(command(&why, &id, None), None, "{why}");
        }
        let quoted = command(&paused(PauseScopeKind::Service, "my shop; ls"), &id, None).unwrap();
        assert_eq!(quoted, "fieldfen resume --service 'my shop; ls'");
    }
}
