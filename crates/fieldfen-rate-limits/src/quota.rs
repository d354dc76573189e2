//! Quotas and their remaining units, in the structured fields of the IETF drafts and of services that follow the
//! drafts.

use std::time::Duration;

use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parser};

use crate::json::name;
use crate::number::count;
use crate::{LimitReading, Timestamp, Unit};

/// The state of the quota that ends first: the three fields of the older drafts, or `X-RateLimit-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Remaining {
    pub(crate) limit: Option<u64>,
    pub(crate) remaining: Option<u64>,
    pub(crate) resets_at: Option<Timestamp>,
}

/// The items of a structured list. A field that is malformed says nothing, as RFC 9651 wants it.
pub(crate) fn items(field: &str) -> Option<Vec<Item>> {
    let list = Parser::new(field).parse::<List>().ok()?;
    Some(
        list.into_iter()
            .filter_map(|entry| if let ListEntry::Item(item) = entry { Some(item) } else { None })
            .collect(),
    )
}

/// The integers of a structured dictionary, by a list of its keys.
pub(crate) fn integers<const N: usize>(field: &str, keys: [&str; N]) -> Option<[Option<u64>; N]> {
    let dictionary = Parser::new(field).parse::<Dictionary>().ok()?;
    Some(keys.map(|key| match dictionary.get(key)? {
        ListEntry::Item(item) => integer(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }))
}

/// The integer of a parameter.
pub(crate) fn parameter(item: &Item, key: &str) -> Option<u64> {
    item.params.get(key).and_then(integer)
}

fn integer(value: &BareItem) -> Option<u64> {
    value.as_integer().and_then(|integer| u64::try_from(i64::from(integer)).ok())
}

fn text(value: &BareItem) -> Option<String> {
    match value {
        BareItem::String(text) => name(text.as_str()),
        BareItem::Token(token) => name(token.as_str()),
        _ => None,
    }
}

/// The policy that an item is about. An item has the name as its value, or the quota, and then perhaps the name as the
/// parameter `name`. `None` is for an item that has a name which cannot be kept.
pub(crate) fn policy(item: &Item) -> Option<LimitReading> {
    let (bucket, limit) = match (&item.bare_item, item.params.get("name")) {
        (BareItem::Integer(_), None) => (None, Some(integer(&item.bare_item)?)),
        (BareItem::Integer(_), Some(named)) => (Some(text(named)?), Some(integer(&item.bare_item)?)),
        _ => (Some(text(&item.bare_item)?), parameter(item, "q")),
    };
    let partition = match item.params.get("pk").and_then(BareItem::as_byte_sequence) {
        Some(key) => Some(name(&hexadecimal(key))?),
        None => None,
    };
    let unit = match item.params.get("qu").and_then(text).as_deref() {
        None | Some("requests") => Unit::Requests,
        Some("content-bytes") => Unit::ContentBytes,
        Some("concurrent-requests") => Unit::ConcurrentRequests,
        Some(_) => Unit::Other,
    };
    let window = parameter(item, "w").filter(|seconds| *seconds > 0).map(Duration::from_secs);
    Some(LimitReading { bucket, partition, unit, limit, window, ..LimitReading::default() })
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `100` or `100, 100;w=60, 1000;w=3600`: the quota that ends first, and all quotas with their windows.
pub(crate) fn limit_and_policies(field: &str) -> (Option<u64>, Vec<LimitReading>) {
    let Some(items) = items(field) else {
        return (field.split([',', ';']).next().and_then(count), Vec::new());
    };
    let mut policies = items.iter().filter(|item| integer(&item.bare_item).is_some()).collect::<Vec<_>>();
    let Some(first) = policies.first() else {
        return (
            items.first().and_then(|item| item.bare_item.as_decimal()).and_then(|d| count(&d.to_string())),
            Vec::new(),
        );
    };
    let limit = integer(&first.bare_item);
    if first.params.is_empty() {
        policies.remove(0);
    }
    (limit, policies.into_iter().filter_map(policy).collect())
}

/// One reading for each policy. The remaining units belong to the policy with the same quota; of several such policies,
/// to the one with the longest window. Remaining units that fit no policy are a reading of their own.
pub(crate) fn combine(known: Remaining, mut policies: Vec<LimitReading>) -> Vec<LimitReading> {
    let fits = |policy: &LimitReading| known.limit.is_none_or(|limit| policy.limit == Some(limit));
    let found = match known.limit {
        None if policies.len() > 1 => None,
        _ => policies.iter_mut().filter(|policy| fits(policy)).max_by_key(|policy| policy.window),
    };
    match found {
        Some(policy) => (policy.remaining, policy.resets_at) = (known.remaining, known.resets_at),
        None if known == Remaining::default() => {}
        None => {
            let Remaining { limit, remaining, resets_at } = known;
            policies.insert(0, LimitReading { limit, remaining, resets_at, ..LimitReading::default() });
        }
    }
    policies
}
