"""The chat: settles proposals, and carries out their effects once they are durable (SPEC 6, 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from udpchat.chat import events
from udpchat.chat.ids import AUDIT_LOG, client_id_of
from udpchat.server import proposals
from udpchat.server.admission import Admission, Settings
from udpchat.server.audit import acts_of
from udpchat.server.commits import Commits
from udpchat.server.credit import Ledger
from udpchat.server.enforcement import Enforcement
from udpchat.server.entrance import Entrance
from udpchat.server.fanout import Fanout
from udpchat.server.groups import Groups
from udpchat.server.history import ReactionsUnreadable, readable
from udpchat.server.payer import Payer
from udpchat.server.queries import Queries, Query
from udpchat.server.quota_charges import charge, slowed_s
from udpchat.server.quotas import Quotas, Share, disk_rates
from udpchat.server.registry import Peer, Registry
from udpchat.server.repeated_requests import answer, logged_nicks, recall_answers, recalled_window, send_result
from udpchat.server.rooms import Rooms
from udpchat.server.wall_clock import WallClock
from udpchat.session.noise import user_id
from udpchat.session.rate_limit import source_of
from udpchat.session.session import Session
from udpchat.sync.log import Append, LogUnreadable, SearchQuery, ServerLog
from udpchat.wire.content import Reason
from udpchat.wire.frames import EnterRefused, Hold, Introduction, Unwritable, encode, encode_result
from udpchat.wire.limits import (
    ANSWERS_REPEATED_BYTES_MAX,
    HOLD_REPORTED_S_MIN,
    HOLD_S_MAX,
    REACH_OF_KEY,
    REQUEST_BYTES_PER_PEER_MAX,
)
from udpchat.wire.requests import Done, EntryList, Failed, GetHistory, ResultBody, Say

REASON_CHARACTERS_MAX = 200  # of why nothing can be stored, as it is sent
DAMAGE_REASONS_MAX = 100  # no more than these are reported


class Chat:
    """Registry, rooms, fan-out, pending writes, queries and admission."""

    def __init__(self, log: ServerLog, settings: Settings, random: Callable[[int], bytes]) -> None:
        self.ledger = Ledger()
        self.quotas = Quotas()
        self.registry = Registry(self.quotas.peers)
        self.commits = Commits(log)
        self.fanout = Fanout(self.ledger, Groups(random, settings.group_peers_min))
        durable, empty_rooms = self.commits.durable, self.quotas.empty_rooms
        self.rooms = Rooms(log, durable, self.registry, self.fanout, random, empty=empty_rooms)
        self.queries = Queries()
        self.happened: list[events.ServerEvent] = []  # for the operator
        self._unreadable: set[str] = set()  # reasons of damage that were reported
        self.clock = WallClock()
        enforcement = Enforcement(self.rooms, self.fanout, self.registry, durable)
        self.admission = Admission(self.rooms, self.fanout, durable, settings, self.happened, self.clock, enforcement)
        self.entrance = Entrance(self, self.commits, self.quotas, self.registry, self.admission)
        self.change_settings(settings)

    def change_settings(self, settings: Settings) -> None:
        """What holds from here on."""
        self.admission.settings = settings
        for state in (self.commits.durable, self.commits.settled):
            state.accounts.host, state.claims.regular_kept_s = settings.host, settings.nick_kept_s

    # --- Peers ----------

    def recalled_peer(self, now: float, session: Session, introduction: Introduction) -> Peer:
        """A peer of a new session, which has no place yet; the log recalls its earlier requests, or `LogUnreadable`."""
        device, instance = session.remote_static, introduction.instance
        capabilities = frozenset(introduction.capabilities)
        key = self.commits.durable.accounts.account_of(device)
        author = proposals.Author(client_id_of(device, instance), key, user_id(key), instance, device, capabilities)
        payer = Payer(self.ledger, key, session.path.address[0])
        share = Share(self.quotas.request_bytes, payer.who, REQUEST_BYTES_PER_PEER_MAX)
        claimed = logged_nicks(self.commits.reader, author.client_id)
        window = recalled_window(
            self.commits.reader, author.client_id, self.commits.pending_of(author.client_id), share
        )
        peer = Peer(now, session=session, author=author, window=window, payer=payer)
        peer.renames.claimed = claimed or None
        return peer

    def renew_peer(self, now: float, peer: Peer, session: Session, introduction: Introduction) -> None:
        """A device made a fresh session, maybe as another process; it repeats the requests that it still needs."""
        recall_answers(self.commits.reader, peer)  # first: what cannot be read changes nothing
        peer.author = replace(peer.author, capabilities=frozenset(introduction.capabilities))
        self.registry.change_session(peer, session)
        self.on_moved(now, peer)
        peer.window.forget_held()
        peer.downlink.reset(now)
        self.fanout.groups.on_session(now, peer)
        if peer.nick is not None:
            self.entrance.propose(now, peer, peer.nick)  # who never leaves uses a nick too

    def on_moved(self, now: float, peer: Peer) -> None:
        """A peer that has entered may be at another address from here on."""
        peer.on_path()
        if peer.nick is not None:
            self.admission.enforcement.check_ban(self.clock.time_ms(now), peer)

    def repeat_answer(self, now: float, peer: Peer, counter: int, encoded: bytes) -> None:
        """A request was repeated that is answered already: send the answer again."""
        nick = (peer.renames.claimed or {}).get(counter)
        if nick is not None and peer.nick is not None and peer.renames.advance(counter):
            self.rooms.rename(now, peer, nick)  # it had entered under its former nick, unaware of this Rename
        if peer.downlink.queue.answer_bytes < ANSWERS_REPEATED_BYTES_MAX:
            send_result(peer, counter, encoded)

    def may_reach(self, now: float, peer: Peer, reached: float) -> bool:
        """Whether a person may reach so many devices of others now. If not, the requests of this device wait; and it is
        informed, if all that it has sent will take long."""
        activity = peer.activity
        activity.held_until = None
        wait_s = self.quotas.reach.wait_s(now, peer.who, reached)
        if not wait_s:
            return True
        activity.held_until = now + wait_s
        for_all_s = wait_s + (len(peer.window.held) - 1) * reached / REACH_OF_KEY[1]
        if for_all_s >= HOLD_REPORTED_S_MIN and activity.may_report_hold(now):
            self.fanout.send(peer, encode(Hold(int(1000 * min(for_all_s, HOLD_S_MAX)))))
        return False

    # --- Proposals ----------

    def propose(self, now: float, proposal: proposals.Proposal) -> None:
        """Settle a proposal. Its effects follow at once, or when it is durable."""
        effects = self.commits.propose(proposal)
        if effects:
            self._carry_out(now, effects)

    def propose_action(self, now: float, peer: Peer, counter: int, action: proposals.Action) -> None:
        """Propose what a request of an entered peer wants done, if its quotas allow it."""
        assert peer.nick is not None
        opener = self.rooms.opener(action.room) if isinstance(action, Say) else _opener(self.rooms, action)
        settled = self.commits.settled
        wait_s = slowed_s(now, peer.author, counter, action, opener, settled, self.admission.enforcement.slow)
        if wait_s:
            return answer(peer, counter, Failed("too_fast.wait", (str(wait_s),)))
        # What cannot be written is repeated until it can; who runs the server has no quota.
        is_free = self.commits.is_unwritable or peer.key == settled.accounts.host
        if not is_free and not charge(now, peer.payer, action, settled, self.quotas):
            return answer(peer, counter, Failed("too_fast"))
        time_ms = self.clock.time_ms(now)
        self.propose(now, proposals.ActionProposal(peer.author, peer.nick, counter, time_ms, action, opener))

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest drained appends are durable: carry out their effects, then send the entries."""
        if self.commits.is_unwritable:
            self.happened.append(events.LogWritable())
        grown: dict[str, list[Append]] = {}
        replaced: list[proposals.ReplaceEntry] = []
        decided: list[proposals.OrderEffect] = []
        for settlement in self.commits.take_durable(count):
            effects = settlement.effects
            self._carry_out(now, effects)
            if len(effects) > 1:  # more than the answer
                replaced += [effect for effect in effects if isinstance(effect, proposals.ReplaceEntry)]
                decided += [effect for effect in effects if isinstance(effect, proposals.OrderEffect)]
            self.commits.apply_durable(settlement)
            for append in settlement.appends:
                if append.log in grown:
                    grown[append.log].append(append)
                else:
                    grown[append.log] = [append]
        self.commits.rebase()
        self.happened += acts_of(grown.get(AUDIT_LOG, ()))
        for order in decided:  # before what is new in a log is sent: who may not read it does not follow it any more
            self.admission.enforcement.carry_out(now, self.clock.time_ms(now), order)
        for log, appends in grown.items():
            self.rooms.extend(now, log, appends[0].sequence, [append.entry for append in appends])
        for effect in replaced:  # maybe one of the entries that were just added, as they were said
            self.rooms.on_replaced(effect.log, effect.sequence)

    def rejected(self, reason: str) -> None:
        """A write failed: drop all pending proposals and inform their clients, which repeat the requests."""
        if not self.commits.is_unwritable:
            self.happened.append(events.LogUnwritable(reason))
        informed: dict[Peer, None] = {}
        for proposal in reversed(self.commits.rejected()):
            peer = self.registry.find_client(proposal.author.client_id)
            if peer is None:
                continue
            informed[peer] = None
            if isinstance(proposal, proposals.ActionProposal):
                peer.window.rewind(proposal.counter)
            else:
                self.admission.forget(peer)
        for peer in informed:
            self.fanout.send(peer, encode(Unwritable(reason[:REASON_CHARACTERS_MAX])))

    # --- Effects ----------

    def _carry_out(self, now: float, effects: Iterable[proposals.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, proposals.PeerEffect):
                peer = self.registry.find_client(effect.client_id)
                if peer is None:
                    continue  # a client that returns later is answered from the log
                if type(effect) is proposals.SendResult:  # the hot path
                    answer(peer, effect.counter, effect.result)
                    self.fanout.to_flush[peer] = None
                else:
                    self._affect(now, peer, effect)
            elif isinstance(effect, proposals.ChangeTopic):
                self.rooms.change_topic(now, effect.room, effect.topic, effect.nick)
            elif isinstance(effect, proposals.FollowPrivate):
                for key in effect.keys:
                    self.rooms.follow_private(now, effect.log, key)
            elif isinstance(effect, proposals.EndSessions):
                self._end_sessions(effect)
            elif isinstance(effect, proposals.ForgetNicks):
                self.happened.append(events.AccountErased(effect.nicks))

    def _end_sessions(self, effect: proposals.EndSessions) -> None:
        for peer in self.registry.peers_of(effect.account):
            if peer.author.device in effect.devices:
                is_own = peer.author.client_id == effect.request.client_id
                answers = [encode_result(effect.request.counter, encode(Done()))] if is_own else []
                self.registry.end_later(peer, Reason.KICKED, *answers, encode(EnterRefused(effect.code)))

    def _affect(self, now: float, peer: Peer, effect: proposals.PeerEffect) -> None:
        match effect:
            case proposals.Admit():
                self.entrance.admit(now, peer, effect)
            case proposals.Reject():
                self.entrance.reject(now, peer, effect)
            case proposals.ChangeNick(_, counter, nick):
                if peer.nick is None:  # it reconnected meanwhile, and enters under its former nick
                    peer.renames.claimed = {**(peer.renames.claimed or {}), counter: nick}
                elif peer.renames.advance(counter):
                    self.rooms.rename(now, peer, nick)

    # --- Queries ----------

    def query(self, peer: Peer, counter: int, read: GetHistory | SearchQuery) -> None:
        """What a request reads is read off the loop; refuse it if too much waits already."""
        peer.window.expect_read(counter)
        source = source_of(peer.session.path.address.host)
        if not self.queries.add(Query(peer.author.client_id, counter, peer.key, source, read)):
            answer(peer, counter, Failed("too_fast"))

    def drain_queries(self) -> list[Query]:
        query = self.queries.take_next(lambda query: self._reader_of(query) is not None)
        return [query] if query is not None else []

    def answered(self, now: float, query: Query, result: ResultBody | LogUnreadable, took_s: float) -> None:
        """A query is done: answer its request, unless the client has gone or abandoned it."""
        self.queries.on_answered(query, took_s)
        if isinstance(result, LogUnreadable):
            self.on_unreadable(str(result))
            result = EntryList(result.items) if isinstance(result, ReactionsUnreadable) else Failed("unreadable")
        peer = self._reader_of(query)
        if peer is not None:
            if isinstance(result, EntryList):  # what it may read may have changed meanwhile
                result = readable(self.commits.durable, peer.author, self.clock.time_ms(now), result)
            answer(peer, query.counter, result)
            self.fanout.to_flush[peer] = None

    def _reader_of(self, query: Query) -> Peer | None:
        peer = self.registry.find_client(query.client_id)
        return peer if peer is not None and peer.window.is_read(query.counter) else None

    def set_disk_room(self, room_bytes: float) -> None:
        """So much may still be written to the disk: the less, the slower."""
        self.quotas.written_bytes.change(*disk_rates(room_bytes))

    # --- For the operator ----------

    def on_unreadable(self, reason: str) -> None:
        """Part of the log cannot be read; each reason is reported once."""
        if reason not in self._unreadable and len(self._unreadable) < DAMAGE_REASONS_MAX:
            self._unreadable.add(reason)
            self.happened.append(events.LogDamaged(reason))

    def drain_events(self) -> list[events.ServerEvent]:
        """The events for the operator since the last drain, in order."""
        drained = list(self.happened)
        self.happened.clear()
        return drained


def _opener(rooms: Rooms, action: proposals.Action) -> bytes:
    """The account that opened the room that an action is about, if it is a new one."""
    request = getattr(action, "request", action)
    return rooms.opener(getattr(request, "room", None) or "")
