//! Ids in arguments: whole, or their first digits.

use std::fmt;
use std::str::FromStr;

use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, IdPrefix, IdTable, InvalidId, JobId, ListingId, PublicationId, SocialPostId};
use fieldfen_services::ids::{IdMatch, Ids};
use fieldfen_terminal::Exit;

/// An id of the rows of a table.
pub(crate) trait RowId: FromStr<Err = InvalidId> + Copy + fmt::Display {
    const TABLE: IdTable;
    /// The name of a row, for example `file`.
    const NOUN: &'static str;

    /// The first id that begins with these digits.
    fn first_of(prefix: &IdPrefix) -> Self;
}

macro_rules! row_ids {
    ($($id:ident, $table:ident, $noun:literal;)+) => {$(
        impl RowId for $id {
            const TABLE: IdTable = IdTable::$table;
            const NOUN: &'static str = $noun;

            fn first_of(prefix: &IdPrefix) -> Self {
                Self::from_uuid(prefix.bounds()[0])
            }
        }
    )+};
}

row_ids! {
    FileId, Files, "file";
    JobId, Jobs, "job";
    PublicationId, Publications, "publication";
    ListingId, Listings, "listing";
    SocialPostId, SocialPosts, "post";
}

/// An id, or its first digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdArgument<T> {
    Whole(T),
    Prefix(IdPrefix),
}

impl<T: RowId> FromStr for IdArgument<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = match text.parse() {
            Ok(id) => return Ok(Self::Whole(id)),
            Err(error) => error,
        };
        text.parse().map(Self::Prefix).map_err(|_| format!("{error}, nor the first 8 or more digits of one"))
    }
}

impl<T: RowId> IdArgument<T> {
    /// The whole id, or the first one that begins with the digits, which no row has.
    pub(crate) fn first(&self) -> T {
        match self {
            Self::Whole(id) => *id,
            Self::Prefix(prefix) => T::first_of(prefix),
        }
    }

    /// The id. The rows with the first digits are looked up; a whole id is not.
    pub(crate) fn resolve(&self, store: &impl Store) -> anyhow::Result<T> {
        let prefix = match self {
            Self::Whole(id) => return Ok(*id),
            Self::Prefix(prefix) => prefix,
        };
        let noun = T::NOUN;
        match Ids::new(store.clone()).find(T::TABLE, prefix)? {
            IdMatch::One(id) => Ok(id.parse()?),
            IdMatch::Several { candidates, has_more } => {
                let more = if has_more { ", …" } else { "" };
                let text = format!(
                    "the id of more than one {noun} begins with {prefix}: {}{more}; give more digits",
                    candidates.join(", ")
                );
                Err(Exit::Usage.with(text).into())
            }
            _ => Err(Exit::NotFound.with(format!("the id of no {noun} begins with {prefix}")).into()),
        }
    }
}

impl<T: RowId> IdArgument<T> {
    /// As [`resolve`](Self::resolve), and looks a whole id up too: a request about a row that is not there would wait for a
    /// worker that can only refuse it.
    pub(crate) fn resolve_existing(&self, store: &impl Store) -> anyhow::Result<T> {
        let id = self.resolve(store)?;
        match Ids::new(store.clone()).find(T::TABLE, &id.to_string().parse()?)? {
            IdMatch::Nothing => Err(Exit::NotFound.with(format!("there is no {} {id}", T::NOUN)).into()),
            _ => Ok(id),
        }
    }
}

/// The id of an argument that may be left out.
pub(crate) fn resolve<T: RowId>(argument: Option<&IdArgument<T>>, store: &impl Store) -> anyhow::Result<Option<T>> {
    argument.map(|id| id.resolve(store)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_whole_or_its_first_eight_digits_or_more() {
        let parse = |text: &str| text.parse::<IdArgument<FileId>>();
        let whole = "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11";
        for text in [whole, &whole.replace('-', "")] {
            assert_eq!(parse(text), Ok(IdArgument::Whole(whole.parse().unwrap())), "{text}");
        }
        for text in ["0b5a4f0e", "0b5a4f0e-4f"] {
            assert_eq!(parse(text), Ok(IdArgument::Prefix(text.parse().unwrap())), "{text}");
        }
        for text in ["0b5a4f0", "fox", ""] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("file id") && error.contains("nor the first 8 or more digits"), "{error}");
        }
    }
}
