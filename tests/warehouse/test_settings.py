"""Settings: where they come from, who wins, and what is refused."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from warehouse.database import url_of
from warehouse.errors import SettingsError
from warehouse.settings import Settings, load_settings

REFERENCE = Path(__file__).parents[2] / "settings.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text("[send]\ndelay_minutes = 1\n[recs]\ndepth = 20\nals_epochs = 2\n")
    return tmp_path


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).send.delay_minutes == 15


def test_the_file_in_the_home_wins_over_defaults(home: Path) -> None:
    assert load_settings(home=home).send.delay_minutes == 1


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVOCATE_SEND__DELAY_MINUTES", "2")
    assert load_settings(home=home).send.delay_minutes == 2


def test_flags_win_over_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVOCATE_SEND__DELAY_MINUTES", "2")
    assert load_settings(home=home, send={"delay_minutes": 3}).send.delay_minutes == 3


def test_sources_are_merged_value_by_value_within_a_section(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVOCATE_RECS__ALS_FACTORS", "16")
    recs = load_settings(home=home, recs={"depth": 5}).recs
    assert (recs.depth, recs.als_factors, recs.als_epochs, recs.neighbours) == (5, 16, 2, 50)


def test_a_flag_that_was_not_given_changes_nothing(home: Path) -> None:
    assert load_settings(home=home, seed=None).seed == 0


def test_a_named_file_is_read_instead_of_the_one_in_the_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[send]\ndelay_minutes = 9\n")
    assert load_settings(home=home, file=other).send.delay_minutes == 9
    monkeypatch.setenv("ADVOCATE_SETTINGS", str(other))
    assert load_settings(home=home).send.delay_minutes == 9


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no settings file .*nowhere\.toml"):
        load_settings(home=tmp_path, file=tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("speed = 1", "setting speed"),
        ("[send]\ndelay = 1", r"setting send\.delay:"),
        ("[sending]\ndelay_minutes = 1", "setting sending"),
        ("[send]\ndelay_minutes = -1", r"setting send\.delay_minutes"),
        ("[send]\ndelay_minutes = 'soon'", r"setting send\.delay_minutes"),
        ("[recs]\ndepth = 0", r"setting recs\.depth"),
        ("[recs]\nals_reg = 0.0", r"setting recs\.als_reg"),
        ("[recs]\nkeep_bundles = 1", r"setting recs\.keep_bundles"),
        ("[features]\nhalf_life_days = 0", r"setting features\.half_life_days"),
        ("[feed]\ntimezone = 'Mars/Olympus'", r"setting feed\.timezone.*Mars/Olympus"),
        ("[feed]\ntimezone = 'CEST'", r"setting feed\.timezone.*Europe/Berlin"),
        ("[outreach]\nholdout_share = 1.5", r"setting outreach\.holdout_share"),
        ("[outreach]\nchannels = ['pigeon']", r"setting outreach\.channels"),
        ("[outreach]\nwaking_from = 20", "setting outreach: .*waking_from must lie before waking_until"),
        ("[outreach]\ndefault_timezone = 'Berlin'", r"setting outreach\.default_timezone"),
        ("[outreach.min_claim_minor]\nUSD = -1", r"setting outreach\.min_claim_minor\.USD"),
        ("[send", r"settings\.toml"),
    ],
)
def test_an_unknown_key_or_bad_value_is_named(tmp_path: Path, toml: str, named: str) -> None:
    (tmp_path / "settings.toml").write_text(toml)
    with pytest.raises(SettingsError, match=named):
        load_settings(home=tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ADVOCATE_SEED", "x", "setting seed"),
        ("ADVOCATE_SEND__DELAY", "1", r"setting send\.delay"),
        ("ADVOCATE_SENDING__DELAY_MINUTES", "1", "setting ADVOCATE_SENDING__DELAY_MINUTES"),
        ("ADVOCATE_OUTREACH__CHANNELS", "email", 'field "outreach".*JSON'),
    ],
)
def test_a_bad_variable_of_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=named):
        load_settings(home=tmp_path)


def test_an_unknown_flag_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="setting speed"):
        load_settings(home=tmp_path, speed=1)


def test_lists_and_tables_in_the_environment_are_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVOCATE_OUTREACH__CHANNELS", '["file"]')
    monkeypatch.setenv("ADVOCATE_OUTREACH__MIN_CLAIM_MINOR", '{"JPY": 50}')
    outreach = load_settings(home=tmp_path).outreach
    assert outreach.channels == ("file",)
    assert outreach.min_claim_minor == {"JPY": 50}


def test_settings_and_their_sections_cannot_be_changed(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        settings.seed = 1
    with pytest.raises(ValidationError, match="frozen"):
        settings.send.delay_minutes = 1


def test_everything_lies_in_the_home_unless_said_otherwise(tmp_path: Path) -> None:
    inside = load_settings(home=tmp_path)
    assert inside.lake_location == str(tmp_path / "lake")
    assert url_of(inside).database == str(tmp_path / "advocate.db")
    assert inside.outbox_folder == tmp_path / "outbox"
    elsewhere = load_settings(
        home=tmp_path, lake="s3://shop/lake", database_url="sqlite:////d.db", send={"outbox": "/out"}
    )
    assert elsewhere.lake_location == "s3://shop/lake"
    assert url_of(elsewhere).database == "/d.db"
    assert elsewhere.outbox_folder == Path("/out")


# The reference ---------------------------------------------------------------------------------


def _leaves(value: object, name: str = "") -> dict[str, Any]:
    """Every setting by its dotted name; a table of currencies is one setting."""
    if isinstance(value, BaseModel):
        return {
            full: leaf
            for field in type(value).model_fields
            for full, leaf in _leaves(getattr(value, field), f"{name}.{field}".strip(".")).items()
        }
    return {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    }


def _written(table: dict[str, Any], model: type[BaseModel] = Settings, name: str = "") -> dict[str, Any]:
    """Every setting of the file by its dotted name."""
    found = {}
    for key, value in table.items():
        default = model.model_fields[key].default if key in model.model_fields else None
        inside = isinstance(default, BaseModel)
        found |= _written(value, type(default), f"{name}{key}.") if inside else {f"{name}{key}": value}
    return found


def test_the_reference_names_every_setting_with_its_default() -> None:
    defaults = _leaves(Settings.model_construct())
    written = _written(tomllib.loads(REFERENCE.read_text()))
    missing = {name: value for name, value in defaults.items() if name not in written}
    assert not missing, f"add to settings.toml, each with a comment above it: {missing}"
    unknown = sorted(written.keys() - defaults.keys())
    assert not unknown, f"remove from settings.toml, there are no such settings any more: {unknown}"
    changed = {name: value for name, value in defaults.items() if written[name] != value}
    assert not changed, f"settings.toml must show these defaults: {changed}"


def test_the_reference_explains_every_setting() -> None:
    lines = REFERENCE.read_text().splitlines()
    unexplained = [
        line for above, line in pairwise(lines)
        if re.match(r"\w+ = ", line) and not above.startswith("# ")
    ]  # fmt: skip
    assert not unexplained, f"write a comment above each of these in settings.toml: {unexplained}"


def test_the_reference_can_be_used_as_it_is(tmp_path: Path) -> None:
    empty = load_settings(file=_empty(tmp_path))
    assert load_settings(file=REFERENCE).model_dump() == empty.model_dump()


def _empty(folder: Path) -> Path:
    (folder / "empty.toml").write_text("")
    return folder / "empty.toml"
