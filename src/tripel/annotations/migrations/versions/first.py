"""The first tables, and the rule that events are only ever added."""

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(27)

# Events are added. They go only with a whole project that is being erased.

ONLY_ADDED = {
    "sqlite": (
        """CREATE TRIGGER events_stay BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
        """CREATE TRIGGER events_remain BEFORE DELETE ON events
        WHEN NOT (SELECT erasing FROM projects WHERE id = OLD.project)
        BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION events_stay() RETURNS trigger AS $$ BEGIN
        IF TG_OP = 'DELETE' AND (SELECT erasing FROM projects WHERE id = OLD.project) THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'events are never changed or deleted'; END $$ LANGUAGE plpgsql""",
        """CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events
        FOR EACH ROW EXECUTE FUNCTION events_stay()""",
        """CREATE TRIGGER events_whole BEFORE TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_stay()""",
    ),
}


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "users",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "logins",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_logins_user")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_logins")),
    )
    op.create_table(
        "projects",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", NUMBER, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("erasing", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_projects_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_tokens_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_table(
        "datasets",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_datasets_created_by")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_datasets_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("project", "version", name=op.f("uq_datasets_project_version")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "documents",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("title_end", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_documents_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("project", "name", "digest", name=op.f("uq_documents_project_name_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_by", NUMBER, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("process", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_jobs_asked_by")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_jobs_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_jobs_project_state"), "jobs", ["project", "state"], unique=False)
    op.create_table(
        "members",
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_members_project")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_members_user")),
        sa.PrimaryKeyConstraint("project", "user", name=op.f("pk_members")),
    )
    op.create_table(
        "dataset_documents",
        sa.Column("dataset", NUMBER, nullable=False),
        sa.Column("document", NUMBER, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("mentions", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.id"], name=op.f("fk_dataset_documents_dataset")),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_dataset_documents_document")),
        sa.PrimaryKeyConstraint("dataset", "document", name=op.f("pk_dataset_documents")),
    )
    op.create_index(op.f("ix_dataset_documents_document"), "dataset_documents", ["document"], unique=False)
    op.create_table(
        "models",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("recognizer", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(80), nullable=False),
        sa.Column("knowledge", sa.String(80), nullable=False),
        sa.Column("job", NUMBER, nullable=True),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("made_by", NUMBER, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_models_job")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_models_made_by")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_models_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("project", "version", name=op.f("uq_models_project_version")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "presence",
        sa.Column("document", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_presence_document")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_presence_user")),
        sa.PrimaryKeyConstraint("document", "user", name=op.f("pk_presence")),
    )
    op.create_table(
        "samples",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("document", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("strategy", sa.String(100), nullable=False),
        sa.Column("arm", sa.String(10), nullable=False),
        sa.Column("seed", NUMBER, nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("drawn_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_samples_document")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_samples_project")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_samples_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_samples_project_user"), "samples", ["project", "user"], unique=False)
    op.create_table(
        "sheets",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("document", NUMBER, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("owner", NUMBER, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_sheets_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheets")),
        sa.UniqueConstraint("document", "kind", "owner", name=op.f("uq_sheets_document_kind_owner")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "events",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("document", NUMBER, nullable=False),
        sa.Column("sheet", NUMBER, nullable=False),
        sa.Column("by", NUMBER, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("mark", sa.String(64), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("knowledge", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_events_by")),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_events_document")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_events_project")),
        sa.ForeignKeyConstraint(["sheet"], ["sheets.id"], name=op.f("fk_events_sheet")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("key", name=op.f("uq_events_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_project_seq"), "events", ["project", "seq"], unique=False)
    op.create_index(op.f("ix_events_sheet_seq"), "events", ["sheet", "seq"], unique=False)
    op.create_table(
        "model_uses",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project", NUMBER, nullable=False),
        sa.Column("model", NUMBER, nullable=False),
        sa.Column("by", NUMBER, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_model_uses_by")),
        sa.ForeignKeyConstraint(["model"], ["models.id"], name=op.f("fk_model_uses_model")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_model_uses_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_uses")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_model_uses_project"), "model_uses", ["project"], unique=False)
    connection = op.get_bind()
    for statement in ONLY_ADDED[connection.dialect.name]:
        connection.exec_driver_sql(statement)
