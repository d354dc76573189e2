//! Ids by their beginning.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::store::{IdReads, StoreError};
use fieldfen_domain::{FileId, IdPrefix, IdTable};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

macro_rules! ids_of {
    ($name:ident, $table:literal) => {
        statement! {
            /// The ids of a table in a range of texts.
            $name<'a> { from: &'a str as Text, before: &'a str as Text, limit: i64 as BigInt } -> (Nullable<Text>,) =
                concat!("SELECT id FROM ", $table, " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?")
        }
    };
}

ids_of!(FileIds, "files");
ids_of!(JobIds, "jobs");
ids_of!(PublicationIds, "publications");
ids_of!(ListingIds, "listings");
ids_of!(SocialPostIds, "social_posts");

impl IdReads for SqliteSession<'_> {
    fn ids(&mut self, table: IdTable, prefix: &IdPrefix, limit: u32) -> Result<Vec<String>, StoreError> {
        let mut ids = BTreeSet::new();
        // Programs write an id with hyphens or without.
        for from in BTreeSet::from([prefix.hyphenated(), prefix.digits().to_owned()]) {
            // Every text that begins with the digits sorts before this one.
            let (from, before, limit) = (from.as_str(), format!("{from}g"), i64::from(limit));
            let before = before.as_str();
            macro_rules! load {
                ($name:ident) => {
                    $name { from, before, limit }.load::<(Option<StoredText>,)>(self.conn)
                };
            }
            let rows = match table {
                IdTable::Files => load!(FileIds),
                IdTable::Jobs => load!(JobIds),
                IdTable::Publications => load!(PublicationIds),
                IdTable::Listings => load!(ListingIds),
                IdTable::SocialPosts => load!(SocialPostIds),
                other => return Err(StoreError::Database(format!("{other:?} has no ids in this store").into())),
            };
            // All ids have the form of a file's id.
            let texts = rows.store()?.into_iter().filter_map(|(id,)| id?.as_str().map(str::to_owned));
            ids.extend(texts.filter_map(|text| text.parse::<FileId>().ok()).map(|id| id.to_string()));
        }
        ids.retain(|id| id.starts_with(&prefix.hyphenated()));
        Ok(ids.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    [
        ("FileIds", FileIds::SQL),
        ("JobIds", JobIds::SQL),
        ("PublicationIds", PublicationIds::SQL),
        ("ListingIds", ListingIds::SQL),
        ("SocialPostIds", SocialPostIds::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::sqlite::columns::test_database::database;

    #[test]
    fn an_id_without_hyphens_is_found_and_a_text_that_is_no_id_is_left_out() {
        let mut conn = database();
        let ids =
            ["0b5a4f0e4f5c4b0e9a530c2a6f4f9a11", "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a12", "0b5a4f0e-fox", "0B5A4F0E"];
        for id in ids {
            let insert =
                format!("INSERT INTO files (id, original_filename, status) VALUES ('{id}', 'a.jpg', 'ingested')");
            conn.batch_execute(&insert).unwrap();
        }
        let mut session = SqliteSession::new(&mut conn);
        let mut found = |prefix: &str| session.ids(IdTable::Files, &prefix.parse().unwrap(), 9).unwrap();
        let both = ["0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11", "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a12"];
        assert_eq!(found("0b5a4f0e"), both);
        assert_eq!(found("0b5a4f0e-4f5"), both);
        assert_eq!(found("0b5a4f0e4f5c4b0e9a530c2a6f4f9a11"), both[..1]);
    }
}
