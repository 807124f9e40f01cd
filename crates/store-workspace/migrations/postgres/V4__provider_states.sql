-- In production some providers wait for the operator's approval. Those that are there already were enabled at once.

ALTER TABLE app_providers ADD COLUMN state TEXT NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'requested'));
