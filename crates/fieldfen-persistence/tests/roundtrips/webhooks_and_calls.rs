//! Received webhooks and recorded calls. Stores return only some of their columns; another program's query reads the
//! others.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::{ApiCall, ApiUsageTotal};
use fieldfen_domain::webhook::{HashInsertOutcome, NewHash, PayloadHash};
use fieldfen_testkit::fixtures::{file, file_id};
use proptest::option;
use proptest::prelude::*;

use crate::each;
use crate::values::{span, text, time};

/// The text of a time in the database.
fn written(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn hash() -> impl Strategy<Value = NewHash> {
    (any::<[u8; 8]>(), text(), time(), span()).prop_map(|(body, source, at, remembered)| {
        NewHash::new(PayloadHash::of_body(&body), source, at, at + remembered)
    })
}

fn call() -> impl Strategy<Value = ApiCall> {
    (text(), option::of(text()), any::<u32>(), option::of(any::<i64>()), option::of(time()), time()).prop_map(
        |(service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, at)| {
            ApiCall::new(service, at)
                .endpoint(endpoint)
                .request_count(request_count)
                .rate_limit_remaining(rate_limit_remaining)
                .rate_limit_reset_at(rate_limit_reset_at)
        },
    )
}

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct HashRow {
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Text)]
    expires_at: String,
}

#[test]
fn a_webhooks_hash_reads_back_as_it_was_written() {
    each((hash(), any::<bool>()), |place, (new, linked)| {
        place.write(|s| s.files().insert(&file(1)));
        assert_eq!(place.write(|s| s.hashes().insert(&new)), HashInsertOutcome::New);
        if linked {
            assert!(place.write(|s| s.hashes().link(&new.hash, &file_id(1))));
        }
        let seen = HashInsertOutcome::Duplicate { first_seen: Some(new.at), file_id: linked.then(|| file_id(1)) };
        assert_eq!(place.write(|s| s.hashes().insert(&new)), seen);
        let query =
            diesel::sql_query("SELECT hash, source, CAST(expires_at AS TEXT) AS expires_at FROM processed_hashes");
        let rows: Vec<HashRow> = query.load(&mut *place.foreign.borrow_mut()).unwrap();
        let (hash, expires_at) = (new.hash.to_string(), written(new.expires_at));
        assert_eq!(rows, [HashRow { hash, source: new.source, expires_at }]);
    });
}

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct CallRow {
    #[diesel(sql_type = Text)]
    service: String,
    #[diesel(sql_type = Nullable<Text>)]
    endpoint: Option<String>,
    #[diesel(sql_type = BigInt)]
    request_count: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    rate_limit_remaining: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    rate_limit_reset_at: Option<String>,
    #[diesel(sql_type = Text)]
    recorded_at: String,
}

#[test]
fn a_call_reads_back_as_it_was_written() {
    each(call(), |place, call| {
        place.write(|s| s.api_usage().record(&call));
        let total = ApiUsageTotal::new(call.service.clone(), u64::from(call.request_count), 1);
        assert_eq!(place.read(|s| s.api_usage().totals(call.at)).services, [total]);
        let query = "SELECT service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at \
                     FROM api_usage";
        let rows: Vec<CallRow> = diesel::sql_query(query).load(&mut *place.foreign.borrow_mut()).unwrap();
        let row = CallRow {
            service: call.service,
            endpoint: call.endpoint,
            request_count: i64::from(call.request_count),
            rate_limit_remaining: call.rate_limit_remaining,
            rate_limit_reset_at: call.rate_limit_reset_at.map(written),
            recorded_at: written(call.at),
        };
        assert_eq!(rows, [row]);
    });
}
