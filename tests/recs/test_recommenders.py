"""All models together: made by name, read back, the same with any number of threads."""

import os
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

from recs.recommenders import NAMES, SPACES, make, read
from tests.recs.worlds import TOWN, dated_town, history, town
from warehouse.errors import ModelError
from warehouse.settings import Settings


def test_every_name_can_be_made_and_read(tmp_path: Path) -> None:
    for name in NAMES:
        model = make(name, Settings()).fit(town())
        model.save(tmp_path)
        assert type(read(name, tmp_path)) is type(model)


def test_a_name_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="popularity, segment"):
        make("oracle", Settings())
    with pytest.raises(ModelError, match="popularity, segment"):
        read("oracle", tmp_path)


def test_parameters_go_before_those_of_the_settings() -> None:
    settings = Settings()
    assert make("als", settings).parameters["factors"] == settings.recs.als_factors
    assert make("als", settings, {"factors": 7}).parameters == make("als", settings).parameters | {
        "factors": 7
    }


def test_a_parameter_that_a_model_does_not_have_is_refused() -> None:
    with pytest.raises(ModelError, match=r"the model ease cannot be made from .*colour"):
        make("ease", Settings(), {"colour": "blue"})


@pytest.mark.parametrize("name", SPACES)
def test_every_value_worth_searching_can_be_tried(name: str) -> None:
    for parameter, values in SPACES[name].items():
        assert list(values) == sorted(values)
        for value in values:
            assert make(name, Settings(), {parameter: value}).parameters[parameter] == value


@pytest.mark.parametrize("name", SPACES)
def test_the_default_is_among_the_values_worth_searching(name: str) -> None:
    defaults = {p.name: p.default for p in signature(type(make(name, Settings()))).parameters.values()}
    assert all(defaults[parameter] in values for parameter, values in SPACES[name].items())


@pytest.mark.parametrize("name", NAMES)
def test_a_model_fitted_on_a_small_shop_can_be_fitted_on_a_large_one(name: str) -> None:
    small, large = dated_town(), history({f"c{u}": TOWN[c] for u, c in enumerate([*TOWN] * 4)})
    again, new = make(name, Settings()).fit(small).fit(large), make(name, Settings()).fit(large)
    rows = range(len(TOWN) * 4 + 1)
    assert again.recommend(rows, 7)[1].tobytes() == new.recommend(rows, 7)[1].tobytes()


PROGRAM = """
import sys, numpy as np, pathlib
from recs.recommenders import NAMES, make
from tests.recs.worlds import dated
from warehouse.settings import Settings
r = np.random.default_rng(0)
lines = [(f"c{u:03d}", f"p{i:03d}", f"2017-{r.integers(1, 12):02d}-{r.integers(1, 29):02d}", f"m{u % 3}")
         for u in range(300) for i in r.integers(0, 80, 30)]
views = [(*line[:3], "view") for line in lines[::5]]
texts = {f"p{i:03d}": {"title": f"thing {i % 7} of {i % 5}", "category": f"kind {i % 3}"} for i in range(80)}
data = dated(lines, end="2017-12-01", views=views, texts=texts)
for name in NAMES:
    model = make(name, Settings()).fit(data)
    model.save(pathlib.Path(sys.argv[1]))
    np.save(f"{sys.argv[1]}/{name}.npy", model.recommend(range(300), 10)[1])
"""


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_files(tmp_path: Path) -> None:
    for threads in ("1", "2"):
        (tmp_path / threads).mkdir()
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / threads)]
        subprocess.run(command, env=environment, check=True, cwd=Path(__file__).parents[2])
    for name in NAMES:
        for file in (f"{name}.npz", f"{name}.npy"):
            assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file
