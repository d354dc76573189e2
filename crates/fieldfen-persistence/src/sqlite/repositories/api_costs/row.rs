//! A row of `api_costs`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_cost::{ApiCost, CostState, CostStatus, Currency, Money};
use fieldfen_domain::store::StoreError;

use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, StoredTime};

/// The columns of [`CostRow`], in its order.
macro_rules! cost_columns {
    () => {
        "SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, \
         currency, at, settled_at, job_id, file_id FROM api_costs"
    };
}

pub(super) use cost_columns;

/// The SQL types of [`cost_columns`].
pub(super) type CostColumns = (
    BigInt,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Text,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    SqlTimestamp,
    Nullable<SqlTimestamp>,
    Nullable<Text>,
    Nullable<Text>,
);

#[derive(Debug, Queryable)]
pub(super) struct CostRow {
    pub(super) id: i64,
    service: StoredText,
    external_id: StoredText,
    account: Option<StoredText>,
    endpoint: Option<StoredText>,
    item: Option<StoredText>,
    amounts_json: StoredText,
    status: StoredText,
    amount_micros: Option<StoredNumber>,
    guess_micros: Option<StoredNumber>,
    currency: Option<StoredText>,
    at: StoredTime,
    settled_at: Option<StoredTime>,
    job_id: Option<StoredText>,
    file_id: Option<StoredText>,
}

impl CostRow {
    pub(super) fn read(self) -> Result<ApiCost, StoreError> {
        let id = self.id.to_string();
        let row = RowRef::known("api_costs", &id);
        let state = self.state(row)?;
        let at = row.time("at", self.at)?;
        let mut cost =
            ApiCost::new(row.text("service", self.service)?, row.text("external_id", self.external_id)?, state, at);
        cost.settled_at = row.nullable_time("settled_at", self.settled_at)?;
        Ok(cost
            .account(row.nullable_text("account", self.account)?)
            .endpoint(row.nullable_text("endpoint", self.endpoint)?)
            .item(row.nullable_text("item", self.item)?)
            .amounts(row.parse("amounts_json", &self.amounts_json)?)
            .job_id(row.parse_nullable("job_id", self.job_id.as_ref())?)
            .file_id(row.parse_nullable("file_id", self.file_id.as_ref())?))
    }

    /// The state. It is an error if the columns disagree.
    fn state(&self, row: RowRef<'_>) -> Result<CostState, StoreError> {
        let status: CostStatus = row.parse("status", &self.status)?;
        let currency: Option<Currency> = row.parse_nullable("currency", self.currency.as_ref())?;
        let money = |column, micros: Option<StoredNumber>| {
            let Some(micros) = micros else {
                return Err(row.bad(column, "NULL", format!("a cost that is {status} must have one")));
            };
            let Some(currency) = currency else {
                return Err(row.bad("currency", "NULL", format!("a cost that is {status} must have one")));
            };
            money(row, column, micros, currency)
        };
        let (column, other) = match status {
            CostStatus::Known => ("guess_micros", self.guess_micros),
            _ => ("amount_micros", self.amount_micros),
        };
        if let (Some(other), true) = (other, status != CostStatus::Free) {
            return Err(row.bad(
                column,
                row.number(column, other)?,
                format!("it must be NULL in a cost that is {status}"),
            ));
        }
        Ok(match status {
            CostStatus::Pending => CostState::Pending { guess: money("guess_micros", self.guess_micros)? },
            CostStatus::Unknown => CostState::Unknown { guess: money("guess_micros", self.guess_micros)? },
            CostStatus::Known => CostState::Known { amount: money("amount_micros", self.amount_micros)? },
            CostStatus::Free => CostState::Free,
        })
    }
}

/// An amount of money. SQLite holds no larger integers than [`Money`] does.
pub(super) fn money(
    row: RowRef<'_>,
    column: &'static str,
    micros: StoredNumber,
    currency: Currency,
) -> Result<Money, StoreError> {
    let micros = row.number(column, micros)?;
    let money = u64::try_from(micros).ok().and_then(|micros| Money::from_micros(micros, currency).ok());
    money.ok_or_else(|| row.bad(column, micros, "it must not be negative"))
}
