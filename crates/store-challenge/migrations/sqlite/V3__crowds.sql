-- What is to be expected: many participations in one challenge. Without being told, SQLite expects ten, and looks at all of
-- them whenever somebody joins.

ANALYZE participations;
DELETE FROM sqlite_stat1 WHERE tbl = 'participations';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('participations', 'participations', '1000000 10000 1'),
    ('participations', 'participations_by_id', '1000000 1'),
    ('participations', 'participations_by_browser', '1000000 10000 1000 1'),
    ('participations', 'participations_undecided', '10000 1');
ANALYZE sqlite_schema;
