-- Who signed a batch, the batch before it, and the token of a time-stamping authority. `previous` is the head that the
-- manifest names; `authority` is asked for a token until there is one, and nothing is submitted before.
ALTER TABLE batches ADD COLUMN signature BLOB;
ALTER TABLE batches ADD COLUMN signer TEXT;
ALTER TABLE batches ADD COLUMN previous BLOB;
ALTER TABLE batches ADD COLUMN authority TEXT;
ALTER TABLE batches ADD COLUMN token BLOB;
CREATE INDEX batches_by_line ON batches (network, signer, id);
