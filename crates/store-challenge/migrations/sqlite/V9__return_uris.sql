-- Where testers may go on after a participation; null means the app said nothing when its request was handed over.

ALTER TABLE challenges ADD COLUMN success_redirect_uri TEXT;

ALTER TABLE challenges ADD COLUMN failure_redirect_uri TEXT;
