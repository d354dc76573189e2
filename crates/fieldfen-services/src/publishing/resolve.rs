//! What a person says, where nobody else can tell.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    AdoptOutcome, PlatformRow, PlatformRowId, Publication, PublicationState, ReleaseReason, Target, ids_at,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::found::{Found, FoundState};
use super::lookup::all_of_file;
use super::publisher::Publisher;
use super::reservation::Attempt;
use crate::record::{act, is_recorded, record};
use crate::settled::write_once;

/// What a person says of a row that belongs to no publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It is the product or post of this target.
    Adopt {
        /// The target, at the account where it is.
        target: Target,
        /// Its id at the platform, where the row has none.
        platform_id: Option<String>,
    },
    /// It is not at the platform any more, or is not this file's.
    Gone,
}

/// What came of a [`Resolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The row belongs to this publication.
    Adopted(Publication),
    /// The row is delisted, or noted as gone.
    Gone,
    /// Nothing was changed: this publication of the target is live.
    Live(Publication),
    /// Nothing was changed: this publication is confirmed as the product or post.
    Taken(Publication),
    /// Nothing was changed: the row is gone, over, or belongs to a publication by now.
    NotUnclaimed,
}

/// What came of the word that nothing of a target is out there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NothingThere {
    /// The target is free: the next job publishes it, without a lookup first. A job that waited for a person runs again.
    Free,
    /// The last call may still take effect: say so again after that.
    Held {
        /// When it is over.
        until: Timestamp,
    },
    /// The target is not unknown; nothing was changed.
    NotUnknown,
}

impl<S: Store> Publisher<S> {
    /// The rows of a file that are live at the platform of a target and belong to no publication.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn unclaimed(&self, file_id: &FileId, target: &Target) -> Result<Vec<PlatformRow>, StoreError> {
        self.store().read(|s| Ok(all_of_file(s, file_id)?.unclaimed(target)))
    }

    /// Takes a person's word for what a row of a file is that belongs to no publication. Jobs that waited for that run
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the target is not one of the row's platform or the row has another id; other
    /// [`StoreError`]s as the store has them.
    pub fn resolve(
        &self,
        file_id: &FileId,
        row: PlatformRowId,
        resolution: &Resolution,
        action: &Action,
    ) -> Result<Resolved, StoreError> {
        let kind = match resolution {
            Resolution::Gone => ActionKind::Resolve,
            Resolution::Adopt { .. } => ActionKind::Adopt,
        };
        let subject = match row {
            PlatformRowId::Listing(id) => Subject::Listing(id),
            PlatformRowId::Post(id) => Subject::SocialPost(id),
        };
        act(self.store(), self.environment(), (action, kind, subject.clone()), |t| {
            let s = t.session();
            let resolved = self.resolve_in(s, file_id, row, resolution)?;
            let outcome = match resolved {
                Resolved::Adopted(_) | Resolved::Gone => ActionOutcome::Done,
                Resolved::Live(_) | Resolved::Taken(_) | Resolved::NotUnclaimed => ActionOutcome::Refused,
            };
            record(s, action, kind, subject.clone(), outcome, self.environment().now())?;
            Ok::<_, StoreError>(resolved)
        })
    }

    fn resolve_in(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        row: PlatformRowId,
        resolution: &Resolution,
    ) -> Result<Resolved, StoreError> {
        let Some(row) = unclaimed_row(s, file_id, row)? else { return Ok(Resolved::NotUnclaimed) };
        match resolution {
            Resolution::Gone => {
                self.give_up_row(s, &row, self.environment().now())?;
                self.pipeline().run_again_what_waited_for_a_person(s, file_id)?;
                Ok(Resolved::Gone)
            }
            Resolution::Adopt { target, platform_id } => {
                let found = as_said(&row, target, platform_id.as_deref())?;
                Ok(match self.adopt_row(s, file_id, target, &row, &found, None)? {
                    AdoptOutcome::Done(publication) => Resolved::Adopted(publication),
                    AdoptOutcome::Live(publication) => Resolved::Live(publication),
                    AdoptOutcome::Taken(publication) => Resolved::Taken(publication),
                    AdoptOutcome::NotUnclaimed => Resolved::NotUnclaimed,
                })
            }
        }
    }

    /// Takes a person's word that nothing of a target is out there whose call got no answer. What is there is said by
    /// [`Publisher::reserve`] and [`Unresolved::found`](super::Unresolved::found).
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn nothing_is_there(
        &self,
        file_id: &FileId,
        target: &Target,
        action: &Action,
    ) -> Result<NothingThere, StoreError> {
        let since = self.environment().now();
        let kind = ActionKind::NothingIsThere;
        let said = write_once(self.store(), |s, before: Option<&(NothingThere, Subject)>| {
            if let Some((_, subject)) = before
                && is_recorded(s, action, kind, subject, since)?
            {
                return Ok(None);
            }
            let at = self.environment().now();
            // A target that is free, or published, stays as it is: nobody would call what was reserved here.
            let is_open = s.publications().list_by_file(file_id)?.iter().any(|publication| {
                publication.target.is_same_place(target)
                    && publication.state.is_live()
                    && publication.state != PublicationState::Confirmed
            });
            let attempt = if is_open { Some(self.reserve_in(s, file_id, target)?) } else { None };
            let (nothing, subject) = match attempt {
                Some(Attempt::Unresolved(unresolved)) => {
                    let publication = unresolved.publication();
                    (self.release_absent(s, publication, action.reason(), at)?, Subject::Publication(publication.id))
                }
                _ => (NothingThere::NotUnknown, Subject::File(*file_id)),
            };
            let outcome = match nothing {
                NothingThere::Free => ActionOutcome::Done,
                NothingThere::Held { .. } | NothingThere::NotUnknown => ActionOutcome::Refused,
            };
            record(s, action, kind, subject.clone(), outcome, at)?;
            Ok::<_, StoreError>(Some((nothing, subject)))
        })?;
        Ok(said.0)
    }

    /// Gives the target of an unknown publication free, and lets the jobs run again that waited for that.
    fn release_absent(
        &self,
        s: &mut dyn Session,
        publication: &Publication,
        reason: &str,
        at: Timestamp,
    ) -> Result<NothingThere, StoreError> {
        if publication.is_held(at) {
            return Ok(NothingThere::Held { until: publication.held_until });
        }
        let said = format!("a person says that nothing is there: {reason}");
        let released =
            s.publications().release(&publication.id, &publication.token, ReleaseReason::Absent, &said, at)?;
        if !released.is_done() {
            return Ok(NothingThere::NotUnknown);
        }
        self.pipeline().run_again_what_waited_for_a_person(s, &publication.file_id)?;
        Ok(NothingThere::Free)
    }
}

fn unclaimed_row(s: &mut dyn Session, file_id: &FileId, id: PlatformRowId) -> Result<Option<PlatformRow>, StoreError> {
    let of_file = all_of_file(s.reads(), file_id)?;
    Ok(of_file.all_unclaimed().into_iter().find(|row| row.id() == id))
}

/// What is out there, by the row and by what a person says.
fn as_said(row: &PlatformRow, target: &Target, platform_id: Option<&str>) -> Result<Found, StoreError> {
    if !row.is_at(target) {
        let rule = "a row is adopted by a target of its own platform";
        return Err(StoreError::Invalid { what: "target", value: target.to_string(), rule });
    }
    // A row of a listing has the account before the id where that was not free.
    let held = row.platform_id().and_then(|held| match row {
        PlatformRow::Listing(_) => ids_at(target.account(), held).pop(),
        PlatformRow::Post(_) => Some(held),
    });
    let Some(platform_id) = platform_id.or(held) else {
        let rule = "the row has none, so it has to be said";
        return Err(StoreError::Invalid { what: "platform id", value: String::new(), rule });
    };
    let (url, state) = match row {
        PlatformRow::Listing(listing) => {
            let (status, platform_status) = (listing.status, listing.platform_status.clone());
            (listing.url.clone(), FoundState::Listing { status, platform_status })
        }
        PlatformRow::Post(post) => (post.url.clone(), FoundState::Post),
    };
    Ok(Found::new(platform_id, state).url(url))
}
