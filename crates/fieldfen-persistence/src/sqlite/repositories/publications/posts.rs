//! Posts that exist on a social platform.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{PostFilter, SocialPlatform, SocialPost};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, Page, PageRequest, SocialPostId, Timestamp};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, in_either_id_format};
use crate::sqlite::session::SqliteSession;

/// The columns of [`PostRow`], in its order.
macro_rules! post_columns {
    () => {
        "rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at"
    };
}

statement! {
    /// All posts that show a file, for both formats of its id.
    PostsOfFile<'a> { file_id: &'a str as Text, other: &'a str as Text }
        -> PostColumns =
        concat!("SELECT ", post_columns!(), " FROM social_posts INDEXED BY idx_social_posts_file_id \
         WHERE file_id IN (?, ?) ORDER BY rowid")
}
statement! {
    /// The post with this id, in either format.
    PostById<'a> { id: &'a str as Text, other: &'a str as Text } -> PostColumns =
        concat!("SELECT ", post_columns!(), " FROM social_posts WHERE id IN (?, ?)")
}
statement! {
    /// Records that a post no longer exists.
    MarkPostGone<'a> { at: SqlTime as SqlTimestamp, id: &'a str as Text, other: &'a str as Text } =
        "UPDATE social_posts SET gone_at = ? WHERE id IN (?, ?) AND gone_at IS NULL"
}

/// The SQL types of a row of `social_posts`.
type PostColumns = (
    BigInt,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
);

#[derive(Debug, Queryable)]
struct PostRow {
    rowid: i64,
    id: Option<StoredText>,
    file_id: StoredText,
    platform: StoredText,
    post_type: Option<StoredText>,
    platform_post_id: Option<StoredText>,
    post_url: Option<StoredText>,
    posted_at: Option<StoredTime>,
    gone_at: Option<StoredTime>,
}

impl PostRow {
    fn read(self) -> Result<SocialPost, StoreError> {
        let row = RowRef::stored("social_posts", self.id.as_ref(), self.rowid);
        let mut post = SocialPost::new(
            row.key("id", self.id.as_ref())?,
            row.parse("file_id", &self.file_id)?,
            row.parse("platform", &self.platform)?,
        );
        post.post_type = row.parse_nullable("post_type", self.post_type.as_ref())?;
        post.platform_post_id = row.nullable_text("platform_post_id", self.platform_post_id)?;
        post.url = row.nullable_text("post_url", self.post_url)?;
        post.posted_at = row.nullable_time("posted_at", self.posted_at)?;
        post.gone_at = row.nullable_time("gone_at", self.gone_at)?;
        Ok(post)
    }
}

/// A page of the posts that match a filter. `file_id` is the id of the filter's file, as the file's row holds it.
fn post_page<'a>(
    filter: &'a PostFilter,
    file_id: Option<&'a str>,
    request: &PageRequest,
) -> Result<TablePage<'a, PostColumns>, StoreError> {
    let network = filter.network.as_ref().map(SocialPlatform::as_str);
    let select = match (file_id, network) {
        (Some(_), _) => {
            concat!("SELECT ", post_columns!(), " FROM social_posts INDEXED BY idx_social_posts_file_id")
        }
        (None, Some(_)) => {
            concat!("SELECT ", post_columns!(), " FROM social_posts INDEXED BY idx_social_posts_platform")
        }
        (None, None) => concat!("SELECT ", post_columns!(), " FROM social_posts"),
    };
    let page = TablePage::new("posts", select, request)?;
    Ok(page.with(" AND file_id = ", file_id).with(" AND platform = ", network))
}

impl SqliteSession<'_> {
    pub(super) fn post_page(
        &mut self,
        filter: &PostFilter,
        request: &PageRequest,
    ) -> Result<Page<SocialPost>, StoreError> {
        in_either_id_format(filter.file_id.as_ref(), |file_id| {
            post_page(filter, file_id, request)?.read(self.conn, request, |row: PostRow| (row.rowid, row.read()))
        })
    }

    pub(super) fn post_by_id(&mut self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError> {
        let [id, other] = id.formats();
        let by_id = PostById { id: &id, other: &other };
        by_id.get_result::<PostRow>(self.conn).optional().store()?.map(PostRow::read).transpose()
    }

    pub(super) fn posts_of(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        let [file_id, other] = file_id.formats();
        let rows: Vec<PostRow> = PostsOfFile { file_id: &file_id, other: &other }.load(self.conn).store()?;
        rows.into_iter().map(PostRow::read).collect()
    }

    pub(super) fn mark_gone(&mut self, id: &SocialPostId, at: Timestamp) -> Result<bool, StoreError> {
        let [id, other] = id.formats();
        Ok(MarkPostGone { at: SqlTime(at), id: &id, other: &other }.execute(self.conn).store()? > 0)
    }
}

/// The SELECT statements of this file that read pages, for the test of query plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let (all, at) = (PostFilter::new(), PostFilter::new().network(SocialPlatform::Instagram));
    let page = |filter, file_id, request: &PageRequest| sql(&post_page(filter, file_id, request).unwrap());
    vec![
        ("PostPage", page(&all, None, &first)),
        ("PostPage at a network", page(&at, None, &first)),
        ("PostPage at a network, newest first", page(&at, None, &first.clone().newest_first())),
        ("PostPage of a file", page(&at, Some(""), &first)),
    ]
}
