//! The number of retries of each kind of job.

use std::collections::BTreeMap;
use std::fmt;

use fieldfen_domain::job::{DEFAULT_MAX_RETRIES, JobKind, RetryPolicy};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::setting::{InvalidShop, Setting};
use crate::queue::RetryPolicies;

/// The largest number of retries. With the default backoff, such a job is retried for a century.
const MAX_RETRIES: u32 = 1_000_000;

/// The table of the program's own kinds.
const OWN: &str = "own";

/// The name of the number for all other kinds.
const OTHERWISE: &str = "otherwise";

/// The number of retries of each kind of job. In a file, the specification's eight kinds have their own names, so that
/// a misspelt one is noticed. The program's own kinds are in a table `own`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retries {
    pub(super) otherwise: u32,
    pub(super) by_kind: BTreeMap<JobKind, u32>,
}

impl Default for Retries {
    fn default() -> Self {
        Self { otherwise: DEFAULT_MAX_RETRIES, by_kind: BTreeMap::new() }
    }
}

impl Retries {
    pub(super) fn policies(&self) -> RetryPolicies {
        let policy = |max_retries| RetryPolicy::default().max_retries(max_retries);
        let policies = RetryPolicies::new(policy(self.otherwise));
        self.by_kind.iter().fold(policies, |policies, (kind, &retries)| policies.with(kind.clone(), policy(retries)))
    }

    pub(super) fn check(&self) -> Result<(), InvalidShop> {
        let at = Setting::of("retries");
        let by_kind = self.by_kind.iter().map(|(kind, &retries)| {
            let at = if matches!(kind, JobKind::Custom(_)) { at.clone().key(OWN) } else { at.clone() };
            (at.key(kind.as_str()), retries)
        });
        let mut all = by_kind.chain([(at.clone().key(OTHERWISE), self.otherwise)]);
        match all.find(|(_, retries)| *retries > MAX_RETRIES) {
            Some((at, retries)) => Err(InvalidShop::at(at, retries.to_string(), "it must be 0 to 1000000")),
            None => Ok(()),
        }
    }
}

/// A name in the table of retries.
enum Name {
    Otherwise,
    Own,
    Specified(JobKind),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match name.as_str() {
            OTHERWISE => Ok(Self::Otherwise),
            OWN => Ok(Self::Own),
            _ => JobKind::SPECIFIED.into_iter().find(|kind| kind.as_str() == name).map(Self::Specified).ok_or_else(|| {
                let kinds = JobKind::SPECIFIED.map(|kind| kind.to_string()).join(", ");
                de::Error::custom(format!(
                    "{name:?}: it must be {OTHERWISE}, {OWN} or one of {kinds}; the shop's own kinds belong into [retries.{OWN}]"
                ))
            }),
        }
    }
}

/// A name in the table of the program's own kinds.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OwnKind(JobKind);

impl<'de> Deserialize<'de> for OwnKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match JobKind::deserialize(deserializer)? {
            kind @ JobKind::Custom(_) => Ok(Self(kind)),
            kind => Err(de::Error::custom(format!(
                "{:?}: it must be a kind of the shop's own; the specification's belong into [retries]",
                kind.as_str()
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Retries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Retries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of numbers of retries by kind of job")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Retries, A::Error> {
                let mut retries = Retries::default();
                while let Some(name) = table.next_key()? {
                    match name {
                        Name::Otherwise => retries.otherwise = table.next_value()?,
                        Name::Own => {
                            let own: BTreeMap<OwnKind, u32> = table.next_value()?;
                            retries.by_kind.extend(own.into_iter().map(|(OwnKind(kind), retries)| (kind, retries)));
                        }
                        Name::Specified(kind) => drop(retries.by_kind.insert(kind, table.next_value()?)),
                    }
                }
                Ok(retries)
            }
        }

        deserializer.deserialize_map(Table)
    }
}
