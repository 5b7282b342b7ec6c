"""The shares of a table: after any adds and removes, who gives way is the oldest place of a source with most."""

from random import Random

from udpchat.session.shares import Shares


def test_the_oldest_place_of_the_source_with_most_gives_way() -> None:
    shares = Shares()
    for source, place in (("a", 1), ("b", 2), ("b", 3), ("c", 4), ("c", 5)):
        shares.add(source, place)
    assert shares.first_to_give_way() == 2  # b has had two for longer than c
    shares.remove("b", 2)
    assert shares.first_to_give_way() == 4 and shares.count("b") == 1
    shares.remove("c", 5)
    assert shares.first_to_give_way() in (1, 3, 4) and shares.count("nobody") == 0


def test_it_agrees_with_counting_whatever_comes_and_goes() -> None:
    random, shares = Random(1), Shares()
    held: dict[int, str] = {}  # place: source, oldest first
    for place in range(5_000):
        if held and random.random() < 0.48:
            gone = random.choice(list(held))
            shares.remove(held.pop(gone), gone)
        else:
            held[place] = f"source {min(random.randrange(12), random.randrange(12))}"
            shares.add(held[place], place)
        counts: dict[str, int] = {}
        for source in held.values():
            counts[source] = counts.get(source, 0) + 1
        if not held:
            continue
        victim = shares.first_to_give_way()
        assert counts[held[victim]] == max(counts.values())
        assert victim == next(other for other, source in held.items() if source == held[victim])
