//! Adopts a row that another program inserted, or the key that a person has given to a product.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, IdempotencyKey, PlatformRowId, Publication,
};
use fieldfen_domain::store::publication_decisions::AdoptDecision;
use fieldfen_domain::store::{PublicationReads, StoreError};
use fieldfen_domain::{PublicationId, Timestamp};

use super::reserve::post_type;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Sets the key of a publication.
    SetKey<'a> { client_key: &'a str as Text, at: SqlTime as SqlTimestamp, id: &'a str as Text } =
        "UPDATE publications SET client_key = ?, updated_at = ? WHERE id = ? AND state IN ('confirmed', 'ended')"
}

statement! {
    /// Gives a publication with an open target its target.
    Assign<'a> {
        account: &'a str as Text,
        discriminator: &'a str as Text,
        post_type: Option<&'a str> as Nullable<Text>,
        client_key: &'a str as Text,
        platform_id: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
    } = "UPDATE publications SET account = ?, discriminator = ?, post_type = ?, client_key = ?, platform_id = ?, \
         parked_for = NULL, updated_at = ? WHERE id = ? AND state = 'confirmed' AND parked_for IS NOT NULL"
}

impl SqliteSession<'_> {
    pub(super) fn adopt_row(&mut self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        adoption.check()?;
        let request = &adoption.request;
        let known = self.all_of_file(&request.file_id, &request.target)?;
        let same = self.same_id(&request.target, &adoption.confirmation.platform_id)?;
        let decision = known.decide_adopt(adoption, &same)?;
        let mut publications = known.publications;
        let publication = match decision {
            AdoptDecision::Live(position) => return Ok(AdoptOutcome::Live(publications.swap_remove(position))),
            AdoptDecision::Taken(other) => return Ok(AdoptOutcome::Taken(*other)),
            AdoptDecision::NotUntracked => return Ok(AdoptOutcome::NotUntracked),
            AdoptDecision::Assigned(next) => return self.assign(*next),
            AdoptDecision::Ended(position) => publications.swap_remove(position),
            AdoptDecision::Again(position) => self.reserve_again(&publications.swap_remove(position), request)?,
            AdoptDecision::New(client_key) => self.reserve_new(request, client_key)?,
        };
        if let PlatformRowId::Post(id) = &adoption.row {
            self.set_post_id(id, &adoption.confirmation.platform_id)?;
        }
        let confirmed = self.confirm_publication(&publication.id, &adoption.confirmation)?;
        match (confirmed, self.find(&publication.id)?) {
            (ConfirmOutcome::Done, Some(publication)) => Ok(AdoptOutcome::Done(publication)),
            (other, _) => {
                let answer = format!("publication {} was to be adopted, and is {other:?}", publication.id);
                Err(StoreError::Database(answer.into()))
            }
        }
    }

    fn assign(&mut self, next: Publication) -> Result<AdoptOutcome, StoreError> {
        let assign = Assign {
            account: next.target.account(),
            discriminator: next.target.variant_or_key(),
            post_type: post_type(&next.target),
            client_key: next.client_key.as_str(),
            platform_id: next.platform_id.as_deref(),
            at: SqlTime(next.updated_at),
            id: &next.id.to_string(),
        };
        if assign.execute(self.conn).writing(|| format!("publication {}", next.id))? == 0 {
            let changed = format!("publication {} changed while it got its target", next.id);
            return Err(StoreError::Database(changed.into()));
        }
        Ok(AdoptOutcome::Done(next))
    }

    pub(super) fn set_client_key(
        &mut self,
        id: &PublicationId,
        key: &IdempotencyKey,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        key.check()?;
        let take = SetKey { client_key: key.as_str(), at: SqlTime(at), id: &id.to_string() };
        Ok(take.execute(self.conn).store()? > 0)
    }
}
