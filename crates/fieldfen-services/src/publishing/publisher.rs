//! Publishing: reserve, call the platform, confirm, release or mark unknown, and look up before a second call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, FencedResult, ParkedFor, PublishSocial};
use fieldfen_domain::publication::{LONGEST_HOLD, Platform, Publication, SocialPlatform, Target};
use fieldfen_domain::store::{Store, StoreError};

use super::channels::{Channel, ListingChannel, ListingShelf, PostChannel, PostShelf, Shelf, doubt, take_down};
use super::copies::{Former, Kept};
use super::error::PublishError;
use super::found::Found;
use super::lookup::LookedUp;
use super::outcome::Publishing;
use super::platforms::{CallError, Marketplace, SocialNetwork};
use super::reservation::{Attempt, Reservation, Settled};
use crate::Environment;
use crate::pipeline::Pipeline;

/// How long a reservation is held unless the program says otherwise.
const DEFAULT_HOLD: Duration = Duration::from_secs(300);

/// How often rows that belong to no publication are settled for one call. More come only while somebody adds them.
const MOST_ROUNDS: u32 = 10;

/// Publishes files at marketplaces and social networks, each thing once. Clones share everything.
#[derive(Clone)]
pub struct Publisher<S: Store> {
    store: S,
    pipeline: Pipeline,
    marketplaces: Vec<Arc<dyn Marketplace>>,
    networks: Vec<Arc<dyn SocialNetwork>>,
    hold: Duration,
}

impl<S: Store> Publisher<S> {
    /// A publisher that knows no marketplace and no network yet, and holds its reservations for five minutes.
    #[must_use]
    pub const fn new(store: S, pipeline: Pipeline) -> Self {
        Self { store, pipeline, marketplaces: Vec::new(), networks: Vec::new(), hold: DEFAULT_HOLD }
    }

    /// The same publisher with this marketplace, which takes the place of another for the same platform and account.
    #[must_use]
    pub fn marketplace(mut self, marketplace: impl Marketplace + 'static) -> Self {
        self.marketplaces
            .retain(|other| other.platform() != marketplace.platform() || other.account() != marketplace.account());
        self.marketplaces.push(Arc::new(marketplace));
        self
    }

    /// The same publisher with this network, which takes the place of another for the same platform and account.
    #[must_use]
    pub fn network(mut self, network: impl SocialNetwork + 'static) -> Self {
        self.networks.retain(|other| other.platform() != network.platform() || other.account() != network.account());
        self.networks.push(Arc::new(network));
        self
    }

    /// The same publisher, which holds its reservations for this long.
    ///
    /// It must be longer than a call to a platform can last and take effect: its time limit, and what a request may wait
    /// on its way. After a crash, the target stays blocked for that time. It is [`LONGEST_HOLD`] at the most.
    #[must_use]
    pub fn holding(mut self, hold: Duration) -> Self {
        self.hold = hold.min(LONGEST_HOLD);
        self
    }

    /// How long a reservation is held.
    #[must_use]
    pub const fn hold(&self) -> Duration {
        self.hold
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The pipeline.
    #[must_use]
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(super) const fn environment(&self) -> &Environment {
        self.pipeline.environment()
    }

    pub(super) fn marketplace_of(&self, platform: Platform, account: &str) -> Option<&dyn Marketplace> {
        self.marketplaces_of(platform).into_iter().find(|marketplace| marketplace.account() == account)
    }

    /// The accounts at a platform.
    pub(super) fn marketplaces_of(&self, platform: Platform) -> Vec<&dyn Marketplace> {
        let all = self.marketplaces.iter().map(AsRef::as_ref);
        all.filter(|marketplace| marketplace.platform() == platform).collect()
    }

    /// The accounts at the platform of a target.
    pub(super) fn shelves_of(&self, target: &Target) -> Vec<Box<dyn Shelf + '_>> {
        match target {
            Target::Listing { platform, .. } => {
                let shelf = |marketplace| Box::new(ListingShelf(marketplace)) as Box<dyn Shelf>;
                self.marketplaces_of(*platform).into_iter().map(shelf).collect()
            }
            Target::Post { platform, .. } => {
                let networks = self.networks.iter().map(AsRef::as_ref);
                let networks = networks.filter(|network: &&dyn SocialNetwork| network.platform() == *platform);
                networks.map(|network| Box::new(PostShelf(network)) as Box<dyn Shelf>).collect()
            }
        }
    }

    fn network_of(&self, platform: SocialPlatform, account: &str) -> Option<&dyn SocialNetwork> {
        let mut all = self.networks.iter().map(AsRef::as_ref);
        all.find(|network| network.platform() == platform && network.account() == account)
    }

    /// Lists a file as a `CreateListing` job says.
    ///
    /// # Errors
    /// [`PublishError`]: nothing is lost by any of them, the job can be tried again.
    pub fn list(&self, job: &CreateListing) -> Result<Publishing, PublishError> {
        let (account, variant) = (job.account.clone(), job.variant.clone());
        let target = Target::Listing { platform: job.platform, account, variant };
        let Some(marketplace) = self.marketplace_of(job.platform, &job.account) else {
            return Err(PublishError::NotConfigured { target: target.to_string() });
        };
        self.publish(&ListingChannel { shelf: ListingShelf(marketplace), job }, &job.file_id, &target)
    }

    /// Posts a file as a `PublishSocial` job says.
    ///
    /// # Errors
    /// As [`Publisher::list`].
    pub fn post(&self, job: &PublishSocial) -> Result<Publishing, PublishError> {
        let target = Target::Post {
            platform: job.platform,
            account: job.account.clone(),
            post_key: job.post_key.clone(),
            post_type: job.post_type,
        };
        let Some(network) = self.network_of(job.platform, &job.account) else {
            return Err(PublishError::NotConfigured { target: target.to_string() });
        };
        self.publish(&PostChannel { shelf: PostShelf(network), job }, &job.file_id, &target)
    }

    fn publish(&self, channel: &dyn Channel, file_id: &FileId, target: &Target) -> Result<Publishing, PublishError> {
        let mut attempt = self.reserve(file_id, target)?;
        // A call whose answer was lost may have taken effect while this one was made.
        let mut called_twice = false;
        let mut rounds = 0;
        loop {
            attempt = match attempt {
                Attempt::Granted(reservation) => return self.call(channel, reservation, called_twice),
                Attempt::Unresolved(unresolved) => {
                    let publication = unresolved.publication().clone();
                    match self.look_up(channel.shelf(), &publication)? {
                        LookedUp::There { first, copies } => {
                            let settled = unresolved.found(&first)?;
                            return self.settled(channel, &publication, &first, settled, copies);
                        }
                        LookedUp::Absent => {
                            // The call was answered, so it may have made something that a search by its key does not find.
                            if let Some(parked_for) = publication.parked_for {
                                let reason =
                                    publication.last_error.unwrap_or_else(|| format!("parked for {parked_for}"));
                                return Ok(Publishing::WaitsForPerson { reason });
                            }
                            if publication.is_of_a_clock_ahead(self.environment().now()) {
                                let reason = format!(
                                    "a lookup finds nothing, and a clock that was ahead holds the reservation until {}",
                                    publication.held_until
                                );
                                return Ok(Publishing::WaitsForPerson { reason });
                            }
                            called_twice = true;
                            unresolved.absent("a lookup has found nothing")?
                        }
                        LookedUp::Unclear(reason) => {
                            let step = unresolved.still_unknown(&reason)?;
                            return Ok(self.unless_overtaken(step, unknown(reason)));
                        }
                        LookedUp::Failed(error) => {
                            let step = unresolved.still_unknown(&error.to_string())?;
                            return Ok(match error {
                                CallError::Throttled { until, reason } => Publishing::Throttled { until, reason },
                                other => self.unless_overtaken(step, unknown(format!("lookup: {other}"))),
                            });
                        }
                    }
                }
                Attempt::Unclaimed(rows) => {
                    rounds += 1;
                    match self.settle_unclaimed(file_id, target, &rows)? {
                        Some(publishing) => return Ok(publishing),
                        None if rounds == MOST_ROUNDS => {
                            let reason = "rows of the file at this platform come up faster than they are looked up";
                            return Ok(Publishing::WaitsForPerson { reason: reason.to_owned() });
                        }
                        None => self.reserve(file_id, target)?,
                    }
                }
                Attempt::Held { until } => return Ok(Publishing::Held { until }),
                // A job that comes back after its work was done may have left a second product behind.
                Attempt::Published(publication) => return self.keep_only(channel, &publication, None),
                Attempt::NotApproved { status } => return Ok(Publishing::NotApproved { status }),
                Attempt::NoFile => return Ok(Publishing::NoFile),
            };
        }
    }

    /// Calls the platform, once a lookup has shown that no earlier call with this key has made anything.
    fn call(
        &self,
        channel: &dyn Channel,
        reservation: Reservation<'_, S>,
        called_twice: bool,
    ) -> Result<Publishing, PublishError> {
        let publication = reservation.publication().clone();
        if reservation.called_before() {
            match self.look_up(channel.shelf(), &publication)? {
                LookedUp::There { first, copies } => {
                    let settled = reservation.found(&first)?;
                    return self.settled(channel, &publication, &first, settled, copies);
                }
                LookedUp::Unclear(reason) => {
                    let step = reservation.mark_unknown(&reason)?;
                    return Ok(self.unless_overtaken(step, unknown(reason)));
                }
                // A network that cannot be asked is not asked; nothing was said to be unknown.
                LookedUp::Absent | LookedUp::Failed(CallError::Refused { .. }) => {}
                LookedUp::Failed(error) => return Ok(self.released(reservation, error)?),
            }
        }
        let target = &publication.target;
        if let Some(reason) = self.published_under_another_name(channel.shelf(), &publication.file_id, target)? {
            let step = reservation.release(&reason)?;
            return Ok(self.unless_overtaken(step, Publishing::WaitsForPerson { reason }));
        }
        // A process that was stopped for so long may have been overtaken.
        if self.environment().now() >= reservation.held_until() {
            let reason = "the reservation ran out before the platform was called";
            let step = reservation.mark_unknown(reason)?;
            return Ok(self.unless_overtaken(step, unknown(reason)));
        }
        match channel.create(reservation.key(), reservation.file()) {
            Ok(found) => match doubt(&publication.client_key, &found) {
                None => self.settled(channel, &publication, &found, reservation.confirm(&found)?, called_twice),
                Some(reason) => {
                    let step = reservation.park(&reason)?;
                    Ok(self.unless_overtaken(step, unknown(reason)))
                }
            },
            Err(CallError::NoAnswer { reason }) => {
                let step = reservation.mark_unknown(&reason)?;
                Ok(self.unless_overtaken(step, unknown(reason)))
            }
            Err(error) => Ok(self.released(reservation, error)?),
        }
    }

    /// What a confirmation comes to; `copies` says that others with the same key are there or may be.
    fn settled(
        &self,
        channel: &dyn Channel,
        publication: &Publication,
        found: &Found,
        settled: Settled,
        copies: bool,
    ) -> Result<Publishing, PublishError> {
        let platform_id = found.platform_id.clone();
        match settled {
            Settled::Done => {
                if copies && let Some(confirmed) = self.confirmed_at(publication)? {
                    self.keep_one(channel.shelf(), &confirmed, Some(found))?.whole()?;
                }
                Ok(Publishing::Published { platform_id, url: found.url.clone() })
            }
            Settled::AlreadyDone => Ok(Publishing::AlreadyPublished { platform_id }),
            Settled::Delisted => Ok(Publishing::Delisted { platform_id }),
            Settled::Taken { file_id } => {
                // The platform has used an id again, and what had it is gone.
                if found.said_key() == Some(&publication.client_key) {
                    match self.end_former(channel.shelf(), publication, &file_id, &platform_id)? {
                        Former::Ended => {
                            let settled = self.confirm_after_former(publication, found)?;
                            if !matches!(settled, Settled::Taken { .. }) {
                                return self.settled(channel, publication, found, settled, copies);
                            }
                        }
                        Former::Recent { until } => {
                            let reason = format!("{platform_id:?} is what file {file_id} was confirmed as just before");
                            let step = self.mark_unknown(publication, &reason, None)?;
                            return Ok(self.unless_overtaken(step, Publishing::Held { until }));
                        }
                        Former::Stays => {}
                    }
                }
                let reason = format!("{platform_id:?} is what file {file_id} has there: a person has to look");
                let step = self.mark_unknown(publication, &reason, Some(ParkedFor::Person))?;
                Ok(self.unless_overtaken(step, unknown(reason)))
            }
            Settled::Duplicate { live } => match self.confirmed_at(publication)? {
                Some(confirmed) => self.keep_only(channel, &confirmed, Some(found)),
                None => Ok(unknown(format!("{live} was taken down meanwhile"))),
            },
            Settled::Contested { until } => Ok(Publishing::Held { until }),
            Settled::Unwanted => {
                if self.is_anothers(publication, &platform_id)? {
                    return Ok(unknown(format!("{platform_id:?} is another's: a person has to look")));
                }
                Ok(match take_down(channel.shelf(), found) {
                    Ok(()) => Publishing::NoFile,
                    // Another try would not know of it: nothing here leads to it any more.
                    Err(error) => Publishing::WaitsForPerson {
                        reason: format!(
                            "{platform_id:?} belongs to nothing here, and taking it down has failed: {error}"
                        ),
                    },
                })
            }
        }
    }

    fn keep_only(
        &self,
        channel: &dyn Channel,
        confirmed: &Publication,
        known: Option<&Found>,
    ) -> Result<Publishing, PublishError> {
        let platform_id = match self.keep_one(channel.shelf(), confirmed, known)?.whole()? {
            Kept::Adopted { platform_id } => platform_id,
            Kept::There | Kept::Absent | Kept::Unclear => confirmed.platform_id.clone().unwrap_or_default(),
        };
        Ok(Publishing::AlreadyPublished { platform_id })
    }

    /// Gives a reservation free after a definite no.
    fn released(&self, reservation: Reservation<'_, S>, error: CallError) -> Result<Publishing, StoreError> {
        let step = reservation.release(&error.to_string())?;
        Ok(match error {
            CallError::Refused { reason } => self.unless_overtaken(step, Publishing::Refused { reason }),
            CallError::Throttled { until, reason } => Publishing::Throttled { until, reason },
            CallError::NotSent { reason } | CallError::NoAnswer { reason } => Publishing::NotSent { reason },
        })
    }

    /// What a step that needed the reservation comes to, unless somebody else has taken the reservation over: then
    /// what that one does counts, and the next try sees it.
    fn unless_overtaken(&self, step: FencedResult<()>, publishing: Publishing) -> Publishing {
        match step {
            FencedResult::LeaseLost => Publishing::Held { until: self.environment().now() + self.hold },
            // Without its file nothing can be held, and a next try says so.
            FencedResult::Done(()) | FencedResult::AlreadyDone { .. } | FencedResult::NotFound => publishing,
        }
    }
}

pub(super) fn unknown(reason: impl Into<String>) -> Publishing {
    Publishing::Unknown { reason: reason.into() }
}

impl<S: Store> fmt::Debug for Publisher<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("pipeline", &self.pipeline).field("hold", &self.hold).finish_non_exhaustive()
    }
}
