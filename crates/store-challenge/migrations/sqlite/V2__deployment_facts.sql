-- What all processes on these tables agree on: the kind of deployment, and by which secrets its testers are known.

CREATE TABLE deployment_facts (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
