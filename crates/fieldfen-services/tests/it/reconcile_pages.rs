//! Limits the number of rows that a reconciliation reads.

use std::sync::{Arc, Mutex};

use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingFilter, ListingStatus, Platform, PostFilter, Publication, PublicationFilter,
    SocialPost,
};
use fieldfen_domain::store::{
    ApiCostReads, ApiUsageReads, BulkActionReads, ConcurrencyLimitReads, FileReads, HashReads, IdReads, JobReads,
    ListingReads, MaintenanceReport, OperatorActionReads, PauseReads, PublicationReads, RateLimitReads, ReadSession,
    RecurringReads, Session, Store, StoreError, Watch, WorkerReads,
};
use fieldfen_domain::{FileId, ListingId, Page, PageRequest, PublicationId, SocialPostId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::publishing::Publisher;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::fixtures::{
    at, file, file_id, listing_confirmation, listing_id, listing_target, listing_update, platform_id, publication_id,
    reserve_request,
};

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{ETSY, Shop, publisher};

#[test]
fn reconciling_the_only_account_reads_what_is_on_sale_on_the_model() {
    reconciling_the_only_account_reads_what_is_on_sale(ModelStore::new());
}

#[test]
fn reconciling_the_only_account_reads_what_is_on_sale_on_sqlite() {
    reconciling_the_only_account_reads_what_is_on_sale(SqliteStore::in_memory().unwrap());
}

#[test]
fn reconciling_one_of_several_accounts_reads_its_own_rows_on_the_model() {
    reconciling_one_of_several_accounts_reads_its_own_rows(ModelStore::new());
}

#[test]
fn reconciling_one_of_several_accounts_reads_its_own_rows_on_sqlite() {
    reconciling_one_of_several_accounts_reads_its_own_rows(SqliteStore::in_memory().unwrap());
}

/// The largest number of rows that are read for one product or live listing: its publication and its listing, by key,
/// by id and by file.
const ROWS_EACH: usize = 10;

/// The largest number of rows of one transaction: a page of rows, and the rows of its files.
const ROWS_AT_ONCE: usize = 500 * 4;

fn reconciling_the_only_account_reads_what_is_on_sale(store: impl Store) {
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let (store, publisher) = counted(store, &[&etsy]);
    list(&store, &etsy, 1..=20, "");
    list(&store, &etsy, 21..=820, "");
    for number in 21..=820 {
        let delisted = listing_update(ListingStatus::Delisted, at(2));
        store.write(|s| s.listings().update(&listing_id(number), &delisted)).unwrap();
    }
    etsy.retain(|id| (1..=20).any(|number| id == platform_id(number)));
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
    let read = store.rows();
    assert!(read.iter().sum::<usize>() <= 20 * ROWS_EACH, "{read:?}");

    list(&store, &etsy, 821..=2_020, "");
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
    let read = store.rows();
    assert!(read.iter().sum::<usize>() >= 1_220, "{read:?}");
    assert!(read.iter().all(|rows| *rows <= ROWS_AT_ONCE), "{read:?}");
}

fn reconciling_one_of_several_accounts_reads_its_own_rows(store: impl Store) {
    let [north, south] = ["north", "south"].map(|account| FakeMarketplace::new(Platform::Etsy).account(account));
    let (store, publisher) = counted(store, &[&north, &south]);
    list(&store, &north, 1..=20, "north");
    list(&store, &south, 21..=820, "south");
    assert!(publisher.reconcile(Platform::Etsy, "north").unwrap().is_clean());
    let read = store.rows();
    assert!(read.iter().sum::<usize>() <= 20 * ROWS_EACH, "{read:?}");
    assert!(publisher.reconcile(Platform::Etsy, "south").unwrap().is_clean());
    let read = store.rows();
    assert!(read.iter().all(|rows| *rows <= ROWS_AT_ONCE), "{read:?}");
}

fn counted<S: Store>(store: S, marketplaces: &[&FakeMarketplace]) -> (CountedStore<S>, Publisher<CountedStore<S>>) {
    let store = CountedStore { inner: store, rows: Arc::default() };
    let shop = Shop::wanting(store.clone(), ETSY);
    (store, publisher(&shop, marketplaces))
}

/// Lists a product of each of these files.
fn list<S: Store>(store: &S, etsy: &FakeMarketplace, numbers: impl Iterator<Item = u64> + Clone, account: &str) {
    let target = listing_target("").at_account(account);
    let written = store.write(|s| {
        for number in numbers.clone() {
            s.files().insert(&file(number))?;
            s.publications().reserve(&reserve_request(number, file_id(number), target.clone(), at(1)))?;
            s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(1)))?;
        }
        Ok(())
    });
    written.unwrap();
    for number in numbers {
        let key = IdempotencyKey::derive(&file_id(number), &target, 0);
        etsy.by_hand(&platform_id(number), Some(key.as_str()));
        etsy.says(&platform_id(number), "live");
    }
}

/// A store that counts the publications and listings of each transaction that only reads.
#[derive(Clone)]
struct CountedStore<S> {
    inner: S,
    rows: Arc<Mutex<Vec<usize>>>,
}

impl<S> CountedStore<S> {
    /// The counts since the last call.
    fn rows(&self) -> Vec<usize> {
        std::mem::take(&mut *self.rows.lock().unwrap())
    }
}

impl<S: Store> Store for CountedStore<S> {
    fn try_read<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.inner.try_read(|s| {
            let mut counted = CountedSession { inner: s, rows: 0 };
            let answer = f(&mut counted);
            self.rows.lock().unwrap().push(counted.rows);
            answer
        })
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        self.inner.try_write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain()
    }
}

struct CountedSession<'s> {
    inner: &'s mut dyn ReadSession,
    rows: usize,
}

impl CountedSession<'_> {
    fn count<T>(&mut self, rows: Result<T, StoreError>, len: impl FnOnce(&T) -> usize) -> Result<T, StoreError> {
        self.rows += rows.as_ref().map_or(0, len);
        rows
    }
}

impl ReadSession for CountedSession<'_> {
    fn files(&mut self) -> &mut dyn FileReads {
        self.inner.files()
    }

    fn jobs(&mut self) -> &mut dyn JobReads {
        self.inner.jobs()
    }

    fn hashes(&mut self) -> &mut dyn HashReads {
        self.inner.hashes()
    }

    fn api_costs(&mut self) -> &mut dyn ApiCostReads {
        self.inner.api_costs()
    }

    fn api_usage(&mut self) -> &mut dyn ApiUsageReads {
        self.inner.api_usage()
    }

    fn publications(&mut self) -> &mut dyn PublicationReads {
        self
    }

    fn listings(&mut self) -> &mut dyn ListingReads {
        self
    }

    fn recurring(&mut self) -> &mut dyn RecurringReads {
        self.inner.recurring()
    }

    fn operator_actions(&mut self) -> &mut dyn OperatorActionReads {
        self.inner.operator_actions()
    }

    fn bulk_actions(&mut self) -> &mut dyn BulkActionReads {
        self.inner.bulk_actions()
    }

    fn workers(&mut self) -> &mut dyn WorkerReads {
        self.inner.workers()
    }

    fn rate_limits(&mut self) -> &mut dyn RateLimitReads {
        self.inner.rate_limits()
    }

    fn concurrency_limits(&mut self) -> &mut dyn ConcurrencyLimitReads {
        self.inner.concurrency_limits()
    }

    fn pauses(&mut self) -> &mut dyn PauseReads {
        self.inner.pauses()
    }

    fn ids(&mut self) -> &mut dyn IdReads {
        self.inner.ids()
    }
}

impl PublicationReads for CountedSession<'_> {
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        let row = self.inner.publications().find(id);
        self.count(row, |row| usize::from(row.is_some()))
    }

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        let rows = self.inner.publications().list_by_file(file_id);
        self.count(rows, Vec::len)
    }

    fn page(&mut self, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>, StoreError> {
        let rows = self.inner.publications().page(filter, page);
        self.count(rows, |page| page.items.len())
    }
}

impl ListingReads for CountedSession<'_> {
    fn find_listing(&mut self, id: &ListingId) -> Result<Option<Listing>, StoreError> {
        self.rows += 1;
        self.inner.listings().find_listing(id)
    }

    fn find_post(&mut self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError> {
        self.rows += 1;
        self.inner.listings().find_post(id)
    }

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        let rows = self.inner.listings().list_by_file(file_id);
        self.count(rows, Vec::len)
    }

    fn page(&mut self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError> {
        let rows = self.inner.listings().page(filter, page);
        self.count(rows, |page| page.items.len())
    }

    fn find_by_platform_id(
        &mut self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError> {
        let row = self.inner.listings().find_by_platform_id(platform, account, platform_id);
        self.count(row, |row| usize::from(row.is_some()))
    }

    fn list_posts_by_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        self.inner.listings().list_posts_by_file(file_id)
    }

    fn page_of_posts(&mut self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError> {
        self.inner.listings().page_of_posts(filter, page)
    }
}
