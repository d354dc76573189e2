//! The costs of each day and each month. The transaction that writes a cost changes both.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::api_cost::{
    ApiCost, ApiCostDays, BudgetPeriod, CostStatus, Currency, DailyApiCost, Spend, SpendPeriod, SpendScope,
};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::split_bad_row;

use super::row::money;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, StoredNumber, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// Adds the numbers of a new row to the stored ones. A sum of money ends at the largest number: SQLite would go on with
/// a real number.
macro_rules! add {
    () => {
        " ON CONFLICT DO UPDATE SET \
         known_micros = known_micros + min(excluded.known_micros, 9223372036854775807 - known_micros), \
         guessed_micros = guessed_micros + min(excluded.guessed_micros, 9223372036854775807 - guessed_micros), \
         items = items + excluded.items, unknown_items = unknown_items + excluded.unknown_items"
    };
}

/// Removes an unsettled cost.
macro_rules! remove {
    () => {
        " SET guessed_micros = max(guessed_micros - ?, 0), items = items - 1, unknown_items = unknown_items - ? "
    };
}

statement! {
    AddToDay<'a> {
        day: &'a str as Text,
        service: &'a str as Text,
        account: &'a str as Text,
        endpoint: &'a str as Text,
        currency: &'a str as Text,
        known_micros: i64 as BigInt,
        guessed_micros: i64 as BigInt,
        unknown_items: i64 as BigInt,
    } = concat!(
        "INSERT INTO api_cost_daily (day, service, account, endpoint, currency, known_micros, guessed_micros, items, \
         unknown_items) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)", add!()
    )
}
statement! {
    AddToMonth<'a> {
        month: &'a str as Text,
        service: &'a str as Text,
        account: &'a str as Text,
        currency: &'a str as Text,
        known_micros: i64 as BigInt,
        guessed_micros: i64 as BigInt,
        unknown_items: i64 as BigInt,
    } = concat!(
        "INSERT INTO api_cost_monthly (month, service, account, currency, known_micros, guessed_micros, items, \
         unknown_items) VALUES (?, ?, ?, ?, ?, ?, 1, ?)", add!()
    )
}
statement! {
    RemoveFromDay<'a> {
        guessed_micros: i64 as BigInt,
        unknown_items: i64 as BigInt,
        day: &'a str as Text,
        service: &'a str as Text,
        account: &'a str as Text,
        endpoint: &'a str as Text,
        currency: &'a str as Text,
    } = concat!(
        "UPDATE api_cost_daily", remove!(),
        "WHERE day = ? AND service = ? AND account = ? AND endpoint = ? AND currency = ?"
    )
}
statement! {
    RemoveFromMonth<'a> {
        guessed_micros: i64 as BigInt,
        unknown_items: i64 as BigInt,
        month: &'a str as Text,
        service: &'a str as Text,
        account: &'a str as Text,
        currency: &'a str as Text,
    } = concat!(
        "UPDATE api_cost_monthly", remove!(), "WHERE month = ? AND service = ? AND account = ? AND currency = ?"
    )
}
statement! {
    /// The costs of a span of days. A row without items is left by a cost that was settled in another currency.
    CostDays<'a> { first: &'a str as Text, last: &'a str as Text }
        -> (Text, Text, Text, Text, Text, BigInt, BigInt, BigInt, BigInt) =
        "SELECT day, service, account, endpoint, currency, known_micros, guessed_micros, items, unknown_items \
         FROM api_cost_daily WHERE day >= ? AND day <= ? AND items <> 0 \
         ORDER BY day, service, account, endpoint, currency"
}
statement! {
    SpendOfDay<'a> {
        day: &'a str as Text,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (Text, Text, BigInt, BigInt, BigInt, BigInt) =
        "SELECT service, currency, known_micros, guessed_micros, items, unknown_items FROM api_cost_daily WHERE day = ? \
         AND service = coalesce(?, service) AND account = coalesce(?, account) AND currency <> '' AND items <> 0"
}
statement! {
    SpendOfMonth<'a> {
        month: &'a str as Text,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (Text, Text, BigInt, BigInt, BigInt, BigInt) =
        "SELECT service, currency, known_micros, guessed_micros, items, unknown_items FROM api_cost_monthly \
         WHERE month = ? AND service = coalesce(?, service) AND account = coalesce(?, account) AND items <> 0"
}

/// A row of `api_cost_daily`.
#[derive(Debug, Queryable)]
struct DailyRow {
    day: StoredText,
    service: StoredText,
    account: StoredText,
    endpoint: StoredText,
    currency: StoredText,
    known_micros: StoredNumber,
    guessed_micros: StoredNumber,
    items: StoredNumber,
    unknown_items: StoredNumber,
}

impl DailyRow {
    fn read(self) -> Result<DailyApiCost, StoreError> {
        let key = format!("{} of {}", self.service.name(), self.day.name());
        let row = RowRef::known("api_cost_daily", &key);
        let mut total = DailyApiCost::new(row.parse("day", &self.day)?, row.text("service", self.service)?);
        total.account = row.text("account", self.account)?;
        total.endpoint = row.text("endpoint", self.endpoint)?;
        total.currency = match self.currency.as_str() {
            Some("") => None,
            _ => Some(row.parse("currency", &self.currency)?),
        };
        total.known_micros = whole(row, "known_micros", self.known_micros)?;
        total.guessed_micros = whole(row, "guessed_micros", self.guessed_micros)?;
        total.items = whole(row, "items", self.items)?;
        total.unknown_items = whole(row, "unknown_items", self.unknown_items)?;
        Ok(total)
    }
}

/// The money spent with one service in a period.
#[derive(Debug, Queryable)]
struct SpendRow {
    service: StoredText,
    currency: StoredText,
    known_micros: StoredNumber,
    guessed_micros: StoredNumber,
    items: StoredNumber,
    unknown_items: StoredNumber,
}

impl SpendRow {
    fn read(self, table: &'static str, period: &str) -> Result<Spend, StoreError> {
        let key = format!("{} of {period}", self.service.name());
        let row = RowRef::known(table, &key);
        let currency: Currency = row.parse("currency", &self.currency)?;
        let mut spend = Spend::nothing(currency);
        spend.known = money(row, "known_micros", self.known_micros, currency)?;
        spend.guessed = money(row, "guessed_micros", self.guessed_micros, currency)?;
        spend.items = whole(row, "items", self.items)?;
        spend.unknown_items = whole(row, "unknown_items", self.unknown_items)?;
        Ok(spend)
    }
}

fn whole(row: RowRef<'_>, column: &'static str, number: StoredNumber) -> Result<u64, StoreError> {
    let number = row.number(column, number)?;
    u64::try_from(number).map_err(|_| row.bad(column, number, "it must not be negative"))
}

/// The amounts that a cost adds to its day and month.
struct Share<'a> {
    day: String,
    month: String,
    account: &'a str,
    endpoint: &'a str,
    currency: Option<Currency>,
    known_micros: i64,
    guessed_micros: i64,
    unknown_items: i64,
}

impl<'a> Share<'a> {
    fn of(cost: &'a ApiCost) -> Self {
        let (amount, guess) = (cost.state.amount(), cost.state.guess());
        let micros = |money: Option<fieldfen_domain::api_cost::Money>| {
            money.map_or(0, |money| i64::try_from(money.micros()).unwrap_or(i64::MAX))
        };
        Self {
            day: BudgetPeriod::Day.of(cost.at).to_string(),
            month: BudgetPeriod::Month.of(cost.at).to_string(),
            account: cost.account.as_deref().unwrap_or_default(),
            endpoint: cost.endpoint.as_deref().unwrap_or_default(),
            currency: amount.or(guess).map(|money| money.currency()),
            known_micros: micros(amount),
            guessed_micros: micros(guess),
            unknown_items: (cost.state.status() == CostStatus::Unknown).into(),
        }
    }
}

impl SqliteSession<'_> {
    pub(super) fn add_to_totals(&mut self, cost: &ApiCost) -> Result<(), StoreError> {
        let share = Share::of(cost);
        let (service, account) = (&cost.service, share.account);
        let (known_micros, guessed_micros) = (share.known_micros, share.guessed_micros);
        let (currency, unknown_items) = (share.currency.as_ref().map_or("", Currency::as_str), share.unknown_items);
        let (day, endpoint) = (&share.day, share.endpoint);
        AddToDay { day, service, account, endpoint, currency, known_micros, guessed_micros, unknown_items }
            .execute(self.conn)
            .store()?;
        if share.currency.is_some() {
            let month = &share.month;
            AddToMonth { month, service, account, currency, known_micros, guessed_micros, unknown_items }
                .execute(self.conn)
                .store()?;
        }
        Ok(())
    }

    /// Removes a cost that is not settled: a settled one never changes.
    pub(super) fn remove_from_totals(&mut self, cost: &ApiCost) -> Result<(), StoreError> {
        let share = Share::of(cost);
        let (service, account, guessed_micros) = (&cost.service, share.account, share.guessed_micros);
        let (currency, unknown_items) = (share.currency.as_ref().map_or("", Currency::as_str), share.unknown_items);
        let (day, month, endpoint) = (&share.day, &share.month, share.endpoint);
        RemoveFromDay { guessed_micros, unknown_items, day, service, account, endpoint, currency }
            .execute(self.conn)
            .store()?;
        RemoveFromMonth { guessed_micros, unknown_items, month, service, account, currency }
            .execute(self.conn)
            .store()?;
        Ok(())
    }

    pub(super) fn cost_days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiCostDays, StoreError> {
        let (first, last) = (days.start().to_string(), days.end().to_string());
        let mut answer = ApiCostDays::default();
        for row in (CostDays { first: &first, last: &last }).load::<DailyRow>(self.conn).store()? {
            match split_bad_row(row.read())? {
                Ok(total) => answer.days.push(total),
                Err(row) => answer.unreadable.push(row),
            }
        }
        Ok(answer)
    }

    pub(super) fn spend_of_period(
        &mut self,
        period: SpendPeriod,
        scope: &SpendScope,
    ) -> Result<Vec<Spend>, StoreError> {
        let (name, service, account) = (period.to_string(), scope.service.as_deref(), scope.account.as_deref());
        let (table, rows): (_, Vec<SpendRow>) = match period.length() {
            BudgetPeriod::Day => {
                ("api_cost_daily", SpendOfDay { day: &name, service, account }.load(self.conn).store()?)
            }
            BudgetPeriod::Month => {
                ("api_cost_monthly", SpendOfMonth { month: &name, service, account }.load(self.conn).store()?)
            }
        };
        let mut sums: BTreeMap<Currency, Spend> = BTreeMap::new();
        for row in rows {
            let spend = row.read(table, &name)?;
            let currency = spend.known.currency();
            sums.entry(currency).or_insert_with(|| Spend::nothing(currency)).add(&spend);
        }
        Ok(sums.into_values().collect())
    }
}

/// The statements of this file, for the test of query plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    [
        ("AddToDay", AddToDay::SQL),
        ("AddToMonth", AddToMonth::SQL),
        ("RemoveFromDay", RemoveFromDay::SQL),
        ("RemoveFromMonth", RemoveFromMonth::SQL),
        ("CostDays", CostDays::SQL),
        ("SpendOfDay", SpendOfDay::SQL),
        ("SpendOfMonth", SpendOfMonth::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec()
}
