//! Confirms publications for the products and posts that are at their platforms, so that nothing is published again.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Target};
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp};
use fieldfen_persistence::migrations::MigrationError;
use fieldfen_persistence::store_error;
use serde::Serialize;
use uuid::Uuid;

use super::forms::MOST_NAMED;
use super::progress::Progress;
use super::value::{Value, ValueRow};
use super::word_form::Vocabulary;
use super::{id_form, time_form};
use crate::event::AdoptionStep;

/// The number of rows that are read at once.
const ROWS: i64 = 200;

/// A row that has got no publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnconfirmedRow {
    /// The table.
    pub table: &'static str,
    /// The primary key of the row.
    pub id: String,
    /// The reason.
    pub reason: &'static str,
}

/// The publications of an adoption.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ConfirmedRows {
    /// The number of confirmed publications.
    pub confirmed: u64,
    /// The number of live rows without a publication of their own.
    pub unconfirmed: u64,
    /// The first of them, at most [`MOST_NAMED`].
    pub rows: Vec<UnconfirmedRow>,
}

/// A table of products or posts.
struct Source {
    table: &'static str,
    /// The columns of a page: rowid, id, file_id, platform, id at the platform, status or type, time, whether the file
    /// exists.
    page: &'static str,
    /// Makes the ids of publications of the two tables differ, also for rows with equal ids.
    salt: u128,
}

const SOURCES: [Source; 2] = [
    Source {
        table: "listings",
        page: "SELECT rowid, id, file_id, platform, platform_listing_id, status, created_at,
                      EXISTS (SELECT 1 FROM files WHERE files.id = listings.file_id)
               FROM listings WHERE rowid >= ? ORDER BY rowid LIMIT ?",
        salt: 0x6c69_7374_696e_6773,
    },
    Source {
        table: "social_posts",
        page: "SELECT rowid, id, file_id, platform, platform_post_id, post_type, posted_at,
                      EXISTS (SELECT 1 FROM files WHERE files.id = social_posts.file_id)
               FROM social_posts WHERE rowid >= ? ORDER BY rowid LIMIT ?",
        salt: 0x706f_7374_7300_0000,
    },
];

/// A product or post at its platform.
struct PlatformRow<'a> {
    id: Uuid,
    file_id: Uuid,
    /// The file's id as its row spells it.
    file_key: &'a str,
    target: Target,
    platform_id: &'a str,
    since: Option<Timestamp>,
}

/// Inserts a confirmed publication for each live row of `listings` and `social_posts`. `accounts` are the accounts of
/// the platforms that have a named one.
pub(super) fn confirm_rows(
    conn: &mut SqliteConnection,
    accounts: &BTreeMap<String, String>,
    at: Timestamp,
    progress: Progress<'_>,
) -> Result<ConfirmedRows, MigrationError> {
    let mut done = ConfirmedRows::default();
    for source in &SOURCES {
        let (mut from, mut number) = (Some(i64::MIN), 0);
        while let Some(first) = from {
            progress.rows(AdoptionStep::Confirming, source.table, number);
            let page = diesel::sql_query(source.page).bind::<BigInt, _>(first).bind::<BigInt, _>(ROWS);
            let rows: Vec<ValueRow> = page.load(conn).map_err(store_error)?;
            from = rows.last().and_then(|row| row.split().0.checked_add(1));
            number += rows.len() as u64;
            for row in &rows {
                let values = row.split().1;
                let reason = match read(source, values, accounts) {
                    Ok(None) => continue,
                    Ok(Some(row)) => confirm(conn, source, &row, at)?,
                    Err(reason) => Some(reason),
                };
                let Some(reason) = reason else {
                    done.confirmed += 1;
                    continue;
                };
                done.unconfirmed += 1;
                if done.rows.len() < MOST_NAMED {
                    let id = values.first().map(ToString::to_string).unwrap_or_default();
                    done.rows.push(UnconfirmedRow { table: source.table, id, reason });
                }
            }
        }
    }
    Ok(done)
}

/// Reads a row; `None` for a delisted product. The error is the reason why the row can have no publication.
fn read<'v>(
    source: &Source,
    values: &'v [Value],
    accounts: &BTreeMap<String, String>,
) -> Result<Option<PlatformRow<'v>>, &'static str> {
    let [id, file_id, platform, platform_id, word, since, has_file] = values else {
        return Err("it has other columns");
    };
    let is_listing = source.table == "listings";
    let vocabulary = if is_listing { Vocabulary::ListingStatus } else { Vocabulary::PostType };
    let word = vocabulary.read(word).1;
    let is_delisted = |word: &String| word.parse() == Ok(ListingStatus::Delisted);
    if is_listing && word.as_ref().is_some_and(is_delisted) {
        return Ok(None);
    }
    let Value::Text(file_key) = file_id else { return Err("it has no file") };
    if *has_file != Value::Integer(1) {
        return Err("its file does not exist");
    }
    let Value::Text(platform_id) = platform_id else { return Err("it has no id at its platform") };
    if platform_id.is_empty() {
        return Err("it has no id at its platform");
    }
    let (Some(id), Some(file_id)) = (id_form::read(id).1, id_form::read(file_id).1) else { return Err("it has no id") };
    let unknown = "its platform is unknown";
    let target = if is_listing {
        let platform = Vocabulary::Platform.read(platform).1.ok_or(unknown)?;
        Target::listing(platform.parse().map_err(|_| unknown)?)
    } else {
        let platform = Vocabulary::SocialPlatform.read(platform).1.ok_or(unknown)?;
        let post_type = word.and_then(|word| word.parse().ok());
        Target::post(platform.parse().map_err(|_| unknown)?, "").with_post_type(post_type)
    };
    let account = accounts.get(target.platform()).map_or("", String::as_str);
    let (target, since) = (target.at_account(account), time_form::read(since).1);
    Ok(Some(PlatformRow { id, file_id, file_key, target, platform_id, since }))
}

/// Inserts the publication of a row. Returns the reason if there is none.
///
/// The row does not say which variant or post it is, so that the target of the publication is open: it is parked for a
/// person (`Publication::has_open_target`).
fn confirm(
    conn: &mut SqliteConnection,
    source: &Source,
    row: &PlatformRow<'_>,
    at: Timestamp,
) -> Result<Option<&'static str>, MigrationError> {
    let target = &row.target;
    // Without this index, SQLite reads all confirmed publications of the platform for each row.
    let same = "SELECT count(*) AS n FROM publications INDEXED BY idx_publications_platform_id
                WHERE platform = ? AND platform_id = ? AND channel = ? AND account = ? AND state = 'confirmed'";
    let same = diesel::sql_query(same)
        .bind::<Text, _>(target.platform())
        .bind::<Text, _>(row.platform_id)
        .bind::<Text, _>(target.channel())
        .bind::<Text, _>(target.account());
    if count(conn, same)? > 0 {
        return Ok(Some("another row has the same id at the platform"));
    }
    // The number of delisted products is part of the key of the next one, as in `FileOnPlatforms`.
    let delisted = "SELECT count(*) AS n FROM listings
                    WHERE file_id = ? AND lower(platform) = ? AND lower(status) LIKE '%delisted'";
    let delisted = match target {
        Target::Listing { .. } => {
            count(conn, diesel::sql_query(delisted).bind::<Text, _>(row.file_key).bind::<Text, _>(target.platform()))?
        }
        _ => 0,
    };
    let file_id = FileId::from_uuid(row.file_id);
    let client_key = IdempotencyKey::derive(&file_id, target, u32::try_from(delisted).unwrap_or(u32::MAX));
    // Derived from the row, so that a second run makes the same id.
    let bits = row.id.as_u128() ^ source.salt;
    let post_type = match target {
        Target::Post { post_type, .. } => post_type.map(|post_type| post_type.as_str()),
        _ => None,
    };
    let now = time_form::written(at);
    let insert =
        "INSERT INTO publications (id, file_id, channel, platform, account, discriminator, post_type, client_key,
                      token, held_until, calls, state, parked_for, platform_id, created_at, updated_at)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'confirmed', 'person', ?, ?, ?) ON CONFLICT DO NOTHING";
    let inserted = diesel::sql_query(insert)
        .bind::<Text, _>(PublicationId::from_random(bits).to_string())
        .bind::<Text, _>(row.file_key)
        .bind::<Text, _>(target.channel())
        .bind::<Text, _>(target.platform())
        .bind::<Text, _>(target.account())
        .bind::<Text, _>(target.variant_or_key())
        .bind::<Nullable<Text>, _>(post_type)
        .bind::<Text, _>(client_key.as_str())
        .bind::<Text, _>(FenceToken::from_random(bits).to_string())
        .bind::<Text, _>(&now)
        .bind::<Text, _>(row.platform_id)
        .bind::<Text, _>(row.since.map_or_else(|| now.clone(), time_form::written))
        .bind::<Text, _>(&now)
        .execute(conn)
        .map_err(store_error)?;
    Ok((inserted == 0).then_some("another row of its file is confirmed at the platform"))
}

fn count<'q>(
    conn: &mut SqliteConnection,
    query: impl diesel::query_dsl::LoadQuery<'q, SqliteConnection, Number>,
) -> Result<i64, MigrationError> {
    Ok(query.get_result::<Number>(conn).map_err(store_error)?.n)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}
