//! Posts at social networks.

use std::sync::{Arc, Mutex};

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{IdempotencyKey, PlatformRowId, PostType, SocialPlatform};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{
    CallError, Message, Post, PublishOutcome, Publisher, RemoteItem, RemoteItemKind, Reservation, ReservationAttempt,
    ReservationConfirmOutcome, RowResolution, RowResolutionOutcome, SocialNetwork, UnknownResolution,
    UnknownResolutionOutcome,
};
use fieldfen_testkit::fixtures::{by_ann, foreign_post};
use fieldfen_testkit::with;

use crate::foreign_listings::{already, waits};
use crate::shop_harness::{ETSY, HOLD, approved, post, publisher, reel};

on_every_store!(
    posts_are_made_once_and_a_repost_is_another,
    a_network_that_cannot_look_up_waits_for_a_person,
    a_retried_post_leaves_the_repost_alone,
    a_repost_whose_answer_has_not_come_is_left_alone,
    an_answer_that_was_lost_is_not_taken_for_that_of_a_repost,
    a_second_try_is_not_taken_for_a_repost,
    a_post_that_was_made_by_hand_is_neither_taken_over_nor_deleted,
    a_network_with_keys_tells_lost_answers_apart,
    a_post_without_an_id_waits_for_a_person,
    a_post_that_is_gone_is_posted_again,
);

/// The lookups of a network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// The network looks posts up by their keys.
    ByKey,
    /// The network stores no keys: a lookup finds every post of the picture.
    ByPicture,
    /// The network gives no answers and cannot be searched.
    Never,
}

/// A network that keeps its posts in memory.
#[derive(Clone)]
pub(crate) struct FakeNetwork {
    answers: Answers,
    posts: Arc<Mutex<Vec<(IdempotencyKey, String)>>>,
}

impl FakeNetwork {
    pub(crate) fn new(answers: Answers) -> Self {
        Self { answers, posts: Arc::default() }
    }

    /// Makes a post, like a call whose answer is still in transit.
    fn make(&self, key: &IdempotencyKey) -> Post {
        let mut posts = self.posts.lock().unwrap();
        let platform_id = format!("post-{}", posts.len() + 1);
        posts.push((key.clone(), platform_id.clone()));
        self.shown(key, &platform_id)
    }

    /// A post, as the network shows it.
    fn shown(&self, key: &IdempotencyKey, platform_id: &str) -> Post {
        let key = (self.answers == Answers::ByKey).then(|| key.clone());
        Post::new(platform_id).key(key)
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.posts.lock().unwrap().iter().map(|(_, id)| id.clone()).collect()
    }
}

impl SocialNetwork for FakeNetwork {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Instagram
    }

    fn post(&self, key: &IdempotencyKey, message: &Message<'_>) -> Result<Post, CallError> {
        assert_eq!(message.post_type, Some(PostType::Reel));
        let post = self.make(key);
        match self.answers {
            Answers::Never => Err(CallError::NoAnswer { reason: "time-out".to_owned() }),
            Answers::ByKey | Answers::ByPicture => Ok(post),
        }
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError> {
        if self.answers == Answers::Never {
            return Err(CallError::Refused { reason: "posts cannot be searched".to_owned() });
        }
        let posts = self.posts.lock().unwrap();
        let found = posts.iter().filter(|(its, _)| self.answers == Answers::ByPicture || its == key);
        Ok(found.map(|(its, id)| self.shown(its, id)).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError> {
        if self.answers == Answers::Never {
            return Err(CallError::Refused { reason: "posts cannot be looked up".to_owned() });
        }
        let posts = self.posts.lock().unwrap();
        Ok(posts.iter().find(|(_, id)| id == platform_id).map(|(key, id)| self.shown(key, id)))
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        self.posts.lock().unwrap().retain(|(_, id)| id != platform_id);
        Ok(())
    }
}

/// The finding of a person.
fn posted(platform_id: &str) -> RemoteItem {
    RemoteItem::new(platform_id, RemoteItemKind::Post)
}

fn reserved<'p, S: Store>(publisher: &'p Publisher<S>, id: FileId, post_key: &str) -> Reservation<'p, S> {
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &post(post_key)).unwrap() else {
        panic!("not granted");
    };
    reservation
}

fn posts_are_made_once_and_a_repost_is_another(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByKey);
    let publisher = publisher(&shop, &[]).network(network.clone());
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::Published { .. }));
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    assert!(matches!(publisher.post(&reel(id, "christmas")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(network.ids().len(), 2);
    let posts = shop.write(|s| s.listings().list_posts_by_file(&id)).unwrap();
    assert_eq!(posts.len(), 2);
    assert_eq!(shop.status(&id), FileStatus::Approved, "a post is no listing");
}

fn a_network_that_cannot_look_up_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::Never);
    let publisher = publisher(&shop, &[]).network(network.clone());
    for _ in 0..3 {
        assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::Unknown { .. }));
        shop.bench.clock.advance(HOLD);
    }
    assert_eq!(network.ids().len(), 1);
    // A person has looked, and resolves the target.
    let ReservationAttempt::Unresolved(unresolved) = publisher.reserve(&id, &post("launch")).unwrap() else {
        panic!("not unresolved")
    };
    let found = posted("post-1");
    assert_eq!(unresolved.found(&found, &by_ann("I see it")).unwrap(), ReservationConfirmOutcome::Confirmed);
}

fn a_retried_post_leaves_the_repost_alone(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByPicture);
    let publisher = publisher(&shop, &[]).network(network.clone());
    for key in ["launch", "christmas", "launch", "christmas"] {
        publisher.post(&reel(id, key)).unwrap();
        assert_eq!(network.ids()[0], "post-1");
    }
    assert_eq!(network.ids(), ["post-1", "post-2"]);
    // A third post whose answer was lost is not confused with the others.
    let third = reserved(&publisher, id, "easter");
    assert!(third.mark_unknown("time-out").unwrap().is_done());
    shop.bench.clock.advance(HOLD);
    let posted = publisher.post(&reel(id, "easter")).unwrap();
    assert_eq!(posted, PublishOutcome::Published { platform_id: "post-3".to_owned(), url: None });
    assert_eq!(network.ids(), ["post-1", "post-2", "post-3"]);
}

fn a_repost_whose_answer_has_not_come_is_left_alone(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByPicture);
    let publisher = publisher(&shop, &[]).network(network.clone());
    publisher.post(&reel(id, "launch")).unwrap();
    let repost = reserved(&publisher, id, "christmas");
    network.make(repost.key());
    publisher.post(&reel(id, "launch")).unwrap();
    assert_eq!(network.ids(), ["post-1", "post-2"]);
    assert!(repost.mark_unknown("time-out").unwrap().is_done());
}

fn an_answer_that_was_lost_is_not_taken_for_that_of_a_repost(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByPicture);
    let publisher = publisher(&shop, &[]).network(network.clone());
    assert!(reserved(&publisher, id, "launch").mark_unknown("time-out").unwrap().is_done());
    shop.bench.clock.advance(HOLD);
    let repost = reserved(&publisher, id, "christmas");
    network.make(repost.key());
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::Unknown { .. }));

    // With both answers lost, a person must decide.
    assert!(repost.mark_unknown("time-out").unwrap().is_done());
    shop.bench.clock.advance(HOLD);
    for key in ["launch", "christmas"] {
        assert!(matches!(publisher.post(&reel(id, key)).unwrap(), PublishOutcome::Unknown { .. }));
    }
    let ReservationAttempt::Unresolved(repost) = publisher.reserve(&id, &post("christmas")).unwrap() else {
        panic!("not unresolved");
    };
    assert_eq!(repost.found(&posted("post-1"), &by_ann("looked")).unwrap(), ReservationConfirmOutcome::Confirmed);
    let launched = publisher.post(&reel(id, "launch")).unwrap();
    assert_eq!(launched, PublishOutcome::Published { platform_id: "post-2".to_owned(), url: None });
    assert_eq!(network.ids(), ["post-1", "post-2"]);
}

fn a_second_try_is_not_taken_for_a_repost(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByPicture);
    let publisher = publisher(&shop, &[]).network(network.clone());
    assert!(reserved(&publisher, id, "launch").release("no route").unwrap().is_done());
    let repost = reserved(&publisher, id, "christmas");
    let made = network.make(repost.key());
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::Unknown { .. }));
    assert_eq!(repost.confirm(&RemoteItem::from(made)).unwrap(), ReservationConfirmOutcome::Confirmed);
    shop.bench.clock.advance(HOLD);
    let launched = publisher.post(&reel(id, "launch")).unwrap();
    assert_eq!(launched, PublishOutcome::Published { platform_id: "post-2".to_owned(), url: None });
}

fn a_post_that_was_made_by_hand_is_neither_taken_over_nor_deleted(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByPicture);
    let publisher = publisher(&shop, &[]).network(network.clone());
    publisher.post(&reel(id, "launch")).unwrap();
    network.make(&IdempotencyKey::from_text("by hand".to_owned()));
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    assert_eq!(network.ids(), ["post-1", "post-2"]);

    let repost = reserved(&publisher, id, "christmas");
    assert!(repost.mark_unknown("time-out").unwrap().is_done());
    let target = post("christmas");
    let until = publisher.resolve_unknown(&id, &target, &UnknownResolution::NothingThere, &by_ann("looked")).unwrap();
    assert_eq!(until, UnknownResolutionOutcome::InProgress { until: shop.bench.now() + HOLD });
    shop.bench.clock.advance(HOLD);
    for _ in 0..2 {
        let PublishOutcome::Unknown { reason } = publisher.post(&reel(id, "christmas")).unwrap() else {
            panic!("known")
        };
        assert!(reason.contains("post-2"), "{reason}");
    }
    // A person has looked: the existing post was made by hand.
    assert_eq!(
        publisher.resolve_unknown(&id, &target, &UnknownResolution::NothingThere, &by_ann("looked")).unwrap(),
        UnknownResolutionOutcome::Freed { jobs: vec![] }
    );
    assert_eq!(
        publisher.resolve_unknown(&id, &post("launch"), &UnknownResolution::NothingThere, &by_ann("looked")).unwrap(),
        UnknownResolutionOutcome::NotUnknown
    );
    let reposted = publisher.post(&reel(id, "christmas")).unwrap();
    assert_eq!(reposted, PublishOutcome::Published { platform_id: "post-3".to_owned(), url: None });
    assert_eq!(network.ids(), ["post-1", "post-2", "post-3"]);
}

fn a_network_with_keys_tells_lost_answers_apart(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByKey);
    let publisher = publisher(&shop, &[]).network(network.clone());
    for key in ["launch", "christmas"] {
        let reservation = reserved(&publisher, id, key);
        network.make(reservation.key());
        assert!(reservation.mark_unknown("time-out").unwrap().is_done());
    }
    for (key, platform_id) in [("christmas", "post-2"), ("launch", "post-1")] {
        let posted = publisher.post(&reel(id, key)).unwrap();
        assert_eq!(posted, PublishOutcome::Published { platform_id: platform_id.to_owned(), url: None });
    }
}

fn a_post_without_an_id_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByKey);
    let publisher = publisher(&shop, &[]).network(network.clone());
    let nameless = with!(foreign_post(1, id), platform_post_id: None);
    shop.write(|s| s.listings().insert_post(&nameless)).unwrap();
    assert!(waits(publisher.post(&reel(id, "launch")).unwrap()).contains("has no id at the platform"));
    let row = PlatformRowId::Post(nameless.id);
    let adopt = |platform_id: Option<&str>| RowResolution::Adopt {
        target: post("launch"),
        platform_id: platform_id.map(str::to_owned),
    };
    assert!(
        publisher
            .resolve_row(&id, row, &adopt(None), &by_ann("looked"))
            .unwrap_err()
            .to_string()
            .contains("platform id")
    );
    assert!(matches!(
        publisher.resolve_row(&id, row, &adopt(Some("77")), &by_ann("looked")).unwrap(),
        RowResolutionOutcome::Adopted { .. }
    ));
    assert_eq!(publisher.post(&reel(id, "launch")).unwrap(), already("77"));
    assert!(network.ids().is_empty());
}

fn a_post_that_is_gone_is_posted_again(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByKey);
    let publisher = publisher(&shop, &[]).network(network.clone());
    shop.write(|s| s.listings().insert_post(&foreign_post(1, id))).unwrap();
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::Published { .. }));
    let gone: Vec<_> =
        shop.write(|s| s.listings().list_posts_by_file(&id)).unwrap().iter().map(|post| post.gone_at).collect();
    assert_eq!(gone, [Some(shop.bench.now()), None]);
    assert_eq!(publisher.post(&reel(id, "launch")).unwrap(), already("post-1"));
}
