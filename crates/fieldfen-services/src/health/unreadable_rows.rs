//! Rows that cannot be read, in every table that has a list.

use fieldfen_domain::api_cost::ApiCostFilter;
use fieldfen_domain::api_usage::ApiCallFilter;
use fieldfen_domain::file::FileFilter;
use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::job::JobFilter;
use fieldfen_domain::operator::OperatorActionFilter;
use fieldfen_domain::publication::{ListingFilter, PostFilter, PublicationFilter};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{MIN_TIMESTAMP, Page, PageRequest, Timestamp, UnreadableRow};

use super::not_done;

const LOOKED_AT: &str = "the rows of all lists";

/// The rows that are read at once.
const PAGE: u32 = 1000;

/// The rows that could not be read, and the tables that were not read to their end.
struct Reading<'g> {
    go_on: &'g mut dyn FnMut() -> bool,
    rows: u64,
    unreadable: u64,
    named: Vec<String>,
    cut_off: Vec<&'static str>,
    failed: Vec<Finding>,
}

/// Reads all rows, the newest first, while `go_on` returns `true`.
pub(super) fn check(s: &mut dyn ReadSession, now: Timestamp, go_on: &mut dyn FnMut() -> bool) -> Vec<Finding> {
    let mut reading =
        Reading { go_on, rows: 0, unreadable: 0, named: Vec::new(), cut_off: Vec::new(), failed: Vec::new() };
    reading.list("workers", s.workers().seen_since(MIN_TIMESTAMP));
    reading.list("recurring_jobs", s.recurring().list());
    reading.list("rate_limits", s.rate_limits().list(None, now));
    let pauses = s.pauses().list(now);
    reading.list("pauses", one_by_one(pauses));
    let limits = s.concurrency_limits().list();
    reading.list("concurrency_limits", one_by_one(limits));
    reading.pages("publications", |page| s.publications().page(&PublicationFilter::new(), page));
    reading.pages("listings", |page| s.listings().page(&ListingFilter::new(), page));
    reading.pages("social_posts", |page| s.listings().page_of_posts(&PostFilter::new(), page));
    reading.pages("files", |page| s.files().page(&FileFilter::new(), page));
    reading.pages("operator_actions", |page| s.operator_actions().page(&OperatorActionFilter::all(), page));
    reading.pages("jobs", |page| s.jobs().page(&JobFilter::new(), page));
    reading.pages("processed_hashes", |page| s.hashes().page(page));
    reading.pages("api_costs", |page| s.api_costs().page(&ApiCostFilter::default(), page));
    reading.pages("api_usage", |page| s.api_usage().page(&ApiCallFilter::default(), page));
    reading.findings()
}

/// A list that fails with its first unreadable row, as a list of rows.
fn one_by_one<T>(list: Result<Vec<T>, StoreError>) -> Result<Vec<Result<T, UnreadableRow>>, StoreError> {
    Ok(match split_bad_row(list)? {
        Ok(rows) => rows.into_iter().map(Ok).collect(),
        Err(row) => vec![Err(row)],
    })
}

impl Reading<'_> {
    fn list<T>(&mut self, table: &'static str, list: Result<Vec<Result<T, UnreadableRow>>, StoreError>) {
        match list {
            Ok(rows) => {
                self.rows += rows.len() as u64;
                self.name(rows.into_iter().filter_map(Result::err).collect(), &mut 0);
            }
            Err(error) => self.failed.push(not_done(Check::UnreadableRows, table, &error)),
        }
    }

    fn pages<T>(&mut self, table: &'static str, mut page: impl FnMut(&PageRequest) -> Result<Page<T>, StoreError>) {
        let newest = PageRequest::first(PAGE).newest_first();
        let (mut request, mut named) = (newest.clone(), 0);
        loop {
            if !(self.go_on)() {
                self.cut_off.push(table);
                return;
            }
            match page(&request) {
                Ok(read) => {
                    self.rows += (read.items.len() + read.unreadable.len()) as u64;
                    self.name(read.unreadable, &mut named);
                    let Some(next) = read.next else { return };
                    request = newest.clone().after(next);
                }
                Err(error) => return self.failed.push(not_done(Check::UnreadableRows, table, &error)),
            }
        }
    }

    /// Counts the rows, and names them until enough of their table are named.
    fn name(&mut self, rows: Vec<UnreadableRow>, named: &mut usize) {
        self.unreadable += rows.len() as u64;
        let left = MOST_ROWS_NAMED.saturating_sub(*named);
        *named += rows.len().min(left);
        self.named.extend(rows.into_iter().take(left).map(|row| row.to_string()));
    }

    fn findings(self) -> Vec<Finding> {
        let Self { rows, unreadable, named, cut_off, mut failed, .. } = self;
        if unreadable > 0 {
            let found = format!("{unreadable} of {rows} rows cannot be read");
            let advice = "correct the named column in the program that has written it, or delete the row; \
                          the other rows are used as usual";
            failed.push(Finding::problem(Check::UnreadableRows, LOOKED_AT, found, advice).details(named));
        }
        if !cut_off.is_empty() {
            let found =
                format!("{rows} rows were read; these tables were not read to their end: {}", cut_off.join(", "));
            failed.push(Finding::warning(Check::UnreadableRows, LOOKED_AT, found, "run `fieldfen doctor --full`"));
        }
        if failed.is_empty() {
            failed.push(Finding::ok(Check::UnreadableRows, LOOKED_AT, format!("{rows} rows, all can be read")));
        }
        failed
    }
}
