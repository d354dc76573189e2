//! A listed file, with which the tests of later events begin.

use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::publication::{ListingStatus, ListingUpdate, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{Publisher, RepairReport, StatusUpdateOutcome, apply_status_update};
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{ETSY, HOLD, Shop, approved, listing_on, publisher};

/// A shop and its only file.
pub(crate) struct ListedFile<S: Store> {
    pub(crate) shop: Shop<S>,
    pub(crate) etsy: FakeMarketplace,
    pub(crate) publisher: Publisher<S>,
    pub(crate) id: FileId,
}

/// A file that was listed on Etsy as `p1`, some time ago.
pub(crate) fn listed<S: Store>(store: S) -> ListedFile<S> {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    assert_eq!(etsy.ids(), ["p1"]);
    // A lookup that does not show a product only counts some time after its confirmation.
    shop.bench.clock.advance(HOLD);
    ListedFile { shop, etsy, publisher, id }
}

impl<S: Store> ListedFile<S> {
    pub(crate) fn repair(&self) -> RepairReport {
        let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
        self.shop.bench.clock.advance(Duration::from_secs(5));
        self.publisher.repair(&found).unwrap()
    }

    /// Repairs once more, which finds nothing to do, and checks that exactly this product is known and live.
    pub(crate) fn assert_only(&self, platform_id: &str) {
        assert_eq!(self.repair(), RepairReport::default());
        assert!(self.publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
        assert_eq!(self.etsy.ids(), [platform_id]);
        let live: Vec<_> = self.shop.listings(&self.id).into_iter().filter(|row| row.status.is_live()).collect();
        assert_eq!(live.iter().map(|row| row.platform_listing_id.as_str()).collect::<Vec<_>>(), [platform_id]);
        let publications = self.shop.publications(&self.id);
        let live: Vec<_> = publications.iter().filter(|publication| publication.state.is_live()).collect();
        assert_eq!(live.len(), 1, "{live:?}");
        assert_eq!((live[0].state, live[0].platform_id.as_deref()), (PublicationState::Confirmed, Some(platform_id)));
    }

    pub(crate) fn hear(&self, platform_id: &str, status: ListingStatus) -> StatusUpdateOutcome {
        self.shop.bench.clock.advance(Duration::from_secs(1));
        let at = self.shop.bench.now();
        let news = ListingUpdate::new(status, at, at);
        self.shop
            .write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", platform_id, &news))
            .unwrap()
    }

    pub(crate) fn publish(&self) {
        let etsy = listing_on(Platform::Etsy);
        let _ = self
            .shop
            .write(|s| self.shop.pipeline.publish(&mut Transaction::new(s), &self.id, &etsy, &by_ann("wanted")))
            .unwrap();
        self.shop.work(&self.publisher);
    }
}
