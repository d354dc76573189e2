//! Finds the account of a rule.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::job::PauseScope;
use fieldfen_domain::publication::{Platform, SocialPlatform, Target};
use fieldfen_domain::store::Store;

use super::setting::{InvalidShop, Setting};
use super::{ListingRule, PostRule, Shop};
use crate::publishing::Publisher;

/// The accounts of each declared platform.
type Accounts<P> = BTreeMap<P, BTreeSet<String>>;

impl Shop {
    /// Checks that a publisher has each account that is declared or named in a rule. Without this check, the jobs of a
    /// missing account fail when they run. The accounts of closures cannot be checked.
    ///
    /// # Errors
    /// [`InvalidShop`] for the first rule, or the first declaration, of an account that the publisher does not have.
    pub fn check_publisher<S: Store>(&self, publisher: &Publisher<S>) -> Result<(), InvalidShop> {
        let rules = self.publish.iter().map(|rule| listing(rule.platform, self.account_of_listing(rule)));
        let rules = rules.enumerate().map(|(index, target)| (Setting::of("publish").item(index), target));
        let posts = self.post.iter().map(|rule| post(rule.platform, self.account_of_post(rule)));
        let posts = posts.enumerate().map(|(index, target)| (Setting::of("post").item(index), target));
        let marketplaces = self.marketplaces.iter().flat_map(|(&platform, names)| {
            let at = Setting::of("marketplaces").key(platform.as_str());
            names.iter().map(move |name| (at.clone(), listing(platform, name)))
        });
        let networks = self.networks.iter().flat_map(|(&platform, names)| {
            let at = Setting::of("networks").key(platform.as_str());
            names.iter().map(move |name| (at.clone(), post(platform, name)))
        });
        match rules.chain(posts).chain(marketplaces).chain(networks).find(|(_, target)| !publisher.reaches(target)) {
            Some((at, target)) => {
                let value = format!("{} with account {:?}", target.platform(), target.account());
                Err(InvalidShop::at(
                    at,
                    value,
                    "the program has no such account: correct the name, or add the account to the program",
                ))
            }
            None => Ok(()),
        }
    }

    /// Whether the rules name this kind, service or account: in a handler, a retry policy, an account, a price or a budget.
    #[must_use]
    pub fn names(&self, scope: &PauseScope) -> bool {
        match scope {
            PauseScope::Kind(kind) => {
                self.handlers().is_ok_and(|handlers| handlers.iter().any(|handler| handler.kind == *kind))
                    || self.concurrency_limits().is_ok_and(|limits| limits.iter().any(|limit| limit.kind == *kind))
            }
            PauseScope::Account(account) => {
                let (service, its) = (account.service(), account.account());
                let has = |names: &BTreeSet<String>| its.is_none_or(|its| names.contains(its));
                let marketplaces =
                    self.marketplaces.iter().any(|(platform, names)| platform.as_str() == service && has(names));
                let networks = self.networks.iter().any(|(platform, names)| platform.as_str() == service && has(names));
                let is_priced =
                    || self.prices().is_ok_and(|table| table.prices().iter().any(|price| price.service == service));
                let is_budgeted = || {
                    self.budgets()
                        .is_ok_and(|all| all.iter().any(|budget| budget.scope.service.as_deref() == Some(service)))
                };
                marketplaces || networks || (its.is_none() && (is_priced() || is_budgeted()))
            }
        }
    }

    pub(super) fn account_of_listing<'a>(&'a self, rule: &'a ListingRule) -> &'a str {
        account(&self.marketplaces, &rule.platform, rule.account.as_deref())
    }

    pub(super) fn account_of_post<'a>(&'a self, rule: &'a PostRule) -> &'a str {
        account(&self.networks, &rule.platform, rule.account.as_deref())
    }
}

fn listing(platform: Platform, account: &str) -> Target {
    Target::listing(platform).at_account(account)
}

fn post(platform: SocialPlatform, account: &str) -> Target {
    Target::post(platform, "").at_account(account)
}

/// The account of a rule: the named one, or the only one of the platform.
fn account<'a, P: Ord>(declared: &'a Accounts<P>, platform: &P, named: Option<&'a str>) -> &'a str {
    let only = || declared.get(platform).and_then(|accounts| accounts.first()).map_or("", String::as_str);
    named.unwrap_or_else(only)
}

/// Checks that the shop has the account of a rule. `table` is the table in which accounts are declared.
pub(super) fn check_account<P: Ord + ToString>(
    declared: &Accounts<P>,
    platform: &P,
    is_specified: bool,
    named: Option<&str>,
    rule: &Setting,
    table: &str,
) -> Result<(), InvalidShop> {
    let accounts = declared.get(platform);
    let place = platform.to_string();
    let refused =
        |key: &str, value: &str, why: String| Err(InvalidShop::at(rule.clone().key(key), format!("{value:?}"), why));
    if accounts.is_none() && !is_specified {
        let why = format!("a platform of the shop's own must be declared in [{table}], with its accounts or with []");
        return refused("platform", &place, why);
    }
    let names: Vec<&str> = accounts.into_iter().flatten().map(String::as_str).collect();
    match (named, names.as_slice()) {
        (Some(named), names) if names.contains(&named) => Ok(()),
        (None, [] | [_]) | (Some(""), []) => Ok(()),
        (Some(named), []) => {
            let why = format!("{place} has a single account without a name: leave it out, or declare it in [{table}]");
            refused("account", named, why)
        }
        (named, names) => refused(
            "account",
            named.unwrap_or_default(),
            format!("it must be one of the accounts of {place} in [{table}]: {names:?}"),
        ),
    }
}
