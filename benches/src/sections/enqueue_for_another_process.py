"""Enqueues jobs as a program does that knows only the specification, each when the queue has been idle for a while."""

import json
import sqlite3
import sys
import time
import uuid

database, jobs = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect(database, timeout=30, isolation_level=None)
connection.execute("PRAGMA foreign_keys = ON")
print("ready", flush=True)
sys.stdin.readline()
for job in range(jobs):
    time.sleep((15_000 + job * 7919 % 10_000) / 1e6)
    payload = json.dumps({"nanoseconds": time.monotonic_ns()})
    connection.execute(
        "INSERT INTO jobs (id, command_type, status, attempts, payload_json, created_at)"
        " VALUES (?, 'bench.ping', 'pending', 0, ?, CURRENT_TIMESTAMP)",
        (str(uuid.uuid4()), payload),
    )
print("[]", flush=True)
