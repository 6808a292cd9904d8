"""Which arm a customer is in: the same for ever, near the share, and nobody leaves a growing challenger."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recs.experiment import arm_of
from warehouse.settings import ExperimentSettings

IDS = st.text(max_size=30)
SHARES = st.floats(0, 1)


def split(share: float, salt: str = "autumn", challenger: str = "new") -> ExperimentSettings:
    return ExperimentSettings(challenger=challenger, share=share, salt=salt)


@pytest.mark.parametrize(
    ("customer", "place"),
    [
        ("1402", 0x8D24B67E / 2**32),
        ("Müller", 0x027F248E / 2**32),
        ("客户", 0x308E7F92 / 2**32),
        ("", 0xC9D214A3 / 2**32),
    ],
)
def test_arms_are_what_they_always_were(customer: str, place: float) -> None:
    """`place` is what `printf 'autumn\x1f1402' | sha256sum` begins with, as a share."""
    assert arm_of(customer, split(place + 1e-6)) == "challenger"
    assert arm_of(customer, split(place - 1e-6)) == "champion"


def test_another_process_puts_customers_into_the_same_arms() -> None:
    ids = [f"ü{number}" for number in range(200)]
    code = (
        "from recs.experiment import arm_of; from warehouse.settings import ExperimentSettings as E\n"
        "e = E(challenger='new', share=0.3, salt='autumn')\n"
        "print(''.join(arm_of(f'ü{n}', e)[3] for n in range(200)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "".join(arm_of(one, split(0.3))[3] for one in ids)


@given(IDS, SHARES, SHARES)
def test_a_larger_share_takes_nobody_from_the_challenger(customer: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    if arm_of(customer, split(less)) == "challenger":
        assert arm_of(customer, split(more)) == "challenger"


@given(IDS, st.text(max_size=10))
def test_no_share_is_nobody_and_the_whole_share_is_everybody(customer: str, salt: str) -> None:
    assert arm_of(customer, split(0, salt)) == "champion"
    assert arm_of(customer, split(1, salt)) == "challenger"


@given(st.sampled_from([0.01, 0.1, 0.5, 0.9]), st.text(max_size=10))
def test_the_challenger_gets_about_its_share_whatever_the_salt(share: float, salt: str) -> None:
    customers = 4000
    got = sum(arm_of(str(n), split(share, salt)) == "challenger" for n in range(customers))
    spread = (customers * share * (1 - share)) ** 0.5
    assert abs(got - customers * share) < 6 * spread


def test_another_salt_draws_anew() -> None:
    both = [[arm_of(str(n), split(0.5, salt)) for n in range(1000)] for salt in ("autumn", "winter")]
    alike = sum(one == other for one, other in zip(*both, strict=True))
    assert 400 < alike < 600


def test_without_a_challenger_everybody_is_the_champions() -> None:
    assert arm_of("1402", split(1, challenger="")) == "champion"
    assert arm_of("1402", ExperimentSettings()) == "champion"


def test_any_text_is_an_id() -> None:
    assert arm_of("\ud800", split(1)) == "challenger"
