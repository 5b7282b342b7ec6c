"""What is said outside of messages, kept for the screen: lines of each conversation, and the last words. No Textual."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent, notice
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import printable
from udpchat.client.model import Phase
from udpchat.client.roster import Members
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.prompt import Prompt
from udpchat.ui.tui.local_lines import LocalLines
from udpchat.wire.fields import Value

PENDING_MAX: Final = 1_000  # more may come while a slow terminal is not drawn on: then the list reads all anew
UNSAID: Final = frozenset({"target", "history"})  # codes of notices that tell what the screen shows anyway


class Hints(Value, frozen=True):
    """What the screen says about its keys: the line on `entry`, and the key that accepts an invitation, if any."""

    entry: str
    accept_key: str = ""


class MemberRequests:
    """Which lists of members the screen has asked for, once in a session of each roster.

    A roster begins anew if the room was left and joined, or the server restarted.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Members] = {}  # by room
        self._awaited: Counter[str] = Counter()  # how many answers have not come: another session asks anew

    def forget(self) -> None:
        """Another session: all may be asked for again."""
        self._asked.clear()

    def take(self, room: str) -> bool:
        """A list has come: whether it is one that the screen asked for."""
        is_awaited = self._awaited[room] > 0
        self._awaited[room] -= is_awaited
        return is_awaited

    def ask(self, room: str, members: Members) -> bool:
        """Whether the rest of these members is to be asked for now."""
        if members.is_complete or self._asked.get(room) is members:
            return False
        self._asked[room] = members
        self._awaited[room] += 1
        return True


class Board:
    """Where `ui/line_mode` shows events. A line stands in the room that it is about, else in the open conversation.

    `replaced` are the conversations that have other messages than when they were looked at. `pending` is what the list
    of the open one is to be given: pages, and what was said about messages. `has_missed`: not all of that was kept, and
    the list has to read its pages anew. `found`: what a search has found, until somebody takes it. `invitation`: the
    room that this user was invited to last.
    """

    def __init__(self, prompt: Prompt, now_ms: Callable[[], int], hints: Hints) -> None:
        self.lines = LocalLines()
        self.has_connected = False
        self.replaced: set[str] = set()
        self.has_missed = False
        self.pending: deque[events.PageFound | events.Amendment] = deque()
        self.found: events.HistoryFound | None = None
        self.invitation = ""
        self._prompt = prompt
        self.now_ms = now_ms
        self._hints = hints
        self._last_words: list[str] = []
        self._members = MemberRequests()

    def show(self, happened: Iterable[ClientEvent]) -> None:
        """Keep the lines of these events, each behind the message that was the latest when it happened."""
        batch = list(happened)
        latest: dict[str, int] = {}  # the sequence before the first message of this batch, then those of the batch
        for event in reversed(batch):
            if isinstance(event, events.MessageReceived | events.MessageSent):
                latest[event.room] = event.seq - 1
        for event in batch:
            match event:
                case events.MessageReceived(room, sequence) | events.MessageSent(room, sequence):
                    latest[room] = sequence
                    continue
                case events.EarlierAmended(amendment):
                    self._keep(amendment)
                    continue
                case events.Redacted(nick=nick, target=target) if target is not None and target.nick not in ("", nick):
                    self._keep(event)  # and a line says who keeps order
                case events.PageFound() | events.Edited() | events.Redacted() | events.Reacted():
                    self._keep(event)
                    continue
                case events.Invited(room):
                    self.invitation = room
                case events.HistoryReplaced(room):
                    self.replaced.add(room)
                    self.lines.forget(room)
                    self._members.forget()
                    continue
                case events.HistoryFound(messages, words) if messages and words is not None:
                    self.found = event
                    continue
                case events.MessageDelivered() | events.MessageRemoved():
                    continue
                case events.Notice(code=code) if code in UNSAID:
                    continue
                case events.MemberList(room) if self._members.take(room):
                    continue
                case events.Reconnected():
                    self._members.forget()
                case events.Rejected():
                    self._last_words.append(sentence("error", text=text_of(event)))
            for room in self._places(event):
                is_in_batch = room in latest and not isinstance(event, events.Connected)  # of earlier messages, then
                after = latest[room] if is_in_batch else self._latest(room)
                self.lines.add(room, event, after=after, time_ms=self.now_ms())
            if isinstance(event, events.Connected):
                self.has_connected = True
                self.say(self._hints.entry)

    def _keep(self, event: events.PageFound | events.Amendment) -> None:
        if not is_for(event, self._prompt.target):
            return
        if len(self.pending) == PENDING_MAX:  # a list that is given some only would wait for a lost page for good
            self.has_missed = True
            self.pending.clear()
        self.pending.append(event)

    def say(self, *lines: str) -> None:
        """Show these lines in the conversation that is open; what a peer chose in them is made safe where drawn."""
        room = self._prompt.target
        for line in lines:
            event = notice("help.line", line=line.removeprefix("-- "))
            self.lines.add(room, event, after=self._latest(room), time_ms=self.now_ms())

    @property
    def invitation_hint(self) -> str:
        """What to say of the latest invitation, until its room is joined."""
        if not self.invitation or self.invitation in self._prompt.client.model.rooms:
            return ""
        return sentence("status.invited", room=self.invitation, key=self._hints.accept_key)

    def take_invitation(self) -> str:
        """The room of the latest invitation, once."""
        room, self.invitation = self.invitation, ""
        return room

    def take_found(self) -> events.HistoryFound | None:
        """What a search has found, once."""
        found, self.found = self.found, None
        return found

    def list_found(self, found: events.HistoryFound) -> None:
        """Show it as lines."""
        room = self._prompt.target
        self.lines.add(room, found, after=self._latest(room), time_ms=self.now_ms())

    def wants_members(self, room: str) -> bool:
        """Whether the members of a room are to be asked for now, and the answer is no line."""
        model = self._prompt.client.model
        members = self._prompt.client.timeline.people.roster(room)
        if members is None or room not in model.rooms or model.connection.phase is not Phase.ONLINE:
            return False
        return self._members.ask(room, members)

    def remark(self, *lines: str) -> None:
        """Keep these lines about the end, to be printed when the screen is left."""
        self._last_words += lines

    def show_failure(self, reason: Phrase) -> None:
        """`remark` says it."""

    def last_words(self) -> Sequence[str]:
        """The lines to print once the screen is left, safe for a terminal: at least that one has left."""
        left = [f"-- {sentence('quit')}"] if self.has_connected else []
        return [printable(line) for line in self._last_words or left]

    def _places(self, event: ClientEvent) -> list[str]:
        model = self._prompt.client.model
        match event:
            case (
                events.MemberJoined(room) | events.MemberLeft(room) | events.TopicChanged(room) | events.Redacted(room)
                | events.RoleChanged(room) | events.ModesChanged(room) | events.Banned(room) | events.Muted(room)
                | events.Unbanned(room) | events.Unmuted(room)
            ):  # fmt: skip
                return [room] if room in model.rooms else [self._prompt.target]
            case events.MemberRenamed(old, nick):  # not all rooms may have told it yet
                rooms = [room for room in model.rooms if model.members(room).get(nick) or model.members(room).get(old)]
                return rooms or [self._prompt.target]
            case _:
                return [self._prompt.target]

    def _latest(self, room: str) -> int:
        items = self._prompt.client.model.conversation(room).items if room else []
        return items[-1].sequence if items else 0


def is_for(event: events.PageFound | events.Amendment, conversation: str) -> bool:
    """Whether the list of a conversation is to be given this.

    What is said about a private message comes under the nick that its author has now: it is for any private list, since
    each knows its messages by sequence and id.
    """
    is_private = event.room.startswith("@") and conversation.startswith("@")
    return event.room == conversation or (is_private and not isinstance(event, events.PageFound))
