// @generated automatically by Diesel CLI.

diesel::table! {
    api_cost_daily (day, service, account, endpoint, currency) {
        day -> Text,
        service -> Text,
        account -> Text,
        endpoint -> Text,
        currency -> Text,
        known_micros -> BigInt,
        guessed_micros -> BigInt,
        items -> BigInt,
        unknown_items -> BigInt,
    }
}

diesel::table! {
    api_cost_monthly (month, service, account, currency) {
        month -> Text,
        service -> Text,
        account -> Text,
        currency -> Text,
        known_micros -> BigInt,
        guessed_micros -> BigInt,
        items -> BigInt,
        unknown_items -> BigInt,
    }
}

diesel::table! {
    api_costs (id) {
        id -> BigInt,
        service -> Text,
        external_id -> Text,
        account -> Nullable<Text>,
        endpoint -> Nullable<Text>,
        item -> Nullable<Text>,
        amounts_json -> Text,
        status -> Text,
        amount_micros -> Nullable<BigInt>,
        guess_micros -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
        job_id -> Nullable<Text>,
        file_id -> Nullable<Text>,
    }
}

diesel::table! {
    api_permit_limits (permit_id, limit_id) {
        permit_id -> Text,
        limit_id -> Integer,
        units -> Integer,
        settled_units_then -> Integer,
    }
}

diesel::table! {
    api_permits (id) {
        id -> Text,
        service -> Text,
        account -> Text,
        endpoint -> Text,
        units -> Integer,
        worker -> Text,
        acquired_at -> Timestamp,
        start_by -> Timestamp,
        lapses_at -> Timestamp,
        guess_micros -> Nullable<Integer>,
        currency -> Nullable<Text>,
    }
}

diesel::table! {
    api_usage (id) {
        id -> BigInt,
        service -> Text,
        endpoint -> Nullable<Text>,
        request_count -> Nullable<BigInt>,
        rate_limit_remaining -> Nullable<BigInt>,
        rate_limit_reset_at -> Nullable<Timestamp>,
        recorded_at -> Nullable<Timestamp>,
        account -> Nullable<Text>,
        outcome -> Nullable<Text>,
        http_status -> Nullable<BigInt>,
        error -> Nullable<Text>,
        duration_ms -> Nullable<BigInt>,
        job_id -> Nullable<Text>,
        file_id -> Nullable<Text>,
        external_id -> Nullable<Text>,
    }
}

diesel::table! {
    api_usage_daily (day, service, account, endpoint, outcome) {
        day -> Text,
        service -> Text,
        account -> Text,
        endpoint -> Text,
        outcome -> Text,
        calls -> BigInt,
        requests -> BigInt,
        duration_ms -> BigInt,
    }
}

diesel::table! {
    api_usage_monthly (month, service, account) {
        month -> Text,
        service -> Text,
        account -> Text,
        requests -> BigInt,
    }
}

diesel::table! {
    api_usage_rollup (id) {
        id -> BigInt,
        rolled_up_to -> BigInt,
        uncounted -> BigInt,
        first_uncounted -> Nullable<BigInt>,
    }
}

diesel::table! {
    bulk_actions (number) {
        number -> BigInt,
        id -> Text,
        action -> Text,
        argument -> Nullable<Text>,
        filter_json -> Text,
        by -> Text,
        via -> Text,
        reason -> Text,
        started_at -> Timestamp,
        jobs_until -> Text,
        cursor -> Nullable<Text>,
        done -> Integer,
        refused -> Integer,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    concurrency_limits (kind, partition) {
        kind -> Text,
        partition -> Text,
        max_running -> Integer,
        running -> Integer,
        checked_to -> Nullable<Text>,
    }
}

diesel::table! {
    file_drive_ids (drive_file_id) {
        drive_file_id -> Text,
        file_id -> Nullable<Text>,
    }
}

diesel::table! {
    file_history (id) {
        id -> BigInt,
        file_id -> Nullable<Text>,
        from_status -> Nullable<Text>,
        to_status -> Text,
        reason -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    files (id) {
        id -> Text,
        original_filename -> Text,
        processed_filename -> Nullable<Text>,
        species -> Nullable<Text>,
        status -> Text,
        drive_file_id -> Nullable<Text>,
        metadata_json -> Nullable<Text>,
        width -> Nullable<BigInt>,
        height -> Nullable<BigInt>,
        aspect_ratio -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        failed_from -> Nullable<Text>,
        failure -> Nullable<Text>,
        content_hash -> Nullable<Text>,
    }
}

diesel::table! {
    job_attempts (job_id, attempt) {
        job_id -> Text,
        attempt -> Integer,
        claimed_at -> Nullable<Timestamp>,
        ended_at -> Timestamp,
        worker -> Nullable<Text>,
        outcome -> Text,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        file_id -> Nullable<Text>,
        command_type -> Text,
        status -> Text,
        attempts -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        payload_json -> Nullable<Text>,
        result_json -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        started_at -> Nullable<Timestamp>,
        completed_at -> Nullable<Timestamp>,
        priority -> BigInt,
        run_at -> Timestamp,
        max_retries -> BigInt,
        lease_token -> Nullable<Text>,
        lease_expires_at -> Nullable<Timestamp>,
        worker -> Nullable<Text>,
        dedup_key -> Nullable<Text>,
        progress_json -> Nullable<Text>,
        cancel_requested_at -> Nullable<Timestamp>,
        lost_leases -> Integer,
        alone -> Integer,
        declined_since -> Nullable<Timestamp>,
        throttled -> Integer,
        waiting_since -> Nullable<Timestamp>,
        parked_for -> Nullable<Text>,
        account -> Nullable<Text>,
        partition_key -> Nullable<Text>,
        waits_for -> Text,
        error_fingerprint -> Nullable<Text>,
        on_worker_death -> Nullable<Text>,
    }
}

diesel::table! {
    listings (id) {
        id -> Text,
        file_id -> Text,
        platform -> Text,
        platform_listing_id -> Text,
        listing_url -> Nullable<Text>,
        status -> Text,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        platform_status -> Nullable<Text>,
        status_event_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    operator_actions (id) {
        id -> BigInt,
        action_id -> Text,
        at -> Timestamp,
        by -> Text,
        via -> Text,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        reason -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    pauses (scope, name) {
        scope -> Text,
        name -> Text,
        reason -> Text,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
        by -> Text,
    }
}

diesel::table! {
    processed_hashes (hash) {
        hash -> Text,
        file_id -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        source -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    publication_gap (id) {
        id -> BigInt,
        last_file -> Integer,
    }
}

diesel::table! {
    publications (id) {
        id -> Text,
        file_id -> Nullable<Text>,
        channel -> Text,
        platform -> Text,
        account -> Text,
        discriminator -> Text,
        post_type -> Nullable<Text>,
        client_key -> Text,
        state -> Text,
        token -> Text,
        held_until -> Timestamp,
        calls -> Integer,
        last_error -> Nullable<Text>,
        parked_for -> Nullable<Text>,
        platform_id -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        held_since -> Nullable<Timestamp>,
    }
}

diesel::table! {
    rate_limit_usage (limit_id, frees_at) {
        limit_id -> Integer,
        frees_at -> Timestamp,
        units -> Integer,
    }
}

diesel::table! {
    rate_limits (id) {
        id -> BigInt,
        service -> Text,
        account -> Text,
        endpoint -> Text,
        bucket -> Text,
        kind -> Text,
        limit_units -> Nullable<Integer>,
        window_ms -> Nullable<Integer>,
        refill_micros_per_s -> Nullable<Integer>,
        said_units -> Nullable<Integer>,
        said_refill_micros_per_s -> Nullable<Integer>,
        used_units -> Integer,
        permitted_units -> Integer,
        settled_units -> Integer,
        level_micros -> Nullable<Integer>,
        level_at -> Nullable<Timestamp>,
        other_units -> Nullable<Integer>,
        other_until -> Nullable<Timestamp>,
        left_units -> Nullable<Integer>,
        left_until -> Nullable<Timestamp>,
        used_basis_points -> Nullable<Integer>,
        blocked_since -> Nullable<Timestamp>,
        blocked_until -> Nullable<Timestamp>,
        blocked_reason -> Nullable<Text>,
        throttles -> Integer,
        tightened_at -> Nullable<Timestamp>,
        said_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    recurring_jobs (name) {
        name -> Text,
        schedule -> Text,
        command_type -> Text,
        payload_json -> Nullable<Text>,
        next_at -> Timestamp,
        last_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        paused_at -> Nullable<Timestamp>,
        time_zone -> Nullable<Text>,
        account -> Nullable<Text>,
        defined_in -> Nullable<Text>,
    }
}

diesel::table! {
    recurring_runs (name, run_at, job_id) {
        name -> Text,
        run_at -> Timestamp,
        job_id -> Text,
        due_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    social_posts (id) {
        id -> Text,
        file_id -> Text,
        platform -> Text,
        post_type -> Nullable<Text>,
        platform_post_id -> Nullable<Text>,
        post_url -> Nullable<Text>,
        posted_at -> Nullable<Timestamp>,
        gone_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    workers (id) {
        id -> Text,
        name -> Text,
        process -> Integer,
        host -> Text,
        version -> Text,
        kinds_json -> Text,
        threads -> Integer,
        started_at -> Timestamp,
        last_seen_at -> Timestamp,
        stuck_jobs_json -> Text,
    }
}

diesel::joinable!(file_drive_ids -> files (file_id));
diesel::joinable!(file_history -> files (file_id));
diesel::joinable!(job_attempts -> jobs (job_id));
diesel::joinable!(jobs -> files (file_id));
diesel::joinable!(listings -> files (file_id));
diesel::joinable!(processed_hashes -> files (file_id));
diesel::joinable!(publications -> files (file_id));
diesel::joinable!(recurring_runs -> recurring_jobs (name));
diesel::joinable!(social_posts -> files (file_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_cost_daily,
    api_cost_monthly,
    api_costs,
    api_permit_limits,
    api_permits,
    api_usage,
    api_usage_daily,
    api_usage_monthly,
    api_usage_rollup,
    bulk_actions,
    concurrency_limits,
    file_drive_ids,
    file_history,
    files,
    job_attempts,
    jobs,
    listings,
    operator_actions,
    pauses,
    processed_hashes,
    publication_gap,
    publications,
    rate_limit_usage,
    rate_limits,
    recurring_jobs,
    recurring_runs,
    social_posts,
    workers,
);
