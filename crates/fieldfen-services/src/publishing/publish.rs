//! The protocol of one call: reserve, look up, call the platform, then confirm, release or mark unknown.

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, FencedResult, ParkedFor, PublishSocial};
use fieldfen_domain::publication::{Publication, Target};
use fieldfen_domain::store::{Store, StoreError};

use super::call_error::CallError;
use super::confirmation::{ReservationConfirmOutcome, confirm_after_former_owner};
use super::duplicates::{DedupOutcome, Duplicates, FormerOwner};
use super::error::PublishError;
use super::ownership::{Lookup, is_anothers, look_up};
use super::publish_outcome::PublishOutcome;
use super::publisher::Publisher;
use super::remote_catalogue::{ListingCall, ListingCatalogue, PostCall, PostCatalogue, PublishCall, doubt, take_down};
use super::remote_item::RemoteItem;
use super::reservation::{Reservation, ReservationAttempt, UnresolvedReservation, mark_unknown};
use super::unknown_accounts::published_under_another_name;
use super::untracked_rows::UntrackedRows;

/// The number of times that one call handles rows without a publication. More rounds are needed only while another
/// program keeps inserting such rows.
const MAX_UNTRACKED_ROUNDS: u32 = 10;

impl<S: Store> Publisher<S> {
    /// Lists a file as a `CreateListing` job requests.
    ///
    /// # Errors
    /// [`PublishError`]. After any of them, the job can be retried.
    pub fn list(&self, job: &CreateListing) -> Result<PublishOutcome, PublishError> {
        let marketplace = self.marketplace_of(job.platform, &job.account)?;
        let call = ListingCall { catalogue: ListingCatalogue(marketplace), job };
        Protocol { publisher: self, call: &call }.run(&job.file_id, &listing_target(job))
    }

    /// Posts a file as a `PublishSocial` job requests.
    ///
    /// # Errors
    /// As [`Publisher::list`].
    pub fn post(&self, job: &PublishSocial) -> Result<PublishOutcome, PublishError> {
        let target = post_target(job);
        let Some(network) = self.network_of(job.platform, &job.account) else {
            return Err(PublishError::NotConfigured { target: target.to_string() });
        };
        let call = PostCall { catalogue: PostCatalogue(network), job };
        Protocol { publisher: self, call: &call }.run(&job.file_id, &target)
    }
}

/// The target of a `CreateListing` job.
pub(super) fn listing_target(job: &CreateListing) -> Target {
    Target::listing(job.platform).at_account(&job.account).with_variant(job.variant.clone())
}

/// The target of a `PublishSocial` job.
pub(super) fn post_target(job: &PublishSocial) -> Target {
    Target::post(job.platform, job.post_key.clone()).at_account(&job.account).with_post_type(job.post_type)
}

/// Runs the protocol for the product or post of one job.
struct Protocol<'a, S: Store> {
    publisher: &'a Publisher<S>,
    call: &'a dyn PublishCall,
}

/// The next step after a lookup of a reservation's key.
enum AfterLookup<'a, S: Store> {
    /// The platform has no product or post with that key.
    Nothing(Reservation<'a, S>),
    /// The platform gave no answer.
    Failed(Reservation<'a, S>, CallError),
    /// The reservation is consumed.
    Spent(PublishOutcome),
}

impl<'a, S: Store> Protocol<'a, S> {
    fn run(&self, file_id: &FileId, target: &Target) -> Result<PublishOutcome, PublishError> {
        let mut attempt = self.publisher.reserve(file_id, target)?;
        // A call whose answer was lost may have taken effect during this one.
        let mut called_twice = false;
        let mut rounds = 0;
        loop {
            attempt = match attempt {
                ReservationAttempt::Granted(reservation) => return self.call(reservation, called_twice),
                ReservationAttempt::Unresolved(unresolved) => match self.look_up_unresolved(unresolved)? {
                    Ok(reserved_anew) => {
                        called_twice = true;
                        reserved_anew
                    }
                    Err(outcome) => return Ok(outcome),
                },
                ReservationAttempt::Untracked(rows) => {
                    rounds += 1;
                    match UntrackedRows::new(self.publisher, file_id).settle(target, &rows)? {
                        Some(outcome) => return Ok(outcome),
                        None if rounds == MAX_UNTRACKED_ROUNDS => {
                            let reason = "other programs insert rows of the file at this platform faster than they are looked up";
                            return Ok(PublishOutcome::WaitsForPerson { reason: reason.to_owned() });
                        }
                        None => self.publisher.reserve(file_id, target)?,
                    }
                }
                ReservationAttempt::InProgress { until } => return Ok(PublishOutcome::InProgress { until }),
                // A job that runs again after its work was done may have left a second product behind.
                ReservationAttempt::Published(publication) => return self.already_published(&publication, None),
                ReservationAttempt::NotApproved { status } => return Ok(PublishOutcome::NotApproved { status }),
                ReservationAttempt::FileNotFound => return Ok(PublishOutcome::FileNotFound),
            };
        }
    }

    /// Looks up the product or post of an earlier call. If there is none, reserves the target again. Otherwise the
    /// error is the outcome.
    fn look_up_unresolved(
        &self,
        unresolved: UnresolvedReservation<'a, S>,
    ) -> Result<Result<ReservationAttempt<'a, S>, PublishOutcome>, PublishError> {
        let reservation = match self.look_up(unresolved.into_reservation())? {
            AfterLookup::Spent(outcome) => return Ok(Err(outcome)),
            AfterLookup::Failed(reservation, error) => {
                let step = reservation.mark_unknown(&error.to_string())?;
                return Ok(Err(match error {
                    CallError::Throttled { until, reason } => PublishOutcome::Throttled { until, reason },
                    other => self.unless_taken_over(&step, unknown(format!("lookup: {other}"))),
                }));
            }
            AfterLookup::Nothing(reservation) => reservation,
        };
        let publication = reservation.publication();
        // The platform answered the call, so the call may have made a product that a search by its key does not find.
        if let Some(parked_for) = publication.parked_for {
            let reason = publication.last_error.clone().unwrap_or_else(|| format!("parked for {parked_for}"));
            return Ok(Err(PublishOutcome::WaitsForPerson { reason }));
        }
        if publication.is_of_a_clock_ahead(self.publisher.environment().now()) {
            let reason = format!(
                "a lookup finds nothing, and a clock that was ahead holds the reservation until {}",
                publication.held_until
            );
            return Ok(Err(PublishOutcome::WaitsForPerson { reason }));
        }
        Ok(Ok(reservation.reserve_anew("a lookup has found nothing")?))
    }

    /// Looks up the key of a reservation, and confirms the product or post that is found.
    fn look_up(&self, reservation: Reservation<'a, S>) -> Result<AfterLookup<'a, S>, PublishError> {
        let publication = reservation.publication().clone();
        Ok(match look_up(self.publisher.store(), self.call.catalogue(), &publication)? {
            Lookup::Found { first, has_duplicates } => {
                let confirmed = reservation.confirm_found(&first)?;
                AfterLookup::Spent(self.after_confirmation(&publication, &first, confirmed, has_duplicates)?)
            }
            Lookup::Unclear(reason) => {
                let step = reservation.mark_unknown(&reason)?;
                AfterLookup::Spent(self.unless_taken_over(&step, unknown(reason)))
            }
            Lookup::Nothing => AfterLookup::Nothing(reservation),
            Lookup::Failed(error) => AfterLookup::Failed(reservation, error),
        })
    }

    /// Calls the platform, after a lookup has shown that no earlier call with this key made a product or post.
    fn call(&self, mut reservation: Reservation<'a, S>, called_twice: bool) -> Result<PublishOutcome, PublishError> {
        if reservation.called_before() {
            reservation = match self.look_up(reservation)? {
                AfterLookup::Spent(outcome) => return Ok(outcome),
                // Some networks have no such lookup. The call goes on without it, since no earlier call is unknown.
                AfterLookup::Nothing(reservation) | AfterLookup::Failed(reservation, CallError::Refused { .. }) => {
                    reservation
                }
                AfterLookup::Failed(reservation, error) => return Ok(self.release(reservation, error)?),
            }
        }
        let publication = reservation.publication().clone();
        let (file_id, target) = (&publication.file_id, &publication.target);
        let catalogue = self.call.catalogue();
        if let Some(reason) = published_under_another_name(self.publisher, catalogue, file_id, target)? {
            let step = reservation.release(&reason)?;
            return Ok(self.unless_taken_over(&step, PublishOutcome::WaitsForPerson { reason }));
        }
        // Another process may have taken the reservation over while this one was stopped.
        if self.publisher.environment().now() >= reservation.held_until() {
            let reason = "the reservation ran out before the platform was called";
            let step = reservation.mark_unknown(reason)?;
            return Ok(self.unless_taken_over(&step, unknown(reason)));
        }
        match self.call.create(reservation.key(), reservation.file()) {
            Ok(item) => match doubt(&publication.client_key, &item) {
                None => {
                    let confirmed = reservation.confirm(&item)?;
                    self.after_confirmation(&publication, &item, confirmed, called_twice)
                }
                Some(reason) => {
                    let step = reservation.park(&reason)?;
                    Ok(self.unless_taken_over(&step, unknown(reason)))
                }
            },
            Err(CallError::NoAnswer { reason }) => {
                let step = reservation.mark_unknown(&reason)?;
                Ok(self.unless_taken_over(&step, unknown(reason)))
            }
            Err(error) => Ok(self.release(reservation, error)?),
        }
    }

    /// The outcome of a confirmation. `may_have_duplicates` says whether other products with the same key may exist.
    fn after_confirmation(
        &self,
        publication: &Publication,
        item: &RemoteItem,
        confirmed: ReservationConfirmOutcome,
        may_have_duplicates: bool,
    ) -> Result<PublishOutcome, PublishError> {
        let platform_id = item.platform_id.clone();
        let duplicates = self.duplicates();
        match confirmed {
            ReservationConfirmOutcome::Confirmed => {
                if may_have_duplicates && let Some(confirmed) = duplicates.confirmed_at(publication)? {
                    duplicates.keep_single(&confirmed, Some(item))?.all_taken_down()?;
                }
                Ok(PublishOutcome::Published { platform_id, url: item.url.clone() })
            }
            ReservationConfirmOutcome::AlreadyConfirmed => Ok(PublishOutcome::AlreadyPublished { platform_id }),
            ReservationConfirmOutcome::Delisted => Ok(PublishOutcome::Delisted { platform_id }),
            ReservationConfirmOutcome::IdTaken { file_id } => {
                self.after_taken_id(publication, item, &file_id, may_have_duplicates)
            }
            ReservationConfirmOutcome::Duplicate { live } => match duplicates.confirmed_at(publication)? {
                Some(confirmed) => self.already_published(&confirmed, Some(item)),
                None => Ok(unknown(format!("{live:?} was taken down meanwhile"))),
            },
            ReservationConfirmOutcome::InProgress { until } => Ok(PublishOutcome::InProgress { until }),
            ReservationConfirmOutcome::NotWanted => {
                if is_anothers(self.publisher.store(), publication, &platform_id)? {
                    return Ok(unknown(format!("{platform_id:?} is another's: a person has to look")));
                }
                Ok(match take_down(self.call.catalogue(), item) {
                    Ok(()) => PublishOutcome::FileNotFound,
                    // A later attempt could not find this product, since no row leads to it any more.
                    Err(error) => PublishOutcome::WaitsForPerson {
                        reason: format!(
                            "{platform_id:?} belongs to nothing here, and taking it down has failed: {error}"
                        ),
                    },
                })
            }
        }
    }

    /// Handles a product whose id is that of a confirmed publication. Its exact key shows that the platform has reused
    /// the id, so that the earlier product is gone.
    fn after_taken_id(
        &self,
        publication: &Publication,
        item: &RemoteItem,
        file_id: &FileId,
        may_have_duplicates: bool,
    ) -> Result<PublishOutcome, PublishError> {
        let platform_id = &item.platform_id;
        if item.reported_key() == Some(&publication.client_key) {
            match self.duplicates().end_former_owner(publication, file_id, platform_id)? {
                FormerOwner::Ended => {
                    let confirmed = confirm_after_former_owner(self.publisher, publication, item)?;
                    if !matches!(confirmed, ReservationConfirmOutcome::IdTaken { .. }) {
                        return self.after_confirmation(publication, item, confirmed, may_have_duplicates);
                    }
                }
                FormerOwner::Recent { until } => {
                    let reason = format!("{platform_id:?} is what file {file_id} was confirmed as just before");
                    let step = mark_unknown(self.publisher, publication, &reason, None)?;
                    return Ok(self.unless_taken_over(&step, PublishOutcome::InProgress { until }));
                }
                FormerOwner::StillThere => {}
            }
        }
        let reason = format!("{platform_id:?} is what file {file_id} has there: a person has to look");
        let step = mark_unknown(self.publisher, publication, &reason, Some(ParkedFor::Person))?;
        Ok(self.unless_taken_over(&step, unknown(reason)))
    }

    /// The answer for a published target, after its duplicates were taken down.
    fn already_published(
        &self,
        confirmed: &Publication,
        known: Option<&RemoteItem>,
    ) -> Result<PublishOutcome, PublishError> {
        let platform_id = match self.duplicates().keep_single(confirmed, known)?.all_taken_down()? {
            DedupOutcome::Replaced { platform_id } => platform_id,
            DedupOutcome::StillThere | DedupOutcome::Missing | DedupOutcome::Unclear => {
                confirmed.platform_id.clone().unwrap_or_default()
            }
        };
        Ok(PublishOutcome::AlreadyPublished { platform_id })
    }

    /// Releases a reservation after the platform refused the call.
    fn release(&self, reservation: Reservation<'a, S>, error: CallError) -> Result<PublishOutcome, StoreError> {
        let step = reservation.release(&error.to_string())?;
        Ok(match error {
            CallError::Refused { reason } => self.unless_taken_over(&step, PublishOutcome::Refused { reason }),
            CallError::Throttled { until, reason } => PublishOutcome::Throttled { until, reason },
            CallError::NotSent { reason } | CallError::NoAnswer { reason } => PublishOutcome::NotSent { reason },
        })
    }

    /// The outcome of a step that needed the reservation. If another caller has taken the reservation over, that
    /// caller's outcome counts, and the next attempt finds it.
    fn unless_taken_over(&self, step: &FencedResult<()>, outcome: PublishOutcome) -> PublishOutcome {
        match step {
            FencedResult::LeaseLost => {
                PublishOutcome::InProgress { until: self.publisher.environment().now() + self.publisher.hold() }
            }
            // Without its file the reservation is gone, and the next attempt reports that.
            FencedResult::Done(()) | FencedResult::AlreadyDone { .. } | FencedResult::NotFound => outcome,
        }
    }

    fn duplicates(&self) -> Duplicates<'_, S> {
        Duplicates::new(self.publisher, self.call.catalogue())
    }
}

fn unknown(reason: impl Into<String>) -> PublishOutcome {
    PublishOutcome::Unknown { reason: reason.into() }
}
