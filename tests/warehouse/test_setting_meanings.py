"""What is told of each setting: its value, where that is from, its default and its meaning."""

from pathlib import Path

import pytest

from warehouse.setting_meanings import HIDDEN, Setting, meanings, settings_in_force
from warehouse.setting_names import names_of
from warehouse.settings import Settings, Source, load_settings


def told(settings: Settings) -> dict[str, Setting]:
    return {one.name: one for one in settings_in_force(settings)}


def test_every_setting_has_a_meaning_of_its_own_and_nothing_else_has() -> None:
    assert list(meanings()) == list(names_of(Settings))
    assert len(set(meanings().values())) == len(meanings())
    assert [name for name, text in meanings().items() if text.startswith("...") or text.endswith("...")] == []


def test_a_meaning_is_the_comment_above_the_setting_and_no_other_one() -> None:
    assert meanings()["outreach.guarantee_days"] == (
        "Days after dispatch in which a list price that fell before it is still paid back."
    )
    assert meanings()["seed"] == (
        "Where chance begins, wherever it is used; the same seed gives the same results. 0 or above."
    )
    assert meanings()["recs.rules.pins"].startswith("Products put at a place of every list, by id, at most 3")
    assert meanings()["outreach.opt_out"].endswith("Empty: no advice is written.")


def test_each_value_says_where_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[outreach]\ncap_days = 3\nadvice_items = 2\ncap_claim_minor = { USD = 1 }\n")
    monkeypatch.setenv("ADVOCATE_OUTREACH__CAP_CONTACTS", "5")
    monkeypatch.setenv("ADVOCATE_OUTREACH__CAP_CLAIM_MINOR__DEFAULT", "7")
    monkeypatch.setenv("ADVOCATE_RECS", '{"depth": 4}')
    found = told(load_settings(home=tmp_path, changes={"outreach.advice_items": 9, "send.delay_minutes": 1}))
    sources = {name: (one.value, one.source) for name, one in found.items()}
    assert sources["outreach.cap_days"] == (3, Source("file", str(file)))
    assert sources["outreach.advice_items"] == (9, Source("desk"))
    assert sources["send.delay_minutes"] == (1, Source("desk"))
    assert sources["outreach.cap_contacts"] == (5, Source("environment", "ADVOCATE_OUTREACH__CAP_CONTACTS"))
    assert sources["outreach.cap_claim_minor"] == (
        {"USD": 1, "default": 7}, Source("environment", "ADVOCATE_OUTREACH__CAP_CLAIM_MINOR__DEFAULT")
    )  # fmt: skip
    assert sources["recs.depth"] == (4, Source("environment", "ADVOCATE_RECS"))
    assert sources["recs.neighbours"] == (50, Source())
    assert sources["home"] == (str(tmp_path), Source("flag", "--home"))
    assert found["outreach.cap_days"].default == 7


def test_what_can_be_changed_at_the_desk_is_marked() -> None:
    found = told(Settings.model_construct())
    assert found["outreach.cap_days"].changeable
    assert not found["outreach.holdout_salt"].changeable
    assert not found["recs.depth"].changeable


def test_secrets_and_salts_are_never_shown(tmp_path: Path) -> None:
    secret = "a secret of thirty-two characters, or more"
    provider = {"oidc_issuer": "https://id.example", "oidc_client_id": "desk", "oidc_client_secret": secret}
    settings = load_settings(
        home=tmp_path,
        database_url=f"postgresql+psycopg://{secret.split()[1]}@host/name",
        secret_key=secret,
        outreach={"holdout_salt": secret},
        recs={"experiment": {"salt": secret}},
        desk=provider,
    )
    found = told(settings)
    assert [(found[name].value, found[name].default, found[name].hidden) for name in sorted(HIDDEN)] == [
        (None, None, True)
    ] * 5
    assert "secret of" not in str(list(found.values()))
