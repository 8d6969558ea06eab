"""Every bound on outside input, with its reason (DESIGN section 7).

A reader detects excess by reading one byte or one entry more than the limit.
"""

# -- OpenTimestamps proofs ------------------------------------------------------------------------------------------
PROOF_BYTES = 64 * 1024
"""A whole `.ots` file. Real ones are 0.2 to 4 kB; one item of a batch of a billion is under 8 kB."""

PROOF_DEPTH = 255
"""Operations from the digest to an attestation: the reference reader refuses more, so nobody could check it."""

ITEM_STEPS = 129
"""Operations from an item's digest to the seal in the largest batch: 3 for the leaf, 3 for each of 40 levels, 6 behind
the root. A calendar's timestamp has to leave room for them, or an item's own proof could not be read."""

OPERATION_BYTES = 40
"""An operation of those, on average at most: an operand of 32 bytes, its length and the tag; hashes have none."""

PROOF_RESULT_BYTES = 4096
"""The longest message on a path, as in the reference library (Op.MAX_RESULT_LENGTH)."""

PROOF_PAYLOAD_BYTES = 8192
"""The longest attestation payload, as in the reference library (TimeAttestation.MAX_PAYLOAD_SIZE)."""

PROOF_URI_BYTES = 1000
"""The longest calendar URI, as in the reference library (PendingAttestation.MAX_URI_LENGTH)."""

PROOF_VARINT_BYTES = 10
"""A length or a height is under 2**64, which ten base-128 digits hold; longer ones only cost big-number arithmetic."""

PROOF_WORK_BYTES = 32 * 1024 * 1024
"""Message bytes that one walk may go through. A 64 KiB proof of nothing but operations at full length would be more."""

PROOF_ATTESTATIONS = 256
"""Distinct attestations in one proof. Real ones carry 1 to 8; each may cost a look-up of a header."""

BLOCK_HEIGHT = 2**32 - 1
"""No chain that we know reaches this height in 80,000 years; more is no height."""

# -- HTTP -----------------------------------------------------------------------------------------------------------
REPLY_BYTES = 64 * 1024
"""A calendar's, a node's or an explorer's reply. Real ones are under 4 kB."""

CONNECT_SECONDS = 5.0
"""Time to reach a server before another is asked."""

READ_SECONDS = 10.0
"""Time between two pieces of a reply."""

EXCHANGE_SECONDS = 20.0
"""One whole exchange: a server that drips a byte every nine seconds is as good as dead."""

REPLY_TEXT = 160
"""Characters of a server's own words that are shown: two lines."""

CALENDAR_REPEAT_SECONDS = 60
"""Public calendars are a gift: the same commitment is asked for at most once in this time."""

CALENDARS = 16
"""Calendars for one stamp. The public ones are four; more only lengthens the proof."""

# -- peers ----------------------------------------------------------------------------------------------------------
PEERS = 4
"""Peers that a download of headers hears: one honest one is enough to learn of the chain of most work."""

PEERS_TRIED = 16
"""Addresses that are tried at once to find them: many of those that seeds name are gone."""

PEERS_OF_A_SEED = 8
"""Addresses taken from one DNS seed, so that none of them can choose all peers."""

PEER_HEADERS = 2000
"""Headers in one message: Bitcoin Core's MAX_HEADERS_RESULTS."""

PEER_MESSAGE_BYTES = 256 * 1024
"""A message: 2,000 headers are 162 kB, and nothing longer is asked for."""

PEER_MESSAGES = 1000
"""Messages that are passed over while an answer is waited for. A quiet node sends five or six."""

PEER_SECONDS = 20.0
"""An answer with up to 2,000 headers, which are 162 kB: at this pace the whole chain would take three hours."""

SIDE_CHAIN_HEADERS = 100_000
"""Headers of a chain with less work than the stored one that are kept in memory until they have more: 8 MB."""

PEER_CONNECT_SECONDS = 12.0
"""All attempts at once: to connect, to shake hands, each within CONNECT_SECONDS, and two for a busy machine."""

STORED_HEADERS = 5_000_000
"""Headers in a store: 400 MB, and the Bitcoin chain of the year 2100. An endless test chain stops here."""

# -- JSON -----------------------------------------------------------------------------------------------------------
JSON_DEPTH = 8
"""Our deepest document is a record in a line of items: 2."""

JSON_INTEGER = 2**53 - 1
"""The largest integer that RFC 8785 can write exactly."""

MANIFEST_BYTES = 64 * 1024
"""A batch's manifest is under 1 kB without a policy."""

ITEM_LINE_BYTES = 64 * 1024
"""A line of items.jsonl: a path of 4,096 bytes in hex, and what was declared."""

BATCH_ITEMS = 2**40
"""Items in a batch. A size beyond it can only be a lie; the tree's depth, and so the work for one item, follows it."""

DECLARED_TEXT = 4096
"""Characters of a title or matter, and bytes, as JSON writes them, of a value that a record declares: a paragraph, not
a document. Five of those and a path have to fit into ITEM_LINE_BYTES."""

HEADERS_INDEX_BYTES = 64 * 1024
"""headers.json: some 2,000 runs of headers; a bundle has one for each attested block at most."""

STORE_NOTE_BYTES = 4096
"""What is noted of peers beside a header store: 60 bytes."""

SETTINGS_BYTES = 64 * 1024
"""The file of settings: a dozen lines."""

NODE_CALLS = 200
"""Calls in one request to a node: their answers are 40 kB, under REPLY_BYTES."""

# -- bundles --------------------------------------------------------------------------------------------------------
ZIP_ENTRIES = 2_100_000
"""1,000,000 disclosed files with a proof each, and room. Each costs 250 bytes of memory (1,000,000 files: 280 MB)."""

ZIP_TOTAL_BYTES = 2**40
"""All entries unpacked. Nothing is unpacked to disk while verifying; this bounds the time."""

ZIP_RATIO = 200
"""Unpacked to packed, for one entry: deflate reaches 1,032 on zeros, real evidence hardly 20."""

ZIP_RATIO_FREE_BYTES = 1024 * 1024
"""Below this size unpacked no ratio is looked at: a short text of blanks may shrink a lot."""

ZIP_NAME_BYTES = 4096
"""The longest entry name: PATH_MAX on Linux."""

SPOOL_BYTES = 4 * 1024 * 1024
"""What a writer of a bundle keeps in memory of each list that comes last in it: 40,000 entries. Then it is a file."""

BAG_LINE_BYTES = 64 * 1024
"""A line of a bag manifest: a digest, and a name of 4,096 bytes with each of them escaped."""

TREE_BYTES = 64 * 1024 * 1024
"""tree.bin: two million hashes, held one by one. For k disclosed of n items it is at most k * log2(n) hashes, and never
over n. It bounds headers.bin too, which is held whole."""

HEADERS = 100_000
"""Headers in one bundle: 8 MB. An attested block needs at most 2,016."""

LISTED_PROBLEMS = 20
"""Faults that a report lists by name; beyond them it counts."""

# -- files ----------------------------------------------------------------------------------------------------------
HEIGHTS = 16
"""Blocks of one proof that others are asked for, the lowest first. Real proofs name 1 to 4."""

READ_BYTES = 1024 * 1024
"""One read while hashing: larger ones are not faster."""

FOLDER_DEPTH = 1000
"""Folders inside folders; deeper trees do not fit PATH_MAX on any system and are loops or tricks."""

# -- load files -----------------------------------------------------------------------------------------------------
LOAD_FILE_HEAD_BYTES = 64 * 1024
"""The bytes by which dialect and encoding are told: hundreds of rows, so that an accent is likely to be among them."""

LOAD_FILE_ROW = 1024 * 1024
"""Characters of one row. Real ones are under 10,000; a quotation mark that is never closed would take in all the rest.
Extracted text of more belongs in files of its own, as productions have it."""

LOAD_FILE_COLUMNS = 2000
"""Columns of a load file. Productions have 20 to 200; the largest review databases export some hundreds."""

LOAD_FILE_PATH = 4096
"""Characters of a stated path: PATH_MAX on Linux. No file could have a longer one."""

# -- PDF evidence ---------------------------------------------------------------------------------------------------
PDF_HEAD_BYTES = 1024
"""Where a PDF's header has to begin: other readers look no further either."""

PDF_SECONDS = 10.0
"""One file. Twenty thousand pages take a second and a half; a hundred files made to take long, a quarter of an hour."""

PDF_START_SECONDS = 60.0
"""The reader's process, until it can begin: a tenth of a second, and a busy machine with a slow disk."""

PDF_MEMORY_BYTES = 512 * 1024 * 1024
"""What the reader's process may take: 100 MB for twenty thousand pages, and a broken file is held whole."""

PDF_ANSWER_BYTES = 64 * 1024
"""The line that it says of a file: names of 16 attachments, of PDF_TEXT characters of 12 bytes each, are 58 kB."""

PDF_TEXT = 300
"""Characters of a title, an author, a date or a fault: four lines on paper. What is longer is cut."""

PDF_FIELDS = 100_000
"""Form fields that are looked at for signatures: pypdf goes no further through a form either."""

PDF_COPY_BYTES = 1024 * 1024 * 1024
"""A bundle's payload that is copied to the temporary disk to be read. Scans of a whole case file are 300 MB."""

PDF_CARRIED_SECONDS = 60.0
"""What one file carries and shows: 100 MB are attached in a third of a second, and a page has its text in 50 ms; but
machines may be slow and busy."""

PDF_PAGES = 500
"""Pages that are compared: EXHIBITS_LISTED take 35, with 400 characters of name and 600 of description each 242."""

PDF_PAGES_TEXT_BYTES = 4 * 1024 * 1024
"""Their text together: a full page has 4 kB."""

PDF_PAGE_STREAM_BYTES = 16 * 1024 * 1024
"""One stream of what a page shows, unpacked: its content, 100 kB, a picture, or a font for Chinese."""

# -- certificates and reports ---------------------------------------------------------------------------------------
EXHIBITS_LISTED = 500
"""Exhibits that a certificate prints: some thirty pages. Of more it gives the count, and a table for a spreadsheet."""

CERTIFICATE_BYTES = 16 * 1024 * 1024
"""certificate.json: 500 exhibits whose names and descriptions are 32 kB each."""

LIST_NAME = 255
"""Characters of the name of a list that a certificate's issuer goes by: file systems take no longer names."""

TABLE_BYTES = 15 * 1024 * 1024
"""exhibits.csv: a hundred thousand exhibits. Of more a certificate gives the count; the bundle lists them."""

ATTACHED_BYTES = 100 * 1024 * 1024
"""The largest bundle that a certificate can carry: where another program packed it once more, reading it
back takes 350 MB of PDF_MEMORY_BYTES."""

ATTACHED_BESIDE_BYTES = 2 * CERTIFICATE_BYTES
"""What may be attached beside the largest file: CERTIFICATE_BYTES, and a table of some 100,000 exhibits."""

ATTACHMENTS = 16
"""Files attached to a certificate: three are ours, and whoever keeps it may have added some."""

ATTACHMENT_NODES = 1000
"""Parts of the tree that holds their names: a sound one of so few names has one or two."""

ATTACHED_BY_DEFAULT = 20 * 1024 * 1024
"""Up to this size a bundle goes into its certificate unless the user says otherwise: what most mail servers take."""

PRINTED_NAME = 480
"""Characters of a name on a page, escapes written out: eight lines. One that is longer shows its beginning and end, and
stands whole in the attached data."""

PRINTED_SENTENCE = 1_200
"""Characters of a sentence of a verdict, counted the same way: one about a claim has an origin (255) and a number (128)
beside some 600 of its own."""

PRINTED_TEXT = DECLARED_TEXT
"""Characters of any other text on a page, counted the same way: a page's worth."""

# -- transparency logs ----------------------------------------------------------------------------------------------
NOTE_BYTES = 256 * 1024
"""A signed note: a checkpoint with sixteen post-quantum signatures is 80 kB, and readers have to take so many."""

NOTE_SIGNATURES = 100
"""Signature lines of a note, as in Go's own reader. Each line of a known key costs a verification: 0.1 ms."""

NOTE_NAME = 255
"""Bytes of a key's name, as C2SP's post-quantum cosignatures have room for. It is a host and a path."""

LOG_SIZE = 2**63 - 1
"""Entries of a log, and seconds of a cosignature's time: the largest number that C2SP's formats know. A log of so many
has inclusion proofs of 63 hashes."""

LOG_ENTRY_BYTES = 2**16 - 1
"""An entry: its length in a bundle has 16 bits. A bundle of 256 is 16 MiB at most."""

TLOG_PROOF_EXTRA_BYTES = 64 * 1024
"""What a C2SP proof carries beside the proof. Ours carry nothing."""

TLOG_PROOF_BYTES = NOTE_BYTES + 2 * TLOG_PROOF_EXTRA_BYTES
"""A C2SP proof: a checkpoint, 63 lines of 45 bytes, and the extra data in base64."""

# -- policies -------------------------------------------------------------------------------------------------------
POLICY_BYTES = 64 * 1024
"""A policy: a dozen lines, and the names of a firm's signers."""

POLICY_NUMBER = 1_000_000
"""Confirmations or explorers that a policy demands: the Bitcoin chain itself is hardly longer."""

# -- SSH keys and signatures ----------------------------------------------------------------------------------------
SSH_KEY_BYTES = 4096
"""A public key as SSH writes it: RSA of 16,384 bits is 2,100 bytes."""

SSH_LINE_BYTES = 16 * 1024
"""A line with a public key: 5,500 characters of one, a name, options and a comment."""

RSA_BITS = (2048, 16_384)
"""The least that is still thought safe, and OpenSSH's own bound (SSHBUF_MAX_BIGNUM): one check then takes 5 ms."""

RSA_EXPONENT_BITS = 64
"""OpenSSL's bound (OPENSSL_RSA_MAX_PUBEXP_BITS); a longer exponent only takes time. All keys in use have 65,537."""

SIGNATURE_BYTES = 16 * 1024
"""An SSH signature file: of Ed25519 300 bytes, of RSA with 16,384 bits 6 kB."""

SIGNERS_BYTES = 1024 * 1024
"""A file of allowed signers: some 10,000 keys."""

PRIVATE_KEY_BYTES = 32 * 1024
"""A private key's file: RSA of 16,384 bits is 13 kB."""

PRIVATE_KEY_ROUNDS = 2000
"""Rounds of its bcrypt: ssh-keygen takes 16 or 24, the cautious some hundred; each takes some 10 ms."""

PASSPHRASE_BYTES = 1024
"""A passphrase: as long as ssh-keygen's own may be."""

AGENT_REPLY_BYTES = 256 * 1024
"""A message of an ssh-agent: OpenSSH's AGENT_MAX_LEN."""

AGENT_KEYS = 2048
"""Keys in an agent: OpenSSH's MAX_AGENT_IDENTITIES."""

AGENT_SECONDS = 10.0
"""An agent's list of keys: it runs on this machine, but a forwarded one is a network away."""

AGENT_SIGN_SECONDS = 120.0
"""A signature: the agent may wait for somebody to confirm it, or to find the token and touch it."""

# -- time-stamping tokens -------------------------------------------------------------------------------------------
TOKEN_BYTES = 64 * 1024
"""A time-stamping authority's whole answer. Real ones are 1 to 8 kB, with a chain of RSA certificates 12 kB."""

TOKEN_CLOCK_SECONDS = 3600
"""How far an authority's clock and ours may be apart: theirs is exact, and ours is at most in another hour."""

TOKEN_CERTIFICATES = 16
"""Certificates in a token, and steps from its signer to a root. Real ones carry 1 to 4."""

TOKEN_MEMBERS = 64
"""Members of any other set in a token: algorithms, attributes, extensions, certificates that the signature names."""

ROOTS_BYTES = 4 * 1024 * 1024
"""A file of root certificates. What Debian and Mozilla trust together is 220 kB."""

ROOTS = 2000
"""Certificates in it: thirteen times what Mozilla trusts."""

# -- the line of batches ----------------------------------------------------------------------------------------------
LINE_ENTRIES = 20_000
"""Batches before a bundle's own that it may list: ten years of a firm that stamps every working hour. To check the
longest takes seconds, with RSA signatures a minute."""

LINE_ENTRY_BYTES = 512 * 1024
"""A line of line.jsonl: a manifest of 64 KiB, a signature of 16 KiB, every character of which JSON may write as six."""

COUNTERSIGNATURE_BYTES = 64 * 1024
"""A countersignature's statement. Real ones are 300 bytes."""

# -- the register's entries and claims ------------------------------------------------------------------------------
REGISTRY_ENTRY_BYTES = 32 * 1024
"""An entry, half of LOG_ENTRY_BYTES. Real ones are 400 bytes; one with all texts at their longest, and a record like it
inside, is 24 kB."""

REGISTRY_NUMBER_BYTES = 128
"""A number as an office writes it: the longest in use have 30 characters."""

REGISTRY_TEXT_BYTES = 1000
"""A reference's number, or to whom a right is assigned or licensed: names of some parties, not a contract."""

REGISTRY_URL_BYTES = 2000
"""An address in a reference or of a registry: what browsers and mail programs pass on whole."""

REGISTRY_CLAIM_BYTES = 2 * REGISTRY_ENTRY_BYTES
"""registry/claim.json: one entry, perhaps with white space, and where it stands."""

REGISTRY_HISTORY = 10_000
"""Entries of one object: a much licensed patent has some hundred."""

REGISTRY_ROW_BYTES = 64 * 1024
"""A row of a JSON file of applications: an entry, perhaps with white space."""

HOLIDAYS_BYTES = 1024 * 1024
"""A list of holidays: an office has 20 a year, so this is a thousand years with a remark for each day."""

REGISTRIES_BYTES = 256 * 1024
"""registries.toml: some hundred registries with their witnesses."""

REGISTRIES = 500
"""Registries that one reader follows: there are 200 offices."""

REGISTRY_WITNESSES = 64
"""Witnesses of one registry: a quorum is found among a handful."""

REGISTRY_STALE_DAYS = 3660
"""The longest that a head may count as fresh: ten years is as good as never."""

# -- following registers ----------------------------------------------------------------------------------------------
REGISTRY_FOLLOWED_ENTRIES = 50_000_000
"""Entries of a register that a follower keeps: 20 GB. The largest offices have some 20 million applications."""

REGISTRY_BUNDLES_AT_ONCE = 4
"""Bundles that are asked for at once: a distant server then costs a quarter of the waiting, and at most 34 MB."""

REGISTRY_STEP_ENTRIES = 16 * 1024
"""Entries that are read before they are held against the signed root and kept: what a broken line costs at most."""

REGISTRY_STEP_BYTES = 16 * 1024 * 1024
"""The same in bytes, as they are held in memory meanwhile. Real entries are 400 bytes."""

REGISTRY_RETRY_SECONDS = 0.5
"""Before a file that was not there is asked for once more: object stores show new ones with a delay."""

REGISTRY_QUERY = 300
"""Characters of what is searched for: a link with a long origin."""

REGISTRY_HITS = 1000
"""Objects that one search shows; so many are no answer to anybody."""

REGISTRY_SPLIT_BYTES = 5 * NOTE_BYTES
"""An evidence file: two notes, every newline and quote of which JSON writes as two characters, and 64 hashes."""

REGISTRY_BAD_ROWS = 1000
"""Bad rows of a file that are listed one by one; beyond them they count. Whoever has more mends a rule, not rows."""

# -- anchors of registers that are followed, and heads in doubt -------------------------------------------------------
REGISTRY_ANCHORS_OPEN = 8
"""Anchors of a register that one sync asks for again, the newest: keepers publish once a day, and calendars need hours.
Each costs one or two requests, and all together headers.json and headers.bin."""

REGISTRY_ANCHOR_MISSES = 10
"""Syncs after which an anchor that is not there, or damaged, is asked for no more: some registers have none at all."""

REGISTRY_ANCHORS_LOOKED_AT = 256
"""Anchors that the look-up of one entry goes through for one that is confirmed: most often it is the first."""

REGISTRY_ANCHORS_JUDGED = 16
"""Anchors of those that name a block: for each others may be asked for headers."""

REGISTRY_DOUBTS = 16
"""Signed heads of one register that are kept because nothing shows that they continue what was seen: a fork goes on
growing, and its first heads are what there is to compare."""
