"""Names: what is allowed, what is the same, and what passes for what."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worded import worded
from udpchat.chat.names import RESERVED_NICKS, BadName, is_said_log, nick_key, parse_nick, parse_room, skeleton
from udpchat.chat.text import printable
from udpchat.ui.phrases import text_of
from udpchat.wire.limits import NAME_BYTES_MAX, NICK_CHARACTERS_MAX, ROOM_CHARACTERS_MAX

FIRST_NAMES = """
Aaron Abigail Adam Adele Agnes Ahmed Alan Albert Alejandro Alexander Alice Amanda Amelia Amir Amy Ana Andrea
Andrew Angela Anita Anna Anthony Antonio Arthur Astrid Barbara Beatriz Benjamin Bernard Bianca Bjørn Boris
Brian Bruno Camille Carla Carlos Caroline Catherine Chloé Christopher Clara Claudia Daniel Daniela David
Deborah Dennis Diana Diego Dmitri Dominic Donna Dorothy Eduardo Edward Elena Elizabeth Emily Emma Eric Erik
Ethan Eva Fatima Felix Fernando Florence François Frank Frida Gabriel George Gloria Grace Greta Gustavo Hannah
Harold Hassan Helen Henry Hugo Ibrahim Ines Ingrid Irene Isaac Isabella Ivan Jack Jacob James Jamie Jasmine
Javier Jennifer Jesús Joan John José Joseph Joshua Juan Julia Julian Karen Karl Kevin Kim Łukasz Lucas Lucy
Luis Marco Margaret María Marie Mark Martha Martin Mary Matthew Max Michael Mohammed Monika Nadia Natalie
Nicole Nina Noah Olga Oliver Omar Oscar Øystein Pablo Patricia Paul Pedro Peter Philip Rachel Ralph Raúl
Rebecca Renée Richard Rita Robert Rosa Ruth Samuel Sandra Sara Sofía Sophie Stefan Søren Teresa Thomas Tiago
Timothy Ursula Valentina Vera Victor Wendy William Xavier Yasmin Yusuf Zoë Zuzana
Александр Алексей Алёна Анна Борис Вера Виктор Владимир Галина Дмитрий Евгений Елена Иван Игорь Ирина Ольга
Мария Наталья Николай Олег Павел Пётр Роман Сергей Татьяна Юлия Оксана Тарас Юрій Їжак
Γιώργος Δημήτρης Ελένη Κώστας Μαρία Νίκος Παναγιώτης Σοφία Χρήστος
Արամ Անահիտ Գայանե Հակոբ Տիգրան
אברהם דוד יעקב מרים משה רחל שרה יוסף
أحمد محمد فاطمة علي خالد مريم يوسف زينب
अमित प्रिया राहुल सुनीता อนันต์ สมชาย กมล
王伟 李娜 张敏 陈静 さくら ハナコ 太郎 민준 서연 지훈
""".split()
RIVALS = [  # a held nick, and one that passes for it
    ("alice", "\u0430lice"),  # Cyrillic a
    ("adam", "\u0430dam"),
    ("alice", "\u0251lice"),  # Latin alpha
    ("alice", "al1ce"),
    ("alice", "aIice"),
    ("alice", "ａｌｉｃｅ"),
    ("alice", "\U0001d41a\U0001d425\U0001d422\U0001d41c\U0001d41e"),
    ("alice", "\u1d00\u029f\u026a\u1d04\u1d07"),  # small capitals
    ("alice", "al\u0456ce"),
    ("alice", "a|ice"),
    ("Alice", "aL\u0130ce"),  # a capital I with a dot: the small letter keeps it
    ("bob", "b0b"),
    ("Bob", "\u0412ob"),  # Cyrillic capital ve
    ("Bob", "\u0392\u03bf\u0412"),  # Greek capital beta, omicron
    ("HELEN", "\u0397\u0395L\u0395\u039d".replace("\u039d", "N")),
    ("NIKO", "\u039d\u0399\u039a\u039f"),  # all Greek
    ("tom", "\u0442\u043e\u043c"),  # all Cyrillic
    ("marmot", "rnarrnot"),
    ("walter", "vvalter"),
    ("o'neil", "o\u2019neil"),
    ("josé", "jos\u0435\u0301"),
    ("josé", "jos\u0435\u064e"),  # an Arabic fatha for the accent
    ("bjørn", "bjo\u0338rn"),
    ("Ålesund", "\u212blesund"),
    ("caesar", "c\u00e6sar"),
]


def reason(name: str) -> str:
    with pytest.raises(BadName) as caught:
        parse_nick(name)
    return text_of(caught.value.phrase)


@pytest.mark.parametrize(
    "nick", [*FIRST_NAMES, "x", "42", "_-_", "a.b+c~d^e|f'g`h{i}", "Zoë🎉", "👍🏽", "🇩🇪", "π", "7of9"]
)
def test_ordinary_nicks_are_allowed_as_they_are(nick: str) -> None:
    assert parse_nick(nick) == unicodedata.normalize("NFKC", nick)


def test_a_nick_is_normalised_and_keeps_its_case() -> None:
    assert parse_nick("JOSE\u0301") == "JOS\u00c9"
    assert parse_nick("Ａｌｉｃｅ") == "Alice"
    assert parse_nick("\u2764\ufe0f") == "\u2764"


@pytest.mark.parametrize("character", '@#/:,;<>[]()"\\*!?&=%$')
def test_characters_with_a_meaning_are_refused(character: str) -> None:
    assert character in reason(f"a{character}b")


@pytest.mark.parametrize("character", "＠＃／﹤，")
def test_a_character_with_a_meaning_cannot_hide_in_its_full_width_form(character: str) -> None:
    reason(f"a{character}b")


@pytest.mark.parametrize(
    "character",
    "\x00\x1b\x7f\x9b\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d"
    "\u200e\u202e\u2060\u2066\u2800\u3164\ufeff"
    "\uffa0\ufdd0\ue000\ud800\U000e0041\U000e0100\U0001d159\U0010ffff",
)
def test_what_cannot_be_seen_is_refused_and_not_repeated(character: str) -> None:
    said = reason(f"a{character}b")
    assert character not in said
    assert printable(said) == said


@pytest.mark.parametrize("space", " \t\n\u00a0\u2003\u2028\u3000")
def test_no_space_is_allowed_anywhere(space: str) -> None:
    for nick in (f"{space}a", f"a{space}b", f"a{space}", space):
        assert reason(nick) == "A nick cannot contain a space."


def test_a_spacing_accent_is_a_space_in_disguise() -> None:
    assert "a space" in reason("a\u00b4")


@pytest.mark.parametrize(
    ("nick", "said"),
    [
        ("", "A nick cannot be empty."),
        ("\ufe0f", "A nick cannot be empty."),
        ("-rf", "A nick cannot begin with a hyphen."),
        ("\u0301a", "A nick cannot begin with a combining mark."),
        ("a" + "\u0316" * 5, "A nick has at most 4 marks on one letter."),
        ("a" * (NICK_CHARACTERS_MAX + 1), "A nick has at most 32 characters."),
        ("\ufdfa\ufdfa", "A nick has at most 32 characters."),  # 18 characters each, once normalised
        ("a" * 100_000, "That nick is too long."),
        ("a\u20dd", "A nick cannot contain the character U+20DD."),
        ("\u2500", "A nick cannot contain the character U+2500."),
    ],
)
def test_a_refusal_says_what_is_wrong(nick: str, said: str) -> None:
    assert reason(nick) == said


def test_length_counts_after_normalisation() -> None:
    assert parse_nick("e\u0301" * NICK_CHARACTERS_MAX) == "é" * NICK_CHARACTERS_MAX


def test_the_longest_nick_fits_the_wire() -> None:
    assert 4 * max(NICK_CHARACTERS_MAX, ROOM_CHARACTERS_MAX) <= NAME_BYTES_MAX


@pytest.mark.parametrize("nick", ["\u039dick", "\u03bdick", "Gur\u03c5", "\u03bd\u043e\u03bd\u0430", "\u03cdx"])
def test_a_greek_letter_with_two_latin_looks_stays_among_greek(nick: str) -> None:
    assert "Greek" in reason(nick)


@given(st.text(max_size=40))
def test_an_allowed_nick_is_allowed_again_and_safe_to_print(text: str) -> None:
    try:
        nick = parse_nick(text)
    except BadName as refusal:
        said = text_of(refusal.phrase)
        assert printable(said) == said
        return
    assert parse_nick(nick) == nick
    assert printable(nick) == nick
    assert 1 <= len(nick) <= NICK_CHARACTERS_MAX
    assert len(nick.encode()) <= NAME_BYTES_MAX


@pytest.mark.parametrize(
    ("one", "other"), [("Alice", "aLICE"), ("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ИВАН", "иван"), ("ﬁ", "FI")]
)
def test_spellings_of_one_nick_have_one_key(one: str, other: str) -> None:
    assert nick_key(one) == nick_key(other)


def test_accents_make_another_nick() -> None:
    assert nick_key("josé") != nick_key("jose")
    assert skeleton("josé") != skeleton("jose")


@given(st.text(max_size=40))
def test_a_key_is_its_own_key_and_does_not_depend_on_case(text: str) -> None:
    assert nick_key(nick_key(text)) == nick_key(text)
    assert nick_key(text.casefold()) == nick_key(text)


@pytest.mark.parametrize(("held", "rival"), RIVALS)
def test_a_look_alike_has_the_skeleton_of_what_it_imitates(held: str, rival: str) -> None:
    assert skeleton(held) == skeleton(rival)


@given(st.text(max_size=40))
def test_a_skeleton_does_not_depend_on_case_and_is_its_own(text: str) -> None:
    assert skeleton(text.casefold()) == skeleton(text) == skeleton(nick_key(text))
    assert skeleton(skeleton(text)) == skeleton(text)


def test_first_names_do_not_exclude_each_other() -> None:
    assert len(FIRST_NAMES) > 250
    held: dict[str, str] = {}
    for name in FIRST_NAMES:
        assert held.setdefault(skeleton(name), name) == name


def test_numbered_nicks_do_not_exclude_each_other() -> None:
    assert len({skeleton(f"user{number}") for number in range(2_000)}) == 2_000


def test_the_known_price_is_what_is_documented() -> None:
    assert skeleton("Neil") == skeleton("Nell")
    assert skeleton("Marna") == skeleton("Mama")


@given(
    st.lists(st.text("abcdefghjkmnopqstuwxyz23456789", min_size=1, max_size=12), min_size=2, max_size=6, unique=True)
)
def test_different_names_without_look_alikes_differ(names: list[str]) -> None:
    for one, other in combinations(names, 2):
        assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize(
    ("text", "room"),
    [("#Lobby", "lobby"), ("lobby", "lobby"), ("＃ＤＥＶ", "dev"), ("Straße", "strasse"), ("#ŠKOLA-1", "škola-1")],
)
def test_a_room_is_named_one_way(text: str, room: str) -> None:
    assert parse_room(text) == room


@pytest.mark.parametrize(
    "text",
    ["", "#", "##a", "@alice", "a b", "-a", "a" * (ROOM_CHARACTERS_MAX + 1), "ß" * ROOM_CHARACTERS_MAX, "a\u202e"],
)
def test_a_bad_room_name_is_refused(text: str) -> None:
    with worded(BadName, match="room name"):
        parse_room(text)


@given(st.text(max_size=40))
def test_a_room_name_is_its_own(text: str) -> None:
    try:
        room = parse_room(text)
    except BadName:
        return
    assert parse_room(room) == parse_room(f"#{room}") == room
    assert room == nick_key(room)


# --- Reserved nicks ----------


@pytest.mark.parametrize("nick", sorted(RESERVED_NICKS))
def test_a_nick_that_passes_for_the_server_or_its_operator_is_reserved(nick: str) -> None:
    for spelled in (nick, nick.upper(), nick.title()):
        assert "is reserved" in reason(spelled)


@pytest.mark.parametrize(
    "nick",
    [
        "\u0430dmin", "Adm1n", "r00t", "ADM\u0130N".replace("\u0130", "I"), "0wner", "rnoderator", "ｓｅｒｖｅｒ",
        "_admin_", "a.d.m.i.n", "{admin}", "|root|", "admin\U0001f451", "\u1d00\u1d05\u1d0d\u026a\u0274", "sys-op",
    ],
)  # fmt: skip
def test_what_looks_like_a_reserved_nick_is_reserved_too(nick: str) -> None:
    assert "is reserved" in reason(nick)


@pytest.mark.parametrize("nick", ["badminton", "admin2", "Ali", "servera", "Moody", "roots", "ownership", "modesta"])
def test_what_only_holds_a_reserved_nick_is_free(nick: str) -> None:
    assert parse_nick(nick) == nick


def test_a_room_may_have_a_reserved_name() -> None:
    assert parse_room("#Admin") == "admin"


def test_what_is_said_stands_in_rooms_and_conversations() -> None:
    talk = "@" + "7" * 20
    assert is_said_log("#lobby") and is_said_log(talk)
    assert not any(
        map(is_said_log, ("#", "#Lobby", "lobby", "%lobby", "@", talk + "7", "~" + "7" * 20, "@" + "A" * 20))
    )
