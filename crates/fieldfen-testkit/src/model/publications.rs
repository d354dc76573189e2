//! Publications: reserve, confirm, release, mark unknown.

use fieldfen_domain::job::Fenced;
use fieldfen_domain::publication::{
    ClientKey, Confirmation, Confirmed, ConfirmedRow, Listing, ListingStatus, Publication, PublicationEvent,
    PublicationState, ReserveRequest, Reserved, SocialPost, Target,
};
use fieldfen_domain::store::{Publications, StoreError};
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp, cut_reason, to_micros};

use super::files::FileKey;
use super::published::{ListingKey, PostKey};
use super::table::Row;
use super::{ModelSession, missing, taken};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PublicationKey {
    Id(PublicationId),
    File(FileId),
    /// File, channel, platform, account and discriminator, whatever the state.
    Target(FileId, &'static str, &'static str, String, String),
}

impl PublicationKey {
    fn target(file_id: FileId, target: &Target) -> Self {
        let (account, discriminator) = (target.account().to_owned(), target.discriminator().to_owned());
        Self::Target(file_id, target.channel(), target.platform(), account, discriminator)
    }
}

impl Row for Publication {
    type Key = PublicationKey;

    fn keys(&self) -> Vec<PublicationKey> {
        vec![
            PublicationKey::Id(self.id),
            PublicationKey::File(self.file_id),
            PublicationKey::target(self.file_id, &self.target),
        ]
    }
}

impl Publications for ModelSession<'_> {
    fn reserve(&mut self, request: &ReserveRequest) -> Result<Reserved, StoreError> {
        let at = to_micros(request.at);
        let all = self.state.publications.all(&PublicationKey::target(request.file_id, &request.target));
        let Some((number, mut live)) = all.iter().find(|(_, row)| row.state.is_live()).cloned() else {
            let ended = all.iter().filter(|(_, row)| row.state == PublicationState::Ended).count();
            return self.reserve_anew(request, u32::try_from(ended).unwrap_or(u32::MAX));
        };
        match live.state {
            PublicationState::Confirmed => return Ok(Reserved::Published(live)),
            PublicationState::Reserved if live.held_until > at => return Ok(Reserved::Held(live)),
            _ => {}
        }
        live.state = PublicationState::Unknown;
        live.token = request.token;
        live.held_until = to_micros(request.held_until);
        live.updated_at = at;
        self.state.publications.update(number, live.clone());
        Ok(Reserved::Unresolved(live))
    }

    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<Confirmed, StoreError> {
        let Some((number, mut publication)) = self.state.publications.find(&PublicationKey::Id(*id)) else {
            return Ok(Confirmed::Gone);
        };
        if publication.state == PublicationState::Confirmed {
            return Ok(if publication.platform_id.as_ref() == Some(&confirmation.platform_id) {
                Confirmed::AlreadyDone
            } else {
                Confirmed::Duplicate { live: publication.platform_id }
            });
        }
        publication.state = publication.state.after(PublicationEvent::Confirmed)?;
        let target = PublicationKey::target(publication.file_id, &publication.target);
        let others = self.state.publications.all(&target).into_iter().map(|(_, other)| other);
        if let Some(other) = others.filter(|other| other.id != *id).find(|other| other.state.is_live()) {
            return Ok(Confirmed::Duplicate { live: other.platform_id });
        }
        let status = self.insert_confirmed(&publication, confirmation)?;
        let is_live = status.is_none_or(ListingStatus::is_live);
        if !is_live {
            publication.state = publication.state.after(PublicationEvent::Ended)?;
        }
        publication.platform_id = Some(confirmation.platform_id.clone());
        publication.last_error = None;
        publication.updated_at = to_micros(confirmation.at);
        self.state.publications.update(number, publication);
        Ok(if is_live { Confirmed::Done } else { Confirmed::Ended })
    }

    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::Released, PublicationState::Released, (reason, at))
    }

    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::AnswerLost, PublicationState::Unknown, (reason, at))
    }
}

impl ModelSession<'_> {
    fn reserve_anew(&mut self, request: &ReserveRequest, ended: u32) -> Result<Reserved, StoreError> {
        if self.state.publications.find(&PublicationKey::Id(request.id)).is_some() {
            return Err(taken(format!("publication {}", request.id)));
        }
        if self.state.files.find(&FileKey::Id(request.file_id)).is_none() {
            return Err(missing(format!("publication {} of file {}", request.id, request.file_id)));
        }
        let at = to_micros(request.at);
        let publication = Publication {
            id: request.id,
            file_id: request.file_id,
            target: request.target.clone(),
            client_key: ClientKey::derive(&request.file_id, &request.target, ended),
            state: PublicationState::Reserved,
            token: request.token,
            held_until: to_micros(request.held_until),
            last_error: None,
            platform_id: None,
            created_at: at,
            updated_at: at,
        };
        self.state.publications.insert(publication.clone());
        Ok(Reserved::Granted(publication))
    }

    /// Release and mark unknown: an event that needs the token, and leads to one state only.
    fn give_up(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        event: PublicationEvent,
        given_up: PublicationState,
        (reason, at): (&str, Timestamp),
    ) -> Result<Fenced<()>, StoreError> {
        let Some((number, mut publication)) = self.state.publications.find(&PublicationKey::Id(*id)) else {
            return Ok(Fenced::Gone);
        };
        if publication.token != *token {
            return Ok(Fenced::LeaseLost);
        }
        if publication.state == given_up {
            return Ok(Fenced::AlreadyDone { at: Some(publication.updated_at) });
        }
        publication.state = publication.state.after(event)?;
        publication.last_error = Some(cut_reason(reason).into_owned());
        publication.updated_at = to_micros(at);
        self.state.publications.update(number, publication);
        Ok(Fenced::Done(()))
    }

    /// The row of `listings` or `social_posts` that a confirmation makes; says the status that a listing has then.
    fn insert_confirmed(
        &mut self,
        publication: &Publication,
        confirmation: &Confirmation,
    ) -> Result<Option<ListingStatus>, StoreError> {
        let at = Some(to_micros(confirmation.at));
        let event_at = to_micros(confirmation.event_at.min(confirmation.at));
        let file_id = publication.file_id;
        match (&publication.target, &confirmation.row) {
            (Target::Listing { platform, .. }, ConfirmedRow::Listing { id, status, platform_status }) => {
                let mut listing = Listing {
                    id: *id,
                    file_id,
                    platform: *platform,
                    platform_listing_id: confirmation.platform_id.clone(),
                    url: confirmation.url.clone(),
                    status: *status,
                    platform_status: platform_status.clone(),
                    status_event_at: Some(event_at),
                    created_at: at,
                    updated_at: at,
                };
                let there = ListingKey::At(*platform, confirmation.platform_id.clone());
                match self.state.listings.find(&there) {
                    Some((_, known)) if known.file_id != file_id => {
                        let what = format!("listing {} at {platform}", confirmation.platform_id);
                        Err(taken(format!("{what}, of file {}", known.file_id)))
                    }
                    // The same file's row, which another program may have made: it is brought up to date.
                    Some((number, known)) => {
                        (listing.id, listing.created_at) = (known.id, known.created_at);
                        if known.status_event_at.is_some_and(|newer| newer > event_at) {
                            listing.status_event_at = known.status_event_at;
                            (listing.status, listing.platform_status) = (known.status, known.platform_status);
                        }
                        let status = listing.status;
                        self.state.listings.update(number, listing);
                        Ok(Some(status))
                    }
                    None if self.state.listings.find(&ListingKey::Id(*id)).is_some() => {
                        Err(taken(format!("listing {id}")))
                    }
                    None => {
                        self.state.listings.insert(listing);
                        Ok(Some(*status))
                    }
                }
            }
            (Target::Post { platform, post_type, .. }, ConfirmedRow::Post { id }) => {
                if self.state.posts.find(&PostKey::Id(*id)).is_some() {
                    return Err(taken(format!("post {id}")));
                }
                self.state.posts.insert(SocialPost {
                    id: *id,
                    file_id,
                    platform: *platform,
                    post_type: *post_type,
                    platform_post_id: Some(confirmation.platform_id.clone()),
                    url: confirmation.url.clone(),
                    posted_at: at,
                });
                Ok(None)
            }
            (target, _) => {
                let rule = "a listing is confirmed by a row of listings, a post by one of social_posts";
                Err(StoreError::Invalid { what: "confirmation of", value: target.to_string(), rule })
            }
        }
    }
}
