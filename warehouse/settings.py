"""Settings: one frozen object, read once at the edges.

Later sources win: the defaults below, a TOML file, what people changed at the desk
(`warehouse.setting_changes`), environment variables (`ADVOCATE_SEND__DELAY_MINUTES`), flags of the command
line. `settings.toml` at the root of the repository explains each one.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from warehouse.errors import SettingsError
from warehouse.setting_names import named, plain_value, section_of
from warehouse.setting_sources import Source, explained, flag_of, variable_of
from warehouse.zones import is_zone

Days = Annotated[int, Field(ge=1, le=3650)]
Minor = Annotated[int, Field(ge=0, le=10**15)]
Count = Annotated[int, Field(ge=1, le=10**6)]
CountOrNone = Annotated[int, Field(ge=0, le=10**6)]
Hours = Annotated[int, Field(ge=1, le=87_600)]
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0.5, le=2)]
Place = Annotated[int, Field(ge=1, le=10)]
Amounts = dict[Annotated[str, Field(pattern=r"^([A-Z]{3}|default)$")], Minor]
Channel = Literal["email", "sms", "push", "call", "file"]

_SERVER = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
"""A name or an address, and a port where it is not the usual one."""

SENSITIVE_WORDS = (
    *("adult", "alcohol", "beer", "wine", "spirits", "liquor", "tobacco", "cigar", "vap"),
    *("condom", "contracep", "pregnan", "fertility", "feminine", "incontinen", "lubricant"),
    *("drug", "medic", "pharma", "prescription", "hemorrhoid", "diet", "weight loss", "diabet", "lice"),
    *("analges", "antacid", "laxativ", "sinus", "allerg", "cold and flu", "first aid", "home health"),
    *("family planning", "smoking cess", "religio", "firearm", "weapon", "funeral", "debt"),
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedSettings(_Section):
    path: str = ""
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if not is_zone(zone):
            raise ValueError(f"{zone!r} is not a time zone; use a name like Europe/Berlin")
        return zone


class FeatureSettings(_Section):
    half_life_days: Days = 60
    sensitive_words: tuple[str, ...] = SENSITIVE_WORDS


class RuleSettings(_Section):
    categories: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_price_minor: dict[str, Minor] = {}
    max_price_minor: dict[str, Minor] = {}
    pins: Annotated[dict[str, Place], Field(max_length=3)] = {}
    boosts: Annotated[dict[str, Factor], Field(max_length=100)] = {}
    category_boosts: Annotated[dict[str, Factor], Field(max_length=100)] = {}

    @model_validator(mode="after")
    def _possible(self) -> "RuleSettings":
        if len(set(self.pins.values())) < len(self.pins):
            raise ValueError("two products are pinned to the same place")
        for currency in self.min_price_minor.keys() & self.max_price_minor.keys():
            if self.min_price_minor[currency] > self.max_price_minor[currency]:
                raise ValueError(f"the lowest price in {currency} lies above the highest")
        return self


class ExperimentSettings(_Section):
    challenger: str = ""
    share: Share = 0
    salt: str = "experiment"


class RecsSettings(_Section):
    depth: Annotated[int, Field(ge=1, le=1000)] = 50
    judge_days: Days = 28
    min_judged_customers: Annotated[int, Field(ge=1)] = 50
    tune_seconds: Annotated[int, Field(ge=0)] = 120
    als_factors: Annotated[int, Field(ge=1, le=2048)] = 128
    als_reg: Annotated[float, Field(gt=0)] = 30.0
    als_epochs: Annotated[int, Field(ge=1, le=200)] = 10
    neighbours: Annotated[int, Field(ge=1, le=1000)] = 50
    visitors: Literal["ease", "ials"] = "ease"
    keep_bundles: Annotated[int, Field(ge=2)] = 7
    due_share: Share = 0.3
    require_personalisation_consent: bool = False
    category_cap: Annotated[int, Field(ge=0)] = 0
    mmr: Share = 0
    served_days: Days = 90
    live_hours: Annotated[int, Field(ge=1, le=720)] = 48
    rules: RuleSettings = RuleSettings()
    experiment: ExperimentSettings = ExperimentSettings()


class OutreachSettings(_Section):
    guarantee_days: Days = 30
    protection_days: Days = 30
    min_claim_minor: Amounts = {"default": 10}
    min_claim_share: Share = 0.01
    double_payment_days: Days = 30
    double_payment_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    incident_days: Days = 14
    incident_severity: Annotated[int, Field(ge=1, le=5)] = 3
    failures: Count = 2
    late_days: Days = 30
    late_share: Share = 0.1
    late_most: Share = 0.5
    unclaimed_days: Days = 30
    habit_days: Days = 90
    habit_baskets: Count = 2
    credit_days: Days = 30
    idle_periods: Count = 2
    watched_days: Days = 30
    cheaper_days: Days = 90
    cheaper_orders: Count = 3
    trouble_incidents: Count = 3
    cap_claim_minor: Amounts = {"default": 25_000}
    cap_claims: CountOrNone = 10
    outlier_share: Share = 0.5
    hold_share: Share = 0.05
    channels: tuple[Channel, ...] = ("email", "sms", "file")
    cap_contacts: CountOrNone = 2
    cap_days: Days = 7
    min_saving_minor: Amounts = {"default": 0}
    holdout_share: Share = 0.1
    holdout_salt: str = "advocate"
    waking_from: Annotated[int, Field(ge=0, le=23)] = 9
    waking_until: Annotated[int, Field(ge=1, le=24)] = 20
    default_timezone: str = ""
    valid_days: Days = 3
    shop_name: Line = "The shop"
    contact: Line = ""
    opt_out: Line = ""
    postal_address: Line = ""
    default_locale: Line = "en_US"
    advice_items: Count = 5
    ageing_warning_hours: Hours = 24
    ageing_breach_hours: Hours = 48
    goodwill_limit_minor: Amounts = {"default": 2500}
    goodwill_year_minor: Amounts = {"default": 10000}
    min_coupon_uses: Annotated[int, Field(ge=2, le=10**6)] = 50

    @field_validator("default_timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone and not is_zone(zone):
            raise ValueError(f"{zone!r} is not a time zone; use a name like Europe/Berlin, or leave it empty")
        return zone

    @model_validator(mode="after")
    def _hours(self) -> "OutreachSettings":
        if self.waking_from >= self.waking_until:
            raise ValueError("waking_from must lie before waking_until")
        return self

    @model_validator(mode="after")
    def _ages(self) -> "OutreachSettings":
        if self.ageing_warning_hours > self.ageing_breach_hours:
            raise ValueError("ageing_warning_hours must not lie above ageing_breach_hours")
        return self


class SendSettings(_Section):
    delay_minutes: Annotated[int, Field(ge=0, le=525_600)] = 15
    outbox: str = ""


class DeskSettings(_Section):
    session_hours: Annotated[int, Field(ge=1, le=24)] = 10
    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    url: str = "http://127.0.0.1:8000"
    link_days: Days = 30
    two_above_notices: Annotated[int, Field(ge=0)] = 10_000
    two_above_minor: dict[str, Minor] = {"default": 1_000_000}
    oidc_issuer: Annotated[str, Field(max_length=240)] = ""
    oidc_client_id: Line = ""
    oidc_client_secret: Annotated[str, Field(repr=False)] = ""
    oidc_name: Line = "your company account"

    @field_validator("oidc_issuer")
    @classmethod
    def _an_issuer(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        plain = not (parts.query or parts.fragment or parts.username or " " in issuer)
        if issuer and not (parts.hostname and plain and (parts.scheme == "https" or here)):
            raise ValueError(f"{issuer!r} is no issuer; write its https:// address, without ? and #")
        return issuer

    @model_validator(mode="after")
    def _known_to_the_issuer(self) -> "DeskSettings":
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("oidc_issuer and oidc_client_id go together; give both or none")
        return self

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        begins = f"{parts.scheme}://{parts.netloc}"
        complete = parts.scheme in ("http", "https") and _SERVER.fullmatch(parts.netloc) and parts.port != 0
        if not complete or url.rstrip("/") != begins:
            raise ValueError(
                f"{url!r} is no address of a server; write https://, its name and at most a port, no path"
            )
        return begins

    @property
    def is_public(self) -> bool:
        """Whether customers can be sent links that lead here: only to an address with https."""
        return self.url.startswith("https://")


SECRET_AT_LEAST = 32
"""Characters of a secret."""


class Settings(BaseSettings):
    """Everything a run can be told; see `settings.toml` for what each value means and its unit."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="ADVOCATE_", env_nested_delimiter="__", env_ignore_empty=True
    )

    home: Path = Path("advocate-home")
    database_url: str = Field(default="", repr=False)  # may hold a password
    secret_key: str = Field(default="", repr=False)
    lake: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    feed: FeedSettings = FeedSettings()
    features: FeatureSettings = FeatureSettings()
    recs: RecsSettings = RecsSettings()
    outreach: OutreachSettings = OutreachSettings()
    send: SendSettings = SendSettings()
    desk: DeskSettings = DeskSettings()

    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)
    _before_desk: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if 0 < len(value) < SECRET_AT_LEAST:
            raise ValueError(f"has to have {SECRET_AT_LEAST} characters or more")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def source_of(self, name: str) -> Source:
        """Where the value of a setting, like `outreach.cap_days`, is from."""
        if name in self._before_desk:
            return Source("desk")
        return self._sources.get(name, Source())

    @property
    def lake_location(self) -> str:
        """Where the lake is: a local folder or an `s3://` address."""
        return self.lake or str(self.home.absolute() / "lake")

    @property
    def outbox_folder(self) -> Path:
        """Where the file channel hands messages over."""
        return Path(self.send.outbox) if self.send.outbox else self.home.absolute() / "outbox"

    @property
    def templates_folder(self) -> Path:
        """Where the retailer's own templates of messages are, if there are any."""
        return self.home.absolute() / "templates"


def load_settings(
    *, file: Path | None = None, changes: Mapping[str, Any] | None = None, **flags: Any
) -> Settings:
    """Reads the settings once; the one place that puts their sources into order.

    Args:
        file: the TOML file; by default `$ADVOCATE_SETTINGS`, else `settings.toml` in the home, if there.
        changes: what people changed at the desk, by name like `outreach.cap_days`; it wins over the file.
        flags: values given on the command line; they win over all else. `None` is "not given".

    Raises:
        SettingsError: a value is unknown or out of range, or the named file is missing.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    _refuse_unknown_sections()
    chosen = _settings_file(file, given.get("home"))

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=chosen)

    with explained(chosen):
        found = FromFile(**given)
        filed, environment = TomlConfigSettingsSource(FromFile)(), EnvSettingsSource(FromFile)()
    # Not of the class in this function: settings are sent to other processes.
    settings = Settings.model_construct(**{name: getattr(found, name) for name in Settings.model_fields})
    settings._sources.update({name: Source("file", str(chosen)) for name, _ in named(filed, Settings)})
    settings._sources.update(
        {name: Source("environment", variable_of(name)) for name, _ in named(environment, Settings)}
    )
    settings._sources.update({name: Source("flag", flag_of(name)) for name, _ in named(given, Settings)})
    return with_changes(settings, changes or {})


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with what people changed at the desk, and nothing they changed before.

    Args:
        settings: of the home, with or without such changes.
        changes: all of them, by name; each is a whole value, also where it is a table. What the
            environment or a flag fixes stays as that says.

    Raises:
        SettingsError: a value is unknown or out of range, or does not go with the others of its section.
    """
    plain = _replaced(settings, settings._before_desk)
    due = {name: value for name, value in changes.items() if not plain._sources.get(name, Source()).fixed}
    changed = _replaced(plain, due)
    changed._before_desk = {name: plain_value(plain, name) for name in due}
    return changed


def _replaced(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """A copy with other values of some settings, each of a section."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, field = name.partition(".")
        if section_of(Settings, section) is None:
            raise SettingsError(f"setting {name}: there is no section {section!r}")
        sections.setdefault(section, {})[field] = value
    update: dict[str, BaseModel] = {}
    for section, fields in sections.items():
        present: BaseModel = getattr(settings, section)
        with explained(section):
            update[section] = type(present).model_validate(present.model_dump() | fields)
    return settings.model_copy(update=update)


def _refuse_unknown_sections() -> None:
    """A misspelt section in the environment would otherwise be passed over in silence."""
    for variable in os.environ:
        section, nested, _ = variable.upper().removeprefix("ADVOCATE_").partition("__")
        if (
            variable.upper().startswith("ADVOCATE_")
            and nested
            and section.lower() not in Settings.model_fields
        ):
            raise SettingsError(f"setting {variable}: there is no section {section.lower()!r}")


def _settings_file(file: Path | None, home: Path | str | None) -> Path | None:
    if file is None and (named := os.environ.get("ADVOCATE_SETTINGS")):
        file = Path(named)
    if file is not None:
        if not file.is_file():
            raise SettingsError(f"there is no settings file {file}")
        return file
    beside = Path(home or os.environ.get("ADVOCATE_HOME") or "advocate-home") / "settings.toml"
    return beside if beside.is_file() else None
