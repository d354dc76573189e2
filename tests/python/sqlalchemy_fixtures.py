"""Makes databases as shops have them before fieldfen, with SQLAlchemy 2 and Alembic.

    sqlalchemy_fixtures.py make KIND DATABASE    one database
    sqlalchemy_fixtures.py write FOLDER          the dump of each kind, as FOLDER/KIND.sql
    sqlalchemy_fixtures.py list                  the kinds

Alembic makes the tables: a new script environment, a first revision by its autogeneration, `upgrade head`. A kind whose
schema differs has a second revision. `clean` and the `messy` kinds can be adopted with nothing lost, each `broken` kind
has one fault. Ids and times are fixed, so that a kind always has the same dump.
"""

import io
import json
import random
import sqlite3
import sys
import tempfile
import uuid
from contextlib import closing, redirect_stdout
from datetime import datetime, timedelta, timezone
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import shop_models as models
import sqlite_dump

START = datetime(2026, 11, 23, 14, 5, 9)
DENVER = timezone(timedelta(hours=-7))


def ids(seed):
    """A function that makes ids, always the same for one seed."""
    source = random.Random(seed)
    return lambda: uuid.UUID(int=source.getrandbits(128), version=4)


def at(minutes, microsecond=0):
    return START + timedelta(minutes=minutes, microseconds=microsecond)


def plain(minutes):
    """The form of SQLite's CURRENT_TIMESTAMP."""
    return at(minutes).isoformat(" ")


def sql(value):
    """A value that SQLAlchemy passes on as SQL, past its types: as another program has written it."""
    return text("NULL" if value is None else "'" + value.replace("'", "''") + "'")


# The migrations.


def migrate(path, second):
    """Runs a first revision that Alembic derives from the models, and the second one, if there is one."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        folder = Path(folder)
        config = Config(folder / "alembic.ini", stdout=io.StringIO())
        command.init(config, str(folder / "alembic"))
        env = folder / "alembic" / "env.py"
        with_models = env.read_text().replace(
            "target_metadata = None", 'target_metadata = config.attributes["metadata"]'
        )
        env.write_text(with_models.replace("fileConfig(config.config_file_name)", "pass"))
        config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
        config.attributes["metadata"] = models.TextBase.metadata
        command.revision(config, "initial schema", autogenerate=True, rev_id="001")
        command.upgrade(config, "head")
        yield
        if second:
            revision = command.revision(config, "second", rev_id="002")
            body = "".join(f"    {line}\n" for line in second.strip().splitlines())
            script = Path(revision.path)
            upgrade, downgrade = script.read_text().split("def downgrade")
            script.write_text(upgrade.replace("    pass\n", body) + "def downgrade" + downgrade)
            command.upgrade(config, "head")


# The rows.


def clean(session):
    """Rows of every table and status. Their times have the two forms that such programs write without anybody's doing:
    SQLite's CURRENT_TIMESTAMP, and SQLAlchemy's with six digits."""
    new = ids(12)
    files = {}
    for n, status in enumerate(models.FileStatus):
        file = models.File(
            id=str(new()),
            original_filename=f"{status.value}.jpg",
            species="fox",
            status=status.value,
            drive_file_id=f"drive-{n}",
            metadata_json=json.dumps({"title": f"Fox {n}", "hashtags": ["wildlifeart"], "captions": {}}),
            width=3000,
            height=2000,
            aspect_ratio="3:2",
            created_at=sql(plain(n)),
            updated_at=at(n + 10, 250000),
        )
        session.add(file)
        files[status] = file.id
    session.flush()
    commands = ["UpscaleImage", "GenerateMetadata", "CreateListing", "PublishSocial"]
    for n, (status, kind, file_id) in enumerate(zip(models.JobStatus, commands, files.values())):
        session.add(
            models.Job(
                id=str(new()),
                file_id=file_id,
                command_type=kind,
                status=status.value,
                attempts=n,
                last_error="timeout" if status is models.JobStatus.FAILED else None,
                payload_json=json.dumps({"file_id": file_id}),
                result_json=json.dumps({"ok": True}) if status is models.JobStatus.COMPLETED else None,
                created_at=sql(plain(n)),
                started_at=at(n + 1, 1) if n else None,
                completed_at=at(n + 2, 999999) if n > 1 else None,
            )
        )
    published = files[models.FileStatus.PUBLISHED]
    session.add(models.ProcessedHash(hash="0f" * 32, file_id=published, created_at=sql(plain(1))))
    session.add(models.ApiUsage(service="replicate", endpoint="predictions", recorded_at=sql(plain(2))))
    reset_at = at(60)
    session.add(
        models.ApiUsage(service="etsy", rate_limit_remaining=9, rate_limit_reset_at=reset_at, recorded_at=sql(plain(3)))
    )
    for n, status in enumerate(models.ListingStatus):
        session.add(
            models.Listing(
                id=str(new()),
                file_id=published,
                platform=["shopify", "etsy", "ebay", "amazon"][n],
                platform_listing_id=str(7000 + n),
                listing_url=f"https://shop.example/{7000 + n}",
                status=status.value,
                created_at=sql(plain(4)),
                updated_at=at(5, 500),
            )
        )
    for n, platform in enumerate(["instagram", "pinterest"]):
        session.add(
            models.SocialPost(
                id=str(new()),
                file_id=published,
                platform=platform,
                post_type="post",
                platform_post_id=f"p{n}",
                posted_at=sql(plain(6)),
            )
        )


def typed(session):
    """Rows of a program with SQLAlchemy's types: ids of 32 digits, names of enums, JSON null, NaN and Infinity."""
    new = ids(34)
    file = models.TypedFile(id=new(), original_filename="typed.jpg", status=models.FileStatus.PUBLISHED)
    file.metadata_json, file.created_at, file.updated_at = None, at(20), at(21, 5)
    scored = models.TypedFile(id=new(), original_filename="scored.jpg", status=models.FileStatus.INGESTED)
    scored.metadata_json = {"title": "Owl", "score": float("nan"), "best": float("inf")}
    scored.created_at, scored.updated_at = at(22), at(22)
    session.add_all([file, scored])
    session.flush()
    payload = {"file_id": str(file.id), "scale_factor": 4, "target_dpi": 300}
    for status in models.JobStatus:
        job = models.TypedJob(id=new(), file_id=file.id, command_type="UpscaleImage", status=status)
        job.payload_json, job.result_json, job.created_at = payload, None, at(23)
        session.add(job)
    listing = models.TypedListing(id=new(), file_id=file.id, platform="etsy", status=models.ListingStatus.ACTIVE)
    listing.platform_listing_id, listing.created_at, listing.updated_at = "8001", at(24), at(24)
    post = models.TypedPost(id=new(), file_id=file.id, platform="instagram", platform_post_id="p8")
    post.posted_at = at(25)
    session.add_all([listing, post])


def messy(session):
    """The rows of `clean` and of `typed`, and those of programs that use the module sqlite3."""
    clean(session)
    typed(session)
    session.flush()
    new = ids(56)

    # Each form of a time that Python makes, crops of one picture, and NULL where the schema allows it.
    connection = session.connection().connection.driver_connection
    zoned = START.replace(tzinfo=timezone.utc)
    forms = [
        zoned.isoformat(" "),
        zoned.isoformat(),
        zoned.astimezone(DENVER).isoformat(),
        START.isoformat(),
        at(0, 123456).isoformat(),
        at(0, 123000).isoformat(" ", "milliseconds"),
        START.isoformat() + "Z",
        at(0, 120000).isoformat(timespec="milliseconds") + "Z",
        # The local time of a program in Denver, which says so nowhere: it is before its row was made.
        zoned.astimezone(DENVER).replace(tzinfo=None).isoformat(" "),
        None,
    ]
    for n, form in enumerate(forms):
        id = str(new())
        connection.execute(
            "INSERT INTO files (id, original_filename, status, drive_file_id, created_at, updated_at)"
            " VALUES (?, ?, 'processed', 'drive-crops', ?, ?)",
            (id, f"crop-{n}.jpg", form, form),
        )
        connection.execute(
            "INSERT INTO jobs (id, file_id, command_type, status, attempts, created_at, started_at, completed_at)"
            " VALUES (?, ?, 'UpscaleImage', 'completed', NULL, ?, ?, ?)",
            (str(new()), id, form, form, form),
        )
        connection.execute(
            "INSERT INTO listings (id, file_id, platform, platform_listing_id, status, created_at, updated_at)"
            " VALUES (?, ?, 'ebay', ?, 'active', ?, ?)",
            (str(new()), id, str(9000 + n), form, form),
        )
        post = (str(new()), id, None if form is None else f"p{90 + n}", form)
        connection.execute("INSERT INTO social_posts VALUES (?, ?, 'tiktok', NULL, ?, NULL, ?)", post)
        connection.execute("INSERT INTO processed_hashes VALUES (?, NULL, ?)", (f"{n:064x}", form))
        connection.execute("INSERT INTO api_usage VALUES (NULL, 'etsy', NULL, NULL, NULL, ?, ?)", (form, form))

    # Rows of files that are gone: SQLite enforces foreign keys only for a program that asks for it.
    times = (plain(30), plain(30))
    connection.execute(
        "INSERT INTO jobs (id, file_id, command_type, status, created_at) VALUES (?, ?, 'UpscaleImage', 'failed', ?)",
        (str(new()), str(new()), plain(30)),
    )
    orphan = (str(new()), str(new()), "amazon", "9900", None, "active", *times)
    connection.execute("INSERT INTO listings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", orphan)


# The faults. A text is SQL that changes the rows of `clean`, a Revision is a second migration.


class Revision(str):
    pass


SETTINGS = """
op.create_table(
    "settings",
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("value", sa.JSON(), nullable=True),
    sa.Column("changed_at", sa.DateTime(), nullable=True),
)
op.execute("INSERT INTO settings VALUES ('autopublish', 1, '{\\"etsy\\": true}', '2026-11-23T14:05:09Z')")
"""

TOUCH = """
op.execute(
    "CREATE TRIGGER touch_files AFTER UPDATE ON files BEGIN"
    " UPDATE files SET updated_at = '1999-12-31 23:59:59' WHERE id = new.id; END"
)
"""


def batch(table, call):
    return Revision(f"with op.batch_alter_table('{table}') as batch:\n    batch.{call}")


NAMES = ", ".join(f"'{status.name}'" for status in models.FileStatus)
OF_INGESTED = "WHERE original_filename = 'ingested.jpg'"
KINDS = {
    "clean": (clean, ""),
    # Forms that the specification allows, and a table of another program, whose JSON and BOOLEAN columns are its own.
    "messy": (messy, Revision(SETTINGS)),
    "messy-typed": (typed, ""),
    # A trigger of the program's own fires at each UPDATE of `files`, so also at one by a migration.
    "messy-trigger": (clean, Revision(TOUCH)),
    "broken-timestamp": (clean, f"UPDATE files SET created_at = 'yesterday' {OF_INGESTED}"),
    "broken-json": (clean, """UPDATE jobs SET payload_json = '{"file_id": ' WHERE status = 'pending'"""),
    "broken-enum": (clean, f"UPDATE files SET status = 'archived' {OF_INGESTED}"),
    # The bytes of a UUID: what `uuid.uuid4().bytes` stores.
    "broken-blob-id": (clean, "UPDATE jobs SET id = x'0123456789ab4def8123456789abcdef' WHERE status = 'failed'"),
    # Two spellings of one id.
    "broken-duplicate-id": (
        clean,
        f"INSERT INTO files SELECT upper(id), 'again.jpg', processed_filename, species, status, drive_file_id,"
        f" metadata_json, width, height, aspect_ratio, created_at, updated_at FROM files {OF_INGESTED}",
    ),
    # Latin-1 where SQLite expects UTF-8.
    "broken-text": (clean, f"UPDATE files SET species = CAST(x'6c6f757020e9' AS TEXT) {OF_INGESTED}"),
    "broken-missing-column": (clean, batch("files", "drop_column('aspect_ratio')")),
    # SQLAlchemy's JSON: SQLite gives a column of this type NUMERIC affinity.
    "broken-affinity": (clean, batch("jobs", "alter_column('payload_json', type_=sa.JSON())")),
    "broken-nullable": (clean, batch("listings", "alter_column('platform', nullable=True)")),
    "broken-not-null": (clean, batch("files", "alter_column('species', nullable=False)")),
    "broken-collation": (clean, batch("files", "alter_column('species', type_=sa.String(collation='NOCASE'))")),
    # A default of Python alone: rows of other programs have NULL.
    "broken-default": (clean, batch("jobs", "alter_column('attempts', server_default=None)")),
    "broken-extra-column": (
        clean,
        Revision(
            batch("files", "add_column(sa.Column('camera', sa.String(), nullable=False, server_default='Z9'))")
            + "\n"
            + batch("files", "alter_column('camera', server_default=None)")
        ),
    ),
    "broken-foreign-key": (
        clean,
        Revision(
            "naming = {'fk': 'fk_%(table_name)s_%(column_0_name)s'}\n"
            "with op.batch_alter_table('jobs', naming_convention=naming) as batch:\n"
            "    batch.drop_constraint('fk_jobs_file_id', type_='foreignkey')"
        ),
    ),
    # What `Enum(FileStatus, create_constraint=True)` makes: the table accepts names alone.
    "broken-check": (
        clean,
        Revision(
            "op.execute('UPDATE files SET status = upper(status)')\n"
            + batch("files", f'create_check_constraint("filestatus", "status IN ({NAMES})")')
        ),
    ),
    "broken-view": (
        clean,
        Revision(
            "op.rename_table('listings', 'products')\n"
            "op.execute('CREATE VIEW listings AS SELECT * FROM products')"
        ),
    ),
    "broken-page": (clean, ""),
}


def make(kind, path):
    rows, change = KINDS[kind]
    path = Path(path).absolute()
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    steps = migrate(path, change if isinstance(change, Revision) else "")
    next(steps)
    with Session(engine) as session:
        rows(session)
        if not isinstance(change, Revision) and change:
            session.flush()
            session.connection().connection.driver_connection.execute(change)
        session.commit()
    next(steps, None)
    engine.dispose()
    if kind == "broken-page":
        damage(path)


def damage(path):
    """Overwrites the root page of `files`, as a failing disk does."""
    with closing(sqlite3.connect(path)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'files'")
        [(size,)] = connection.execute("PRAGMA page_size")
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


# The dumps.


def write(folder):
    with tempfile.TemporaryDirectory() as place:
        for kind in KINDS:
            if kind == "broken-page":  # `clean` after `damage`: a dump cannot hold it.
                continue
            path = Path(place) / f"{kind}.db"
            make(kind, path)
            (Path(folder) / f"{kind}.sql").write_text(sqlite_dump.dump(path))


def main():
    wanted, *arguments = sys.argv[1:]
    {"make": make, "write": write, "list": lambda: print("\n".join(KINDS))}[wanted](*arguments)


main()
