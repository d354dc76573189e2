"""A program that knows only the specification's schema.

    specification.py write DATABASE         rows of all tables; prints their ids as JSON
    specification.py read DATABASE          prints what the specification's columns hold as JSON
    specification.py enqueue DATABASE N     N jobs, one transaction each; prints each id after its commit
"""

import hashlib
import json
import sqlite3
import sys
import uuid
from datetime import datetime

TABLES = {
    "files": "id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height,"
    " aspect_ratio, created_at, updated_at",
    "jobs": "id, file_id, command_type, status, attempts, last_error, payload_json, result_json, created_at,"
    " started_at, completed_at",
    "processed_hashes": "hash, file_id, created_at",
    "api_usage": "id, service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at",
    "listings": "id, file_id, platform, platform_listing_id, listing_url, status, created_at, updated_at",
    "social_posts": "id, file_id, platform, post_type, platform_post_id, post_url, posted_at",
}
TIMES = ("_at",)


def write(conn):
    ids = {}

    def insert(name, table, **columns):
        if table in ("files", "jobs", "listings", "social_posts"):
            columns["id"] = ids[name] = uuid.uuid4().hex
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))

    for status in ("ingested", "processing", "processed", "approved", "published", "failed"):
        insert(status, "files", original_filename=f"{status}.jpg", status=status, species="fox", drive_file_id=status)
    insert("undated", "files", original_filename="undated.jpg", status="ingested", created_at=None, updated_at=None)

    def job(name, file, kind, **columns):
        payload = json.dumps({"file_id": ids[file], "scale_factor": 4, "target_dpi": 300})
        insert(name, "jobs", file_id=ids[file], command_type=kind, payload_json=payload, **columns)

    job("due", "ingested", "UpscaleImage", status="pending")
    job("undated_job", "undated", "UpscaleImage", status="pending", created_at=None, attempts=None)
    job("retried", "processing", "UpscaleImage", status="pending", attempts=3, last_error="timeout")
    job("theirs", "processing", "GenerateMetadata", status="running", started_at="2026-11-23 14:05:09")
    job("done", "processed", "GenerateMetadata", status="completed", completed_at="2026-11-23 14:05:09.5")

    body = b'{"order": 7}'
    insert("hash", "processed_hashes", hash=hashlib.sha256(body).hexdigest(), file_id=ids["ingested"])
    insert("call", "api_usage", service="replicate", endpoint="predictions")
    insert(
        "listing", "listings", file_id=ids["published"], platform="etsy", platform_listing_id="77", status="active"
    )
    insert("post", "social_posts", file_id=ids["published"], platform="instagram", platform_post_id="p7")
    conn.commit()
    print(json.dumps(ids))


def read(conn):
    conn.row_factory = sqlite3.Row
    tables = {}
    for table, columns in TABLES.items():
        rows = [dict(row) for row in conn.execute(f"SELECT {columns} FROM {table} ORDER BY rowid")]
        for row in rows:
            for column, value in row.items():
                if column.endswith(TIMES) and value is not None:
                    datetime.fromisoformat(value)
        tables[table] = rows
    print(json.dumps(tables))


def enqueue(conn, jobs):
    for _ in range(jobs):
        id = uuid.uuid4().hex
        conn.execute(
            "INSERT INTO jobs (id, command_type, status) VALUES (?, 'test.foreign', 'pending')", (id,)
        )
        conn.commit()
        print(id, flush=True)


def main():
    command, database, *rest = sys.argv[1:]
    conn = sqlite3.connect(database, timeout=300)
    conn.execute("PRAGMA foreign_keys = ON")
    {"write": write, "read": read, "enqueue": enqueue}[command](conn, *map(int, rest))


main()
