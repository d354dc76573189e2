//! Reservations: the stored intent to publish, as a value that must be consumed.

use fieldfen_domain::file::{File, FileStatus};
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    IdempotencyKey, PlatformRow, Publication, PublicationState, ReleaseReason, ReserveOutcome, ReserveRequest, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, OperatorActionId, Secrets, Timestamp};

use super::confirmation::{ReservationConfirmOutcome, confirm, is_confirmed_as};
use super::publisher::Publisher;
use super::remote_item::RemoteItem;
use crate::action_row::{is_recorded, record};
use crate::write_retry::{unless_done_before, write_once};

/// The answer to [`Publisher::reserve`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ReservationAttempt<'p, S: Store> {
    /// The target is reserved: call the platform, then consume the reservation.
    Granted(Reservation<'p, S>),
    /// An earlier call may have taken effect: look it up first.
    Unresolved(UnresolvedReservation<'p, S>),
    /// Another caller has reserved the target.
    InProgress {
        /// The time until which the reservation cannot be taken over.
        until: Timestamp,
    },
    /// The target is published already.
    Published(Publication),
    /// Nothing was reserved: these rows of the file are live at the platform and belong to no publication. Look them up
    /// and pass the result to [`Publisher::resolve_row`].
    Untracked(Vec<PlatformRow>),
    /// The file is not approved. Nothing was reserved.
    NotApproved {
        /// The status of the file.
        status: FileStatus,
    },
    /// The file does not exist.
    FileNotFound,
}

/// The right to publish one file at one target for a limited time.
///
/// [`confirm`](Self::confirm), [`release`](Self::release) and [`mark_unknown`](Self::mark_unknown) consume it. A
/// reservation that is dropped instead, for example by a crash, stays on its row until it expires. The next caller then
/// gets it as [`UnresolvedReservation`].
#[derive(Debug)]
#[must_use = "a dropped reservation blocks its target until it expires, and then needs a lookup"]
pub struct Reservation<'p, S: Store> {
    publisher: &'p Publisher<S>,
    publication: Publication,
    file: File,
}

/// A publication with unknown outcome: only a lookup at the platform can show its product or post.
#[derive(Debug)]
#[must_use = "nothing is published at this target before a lookup"]
pub struct UnresolvedReservation<'p, S: Store>(Reservation<'p, S>);

impl<S: Store> Publisher<S> {
    /// Reserves a target for an approved file. The reservation is committed before the platform is called.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), the target may be reserved, although nobody calls the
    /// platform: the reservation is looked up after it expires.
    pub fn reserve(&self, file_id: &FileId, target: &Target) -> Result<ReservationAttempt<'_, S>, StoreError> {
        write_once(self.store(), |s, before| match before {
            Some(before) if is_ours(s, before)? => Ok(None),
            _ => reserve_in(self, s, file_id, target).map(Some),
        })
    }
}

fn reserve_in<'p, S: Store>(
    publisher: &'p Publisher<S>,
    s: &mut dyn Session,
    file_id: &FileId,
    target: &Target,
) -> Result<ReservationAttempt<'p, S>, StoreError> {
    let Some(file) = s.files().find(file_id)? else { return Ok(ReservationAttempt::FileNotFound) };
    let mut all = s.publications().list_by_file(file_id)?.into_iter();
    let live = all.find(|other| other.target.is_same_place(target) && other.state.is_live());
    let status = file.state.status();
    if live.is_none() && !matches!(status, FileStatus::Approved | FileStatus::Published) {
        return Ok(ReservationAttempt::NotApproved { status });
    }
    let (environment, at) = (publisher.environment(), publisher.environment().now());
    let request = ReserveRequest::new(
        environment.publication_id(),
        *file_id,
        target.clone(),
        environment.token(),
        // A caller that takes over an unresolved publication only looks it up. The time until which the last call may
        // take effect does not change.
        live.map_or(at + publisher.hold(), |live| live.restarted_hold_end(at).unwrap_or(live.held_until)),
        at,
    );
    let reservation = |publication| Reservation { publisher, publication, file: file.clone() };
    Ok(match s.publications().reserve(&request)? {
        ReserveOutcome::Granted(publication) => ReservationAttempt::Granted(reservation(publication)),
        ReserveOutcome::Unresolved(publication) => {
            ReservationAttempt::Unresolved(UnresolvedReservation(reservation(publication)))
        }
        ReserveOutcome::Held(publication) => ReservationAttempt::InProgress { until: publication.held_until },
        ReserveOutcome::Published(publication) => ReservationAttempt::Published(publication),
        ReserveOutcome::Untracked(rows) => ReservationAttempt::Untracked(rows),
    })
}

/// Returns whether an attempt at a reservation whose outcome is unknown has taken effect: the row has its token.
fn is_ours<S: Store>(s: &mut dyn Session, before: &ReservationAttempt<'_, S>) -> Result<bool, StoreError> {
    let (ReservationAttempt::Granted(reservation) | ReservationAttempt::Unresolved(UnresolvedReservation(reservation))) =
        before
    else {
        return Ok(false);
    };
    let now = s.publications().find(&reservation.publication.id)?;
    Ok(now.is_some_and(|now| now.token == reservation.publication.token))
}

/// Records that the call of a reservation got no answer. `parked_for` is the event that must come before the next call,
/// if a lookup without result is not enough.
pub(super) fn mark_unknown<S: Store>(
    publisher: &Publisher<S>,
    reserved: &Publication,
    reason: &str,
    parked_for: Option<ParkedFor>,
) -> Result<FencedResult<()>, StoreError> {
    let (reason, at) = (Secrets::default().remove(reason), publisher.environment().now());
    write_once(publisher.store(), |s, before| {
        let marked = s.publications().mark_unknown(&reserved.id, &reserved.token, &reason, parked_for, at)?;
        Ok(unless_done_before(before, marked))
    })
}

impl<'p, S: Store> Reservation<'p, S> {
    /// The key for the call.
    pub const fn key(&self) -> &IdempotencyKey {
        &self.publication.client_key
    }

    pub(super) const fn publication(&self) -> &Publication {
        &self.publication
    }

    /// The file as it was at the reservation. This version is to be published.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// The end of the reservation. The call must have ended by then, because another caller may then take the
    /// reservation over.
    pub const fn held_until(&self) -> Timestamp {
        self.publication.held_until
    }

    /// Returns whether a call with this key may have been made before. Look the key up first: a lookup costs little,
    /// and an earlier call is then not repeated.
    pub const fn called_before(&self) -> bool {
        self.publication.calls > 1
    }

    /// Records that the product or post exists: one transaction writes the row of the listing or post and moves the
    /// file to published. If the file has changed since the reservation, an `UpdateListing` follows.
    ///
    /// # Errors
    /// After an error, the reservation stays on its row and is looked up after it expires.
    pub fn confirm(self, item: &RemoteItem) -> Result<ReservationConfirmOutcome, StoreError> {
        let shown = self.file.clone();
        self.confirm_as_shown(item, Some(&shown), None)
    }

    /// Records the result of the publisher's own lookup. The version that the product shows is unknown, so an
    /// `UpdateListing` follows.
    pub(super) fn confirm_found(self, item: &RemoteItem) -> Result<ReservationConfirmOutcome, StoreError> {
        self.confirm_as_shown(item, None, None)
    }

    /// Releases the target, because the platform reported that the call made nothing.
    ///
    /// # Errors
    /// After an error, the reservation stays on its row.
    pub fn release(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        let (id, token, at) = (self.publication.id, self.publication.token, self.publisher.environment().now());
        let reason = Secrets::default().remove(reason);
        write_once(self.publisher.store(), |s, before| {
            let released = s.publications().release(&id, &token, ReleaseReason::NotMade, &reason, at)?;
            Ok(unless_done_before(before, released))
        })
    }

    /// Records that the call got no answer. Nothing more is published at this target before a lookup.
    ///
    /// # Errors
    /// After an error, the reservation stays on its row and becomes unresolved when it expires.
    pub fn mark_unknown(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        mark_unknown(self.publisher, &self.publication, reason, None)
    }

    /// Records an answer that only a person can interpret. A lookup may not find the product or post of the call.
    pub(super) fn park(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        mark_unknown(self.publisher, &self.publication, reason, Some(ParkedFor::Person))
    }

    /// Confirms the publication. If an operator has reported the product, the row of the action is written too.
    fn confirm_as_shown(
        self,
        item: &RemoteItem,
        shown: Option<&File>,
        action: Option<&Action>,
    ) -> Result<ReservationConfirmOutcome, StoreError> {
        let Self { publisher, publication, .. } = self;
        let subject = Subject::Publication(publication.id);
        let confirmed = write_once(publisher.store(), |s, before: Option<&(_, Option<OperatorActionId>)>| {
            let current = s.publications().find(&publication.id)?;
            if let (Some((before, _)), Some(current)) = (before, &current)
                && is_confirmed_as(current, before, item)
            {
                return Ok(None);
            }
            if let Some((_, Some(id))) = before
                && is_recorded(s, id)?
            {
                return Ok(None);
            }
            let outcome = match current.filter(|current| current.state == PublicationState::Ended) {
                Some(ended) if ended.platform_id.as_ref() == Some(&item.platform_id) => {
                    ReservationConfirmOutcome::AlreadyConfirmed
                }
                Some(_) => ReservationConfirmOutcome::NotWanted,
                None => confirm(publisher.pipeline(), s, &publication, shown, item)?,
            };
            let record_of = |action| {
                let recorded = recorded_as(&outcome);
                record(s, action, ActionKind::Resolve, subject.clone(), recorded, publisher.environment())
            };
            let id = action.map(record_of).transpose()?;
            Ok::<_, StoreError>(Some((outcome, id)))
        });
        confirmed.map(|(outcome, _)| outcome)
    }
}

/// The outcome as the row of an operator's action records it.
pub(super) const fn recorded_as(outcome: &ReservationConfirmOutcome) -> ActionOutcome {
    match outcome {
        ReservationConfirmOutcome::Confirmed | ReservationConfirmOutcome::Delisted => ActionOutcome::Done,
        ReservationConfirmOutcome::AlreadyConfirmed => ActionOutcome::Unchanged,
        _ => ActionOutcome::Refused,
    }
}

impl<'p, S: Store> UnresolvedReservation<'p, S> {
    /// The key to look up.
    pub const fn key(&self) -> &IdempotencyKey {
        self.0.key()
    }

    /// The reservation. The platform must be looked up before it is called.
    pub(super) fn into_reservation(self) -> Reservation<'p, S> {
        self.0
    }

    /// Records that an operator or a program has seen the product or post at the platform. This confirms as
    /// [`Reservation::confirm`] does and writes the row of the action. The version that the product shows is unknown,
    /// so an `UpdateListing` follows.
    ///
    /// A program that does not call platforms itself uses [`Publisher::resolve_unknown`].
    ///
    /// # Errors
    /// As [`Reservation::confirm`].
    pub fn found(self, item: &RemoteItem, action: &Action) -> Result<ReservationConfirmOutcome, StoreError> {
        self.0.confirm_as_shown(item, None, Some(action))
    }

    /// Records that the lookup found nothing, and reserves the target again for a call with the same key.
    ///
    /// The lookup counts only after the end of the call whose answer was lost: until then, that call may still take
    /// effect. Before that end, and if another caller has taken the publication over, the answer is
    /// [`ReservationAttempt::InProgress`].
    pub fn absent(self, reason: &str) -> Result<ReservationAttempt<'p, S>, StoreError> {
        self.0.reserve_anew(reason)
    }

    /// Records that the lookup gave no answer.
    ///
    /// # Errors
    /// As [`Reservation::mark_unknown`].
    pub fn still_unknown(self, reason: &str) -> Result<FencedResult<()>, StoreError> {
        self.0.mark_unknown(reason)
    }
}

impl<'p, S: Store> Reservation<'p, S> {
    /// Reserves the target again, because a lookup found no product or post of an earlier call.
    pub(super) fn reserve_anew(self, reason: &str) -> Result<ReservationAttempt<'p, S>, StoreError> {
        let Self { publisher, publication, .. } = self;
        let reason = Secrets::default().remove(reason);
        write_once(publisher.store(), |s, before| {
            if let Some(before) = before
                && is_ours(s, before)?
            {
                return Ok(None);
            }
            let at = publisher.environment().now();
            if publication.held_until > at {
                return Ok(Some(ReservationAttempt::InProgress { until: publication.held_until }));
            }
            let (id, token) = (&publication.id, &publication.token);
            let attempt = match s.publications().release(id, token, ReleaseReason::Absent, &reason, at)? {
                FencedResult::Done(()) => reserve_in(publisher, s, &publication.file_id, &publication.target)?,
                FencedResult::AlreadyDone { .. } | FencedResult::LeaseLost => {
                    ReservationAttempt::InProgress { until: at + publisher.hold() }
                }
                FencedResult::NotFound => ReservationAttempt::FileNotFound,
            };
            Ok(Some(attempt))
        })
    }
}
