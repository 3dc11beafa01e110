"""Input-output linkage: identities of the tables, cells by hand, and tables that must be refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.measures.formulas.linkage import content, decompose, dispersion, integration, linkage, sector_sets
from ronghe.measures.input_output import InputOutputTable, check_table, tables_by_year

VALUE_ADDED, TOTAL = "增加值合计", "总投入"


def table_of(Z, x, labels) -> InputOutputTable:
    flows = pd.DataFrame(Z, index=labels, columns=labels, dtype=float)
    x = pd.Series(x, index=labels, dtype=float)
    return check_table(InputOutputTable(flows, x - flows.sum(), x))


@pytest.fixture
def two() -> InputOutputTable:
    """Services and goods: A = [[0.2, 0.3], [0.4, 0.1]], I - A has determinant 0.6, L = [[1.5, 0.5], [2/3, 4/3]]."""
    return table_of([[20, 60], [40, 20]], [100, 200], ["services", "goods"])


@pytest.fixture(scope="module")
def national(project) -> dict[int, InputOutputTable]:
    tables = {}
    for path in sorted((project / "data" / "raw" / "china_provinces" / "io").glob("io_*.csv")):
        raw = pd.read_csv(path, index_col=0)
        flows = raw.loc[raw.columns]
        tables[int(path.stem[3:])] = check_table(
            InputOutputTable(flows, raw.loc[VALUE_ADDED], raw.loc[TOTAL], path.stem)
        )
    return tables


def test_inverse_by_hand(two):
    np.testing.assert_allclose(two.coefficients, [[0.2, 0.3], [0.4, 0.1]], rtol=1e-15)
    np.testing.assert_allclose(two.leontief, [[1.5, 0.5], [2 / 3, 4 / 3]], rtol=1e-14)
    # Forward: diag(x)^-1 Z = [[0.2, 0.6], [0.2, 0.1]], determinant of I minus it 0.6.
    np.testing.assert_allclose(two.ghosh, [[1.5, 1.0], [1 / 3, 4 / 3]], rtol=1e-14)


def test_content_by_hand(two):
    row = content(two, {"s": ["services"]}, {"g": ["goods"]}).loc[("s", "g")]
    assert row["direct"] == pytest.approx(0.3, rel=1e-14)
    assert row["complete"] == pytest.approx(0.5, rel=1e-14)
    assert row["direct_share"] == pytest.approx(60 / 80, rel=1e-14)
    assert row["complete_share"] == pytest.approx(0.5 / (0.5 + 1 / 3), rel=1e-14)
    # Value added per unit of output: services 1 - 0.6 = 0.4; times l_sg = 0.5.
    assert row["value_added"] == pytest.approx(0.2, rel=1e-14)


def test_dispersion_by_hand(two):
    frame = dispersion(two)
    # Column sums of L 13/6 and 11/6, row sums 2 and 2; row sums of the Ghosh inverse 5/2 and 5/3.
    np.testing.assert_allclose(frame["power"], [13 / 12, 11 / 12], rtol=1e-14)
    np.testing.assert_allclose(frame["sensitivity"], [1, 1], rtol=1e-14)
    np.testing.assert_allclose(frame["sensitivity_supply"], [1.2, 0.8], rtol=1e-14)


def test_integration_by_hand(two):
    row = integration(two, {"s": ["services"]}, {"g": ["goods"]}).loc[("s", "g")]
    expected = {
        "services_in_manufacturing": 0.3,
        "manufacturing_in_services": 0.4,
        "services_to_manufacturing": 0.6,
        "manufacturing_to_services": 0.2,
        "integration": 100 / 300,
        # B diag(x): services in goods 0.5 * 200, goods in services 2/3 * 100.
        "integration_complete": (100 + 200 / 3) / 300,
    }
    assert row.to_dict() == pytest.approx(expected, rel=1e-14)


def test_content_of_sets_in_three_sectors():
    table = table_of([[0, 2, 4], [1, 0, 2], [3, 2, 1]], [10, 20, 40], list("abc"))
    frame = content(table, {"ab": ["a", "b"]}, {"bc": ["b", "c"], "b": ["b"]})
    assert frame.loc[("ab", "bc"), "direct"] == pytest.approx((2 + 0 + 4 + 2) / 60, rel=1e-14)
    assert frame.loc[("ab", "bc"), "direct_share"] == pytest.approx(8 / 11, rel=1e-14)
    # Complete by the power series, without an inverse.
    A = np.array([[0, 2, 4], [1, 0, 2], [3, 2, 1]]) / [10, 20, 40]
    series = sum(np.linalg.matrix_power(A, power) for power in range(1, 80))
    flows = series * [10, 20, 40]
    assert frame.loc[("ab", "bc"), "complete"] == pytest.approx(flows[:2, 1:].sum() / 60, rel=1e-13)


def test_national_identities(national):
    assert sorted(national) == [2012, 2015, 2017, 2018, 2020]
    for table in national.values():
        A, x, f = table.coefficients, table.total.to_numpy(), table.final_use.to_numpy()
        np.testing.assert_allclose(A @ x + f, x, rtol=1e-12)
        np.testing.assert_allclose(table.leontief @ f, x, rtol=1e-10)
        v = table.value_added.to_numpy() / x
        np.testing.assert_allclose(A.sum(axis=0) + v, 1, atol=1e-5)
        powers, term = np.eye(len(A)), np.eye(len(A))
        for _ in range(300):
            term = term @ A
            powers += term
        np.testing.assert_allclose(table.leontief, powers, atol=1e-12)
        np.testing.assert_allclose(v @ table.leontief, 1, atol=5e-5)


def test_value_added_of_2020(national):
    assert national[2020].value_added.sum() == pytest.approx(1_016_422, abs=1)


def test_national_cell_by_hand(national):
    """Direct content of information services in electronics in 2020: 2615.72 of an input of 109135.93."""
    frame = content(national[2020], {"i": ["信息传输软件"]}, {"e": ["电子设备"]})
    assert frame["direct"].item() == pytest.approx(2615.72 / 109135.93, rel=1e-14)
    assert frame["direct_share"].item() == pytest.approx(2615.72 / 92499.69, rel=1e-6)


def test_content_of_all_sectors_adds_up(national):
    table = national[2017]
    each = {s: [s] for s in table.sectors}
    frame = content(table, each, {"m": ["食品和烟草", "电子设备"]})
    total = frame.sum()
    assert total["direct_share"] == pytest.approx(1, abs=1e-12)
    assert total["complete_share"] == pytest.approx(1, abs=1e-12)
    assert total["value_added"] == pytest.approx(1, abs=1e-4)


def test_linkage_over_years(national):
    groups = {"equipment": ["通用和专用设备", "电子设备"], "consumer": ["食品和烟草"]}
    makers = ["食品和烟草", "通用和专用设备", "电子设备"]
    tables = linkage(national, ["金融", "信息传输软件"], makers, groups)
    assert list(tables["content"].index.names) == ["year", "direction", "supplier", "user"]
    assert len(tables["content"]) == 5 * 2 * 3 * 6
    assert len(tables["integration"]) == 5 * 3 * 6
    assert len(tables["dispersion"]) == 5 * 27
    assert not tables["content"].isna().any(axis=None)
    cell = tables["content"].loc[(2015, "services_in_manufacturing", "all", "all"), "direct"]
    flows = national[2015].flows
    expected = flows.loc[["金融", "信息传输软件"], makers].to_numpy().sum() / national[2015].total[makers].sum()
    assert cell == pytest.approx(expected, rel=1e-14)


def test_unlike_totals_are_refused_with_the_gap(two):
    total = two.total + [0, 3]
    with pytest.raises(RongheError, match=r"goods \(gap -3 of 203\).*tolerance above 0.015"):
        check_table(InputOutputTable(two.flows, two.value_added, total, "t"))
    assert check_table(InputOutputTable(two.flows, two.value_added, total), tolerance=0.02).name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: z.rename(index={"goods": "good"}), "one side only: goods, good|one side only: good, goods"),
        (lambda z: z.mask(z == 60), "missing or infinite: goods x services"),
        (lambda z: z.mask(z == 60, -60.0), "negative flows: services -> goods"),
    ],
)
def test_broken_tables_are_refused(two, change, message):
    with pytest.raises(RongheError, match=message):
        check_table(InputOutputTable(change(two.flows), two.value_added, two.total, "t"))


def test_unproductive_economy_is_refused():
    table = InputOutputTable(
        pd.DataFrame([[60.0, 60], [60, 60]], index=["a", "b"], columns=["a", "b"]),
        pd.Series({"a": -20.0, "b": -20.0}),
        pd.Series({"a": 100.0, "b": 100.0}),
    )
    with pytest.raises(RongheError, match="not productive"):
        _ = check_table(table).leontief


def test_sets_of_sectors():
    assert sector_sets(["a", "b"], {"g": ["a"]}) == {"all": ["a", "b"], "g": ["a"], "a": ["a"], "b": ["b"]}
    for groups, message in [
        ({"g": ["c"]}, "not among the branches: c"),
        ({"g": ["a"], "h": ["a"]}, "more than one group: a"),
        ({"a": ["b"]}, "name of a branch: a"),
    ]:
        with pytest.raises(RongheError, match=message):
            sector_sets(["a", "b"], groups)


def test_unknown_and_doubled_sectors_are_refused(two):
    with pytest.raises(RongheError, match="unknown sector of 's' 'service'; did you mean 'services'"):
        content(two, {"s": ["service"]}, {"g": ["goods"]})
    with pytest.raises(RongheError, match="both a service and a manufacturing branch"):
        integration(two, {"s": ["services"]}, {"g": ["goods", "services"]})


def test_long_tables(two):
    wide = two.flows.copy()
    wide.loc["value_added"], wide.loc["total_input"] = two.value_added, two.total
    wide.loc["compensation"] = 1.0
    long = wide.rename_axis("from").reset_index().melt("from", var_name="to").assign(year=2020)
    again = tables_by_year(long)[2020]
    pd.testing.assert_frame_equal(again.flows, two.flows, check_names=False)
    with pytest.raises(RongheError, match="stands twice: services -> services"):
        tables_by_year(pd.concat([long, long.head(1)]))
    with pytest.raises(RongheError, match="no input-output tables"):
        tables_by_year(long.head(0))
    with pytest.raises(RongheError, match="2020: no row total_input"):
        tables_by_year(long[long["from"] != "total_input"])
    with pytest.raises(RongheError, match="missing or infinite: goods x services"):
        tables_by_year(long.drop(index=long.index[(long["from"] == "services") & (long["to"] == "goods")]))


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_scale_and_order_do_not_matter(n, seed, scale):
    rng = np.random.default_rng(seed)
    labels = [f"s{i}" for i in range(n)]
    Z = rng.random((n, n))
    x = Z.sum(axis=0) + rng.random(n) + 0.1
    table = table_of(Z, x, labels)
    order = rng.permutation(n)
    other = table_of(Z[np.ix_(order, order)] * scale, x[order] * scale, [labels[i] for i in order])
    S, M = {"s": labels[:1]}, {"m": labels[1:]}
    pd.testing.assert_frame_equal(content(table, S, M), content(other, S, M), rtol=1e-9)
    pd.testing.assert_frame_equal(dispersion(table), dispersion(other).loc[labels], rtol=1e-9)
    assert dispersion(table).mean().to_numpy() == pytest.approx([1, 1, 1], rel=1e-9)


def test_the_parts_of_a_change_of_integration_by_hand():
    keys = pd.MultiIndex.from_product([[2012, 2020], ["all"], ["all"]], names=["year", "service", "manufacturing"])
    exchange = pd.DataFrame(
        {
            "services_in_manufacturing": [0.10, 0.08],
            "manufacturing_in_services": [0.30, 0.28],
            "integration": [0.8 * 0.10 + 0.2 * 0.30, 0.6 * 0.08 + 0.4 * 0.28],
        },
        index=keys,
    )
    row = decompose(exchange).loc[(2020, "all", "all")]
    # Both contents fall by 0.02 and yet the whole rises, because the weight of services doubles: 0.2 x 0.2 = 0.04.
    assert row["within"] == pytest.approx(-0.02, rel=1e-12)
    assert row["between"] == pytest.approx(0.04, rel=1e-12)
    assert row["change"] == pytest.approx(0.02, rel=1e-12)
    assert row["at_first_weights"] == pytest.approx(0.8 * 0.08 + 0.2 * 0.28, rel=1e-12)


def test_within_and_between_add_to_the_change(national):
    groups = {"a": ["化学产品"], "b": ["电子设备", "仪器仪表"]}
    tables = linkage(national, ["金融", "房地产"], ["化学产品", "电子设备", "仪器仪表"], groups)
    parts = tables["decomposition"]
    np.testing.assert_allclose(parts["within"] + parts["between"], parts["change"], atol=1e-12)
    assert (parts.loc[2012, "change"] == 0).all()
