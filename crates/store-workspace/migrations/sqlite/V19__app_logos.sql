-- How an app looks, and where its testers may go on after a participation; null means nothing is said.

ALTER TABLE apps ADD COLUMN logo TEXT;

ALTER TABLE apps ADD COLUMN default_success_redirect_uri TEXT;

ALTER TABLE apps ADD COLUMN default_failure_redirect_uri TEXT;
