-- One row per document of a charge point's journal: IChargePointStore speaks in these words.
CREATE TABLE document (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (collection, key)
) WITHOUT ROWID;
