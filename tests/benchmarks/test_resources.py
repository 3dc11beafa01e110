"""What each rule asks of a cluster, from recorded benchmarks."""

import pytest
import yaml
from ronghe.errors import RongheError
from ronghe.paper.declaration import sections
from ronghe.yaml_files import load_yaml

from benchmarks.resources import MARK, Need, read_needs, settings, write

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def record(folder, name, seconds, megabytes):
    path = folder / "china/benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{seconds}\t0:00:01\t{megabytes}\t1\t1\t1\t0\t0\t50\t1\n")


def test_reads_every_job_of_a_rule(tmp_path):
    record(tmp_path, "models/estimate_spatial/a.tsv", 2.5, 300.0)
    record(tmp_path, "models/estimate_spatial/b.tsv", 7.5, "NA")
    record(tmp_path, "paper/typeset_paper.tsv", 12.0, 914.5)
    assert read_needs(tmp_path) == [Need("estimate_spatial", (2.5, 7.5), 300.0), Need("typeset_paper", (12.0,), 914.5)]


def test_asks_for_margins_and_only_for_more_than_the_defaults():
    needs = [Need("small", (1.0,), 100.0), Need("large", (12.0,), 914.5), Need("long", (90.0,), 100.0)]
    assert settings(needs)["set-resources"] == {"large": {"mem_mb": 1500}, "long": {"runtime": 15}}


def test_short_jobs_of_a_rule_share_submissions_of_a_minute():
    needs = [Need("table", (1.5,) * 62, 100.0), Need("shard", (13.0,) * 8, 100.0), Need("few", (1.0,) * 3, 100.0)]
    found = settings(needs)
    assert found["groups"] == {"table": "table"}
    assert found["group-components"] == {"table": 40}


def test_the_sections_of_one_loop_share_like_jobs_of_one_rule():
    needs = [Need(f"render_tables_{name}", (2.0,), 100.0) for name in "abcd"]
    assert settings(needs)["groups"] == {f"render_tables_{name}": "render_tables" for name in "abcd"}
    assert settings(needs)["group-components"] == {"render_tables": 30}
    assert settings(needs[:3])["groups"] == {}


def test_keeps_what_is_written_by_hand(tmp_path):
    profile = tmp_path / "profile.yaml"
    profile.write_text("# mine\nexecutor: slurm\n" + MARK + "groups: {old: old}\n")
    write(profile, [Need("large", (12.0,), 914.5)])
    text = profile.read_text()
    assert text.startswith("# mine\nexecutor: slurm\n")
    assert yaml.safe_load(text)["set-resources"] == {"large": {"mem_mb": 1500}}
    assert "old" not in text


def test_says_what_to_do_without_benchmarks_or_mark(tmp_path):
    with pytest.raises(RongheError, match="run `make` first"):
        read_needs(tmp_path)
    profile = tmp_path / "profile.yaml"
    profile.write_text("executor: slurm\n")
    with pytest.raises(RongheError, match="put it back at the end"):
        write(profile, [Need("large", (12.0,), 914.5)])


def test_the_profile_names_rules_that_exist():
    import re
    from pathlib import Path

    project = Path(__file__).parents[2]
    profile = yaml.safe_load((project / "profiles/slurm/profile.yaml").read_text())
    text = "".join(path.read_text() for path in (project / "workflow/rules").glob("*.smk"))
    kinds = {f"estimate_{path.stem}" for path in (project / "workflow/src/ronghe/models/estimators").glob("*.py")}
    config = {part: load_yaml(project / f"config/{part}.yaml")[part] for part in ("tables", "figures")}
    looped = {f"render_tables_{name}" for name in sections(config["tables"])}
    looped |= {f"draw_figures_{name}" for name in sections(config["figures"])}
    rules = set(re.findall(r"^ *rule (\w+):", text, re.M)) | kinds | looped
    assert set(profile["groups"]) | set(profile["set-resources"]) <= rules
