-- Where a look back begins: the actions of an organisation by when they were made.

CREATE INDEX action_made ON action (org, created_at, id);
