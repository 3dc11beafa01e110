"""A dataset that is only declared, without stages of its own, gets those that fit its variables, or a plain word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from ronghe.__main__ import main
from ronghe.clean.declaration import load_dataset
from ronghe.command.check import check
from ronghe.command.new import new
from ronghe.command.trace import trace
from ronghe.configuration import fit_stages
from ronghe.default_stages import in_memory
from ronghe.errors import RongheError

SCHEMAS = Path("workflow/schemas")


def declared(change=None) -> dict:
    """Return the declaration of the awkward tables as if written by hand: without the folder of stages."""
    path = Path("config/datasets/yunling.yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if change:
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return load_dataset("yunling", "config/datasets", SCHEMAS / "dataset.schema.yaml")


@pytest.fixture
def by_hand(workshop: Path) -> Path:
    """Return the folder that a dataset would have for its stages, and has not."""
    new("yunling", workshop.parent / "tables")
    folder = workshop / "config/datasets/yunling"
    shutil.rmtree(folder)
    return folder


def test_the_defaults_fit_the_variables_and_pass_every_check(by_hand: Path, capsys: pytest.CaptureFixture) -> None:
    assert check("yunling") == []
    stages = in_memory(declared(), "yunling.yaml")
    defaults = stages["specifications"]["specification_defaults"]
    assert defaults["outcome"] == "log_gdp_per_head" and defaults["treatment"] == "coagglomeration.index"
    assert stages["weights"]["weights"] == {"inverse_distance": {"kind": "inverse_distance"}}
    assert trace("durbin", "yunling")[0].startswith("specification 'durbin' (spatial)")
    assert main(["stages", "yunling"]) == 0
    assert "config/datasets/yunling/" in capsys.readouterr().out
    assert yaml.safe_load((by_hand / "specifications.yaml").read_text(encoding="utf-8")) == stages["specifications"]
    assert check("yunling") == []
    assert main(["stages", "yunling"]) == 1
    assert "exists already" in capsys.readouterr().err


def test_the_general_stages_stay_with_the_dataset_that_they_name(by_hand: Path) -> None:
    dataset = declared()
    config = {"specification_defaults": {"dataset": "yunling"}, "measures": {"m": {}}}
    assert not fit_stages(config, dataset, by_hand, SCHEMAS) and config["measures"] == {"m": {}}
    config["specification_defaults"]["dataset"] = "china_provinces"
    assert fit_stages(config, dataset, by_hand, SCHEMAS) and list(config["measures"]) == ["coagglomeration"]
    assert config["quotes"] == {} and config["figures"] == {}


def test_without_places_there_is_no_spatial_model(by_hand: Path) -> None:
    def change(content: dict) -> None:
        for key in ("longitude", "latitude"):
            del content["regions"]["columns"][key]

    stages = in_memory(declared(change), "yunling.yaml")
    assert stages["weights"]["weights"] == {} and list(stages["specifications"]["specifications"]) == ["baseline"]
    assert check("yunling") == []


def test_one_variable_is_too_few_and_missing_labels_are_asked_for(by_hand: Path) -> None:
    def without_labels(content: dict) -> None:
        del content["labels"]

    declared(without_labels)
    faults = check("yunling")
    assert len(faults) == 2 and "without a label: " in faults[0] and "labels of config/labels.yaml are for" in faults[1]
    assert all("under labels: in" in fault for fault in faults)

    def one(content: dict) -> None:
        first = next(name for name, table in content["tables"].items() if "gdp" in table.get("variables", {}))
        content |= {"tables": {first: content["tables"][first]}, "derived": {}}

    with pytest.raises(RongheError, match=r"yunling.yaml: one variable only \(gdp\): a model needs another"):
        in_memory(declared(one), "config/datasets/yunling.yaml")
    assert any("one variable only (gdp)" in fault for fault in check("yunling"))
