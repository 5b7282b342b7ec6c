"""Every number that both ends must agree on, and every bound that an outsider can reach.

Units come last in each name. The first part is the protocol (a change is a change of SPEC.md), the second our choice.
"""

from __future__ import annotations

# --- Protocol: SPEC 1 to 3 ----------

PROTOCOL_VERSION = 4  # raised with every change that an older peer cannot read (SPEC 8)
PROTOCOL_MINOR = 3  # grows with what a peer may ignore (SPEC 8)
TYPING = 1  # a capability: a client is sent who is typing, a server sends it (SPEC 8)
ORDER = 2  # a capability: a client follows the roster of the server, a server has accounts and roles (SPEC 6.10, 6.11)
CAPABILITIES: tuple[int, ...] = (TYPING, ORDER)  # of a server of this version
CAPABILITIES_MAX = 64  # in one list
CAPABILITY_MAX = 2**16 - 1
OPTIONAL_TAG_MIN = 128  # a frame or an entry with this tag or a higher one is skipped by who does not know it
DEFAULT_PORT = 47747

DATAGRAM_BYTES_MAX = 1200  # QUIC's minimum, RFC 9000 section 14: fits every path that carries IPv6
HELLO_BYTES = 1200  # padded: no answer to an unproved address is longer than what it sent
PROBE_BYTES_MIN = 200  # padded: no answer to a Probe is longer than it; leaves room for fields of later versions
PROBE_BYTES_MAX = 1472  # fills an Ethernet frame over IPv4, so that a prober can measure the MTU of a path
PROBE_ID_BYTES = 8
SERVER_NAME_BYTES_MAX = 48  # of the name in a ProbeReply
DISCOVERY_GROUP = "ff12::7564:7063"  # IPv6 multicast, link-local and not assigned by IANA (RFC 4291, section 2.7)
DATA_HEADER_BYTES = 13  # kind 1, session index 4, packet counter 8: also the AEAD's associated data
SEAL_BYTES = 16  # the Poly1305 tag
BODY_BYTES_MAX = DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES - SEAL_BYTES

KEY_BYTES = 32  # X25519 and ChaCha20-Poly1305 alike
COOKIE_BYTES = 20  # time of creation, ms modulo 2^32: 4; keyed BLAKE2s: 16
COOKIE_LIFETIME_S = 10.0
COOKIE_SECRET_LIFETIME_S = 120.0  # WireGuard's; the one before is accepted too

REPLAY_WINDOW_PACKETS = 8192  # WireGuard's; RFC 6479 in shape
SESSION_PACKETS_MAX = 2**32  # a fresh handshake from here on
SESSION_AGE_S_MAX = 3600.0
SESSION_OVERLAP_S = 5.0  # how long the former session still opens packets after a handshake

INSTANCE_BYTES = 16
PATH_TOKEN_BYTES = 8
AMPLIFICATION_MAX = 3  # bytes sent for each byte received, to an unproved address: RFC 9000 section 8.1

# --- Sizes: SPEC 4 ----------

NICK_CHARACTERS_MAX = 32
ROOM_CHARACTERS_MAX = 32
NAME_BYTES_MAX = 128  # of a nick or a room in UTF-8: 32 characters of four bytes
LOG_NAME_BYTES_MAX = NAME_BYTES_MAX + 1
TEXT_BYTES_MAX = 16 * 1024
TOPIC_BYTES_MAX = 400
ANNOUNCEMENT_BYTES_MAX = 900
SECRET_CHARACTERS_MAX = 256
DURATION_S_MAX = 10 * 365 * 86_400
AWAY_BYTES_MAX = 200
FRAGMENT_BYTES = 1000  # of one part of a request or an entry that does not fit a datagram
FRAGMENTS_MAX = 18  # TEXT_BYTES_MAX with the fields around it, in parts

PAST_ENTRIES_MAX = 200  # of a log, in answer to one request
PAST_BYTES_MAX = 12 * 1024
PAST_REACTIONS_BYTES_MAX = 4 * 1024  # beside them, of the reactions to them
FRAMES_MAX = 64  # in one packet
ACK_RANGES_MAX = 32  # beyond the cursor, for each log (SPEC 5.2)
ACK_LOGS_MAX = 32  # in one Ack
ENTRIES_MAX = 512  # in one Entries frame
COUNTER_TAKEN_MAX = 2**52  # behind this one at most does a client continue, if a server knows it: the rest lasts
SEQUENCE_MAX = 2**53  # exact as a double, which JSON readers use
LOG_ENTRIES_MAX = 2**40 - 1  # sequences of entries: a million a second for twelve days; the row ids of a store hold it

# --- Time: SPEC 6 ----------

HEARTBEAT_S = 10.0
HEARTBEAT_JITTER = 0.1
EXPIRY_S = 30.0

HELLO_RESEND_S = 0.2  # far more than a round trip in a LAN; grows by HELLO_RESEND_GROWTH up to HELLO_RESEND_S_MAX
HELLO_RESEND_S_MIN = 0.05  # once the round trip is measured: a server that is slow has this long, and then longer
HELLO_RESEND_S_MAX = 1.25
HELLO_RESEND_GROWTH = 2.5  # no more than four Hellos over a satellite link (scenario S02)
HELLO_RESEND_GROWTH_NEAR = 1.5  # once the server has answered
PATIENCE_S_MAX = 1.3  # the longest round trip that a handshake allows for; a repeat waits 5/4 of it, less than 2 s
FINISH_S_MAX = 1.75  # without an answer to a Finish: the server may have been restarted before it came
HELLO_RESEND_JITTER = 0.1
KEY_PATIENCE_S = 3.0  # so long only another key than the pinned one must have answered before it counts as changed
KEY_PATIENCE_LIVE_S = EXPIRY_S  # the same of a client that had a session: it outlasts a failure of network or server
FIRST_CONTACT_S = 0.25  # so long a client without a pinned key listens for a second server; one Hello is repeated in it
RECONNECTS_AT_ONCE = 3  # handshakes that begin at once though a packet, true or forged, has caused them
RECONNECT_S_MIN = 1.0  # the wait before the next such handshake, doubled each time
RECONNECT_S_MAX = 30.0
RECONNECT_JITTER = (
    0.5  # share of the wait that is random: clients of a server that ends all sessions do not return at once
)
RECONNECT_CALM_S = 30.0  # so long no such handshake was wanted: then the next begin at once again
HEARTBEAT_S_MIN = 0.1  # of what a Welcome requests
HEARTBEAT_S_MAX = 300.0
PATH_REPLIES_BURST = 16  # PathChecks that a client answers
PATH_REPLIES_PER_S_MAX = 4.0
COOKIE_HELD_S_MAX = 8.0  # a client uses no older cookie: it could expire on the way

# --- Our choices: bounds of a server ----------

PEERS_MAX = 20_000
PEERS_PER_KEY_MAX = 8  # devices of one person at once
ROOMS_PER_PEER_MAX = 64
NICKS_PER_KEY_MAX = 8
NICKS_MAX = 1_000_000
NICK_REGULAR_AFTER_S = 86_400.0  # a nick that was used so long after its first use is more than tried
NICK_RENEWED_AFTER_S = 30 * 86_400.0  # how exactly it is written when a nick was used last: a record a month
NICK_TRIED_KEPT_S = 90 * 86_400.0  # unused: longer than the longest holidays
NICK_REGULAR_KEPT_S = 2 * 365 * 86_400.0
CONVERSATIONS_PER_KEY_MAX = 256  # that a person began, and as many that others began with them
DEVICES_PER_ACCOUNT_MAX = 16  # and as many that were revoked
OPERATORS_PER_ROOM_MAX = 4_096  # accounts with any role in one room, also if only invited
ROLES_MAX = 262_144  # of accounts in rooms, all together
SANCTIONS_PER_ROOM_MAX = 512
SANCTIONS_MAX = 65_536  # of all rooms
SANCTIONS_OF_SERVER_MAX = 4_096
NETWORK_BITS_MIN = {4: 8, 6: 16}  # of a network that is banned, by version: a larger one is a slip
REASON_BYTES_MAX = 400
CODES_PER_ACCOUNT_MAX = 8  # that are valid at once
CODES_MAX = 8_192
LINK_CODES_SHARE = 0.5  # of CODES_MAX, for those that link devices: invitations always find room
LINK_CODE_S = 600  # how long a code for another device is valid
INVITATION_S = 30 * 86_400
PASSWORD_CHARACTERS_MIN = 6
PASSWORD_MEMORY_KIB = 19 * 1024  # Argon2id with these: OWASP's least; some 25 ms
PASSWORD_PASSES = 2
LOGIN_FAILURES_FREE = 3  # of an account: people mistype
LOGIN_FAILURES_FREE_OF_SOURCE = 16  # many people may be at one
LOGIN_DELAY_S = 1.0  # behind the next failure, then doubled each time
LOGIN_DELAY_S_MAX = 60.0
LOGIN_FORGOTTEN_S = 3_600.0  # so long without a failure: as if there had been none
LOGINS_TRACKED_MAX = 16_384  # accounts, and sources, with failures that are remembered
DERIVATIONS_MAX = 64  # passwords that wait: the last for some four seconds
DERIVATIONS_PER_SOURCE_MAX = 8
DERIVATION_WAIT_S = 2.0  # who finds no room is told to come back so much later
DERIVATION_REST = 3.0  # times as long as one took, none begins: on two busy cores, each that runs delays a line
AUDIT_ENTRIES_MAX = 100_000
SLOWED_MAX = 65_536  # who spoke last in rooms with slow mode; beyond it the oldest is forgotten
INBOX_ENTRIES_MAX = 1_000  # read marks, of which only the latest of each log counts

# Quotas (SPEC 6.9): of each, a source always gets its share, and more while less than half of all is in use.
PEERS_PER_SOURCE = 1_024  # a school behind one address; ten such hosts fill the half that one alone cannot have
EMPTY_ROOMS_MAX = 4_096  # open, and nothing said yet: in memory only, about 6 KB each
EMPTY_ROOMS_PER_KEY_MAX = 64  # that one person opened
EMPTY_ROOMS_PER_SOURCE = 256
REQUEST_BYTES_MAX = 64 * 1024 * 1024  # requests, fragments and answers held in all, to within the blocks
REQUEST_BLOCK_BYTES = 2 * 1024  # what each peer holds is counted to within so much: 40 MB for PEERS_MAX
REQUEST_MEMORY_BYTES = 400  # of a request in memory, beside its bytes
REQUEST_BYTES_PER_PEER_MAX = 64 * 1024  # beside the request whose turn it is
REQUEST_BYTES_PER_KEY_MAX = 512 * 1024  # a window of the longest messages; whoever is over repeats them
REQUEST_BYTES_PER_SOURCE = 8 * 1024 * 1024
STREAM_BYTES_MAX = 64 * 1024 * 1024  # entries and frames that streams keep in memory, all together
STORED_ROOMS_MAX = 65_536  # rooms with something said, for ever
TOPICS_MAX = STORED_ROOMS_MAX  # of rooms, also of those in which nothing was said
CONVERSATIONS_MAX = 2**20
INBOXES_MAX = 2**22  # all logs together are fewer than 2^23, which is how many the store can number

# Rates of a key and of a source: each (at once, a day). A class that comes for the first time passes at once.
CLAIMS_A_DAY = ((64, 64), (4_096, 256))  # one host holds 3 % of NICKS_MAX, as what is tried lapses
STORED_ROOMS_A_DAY = ((256, 64), (1_024, 256))  # who moves here from another chat brings some hundred rooms
CONVERSATIONS_A_DAY = ((CONVERSATIONS_PER_KEY_MAX, CONVERSATIONS_PER_KEY_MAX), (4_096, 1_024))
BEGUN_WITH_ONE_SHARE_OF_FREE = 0.5  # of the conversations that others may still begin with a person, for one source
BEGUN_WITH_ONE_A_DAY = 16  # of those count no more: 86 people of a school write to a new teacher at once
TOPICS_A_DAY = ((64, 1_440), (512, 14_400))  # a bot that shows its state each minute
ACTS_A_DAY = ((1_024, 1_024), (4_096, 4_096))  # of order: each is an entry of the audit; and each role one more
RENAMES_A_DAY = TOPICS_A_DAY  # to nicks that one has already: all who share a room read each
# How many devices of others a key reaches, and a source: (at once, each second). Who is over waits, and loses nothing.
REACH_OF_KEY = (4_000, 1_000)  # 100 lines a second among ten, and some hundred at once
REACH_OF_SOURCE = (8_000, 8_000)
REACH_IN_ALL = (2_000, 6_000)  # the readers take in no more: then requests wait, and who has used least is next
PEERS_BEHIND_MAX = 4_096  # that wait to be sent what is new: the same
ROSTER_REACHED_SHARE = 0.25  # of these, for a change of the roster: it shares datagrams with others
HOLD_REPORTED_S_MIN = 1.0  # who has to wait so long for all that is under way is informed
HOLD_S_MAX = 60.0  # that a client believes
WRITE_BYTES_PER_SOURCE_PER_S = 1024 * 1024
WRITE_BYTES_PER_SOURCE_BURST = 512 * 1024 * 1024
WRITE_KEY_SHARE = 0.25  # of both, for one key: 1,000 short messages a second, for as long as there is room
WRITE_AHEAD_BYTES_MAX = 16 * 1024  # being written: the same
WRITE_AHEAD_BYTES_LONG_MAX = 128 * 1024  # the same, while turns are long
WRITE_BLOCK_BYTES = 4 * 1024  # taken of these rates in advance: most entries cost no counting
WRITE_REPLACED_BYTES = 1_024  # that an entry which is replaced counts as, beside: its words leave the index
WRITE_ENTRY_BYTES = 128  # that an entry costs beside its text: its row, its index, the answer to its request
DISK_FILL_S_MIN = 86_400.0  # in which one source could fill what is free: then the operator has seen it
DISK_BURSTS_MIN = 16  # so many bursts fit into what is free
DISK_FREE_BYTES_MIN = 64 * 1024 * 1024  # below it nothing is written, so that the system and reading go on
DISK_FREE_SHARE_MIN = 0.01  # of a small disk, which has less than that

HANDSHAKES_MAX = 16_384  # half open, proven addresses only; about 2 KB each
HANDSHAKE_LIFETIME_S = 5.0
FINISHES_MAX = 16  # that fail under another sealed key, for one handshake; each costs a curve operation
REPEATS_MAX = (
    16  # of a Finish that are answered: a client sends six in HANDSHAKE_LIFETIME_S, and some with its first Data
)
HANDSHAKES_PER_HOST_BURST = 64  # many clients behind one NAT may start at the same time
HANDSHAKES_PER_HOST_PER_S = 20.0  # WireGuard's rate per address
HANDSHAKES_PER_SOURCE_BURST = 1_000  # of an IPv6 /64, which may be a whole LAN; of IPv4 a source is a host
HANDSHAKES_PER_SOURCE_PER_S = 200.0  # at a third of a millisecond each, 7 % of a core
SOURCES_MAX = 16_384  # hosts, and sources, that the rate limiters hold

PROBES_BURST = 1_024  # that are answered, of all sources: a class of a hundred starts its clients together
PROBES_PER_S = 512.0  # at some 30 us each, 2 % of a core
PROBES_PER_SOURCE_BURST = 128  # a client that looks for servers sends 25 on two interfaces
PROBES_PER_SOURCE_PER_S = 32.0
PROBE_RUNS_MAX = 1_024  # probe ids whose Probes are counted; beyond it the oldest is forgotten
PEOPLE_COUNTED_S = 1.0  # so old may be the number of people in a ProbeReply: counting takes 2 ms when full

REQUESTS_IN_FLIGHT_MAX = 32
REACTIONS_MAX = 256  # to one message that are kept: of one person with one emoji each; a client shows no more either
REACTIONS_PER_AUTHOR_MAX = 8  # of these: one person does not take the places of all others
WAITING_DATAGRAMS_PER_FLOW_MAX = 128  # of one key from one source, or of the strangers of one source
# In all; then an equal part for each sender, and one at least: 20 MB and 24 MB at most; of strangers as many.
WAITING_DATAGRAMS_MAX = 8_192
WAITING_SENDERS_MAX = PEERS_MAX
ANSWERS_REPEATED_BYTES_MAX = 16 * 1024  # to one peer with one flush: a request that is answered may be repeated often
FRAGMENT_BYTES_HELD_MAX = 64 * 1024  # of unfinished requests, per peer

QUERIES_MAX = 2_048  # reads of the log that wait, of all clients: more would wait longer than anybody does
QUERIES_SHARE_OF_FREE = 0.25  # of the places that are free, for those of one person: 409 if nobody else has any
QUERY_S_MAX = 1.0  # of one such read; what a search has found by then is its answer
QUERY_REST = 2.0  # times as long as a read took, none begins: the thread that reads takes time from all others
REPORT_ITEMS_MAX = 256
ERRANDS_MAX = 32  # of operators, that the program that runs the server has not answered yet
SEARCH_WORDS_MAX = 8  # that count: what a search may cost grows with each, and eight find any message
SEARCH_BYTES_MAX = 200  # of the words of a search

TYPING_INTERVAL_S = 3.0  # of a client, while its user types; half of what it is shown for
NOTICED_PEERS_MAX = 64  # followers of a log that Typing, GetReceipt and ListHolders look at: so much each costs
NOTICES_PER_S_MAX = 2.0  # of these, of one peer
NOTICES_BURST = 8.0

LAG_BYTES_MAX = 64 * 1024  # unacknowledged; above it, entries are read from the log at the peer's cursor
REPAIR_BYTES_MAX = 16 * 1024  # of lost entries, sent again at once; the others are read from the log at the cursor
ACKS_PER_S_BUDGET = 2_000.0  # of one room together
LARGE_ROOM_ACKS_PER_S_BUDGET = 1_000.0  # above SENDER_DRIVEN_PEERS_MAX, where receivers notice what is lost
ACK_INTERVAL_S_MIN = 0.002
SENDER_DRIVEN_PEERS_MAX = 32  # in larger rooms, announced heads and the gaps that receivers report drive repairs
REPLICA_HELD_MAX = 4_096  # entries above a gap that a replica keeps
PATH_CANDIDATES_BURST = 8  # new addresses of one session that are checked: a phone changes its network seldom
PATH_CANDIDATES_PER_S = 1.0
PATH_CHECKS_MAX = 3  # challenges sent to one unproven address
PATH_CHECK_BYTES_MAX = 64  # of the datagram that carries one
PATH_TIMEOUT_S = 1.0  # until a round trip is measured: 3 x the 333 ms that RFC 9002 begins with
PATH_LEFT_S = 10.0  # how long a duplicate from the address before undoes a move (SPEC 3)
PATH_ALONE_S = 0.25  # without a duplicate of its packets: then an address is refused no more

# --- Our choices: bounds of a client, towards its server ----------

SEARCH_ROUNDS_S = (0.0, 0.05, 0.15, 0.4, 1.0, 2.0)  # when Probes are sent: at 20 % loss one in 400 is without an answer
FOUND_SERVERS_MAX = 32  # of one search
FOUND_ADDRESSES_MAX = 8  # of one server

HELD_BYTES_MAX = (
    16 * 1024 * 1024
)  # entries ahead of gaps, of all logs: what is beyond is sent again once a gap is closed
HELD_ENTRY_BYTES = 160  # of an entry that is held, beside its own
FRAGMENTS_BYTES_MAX = 4 * 1024 * 1024  # of unfinished large entries, of all logs, but for one in each
NEXT_ENTRIES_BYTES_MAX = 12 * 1024 * 1024  # beside them the next entry of each log is finished: 641 logs, 18,000 bytes
QUEUED_BYTES_MAX = (
    16 * 1024 * 1024
)  # entries that came and are not shown or not written yet: further ones are sent again
QUEUED_ENTRY_BYTES = 1_024  # of an entry that is queued, beside its text; that counts four times, as an emoji makes it
MODEL_BYTES_MAX = 32 * 1024 * 1024  # messages that a screen can show at once, of all conversations; the rest is on disk
MODEL_ITEM_BYTES = 512  # of a message in the model, beside its text
REACTION_BYTES = 320  # likewise of a reaction to it: emoji, nick, user
MEMBERS_BYTES_MAX = 32 * 1024 * 1024  # of all rooms: 80,000 members; who does not fit is not listed
MEMBER_BYTES = 320  # of a member, beside nick and reason
TABLES_BYTES_MAX = 24 * 1024 * 1024  # what is bounded by number: changes of members, names, marks, one list, replicas
CACHES_BYTES_MAX = 16 * 1024 * 1024  # pages of the store, of two connections
CLIENT_BYTES_MAX = 152 * 1024 * 1024  # the sum of the above: what a server can make a client hold in memory
CONVERSATIONS_FOLLOWED_MAX = 2 * CONVERSATIONS_PER_KEY_MAX  # and held in the store; the server may have been replaced
ACCOUNTS_PER_RUN_MAX = 8  # to which a server can say, in turn, that this device belongs: each has an inbox in the store
LOG_CHANGES_BURST = 1_300.0  # logs begun anew or cut off: each is a write and a notice. All of them, twice in a row
LOG_CHANGES_PER_S_MAX = 1.0
ACKS_AT_ONCE_MAX = 4  # frames, each with up to ACK_LOGS_MAX logs; other logs come ACK_INTERVAL_S_MIN later
STORE_BYTES_MAX = 4 * 1024**3  # on the disk of a client, for each server: about 10 million messages, with their index
STRAY_PARTS_MAX = 2 * ROOMS_PER_PEER_MAX  # sent in one session for rooms not wanted: each is written to the disk first
LISTED_BYTES_MAX = (
    4 * 1024 * 1024
)  # of bans and mutes in one list: 8,192 with short reasons; what is beyond is left out
LISTED_ITEM_BYTES = 320  # of one, beside its texts
LIST_PAGES_MAX = 4_096  # of one list, each of at most 900 bytes; 20,000 members make about 560
