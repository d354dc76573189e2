//! Products and rows of other programs: products that fieldfen has not made, and rows of `listings` without a
//! publication.

use fieldfen_domain::publication::{IdempotencyKey, Platform, PlatformRow, PlatformRowId, Target, publication_of};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, ListingId};
use fieldfen_services::publishing::RowResolution;
use fieldfen_testkit::fixtures::{by_ann, foreign_listing};
use fieldfen_testkit::with;

use super::market::Chaos;
use super::{Run, VARIANTS};

/// The facts about other programs' products and rows. Some of them only a person knows.
#[derive(Default)]
pub(super) struct Foreign {
    /// Products that were made by hand. Fieldfen may neither adopt nor take them down.
    pub(super) by_hand: Vec<(&'static str, String)>,
    /// Rows of another program, with the account and id of their products. The account is `None` if no publisher knows
    /// it.
    pub(super) rows: Vec<(ListingId, Option<&'static str>, String)>,
    written: u64,
}

impl Foreign {
    /// Returns whether a listed product belongs to another program and has no key for that.
    pub(super) fn is_listed(&self, account: &str, platform_id: &str) -> bool {
        self.rows.iter().any(|(_, its, id)| *its == Some(account) && id == platform_id)
    }
}

impl<S: Store> Run<S> {
    /// An action of another program or a person.
    pub(super) fn another_program(&self, file_id: &FileId) {
        let choices = &self.shared.choices;
        let market = self.market(choices.below(self.markets.len() as u64));
        match choices.below(4) {
            0 => self.make_by_hand(market, file_id),
            1 | 2 => {
                let product = market.by_hand(None).platform_id;
                if !self.write_row(file_id, Some(market.account), &product) {
                    market.remove(&product);
                }
            }
            _ => {
                let name = if choices.below(2) == 0 { "x" } else { "p" };
                self.write_row(file_id, None, &format!("{name}{}", choices.below(8) + 1));
            }
        }
    }

    /// A product with a key similar to fieldfen's, or without a key.
    fn make_by_hand(&self, market: &Chaos, file_id: &FileId) {
        let variant = VARIANTS[usize::try_from(self.shared.choices.below(2)).unwrap()];
        let target = Target::listing(Platform::Etsy).at_account(market.account).with_variant(variant);
        let key = IdempotencyKey::derive(file_id, &target, 0);
        let key = match self.shared.choices.below(3) {
            0 => Some(format!("{key}-A3")),
            1 => Some(key.as_str().to_uppercase()),
            _ => None,
        };
        let product = market.keep_by_hand(key.map(IdempotencyKey::from_text));
        self.foreign.borrow_mut().by_hand.push((market.account, product));
    }

    /// Inserts a row as another program does. Returns `false` if its id is taken.
    fn write_row(&self, file_id: &FileId, account: Option<&'static str>, product: &str) -> bool {
        let mut foreign = self.foreign.borrow_mut();
        foreign.written += 1;
        let row = with!(
            foreign_listing(1_000 + foreign.written, *file_id),
            platform_listing_id: product.to_owned(),
            created_at: Some(self.shop.bench.now()),
        );
        match self.shop.write(|s| s.listings().insert_listing(&row)) {
            Ok(()) => foreign.rows.push((row.id, account, product.to_owned())),
            Err(StoreError::AlreadyExists { .. }) => return false,
            Err(other) => panic!("{other:?}"),
        }
        true
    }

    /// A person resolves the rows of a file that belong to no publication.
    pub(super) fn person_looks(&self, file_id: &FileId) {
        let any = self.targets[0].clone();
        for row in self.publisher.untracked(file_id, &any).unwrap() {
            let PlatformRowId::Listing(id) = row.id() else { panic!("{row:?}") };
            let truth = self.foreign.borrow().rows.iter().find(|(its, ..)| *its == id).cloned();
            let resolution = match truth {
                Some((_, Some(account), product)) => self.what_it_is(file_id, account, product),
                Some((_, None, _)) => RowResolution::NotThere,
                None => self.what_was_ours(file_id, &row),
            };
            self.publisher.resolve_row(file_id, row.id(), &resolution, &by_ann("looked")).unwrap();
        }
    }

    /// A person takes down the products that a reconciliation reports because their row was assigned to another
    /// account's product: rows do not contain the account, and of two products of a file with one id, the one with
    /// fieldfen's key gets the row.
    pub(super) fn person_takes_down_what_no_row_shows(&self) {
        for market in &self.markets {
            let found = self.publisher.reconcile(Platform::Etsy, market.account).unwrap();
            for orphan in found.orphaned.iter().map(|product| product.platform_id.as_str()) {
                let rows = &self.foreign.borrow().rows;
                let Some((row, ..)) = rows.iter().find(|(_, its, id)| *its == Some(market.account) && id == orphan)
                else {
                    continue;
                };
                let is_taken = |id: &FileId| {
                    let (listings, publications) = (self.shop.listings(id), self.publications(id));
                    let row = listings.iter().find(|listing| listing.id == *row);
                    let its = row.and_then(|row| publication_of(row, &listings, &publications));
                    its.is_some_and(|its| its.target.account() != market.account)
                };
                assert!(self.files.iter().any(is_taken), "{orphan:?} of {:?} is orphaned", market.account);
                market.remove(orphan);
            }
        }
    }

    /// A person's decision about the product of a row: it belongs to a free target, or is a duplicate and taken down.
    fn what_it_is(&self, file_id: &FileId, account: &str, product: String) -> RowResolution {
        let market = self.markets.iter().find(|market| market.account == account).unwrap();
        let is_there = market.products().iter().any(|there| there.platform_id == product);
        let publications = self.publications(file_id);
        let is_free = |target: &&Target| {
            target.account() == account
                && !publications.iter().any(|other| other.state.is_live() && other.target.is_same_place(target))
        };
        match self.targets.iter().find(is_free) {
            Some(target) if is_there => RowResolution::Adopt { target: target.clone(), platform_id: Some(product) },
            _ => {
                market.remove(&product);
                RowResolution::NotThere
            }
        }
    }

    /// Handles a row that a publication has had: it belongs to that publication if its product exists.
    fn what_was_ours(&self, file_id: &FileId, row: &PlatformRow) -> RowResolution {
        for its in self.publications(file_id).iter().rev() {
            let market = self.markets.iter().find(|market| market.account == its.target.account()).unwrap();
            if let Some(product) = its.platform_id.as_ref().filter(|id| row.may_be(its.target.account(), id))
                && market.products().iter().any(|there| there.key.as_ref() == Some(&its.client_key))
            {
                return RowResolution::Adopt { target: its.target.clone(), platform_id: Some(product.clone()) };
            }
        }
        RowResolution::NotThere
    }
}
