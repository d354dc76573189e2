-- Who did what to which thing, and why. A row outlives what it speaks of, so that it refers to no other table.

CREATE TABLE operator_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- Given by the caller once for an action, however often its transaction is tried.
    action_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    by TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL
);

CREATE UNIQUE INDEX idx_operator_actions_action_id ON operator_actions(action_id);
CREATE INDEX idx_operator_actions_at ON operator_actions(at);
CREATE INDEX idx_operator_actions_subject_id ON operator_actions(subject_id);
CREATE INDEX idx_operator_actions_by ON operator_actions(by);
