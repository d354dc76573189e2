//! Ids by their beginning.

use std::fmt::Display;

use fieldfen_domain::store::{IdReads, StoreError};
use fieldfen_domain::{FileId, IdPrefix, IdTable, JobId, ListingId, PublicationId, SocialPostId};

use super::keys::{FileKey, JobKey, ListingKey, PostKey, PublicationKey};
use super::{ModelSession, words};

impl IdReads for ModelSession<'_> {
    fn ids(&mut self, table: IdTable, prefix: &IdPrefix, limit: u32) -> Result<Vec<String>, StoreError> {
        let [first, last] = prefix.bounds();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        macro_rules! ids {
            ($rows:ident, $key:ident, $id:ident, $id_of:expr) => {{
                let (from, to) = ($key::Id($id::from_uuid(first)), $key::Id($id::from_uuid(last)));
                texts(self.state.$rows.span(from, to).map(|(_, row)| $id_of(row)), limit)
            }};
        }
        Ok(match table {
            IdTable::Files => ids!(files, FileKey, FileId, |row: &fieldfen_domain::file::File| row.id),
            IdTable::Jobs => ids!(jobs, JobKey, JobId, |row: &super::JobRow| row.job.id),
            IdTable::Publications => {
                ids!(publications, PublicationKey, PublicationId, |row: &super::Publication| row.id)
            }
            IdTable::Listings => ids!(listings, ListingKey, ListingId, |row: &super::Listing| row.id),
            IdTable::SocialPosts => ids!(posts, PostKey, SocialPostId, |row: &super::SocialPost| row.id),
            other => return Err(StoreError::Database(words(&format!("{other:?} is no table of the model")))),
        })
    }
}

fn texts(ids: impl Iterator<Item = impl Display>, limit: usize) -> Vec<String> {
    ids.take(limit).map(|id| id.to_string()).collect()
}
