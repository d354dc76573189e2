//! Pinterest's API v5: <https://developers.pinterest.com/docs/reference/rate-limits/>.
//!
//! The page has the limits, and names no header. Answers recorded by public clients in July 2026 have
//! `x-ratelimit-limit: 100, 100;w=1;name="safety_net_app_id_user_id", 1000;w=60;name="org_read_app_id_user_id"`, which
//! is the form of older IETF drafts with a name for each window, and `x-ratelimit-remaining` and `x-ratelimit-reset` in
//! seconds. Before, the limit was one plain number. The [generic](crate::Dialect::Generic) reader takes both.
//!
//! The body of an error has a number as its code; 8 is a refused call.

use serde::Deserialize;
use serde_json::Value;

use crate::{Answer, Reading, json};

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Body {
        code: Value,
    }
    if answer.status() >= 400 {
        reading.error_code = json::body::<Body>(answer).and_then(|body| json::code(&body.code));
    }
}
