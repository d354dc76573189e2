//! Costs of external APIs.

mod row;
#[cfg(test)]
mod tests;
mod totals;

use std::ops::RangeInclusive;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_cost::{
    ApiCost, ApiCostDays, ApiCostFilter, CostState, CostStatus, Currency, Money, RecordCostOutcome, Spend, SpendPeriod,
    SpendScope, record_cost,
};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::{ApiCostReads, ApiCosts, StoreError};
use fieldfen_domain::{Page, PageRequest, truncate_to_micros};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
use crate::sqlite::session::SqliteSession;

use row::{CostColumns, CostRow, cost_columns};

statement! {
    /// The cost with this service and external id.
    FindCost<'a> { service: &'a str as Text, external_id: &'a str as Text } -> CostColumns =
        concat!(cost_columns!(), " WHERE service = ? AND external_id = ?")
}
statement! {
    InsertCost<'a> {
        service: &'a str as Text,
        external_id: &'a str as Text,
        account: Option<&'a str> as Nullable<Text>,
        endpoint: Option<&'a str> as Nullable<Text>,
        item: Option<&'a str> as Nullable<Text>,
        amounts_json: &'a str as Text,
        status: &'a str as Text,
        amount_micros: Option<i64> as Nullable<BigInt>,
        guess_micros: Option<i64> as Nullable<BigInt>,
        currency: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        settled_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        job_id: Option<&'a str> as Nullable<Text>,
        file_id: Option<&'a str> as Nullable<Text>,
    } = "INSERT INTO api_costs (service, external_id, account, endpoint, item, amounts_json, status, amount_micros, \
         guess_micros, currency, at, settled_at, job_id, file_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Changes the state of a cost that still has the status that was read.
    SettleCost<'a> {
        item: Option<&'a str> as Nullable<Text>,
        amounts_json: &'a str as Text,
        status: &'a str as Text,
        amount_micros: Option<i64> as Nullable<BigInt>,
        guess_micros: Option<i64> as Nullable<BigInt>,
        currency: Option<&'a str> as Nullable<Text>,
        settled_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        job_id: Option<&'a str> as Nullable<Text>,
        file_id: Option<&'a str> as Nullable<Text>,
        id: i64 as BigInt,
        status_before: &'a str as Text,
    } = "UPDATE api_costs SET item = ?, amounts_json = ?, status = ?, amount_micros = ?, guess_micros = ?, currency = ?, \
         settled_at = ?, job_id = ?, file_id = ? WHERE id = ? AND status = ?"
}
statement! {
    /// The dearest known cost. A value that is no amount is skipped.
    Dearest<'a> {
        service: &'a str as Text,
        endpoint: Option<&'a str> as Nullable<Text>,
        currency: &'a str as Text,
    } -> (BigInt,) = "SELECT amount_micros FROM api_costs INDEXED BY idx_api_costs_dearest WHERE service = ? \
         AND endpoint IS ? AND currency = ? AND status = 'known' AND amount_micros BETWEEN 0 AND 9223372036854775807 \
         AND typeof(amount_micros) = 'integer' ORDER BY amount_micros DESC LIMIT 1"
}

/// The texts and numbers of a cost, as its columns have them.
struct CostValues {
    amounts_json: String,
    amount_micros: Option<i64>,
    guess_micros: Option<i64>,
    currency: Option<Currency>,
    job_id: Option<String>,
    file_id: Option<String>,
}

impl CostValues {
    fn new(cost: &ApiCost) -> Self {
        let micros = |money: Money| i64::try_from(money.micros()).unwrap_or(i64::MAX);
        let (amount_micros, guess_micros, currency) = match cost.state {
            CostState::Free => (Some(0), None, None),
            CostState::Known { amount } => (Some(micros(amount)), None, Some(amount.currency())),
            CostState::Pending { guess } | CostState::Unknown { guess } => {
                (None, Some(micros(guess)), Some(guess.currency()))
            }
        };
        Self {
            amounts_json: cost.amounts.to_string(),
            amount_micros,
            guess_micros,
            currency,
            job_id: cost.job_id.map(|id| id.to_string()),
            file_id: cost.file_id.map(|id| id.to_string()),
        }
    }
}

/// The texts of the ids in a filter.
#[derive(Debug, Default)]
struct FilterTexts {
    job_id: Option<String>,
    file_id: Option<String>,
}

impl FilterTexts {
    fn new(filter: &ApiCostFilter) -> Self {
        Self {
            job_id: filter.job_id.as_ref().map(ToString::to_string),
            file_id: filter.file_id.as_ref().map(ToString::to_string),
        }
    }
}

/// A page of the costs that match a filter. The index of the narrowest condition leads to the rows.
fn cost_page<'a>(
    filter: &'a ApiCostFilter,
    texts: &'a FilterTexts,
    request: &PageRequest,
) -> Result<TablePage<'a, CostColumns>, StoreError> {
    let status = filter.status.map(CostStatus::as_str);
    let unsettled = matches!(filter.status, Some(CostStatus::Pending | CostStatus::Unknown));
    let columns = [
        (" AND job_id = ", texts.job_id.as_deref(), concat!(cost_columns!(), " INDEXED BY idx_api_costs_job_id")),
        (" AND file_id = ", texts.file_id.as_deref(), concat!(cost_columns!(), " INDEXED BY idx_api_costs_file_id")),
        (
            " AND status IN ('pending', 'unknown') AND status = ",
            status.filter(|_| unsettled),
            concat!(cost_columns!(), " INDEXED BY idx_api_costs_unsettled"),
        ),
        (" AND status = ", status.filter(|_| !unsettled), ""),
        (" AND service = ", filter.service.as_deref(), ""),
    ];
    let indexed = columns.iter().position(|(_, value, select)| value.is_some() && !select.is_empty());
    // Without `NOT INDEXED`, SQLite takes the unique index of the service and sorts its rows.
    let select = indexed.map_or(concat!(cost_columns!(), " NOT INDEXED"), |at| columns[at].2);
    let page = TablePage::new("costs", select, request)?;
    Ok(columns.into_iter().enumerate().fold(page, |page, (at, (condition, value, _))| match indexed {
        Some(indexed) if indexed == at => page.with(condition, value),
        _ => page.and_beyond_the_index(condition, value),
    }))
}

impl SqliteSession<'_> {
    fn stored_cost(&mut self, service: &str, external_id: &str) -> Result<Option<(i64, ApiCost)>, StoreError> {
        let row = FindCost { service, external_id }.get_result::<CostRow>(self.conn).optional().store()?;
        row.map(|row| Ok((row.id, row.read()?))).transpose()
    }

    fn insert_cost(&mut self, cost: &ApiCost) -> Result<(), StoreError> {
        let values = CostValues::new(cost);
        let insert = InsertCost {
            service: &cost.service,
            external_id: &cost.external_id,
            account: cost.account.as_deref(),
            endpoint: cost.endpoint.as_deref(),
            item: cost.item.as_deref(),
            amounts_json: &values.amounts_json,
            status: cost.state.status().as_str(),
            amount_micros: values.amount_micros,
            guess_micros: values.guess_micros,
            currency: values.currency.as_ref().map(Currency::as_str),
            at: SqlTime(cost.at),
            settled_at: cost.settled_at.map(SqlTime),
            job_id: values.job_id.as_deref(),
            file_id: values.file_id.as_deref(),
        };
        insert.execute(self.conn).store()?;
        self.add_to_totals(cost)
    }

    fn settle_cost(&mut self, id: i64, stored: &ApiCost, settled: &ApiCost) -> Result<(), StoreError> {
        let values = CostValues::new(settled);
        let settle = SettleCost {
            item: settled.item.as_deref(),
            amounts_json: &values.amounts_json,
            status: settled.state.status().as_str(),
            amount_micros: values.amount_micros,
            guess_micros: values.guess_micros,
            currency: values.currency.as_ref().map(Currency::as_str),
            settled_at: settled.settled_at.map(SqlTime),
            job_id: values.job_id.as_deref(),
            file_id: values.file_id.as_deref(),
            id,
            status_before: stored.state.status().as_str(),
        };
        if settle.execute(self.conn).store()? != 1 {
            return Err(StoreError::Database(format!("cost {id} has changed since this transaction read it").into()));
        }
        self.remove_from_totals(stored)?;
        self.add_to_totals(settled)
    }
}

impl ApiCostReads for SqliteSession<'_> {
    fn find(&mut self, service: &str, external_id: &str) -> Result<Option<ApiCost>, StoreError> {
        Ok(self.stored_cost(service, external_id)?.map(|(_, cost)| cost))
    }

    fn page(&mut self, filter: &ApiCostFilter, request: &PageRequest) -> Result<Page<ApiCost>, StoreError> {
        let texts = FilterTexts::new(filter);
        cost_page(filter, &texts, request)?.read(self.conn, request, |row: CostRow| (row.id, row.read()))
    }

    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiCostDays, StoreError> {
        self.cost_days(days)
    }

    fn spend(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<Vec<Spend>, StoreError> {
        self.spend_of_period(period, scope)
    }

    fn dearest(
        &mut self,
        service: &str,
        endpoint: Option<&str>,
        currency: Currency,
    ) -> Result<Option<Money>, StoreError> {
        let dearest = Dearest { service, endpoint, currency: currency.as_str() };
        let row = dearest.get_result::<(i64,)>(self.conn).optional().store()?;
        Ok(row.and_then(|(micros,)| Money::from_micros(u64::try_from(micros).ok()?, currency).ok()))
    }
}

impl ApiCosts for SqliteSession<'_> {
    fn record(&mut self, cost: &ApiCost) -> Result<RecordCostOutcome, StoreError> {
        cost.check()?;
        let mut cost = cost.clone();
        (cost.at, cost.settled_at) = (truncate_to_micros(cost.at), cost.settled_at.map(truncate_to_micros));
        let Some((id, stored)) = self.stored_cost(&cost.service, &cost.external_id)? else {
            self.insert_cost(&cost)?;
            return Ok(RecordCostOutcome::Inserted);
        };
        match record_cost(&stored, &cost) {
            Some(settled) => {
                self.settle_cost(id, &stored, &settled)?;
                Ok(RecordCostOutcome::Updated)
            }
            None => Ok(RecordCostOutcome::Unchanged(Box::new(stored))),
        }
    }
}

/// The statements of these files, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let mut statements = tests::page_statements();
    statements.extend(
        [("FindCost", FindCost::SQL), ("SettleCost", SettleCost::SQL), ("Dearest", Dearest::SQL)]
            .map(|(name, sql)| (name, sql.to_owned())),
    );
    statements.extend(totals::statements());
    statements
}
