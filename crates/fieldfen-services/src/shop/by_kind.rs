//! A setting of each kind of job.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use fieldfen_domain::job::JobKind;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The table of the program's own kinds.
pub(super) const OWN: &str = "own";

/// The name of the value for all other kinds.
pub(super) const OTHERWISE: &str = "otherwise";

/// A setting of each kind of job. In a file, the specification's eight kinds have their own names, so that a misspelt one is
/// noticed. The program's own kinds are in a table `own`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByKind<T> {
    /// The value of all kinds without their own; `None` for the default.
    pub(super) otherwise: Option<T>,
    pub(super) by_kind: BTreeMap<JobKind, T>,
}

impl<T> Default for ByKind<T> {
    fn default() -> Self {
        Self { otherwise: None, by_kind: BTreeMap::new() }
    }
}

/// A name in the table.
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
                    "{name:?}: it must be {OTHERWISE}, {OWN} or one of {kinds}; the shop's own kinds belong into the \
                     table {OWN} of this section"
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
                "{:?}: it must be a kind of the shop's own; the specification's belong into the section itself",
                kind.as_str()
            ))),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByKind<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
            type Value = ByKind<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of values by kind of job")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<ByKind<T>, A::Error> {
                let mut values = ByKind::default();
                while let Some(name) = table.next_key()? {
                    match name {
                        Name::Otherwise => values.otherwise = Some(table.next_value()?),
                        Name::Own => {
                            let own: BTreeMap<OwnKind, T> = table.next_value()?;
                            values.by_kind.extend(own.into_iter().map(|(OwnKind(kind), value)| (kind, value)));
                        }
                        Name::Specified(kind) => drop(values.by_kind.insert(kind, table.next_value()?)),
                    }
                }
                Ok(values)
            }
        }

        deserializer.deserialize_map(Table(PhantomData))
    }
}
