-- What people ask of the ledger, for Datasette and any other SQLite tool. No view shows a batch's key. A name that is
-- no text shows as SQL writes bytes: x'636166E9'.
CREATE VIEW files_of_matters AS
SELECT
    matters.name AS matter,
    lower(substr(hex(head), 1, 12)) AS batch,
    items.id - first_item AS item,
    CASE WHEN folders.recorded = '' THEN ''
        WHEN typeof(folders.recorded) = 'text' THEN folders.recorded || '/'
        ELSE 'x''' || hex(folders.recorded) || '''/' END
        || CASE WHEN typeof(items.name) = 'text' THEN items.name ELSE 'x''' || hex(items.name) || '''' END AS path,
    lower(hex(digest)) AS sha256,
    items.size AS bytes,
    strftime('%Y-%m-%dT%H:%M:%SZ', mtime, 'unixepoch') AS modified,
    exhibit, bates, custodian, description, declarations.source AS source,
    declared_at, status
FROM batches
LEFT JOIN matters ON matters.id = matter_id
JOIN items ON items.id BETWEEN first_item AND first_item + batches.size - 1
JOIN folders ON folders.id = folder_id
LEFT JOIN declarations ON declarations.item_id = items.id;
CREATE VIEW where_is_digest AS
SELECT sha256, matter, batch, item, path, bytes, exhibit, bates FROM files_of_matters;
CREATE VIEW batches_of_matters AS
SELECT
    matters.name AS matter,
    lower(substr(hex(head), 1, 12)) AS batch,
    title, size AS files, total_bytes AS bytes, network, declared_at, status,
    lower(hex(head)) AS head
FROM batches LEFT JOIN matters ON matters.id = matter_id
ORDER BY batches.id;
CREATE VIEW pending_batches AS
SELECT * FROM batches_of_matters WHERE status <> 'attested';
CREATE VIEW rows_of_load_files AS
SELECT
    lower(substr(hex(head), 1, 12)) AS batch,
    CASE WHEN typeof(load_files.name) = 'text' THEN load_files.name ELSE 'x''' || hex(load_files.name) || '''' END
        AS load_file,
    row, item_id - first_item AS item, columns, cells
FROM load_rows JOIN load_files USING (batch_id) JOIN batches ON batches.id = batch_id;
-- Each exhibit or Bates number of a batch's matter, or of the batch where it is of none, with its file.
CREATE VIEW numbered_files AS
SELECT
    coalesce('matter ' || matter_id, 'batch ' || batches.id) AS scope, matters.name AS matter, 'exhibit' AS kind,
    exhibit AS number, lower(hex(digest)) AS sha256, items.id AS item_id, lower(substr(hex(head), 1, 12)) AS batch
FROM declarations JOIN items ON items.id = item_id JOIN folders ON folders.id = folder_id
JOIN batches ON batches.id = folders.batch_id LEFT JOIN matters ON matters.id = matter_id
WHERE exhibit IS NOT NULL
UNION ALL
SELECT
    coalesce('matter ' || matter_id, 'batch ' || batches.id), matters.name, 'bates',
    bates, lower(hex(digest)), items.id, lower(substr(hex(head), 1, 12))
FROM declarations JOIN items ON items.id = item_id JOIN folders ON folders.id = folder_id
JOIN batches ON batches.id = folders.batch_id LEFT JOIN matters ON matters.id = matter_id
WHERE bates IS NOT NULL;
CREATE VIEW one_file_several_numbers AS
SELECT scope, matter, kind, sha256, json_group_array(DISTINCT number) AS numbers
FROM numbered_files GROUP BY scope, kind, sha256 HAVING count(DISTINCT number) > 1;
CREATE VIEW one_number_several_files AS
SELECT scope, matter, kind, number, json_group_array(DISTINCT sha256) AS sha256s
FROM numbered_files GROUP BY scope, kind, number HAVING count(DISTINCT sha256) > 1;
CREATE VIEW conflicts AS
SELECT scope, matter, kind, numbers, json_array(sha256) AS sha256s FROM one_file_several_numbers
UNION ALL
SELECT scope, matter, kind, json_array(number), sha256s FROM one_number_several_files;
