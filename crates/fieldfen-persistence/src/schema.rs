// @generated automatically by Diesel CLI.

diesel::table! {
    api_usage (id) {
        id -> Integer,
        service -> Text,
        endpoint -> Nullable<Text>,
        request_count -> Nullable<Integer>,
        rate_limit_remaining -> Nullable<Integer>,
        rate_limit_reset_at -> Nullable<Timestamp>,
        recorded_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    file_history (id) {
        id -> BigInt,
        file_id -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        reason -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    files (id) {
        id -> Nullable<Text>,
        original_filename -> Text,
    }
}
