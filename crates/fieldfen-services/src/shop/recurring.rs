//! Recurring work: `[[recurring]]`.

use std::fmt::Display;
use std::str::FromStr;

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{ApiAccount, JobKind};
use serde::Deserialize;

use super::json_value::JsonValue;
use super::setting::{InvalidShop, Setting};
use crate::recurring::{Definition, Schedule, TimeZone};

/// The beginning of the names whose work fieldfen defines itself.
const OWN_NAMES: &str = "fieldfen.";

/// One `[[recurring]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with name, schedule, time_zone, kind, payload and account")]
pub(super) struct RecurringRule {
    name: String,
    schedule: String,
    time_zone: Option<String>,
    kind: JobKind,
    payload: Option<JsonValue>,
    account: Option<String>,
}

/// The recurring work of these rules.
pub(super) fn definitions(rules: &[RecurringRule]) -> Result<Vec<Definition>, InvalidShop> {
    let mut definitions: Vec<Definition> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let at = Setting::of("recurring").item(index);
        let definition = rule.definition(&at)?;
        if let Some(other) = definitions.iter().position(|other| other.name == definition.name) {
            let reason = format!("recurring #{} has this name", other + 1);
            return Err(InvalidShop::at(at.key("name"), format!("{:?}", rule.name), reason));
        }
        definitions.push(definition);
    }
    Ok(definitions)
}

impl RecurringRule {
    fn definition(&self, at: &Setting) -> Result<Definition, InvalidShop> {
        if self.name.starts_with(OWN_NAMES) {
            let reason = format!("names that begin with {OWN_NAMES} are for the work that fieldfen defines itself");
            return Err(InvalidShop::at(at.clone().key("name"), format!("{:?}", self.name), reason));
        }
        let schedule: Schedule = parse(at, "schedule", &self.schedule)?;
        let zone = self.time_zone.as_deref().map(|zone| parse::<TimeZone>(at, "time_zone", zone)).transpose()?;
        let schedule = schedule.in_time_zone(zone.unwrap_or(TimeZone::UTC));
        let payload = self.payload.as_ref().map(|payload| {
            let invalid = |error: fieldfen_domain::InvalidJson| {
                InvalidShop::at(at.clone().key("payload"), "no JSON document", error.to_string())
            };
            RawJson::from_value(&payload.0).map_err(invalid)
        });
        let account = self.account.as_deref().map(|account| parse::<ApiAccount>(at, "account", account)).transpose()?;
        Ok(Definition::new(parse(at, "name", &self.name)?, schedule, self.kind.clone())
            .payload(payload.transpose()?)
            .account(account))
    }
}

/// The value of a setting. The errors of these types name the value and the rule.
fn parse<T: FromStr<Err: Display>>(at: &Setting, key: &str, text: &str) -> Result<T, InvalidShop> {
    let shown: String = text.chars().take(64).collect();
    text.parse().map_err(|error: T::Err| InvalidShop::at(at.clone().key(key), format!("{shown:?}"), error.to_string()))
}
