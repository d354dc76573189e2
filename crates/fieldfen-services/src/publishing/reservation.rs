//! Reservations: the durable intent to publish, as a value that has to be spent.

use fieldfen_domain::file::{File, FileStatus};
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, IdempotencyKey, PlatformRow, Publication, PublicationState, ReleaseReason,
    ReserveOutcome, ReserveRequest, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, PublicationId, Timestamp};

use super::Publisher;
use super::found::Found;
use crate::pipeline::{listing_confirmed, shows_the_same};
use crate::settled::{unless_done_before, write_once};

/// What a wish to publish came to.
#[derive(Debug)]
pub enum Attempt<'p, S: Store> {
    /// It is ours: call the platform, then spend it.
    Granted(Reservation<'p, S>),
    /// An earlier call may have gone through: look it up first.
    Unresolved(Unresolved<'p, S>),
    /// Somebody else is at it.
    Held {
        /// Until then the reservation cannot be taken over.
        until: Timestamp,
    },
    /// It is published already.
    Published(Publication),
    /// Nothing was reserved: these rows of the file are live at the platform, and belong to no publication. Look them up
    /// and let [`Publisher::resolve`] know what they are.
    Unclaimed(Vec<PlatformRow>),
    /// The file is not approved; nothing was reserved.
    NotApproved {
        /// The status it has.
        status: FileStatus,
    },
    /// There is no such file.
    NoFile,
}

/// The right to publish one file at one target, for a while.
///
/// It is spent by [`confirm`](Self::confirm), [`release`](Self::release) or [`mark_unknown`](Self::mark_unknown), each
/// of which takes it away. One that is dropped instead, by a crash for example, stays on its row until its time is over
/// and is then [`Unresolved`] for the next caller.
#[derive(Debug)]
#[must_use = "a reservation that is dropped blocks its target until its time is over, and then needs a lookup"]
pub struct Reservation<'p, S: Store> {
    publisher: &'p Publisher<S>,
    publication: Publication,
    file: File,
}

/// A publication of which only a lookup at the platform can tell whether it is there.
#[derive(Debug)]
#[must_use = "nothing is published at this target before a lookup has told what is there"]
pub struct Unresolved<'p, S: Store>(Reservation<'p, S>);

/// What a confirmation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The listing or post has its row.
    Done,
    /// It had it before.
    AlreadyDone,
    /// It is not live: the platform says that it is delisted, or newer news does. Its row says so, the publication has
    /// ended, and the file was not moved.
    Delisted,
    /// Another target or file is confirmed as this very product, or has its row: nothing was changed. The reservation
    /// stays on its row, and a person has to look.
    Taken {
        /// The file of the other one.
        file_id: FileId,
    },
    /// Another one is live for the same target: the one just confirmed has to be taken down at the platform.
    Duplicate {
        /// The platform id of the other one.
        live: String,
    },
    /// Somebody else has a call under way for the same target: which of the two stays is seen when it is over.
    Contested {
        /// Until then at the latest it is over.
        until: Timestamp,
    },
    /// The file was deleted in the meantime, or the product had been taken down before it was confirmed: what is at the
    /// platform belongs to nothing here.
    Unwanted,
}

impl<S: Store> Publisher<S> {
    /// Reserves a target for an approved file, durably, before the platform is called.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), the target may be reserved, and nobody has called the
    /// platform: the reservation is looked up when its time is over.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn reserve(&self, file_id: &FileId, target: &Target) -> Result<Attempt<'_, S>, StoreError> {
        write_once(self.store(), |s, before| match before {
            Some(before) if is_ours(s, before)? => Ok(None),
            _ => self.reserve_in(s, file_id, target).map(Some),
        })
    }

    pub(super) fn reserve_in(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        target: &Target,
    ) -> Result<Attempt<'_, S>, StoreError> {
        let Some(file) = s.files().find(file_id)? else { return Ok(Attempt::NoFile) };
        let mut all = s.publications().list_by_file(file_id)?.into_iter();
        let live = all.find(|other| other.target.is_same_place(target) && other.state.is_live());
        let status = file.state.status();
        if live.is_none() && !matches!(status, FileStatus::Approved | FileStatus::Published) {
            return Ok(Attempt::NotApproved { status });
        }
        let at = self.environment().now();
        let request = ReserveRequest::new(
            self.environment().publication_id(),
            *file_id,
            target.clone(),
            self.environment().token(),
            // Who takes an unresolved publication over only looks it up: the time until which the last call may still
            // take effect stays as it was.
            live.map_or(at + self.hold(), |live| live.restarted_hold_end(at).unwrap_or(live.held_until)),
            at,
        );
        let reservation = |publication| Reservation { publisher: self, publication, file: file.clone() };
        Ok(match s.publications().reserve(&request)? {
            ReserveOutcome::Granted(publication) => Attempt::Granted(reservation(publication)),
            ReserveOutcome::Unresolved(publication) => Attempt::Unresolved(Unresolved(reservation(publication))),
            ReserveOutcome::Held(publication) => Attempt::Held { until: publication.held_until },
            ReserveOutcome::Published(publication) => Attempt::Published(publication),
            ReserveOutcome::Unclaimed(rows) => Attempt::Unclaimed(rows),
        })
    }
}

/// Whether an attempt at a reservation, whose outcome is unknown, has taken effect: the row has its token.
fn is_ours<S: Store>(s: &mut dyn Session, before: &Attempt<'_, S>) -> Result<bool, StoreError> {
    let (Attempt::Granted(reservation) | Attempt::Unresolved(Unresolved(reservation))) = before else {
        return Ok(false);
    };
    let now = s.publications().find(&reservation.publication.id)?;
    Ok(now.is_some_and(|now| now.token == reservation.publication.token))
}

/// Whether an attempt at a confirmation, whose outcome is unknown, has taken effect.
fn is_settled(now: &Publication, before: &Settled, found: &Found) -> bool {
    let state = match before {
        Settled::Done => PublicationState::Confirmed,
        Settled::Delisted => PublicationState::Ended,
        _ => return false,
    };
    now.state == state && now.platform_id.as_ref() == Some(&found.platform_id)
}

impl<S: Store> Publisher<S> {
    /// Says that no answer came to the call of a reservation, and what has to come before the next call where a lookup that
    /// finds nothing is not enough.
    pub(super) fn mark_unknown(
        &self,
        reserved: &Publication,
        reason: &str,
        parked_for: Option<ParkedFor>,
    ) -> Result<FencedResult<()>, StoreError> {
        let at = self.environment().now();
        write_once(self.store(), |s, before| {
            let marked = s.publications().mark_unknown(&reserved.id, &reserved.token, reason, parked_for, at)?;
            Ok(unless_done_before(before, marked))
        })
    }

    /// Confirms a publication whose product was another's until that one has ended just now.
    pub(super) fn confirm_after_former(&self, reserved: &Publication, found: &Found) -> Result<Settled, StoreError> {
        write_once(self.store(), |s, before| {
            let now = s.publications().find(&reserved.id)?;
            if before.zip(now).is_some_and(|(before, now)| is_settled(&now, before, found)) {
                return Ok(None);
            }
            self.confirm_in(s, reserved, None, found).map(Some)
        })
    }

    /// Confirms a publication that the platform turns out to have, even if it had ended; `None` while somebody holds it.
    pub(super) fn confirm_unattended(&self, id: &PublicationId, found: &Found) -> Result<Option<Settled>, StoreError> {
        write_once(self.store(), |s, before: Option<&Option<Settled>>| {
            let Some(publication) = s.publications().find(id)? else { return Ok(Some(None)) };
            if let Some(Some(before)) = before
                && is_settled(&publication, before, found)
            {
                return Ok(None);
            }
            if publication.state == PublicationState::Reserved && publication.is_held(self.environment().now()) {
                return Ok(Some(None));
            }
            self.confirm_in(s, &publication, None, found).map(|settled| Some(Some(settled)))
        })
    }
}

impl<S: Store> Reservation<'_, S> {
    /// The key that goes with the call.
    pub const fn key(&self) -> &IdempotencyKey {
        &self.publication.client_key
    }

    pub(super) const fn publication(&self) -> &Publication {
        &self.publication
    }

    /// The file as it was when it was reserved: what is to be published.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// Until then nobody else may take the reservation over. The call must be over by then.
    pub const fn held_until(&self) -> Timestamp {
        self.publication.held_until
    }

    /// Whether a call with this key may have been made before: a lookup costs little, and an answer that came after all
    /// is not made a second time.
    pub const fn called_before(&self) -> bool {
        self.publication.calls > 1
    }

    /// Records that it is at the platform: the row of the listing or post, and the file's move to published, in one
    /// transaction. If the file has changed since it was reserved, an `UpdateListing` follows.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them. The reservation then stays on its row, and is looked up when its time is
    /// over.
    pub fn confirm(self, found: &Found) -> Result<Settled, StoreError> {
        self.settle(found, false)
    }

    /// Records what a lookup has found: what it shows is not known.
    pub(super) fn found(self, found: &Found) -> Result<Settled, StoreError> {
        self.settle(found, true)
    }

    /// Gives the target free: the platform has said that the call has made nothing.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them; the reservation then stays on its row.
    pub fn release(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        let (id, token, at) = (self.publication.id, self.publication.token, self.publisher.environment().now());
        write_once(self.publisher.store(), |s, before| {
            let released = s.publications().release(&id, &token, ReleaseReason::NotMade, reason, at)?;
            Ok(unless_done_before(before, released))
        })
    }

    /// Says that no answer came: nothing more is published at this target before a lookup has told.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them; the reservation then stays on its row, which comes to the same later.
    pub fn mark_unknown(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        self.publisher.mark_unknown(&self.publication, reason, None)
    }

    /// The same, where the call was answered in a way that only a person can make out: what it has made may be found by no
    /// lookup.
    pub(super) fn park(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        self.publisher.mark_unknown(&self.publication, reason, Some(ParkedFor::Person))
    }

    fn settle(self, found: &Found, looked_up: bool) -> Result<Settled, StoreError> {
        let Self { publisher, publication, file } = self;
        write_once(publisher.store(), |s, before| {
            let current = s.publications().find(&publication.id)?;
            if let (Some(before), Some(current)) = (before, &current)
                && is_settled(current, before, found)
            {
                return Ok(None);
            }
            if let Some(ended) = current.filter(|current| current.state == PublicationState::Ended) {
                let same = ended.platform_id.as_ref() == Some(&found.platform_id);
                return Ok(Some(if same { Settled::AlreadyDone } else { Settled::Unwanted }));
            }
            publisher.confirm_in(s, &publication, (!looked_up).then_some(&file), found).map(Some)
        })
    }
}

impl<S: Store> Publisher<S> {
    /// Confirms a publication. An `UpdateListing` follows unless the product shows the file as it is: as `shown`.
    pub(super) fn confirm_in(
        &self,
        s: &mut dyn Session,
        publication: &Publication,
        shown: Option<&File>,
        found: &Found,
    ) -> Result<Settled, StoreError> {
        let at = self.environment().now();
        let confirmation = Confirmation::new(
            found.platform_id.clone(),
            found.state.row(self.environment()),
            // The row was last written before the call or the lookup.
            found.as_of.unwrap_or(publication.updated_at),
            at,
        )
        .url(found.url.clone());
        match s.publications().confirm(&publication.id, &confirmation)? {
            ConfirmOutcome::Done => {}
            ConfirmOutcome::Ended => return Ok(Settled::Delisted),
            ConfirmOutcome::Taken { file_id } => return Ok(Settled::Taken { file_id }),
            ConfirmOutcome::AlreadyDone => return Ok(Settled::AlreadyDone),
            ConfirmOutcome::NotFound => return Ok(Settled::Unwanted),
            ConfirmOutcome::Duplicate { live: Some(live) } if live == found.platform_id => {
                return Ok(Settled::AlreadyDone);
            }
            ConfirmOutcome::Duplicate { live: Some(live) } => return Ok(Settled::Duplicate { live }),
            ConfirmOutcome::Duplicate { live: None } => {
                let publications = s.publications().list_by_file(&publication.file_id)?;
                let other = publications
                    .iter()
                    .find(|other| other.state.is_live() && other.target.is_same_place(&publication.target));
                return Ok(Settled::Contested { until: other.map_or(at, |other| other.held_until) });
            }
        }
        self.now_listed(s, publication, shown, found)?;
        Ok(Settled::Done)
    }

    /// What follows when a publication was confirmed.
    pub(super) fn now_listed(
        &self,
        s: &mut dyn Session,
        publication: &Publication,
        shown: Option<&File>,
        found: &Found,
    ) -> Result<(), StoreError> {
        let Target::Listing { platform, account, .. } = &publication.target else { return Ok(()) };
        let name = format!("{} at {platform}", found.platform_id);
        listing_confirmed(s, &publication.file_id, &name, self.environment().now())?;
        let now = s.files().find(&publication.file_id)?;
        let is_shown = shown.zip(now.as_ref()).is_some_and(|(shown, now)| shows_the_same(now, shown));
        let listing = s.listings().find_by_platform_id(*platform, account, &found.platform_id)?;
        if let Some(listing) = listing.filter(|listing| listing.status.is_live() && !is_shown) {
            self.pipeline().enqueue_update(s, publication.file_id, listing.id)?;
        }
        Ok(())
    }
}

impl<'p, S: Store> Unresolved<'p, S> {
    /// The key to look up.
    pub const fn key(&self) -> &IdempotencyKey {
        self.0.key()
    }

    pub(super) const fn publication(&self) -> &Publication {
        self.0.publication()
    }

    /// The lookup has found it: it is recorded as [`Reservation::confirm`] does. What it shows is not known, so an
    /// `UpdateListing` follows.
    ///
    /// # Errors
    /// As [`Reservation::confirm`].
    pub fn found(self, found: &Found) -> Result<Settled, StoreError> {
        self.0.found(found)
    }

    /// The lookup has found nothing: the target is reserved anew, to be called with the same key.
    ///
    /// That is believed only when the time of the call whose answer was lost is over; a call that is still on its way
    /// may take effect after the lookup. Until then, and when somebody else has taken the publication over, the answer
    /// is [`Attempt::Held`].
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn absent(self, reason: &str) -> Result<Attempt<'p, S>, StoreError> {
        let Reservation { publisher, publication, .. } = self.0;
        write_once(publisher.store(), |s, before| {
            if let Some(before) = before
                && is_ours(s, before)?
            {
                return Ok(None);
            }
            let at = publisher.environment().now();
            if publication.held_until > at {
                return Ok(Some(Attempt::Held { until: publication.held_until }));
            }
            let attempt = match s.publications().release(
                &publication.id,
                &publication.token,
                ReleaseReason::Absent,
                reason,
                at,
            )? {
                FencedResult::Done(()) => publisher.reserve_in(s, &publication.file_id, &publication.target)?,
                FencedResult::AlreadyDone { .. } | FencedResult::LeaseLost => {
                    Attempt::Held { until: at + publisher.hold() }
                }
                FencedResult::NotFound => Attempt::NoFile,
            };
            Ok(Some(attempt))
        })
    }

    /// The lookup has not told.
    ///
    /// # Errors
    /// As [`Reservation::mark_unknown`].
    pub fn still_unknown(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        self.0.mark_unknown(reason)
    }
}
