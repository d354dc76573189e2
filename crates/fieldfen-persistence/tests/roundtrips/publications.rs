//! Publications, and the listings and posts of their confirmations.

use fieldfen_domain::job::ParkedFor;
use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, ConfirmedRow, IdempotencyKey, Listing, ListingStatus, Platform, PostType,
    Publication, PublicationState, ReleaseReason, ReserveOutcome, ReserveRequest, SocialPlatform, SocialPost, Target,
};
use fieldfen_domain::{ListingId, PublicationId, SocialPostId};
use fieldfen_testkit::fixtures::{file, file_id};
use fieldfen_testkit::with;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::values::{text, time, token};
use crate::{Place, each};

fn target() -> impl Strategy<Value = Target> {
    let listing = (select(Platform::SPECIFIED), text(), text())
        .prop_map(|(platform, account, variant)| Target::listing(platform).at_account(&account).with_variant(variant));
    let post = (select(SocialPlatform::SPECIFIED), text(), text(), option::of(select(PostType::ALL))).prop_map(
        |(platform, account, post_key, post_type)| {
            Target::post(platform, post_key).at_account(&account).with_post_type(post_type)
        },
    );
    prop_oneof![listing, post]
}

fn request() -> impl Strategy<Value = ReserveRequest> {
    (any::<u128>(), target(), token(), time(), time()).prop_map(|(id, target, token, held_until, at)| {
        ReserveRequest::new(PublicationId::from_random(id), file_id(1), target, token, held_until, at)
    })
}

/// A confirmation of this target.
fn confirmation(target: &Target, number: u128, words: &Words) -> Confirmation {
    let row = match target {
        Target::Listing { .. } => ConfirmedRow::Listing {
            id: ListingId::from_random(number),
            status: words.status,
            platform_status: words.platform_status.clone(),
        },
        Target::Post { .. } => ConfirmedRow::Post { id: SocialPostId::from_random(number) },
    };
    Confirmation::new(words.platform_id.clone(), row, words.at, words.at).url(words.url.clone())
}

/// The values in a platform's answer.
#[derive(Debug, Clone)]
struct Words {
    platform_id: String,
    url: Option<String>,
    status: ListingStatus,
    platform_status: Option<String>,
    at: fieldfen_domain::Timestamp,
}

fn words() -> impl Strategy<Value = Words> {
    let platform_id = text().prop_filter("a product has an id", |id| !id.trim().is_empty());
    (platform_id, option::of(text()), select(ListingStatus::ALL), option::of(text()), time()).prop_map(
        |(platform_id, url, status, platform_status, at)| Words { platform_id, url, status, platform_status, at },
    )
}

fn reserve(place: &Place, request: &ReserveRequest) -> Publication {
    place.write(|s| s.files().insert(&file(1)));
    let publication = with!(
        Publication::new(
            request.id,
            request.file_id,
            request.target.clone(),
            IdempotencyKey::derive(&request.file_id, &request.target, 0),
            PublicationState::Reserved,
            request.token,
            request.at,
        ),
        held_since: Some(request.at),
        held_until: request.held_until,
    );
    let granted = place.write(|s| s.publications().reserve(request));
    assert_eq!(granted, ReserveOutcome::Granted(publication.clone()));
    assert_reads(place, &publication);
    publication
}

fn assert_reads(place: &Place, publication: &Publication) {
    assert_eq!(place.read(|s| s.publications().find(&publication.id)).as_ref(), Some(publication));
    assert_eq!(place.read(|s| s.publications().list_by_file(&publication.file_id)), std::slice::from_ref(publication));
}

#[test]
fn a_publication_whose_answer_was_lost_reads_back_as_it_was_written() {
    let word = option::of(select(ParkedFor::SPECIFIED));
    let values = (request(), text(), word, time(), text(), time());
    each(values, |place, (request, lost, parked_for, lost_at, refused, refused_at)| {
        let (mut publication, token) = (reserve(place, &request), request.token);
        let marked = place.write(|s| s.publications().mark_unknown(&request.id, &token, &lost, parked_for, lost_at));
        assert!(marked.is_done());
        (publication.state, publication.updated_at) = (PublicationState::Unknown, lost_at);
        (publication.last_error, publication.parked_for) = (Some(lost.clone()), parked_for);
        assert_reads(place, &publication);
        assert!(
            place
                .write(|s| s.publications().release(&request.id, &token, ReleaseReason::NotMade, &refused, refused_at))
                .is_done()
        );
        (publication.state, publication.updated_at) = (PublicationState::Released, refused_at);
        (publication.last_error, publication.parked_for) = (Some(refused.clone()), None);
        assert_reads(place, &publication);
    });
}

#[test]
fn what_is_published_reads_back_as_it_was_confirmed() {
    each((request(), any::<u128>(), words()), |place, (request, number, words)| {
        let mut publication = reserve(place, &request);
        let confirmation = confirmation(&request.target, number, &words);
        // The publication of a delisted product has ended already.
        let is_gone = matches!(request.target, Target::Listing { .. }) && !words.status.is_live();
        let (answer, state) = if is_gone {
            (ConfirmOutcome::Ended, PublicationState::Ended)
        } else {
            (ConfirmOutcome::Done, PublicationState::Confirmed)
        };
        assert_eq!(place.write(|s| s.publications().confirm(&request.id, &confirmation)), answer);
        (publication.state, publication.updated_at) = (state, words.at);
        publication.platform_id = Some(words.platform_id.clone());
        assert_reads(place, &publication);

        let (mut listings, mut posts) = (Vec::new(), Vec::new());
        match &request.target {
            Target::Listing { platform, .. } => listings.push(with!(
                Listing::new(
                    ListingId::from_random(number),
                    request.file_id,
                    *platform,
                    words.platform_id.clone(),
                    words.status,
                ),
                url: words.url.clone(),
                platform_status: words.platform_status.clone(),
                status_event_at: Some(words.at),
                created_at: Some(words.at),
                updated_at: Some(words.at),
            )),
            Target::Post { platform, post_type, .. } => posts.push(with!(
                SocialPost::new(SocialPostId::from_random(number), request.file_id, *platform),
                post_type: *post_type,
                platform_post_id: Some(words.platform_id.clone()),
                url: words.url.clone(),
                posted_at: Some(words.at),
            )),
        }
        assert_eq!(place.read(|s| s.listings().list_by_file(&request.file_id)), listings);
        assert_eq!(place.read(|s| s.listings().list_posts_by_file(&request.file_id)), posts);
        for listing in &listings {
            let at = place.read(|s| {
                s.listings().find_by_platform_id(listing.platform, request.target.account(), &words.platform_id)
            });
            assert_eq!(at.as_ref(), Some(listing));
        }
    });
}
