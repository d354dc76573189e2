//! Checks on the health of a shop's rows, through the repository traits. They work on every store, and write nothing.
//!
//! `fieldfen-persistence` checks the file of a SQLite database, and takes these checks with `HealthCheck::rows`.
//!
//! ```
//! use fieldfen_domain::health::Severity;
//! use fieldfen_domain::store::Store;
//! use fieldfen_services::{Environment, health};
//! use fieldfen_testkit::ModelStore;
//!
//! let now = Environment::system().now();
//! let findings = ModelStore::new().read(|session| Ok(health::check_rows(session, now, &mut || true)))?;
//! assert!(findings.iter().all(|finding| finding.severity == Severity::Ok));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod unreadable_rows;

use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::publication::{PublicationFilter, PublicationState};
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{PageRequest, Timestamp, with_causes};

use crate::overview::DEAD_WORKERS_SINCE;

/// Checks rows: those that cannot be read, workers that have died, and publications in doubt. The check of all rows
/// ends when `go_on` returns `false`, and says so. A check that fails is a finding.
pub fn check_rows(s: &mut dyn ReadSession, now: Timestamp, go_on: &mut dyn FnMut() -> bool) -> Vec<Finding> {
    let mut findings = unreadable_rows::check(s, now, go_on);
    findings.push(dead_workers(s, now).unwrap_or_else(|error| not_done(Check::DeadWorkers, "workers", &error)));
    let in_doubt = publications_in_doubt(s);
    findings.push(in_doubt.unwrap_or_else(|error| not_done(Check::PublicationsInDoubt, "publications", &error)));
    findings
}

fn dead_workers(s: &mut dyn ReadSession, now: Timestamp) -> Result<Finding, StoreError> {
    let looked_at = "the workers of the last day";
    let seen = s.workers().seen_since(now - DEAD_WORKERS_SINCE)?;
    let (alive, dead): (Vec<_>, Vec<_>) = seen.into_iter().flatten().partition(|worker| worker.is_alive(now));
    if dead.is_empty() {
        return Ok(Finding::ok(Check::DeadWorkers, looked_at, format!("{} alive, none has died", alive.len())));
    }
    let found = format!("{} alive, {} died without ending properly", alive.len(), dead.len());
    let advice =
        "find out why they died, and start them again; their jobs come back when the leases end: `fieldfen workers`";
    let named = dead.into_iter().take(MOST_ROWS_NAMED).map(|worker| {
        let (name, process, host, seen) = (worker.name, worker.process, worker.host, worker.last_seen_at);
        format!("worker {name}, process {process} on {host}, last seen {seen}")
    });
    Ok(Finding::warning(Check::DeadWorkers, looked_at, found, advice).details(named.collect()))
}

fn publications_in_doubt(s: &mut dyn ReadSession) -> Result<Finding, StoreError> {
    let looked_at = "publications in state unknown";
    let filter = PublicationFilter::new().state(PublicationState::Unknown);
    let page =
        s.publications().page(&filter, &PageRequest::first(u32::try_from(MOST_ROWS_NAMED).unwrap_or(u32::MAX)))?;
    if page.items.is_empty() {
        return Ok(Finding::ok(Check::PublicationsInDoubt, looked_at, "none"));
    }
    let more = if page.next.is_some() { " or more" } else { "" };
    let found = format!("{}{more}: nobody knows whether the platform has them", page.items.len());
    let advice = "look at the platform, then run `fieldfen publications resolve ID`; \
                  those that a lookup can find are resolved by the next publishing job of their file";
    let named = page.items.into_iter().map(|publication| {
        let (id, target, since) = (publication.id, publication.target, publication.updated_at);
        format!("publication {id}: {target}, since {since}")
    });
    Ok(Finding::warning(Check::PublicationsInDoubt, looked_at, found, advice).details(named.collect()))
}

fn not_done(check: Check, looked_at: &str, error: &StoreError) -> Finding {
    let found = format!("the check failed: {}", with_causes(error));
    Finding::problem(
        check,
        looked_at,
        found,
        "try again with `fieldfen doctor --full`; if the file is damaged, restore a backup",
    )
}
