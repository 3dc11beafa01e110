"""The fixed words of tables, figures and notes in English and Chinese, and the look-up of variable labels."""

from __future__ import annotations

import re

from ronghe.errors import RongheError, nearest
from ronghe.paper.cells import significant

LANGUAGES = ("en", "zh")
EFFECTS = ("direct", "indirect", "total")

TERMS: dict[str, tuple[str, str]] = {
    "observations": ("Observations", "观测值"),
    "regions": ("Regions", "地区数"),
    "years": ("Years", "年数"),
    "loglik": ("Log-likelihood", "对数似然值"),
    "rsquared_within": ("R² after effects", "剔除效应后的 R²"),
    "rsquared": ("R²", "R²"),
    "sigma2": ("σ²", "σ²"),
    "rho": ("ρ (W × outcome)", "ρ（W × 被解释变量）"),
    "lambda": ("λ (W × error)", "λ（W × 误差项）"),
    "constant": ("Constant", "常数项"),
    "region_effects": ("Region effects", "地区固定效应"),
    "year_effects": ("Year effects", "年份固定效应"),
    "weights": ("Weights", "空间权重"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "random": ("random", "随机"),
    "outcome": ("Outcome", "被解释变量"),
    "direct": ("Direct", "直接效应"),
    "indirect": ("Indirect", "间接效应"),
    "total": ("Total", "总效应"),
    "lagged": ("{0}, one year earlier", "{0}（滞后一年）"),
    "spatial_lag": ("W × {0}", "W × {0}"),
    "interaction": ("{0} × {1}", "{0} × {1}"),
    "square": ("{0}, squared", "{0}的平方"),
    "variable": ("Variable", "变量"),
    "mean": ("Mean", "均值"),
    "sd": ("SD", "标准差"),
    "sd_between": ("SD between", "组间标准差"),
    "sd_within": ("SD within", "组内标准差"),
    "min": ("Min", "最小值"),
    "median": ("Median", "中位数"),
    "max": ("Max", "最大值"),
    "n": ("N", "样本量"),
    "year": ("Year", "年份"),
    "region": ("Region", "地区"),
    "all": ("All", "全部"),
    "estimate": ("Estimate", "估计值"),
    "note": ("Note: ", "注："),
    "note_std_error": ("Standard errors in parentheses", "括号内为标准误"),
    "note_statistic": ("t statistics in parentheses", "括号内为 t 统计量"),
    "note_pvalue": ("p-values in parentheses", "括号内为 p 值"),
    "note_interval": ("95% confidence intervals in brackets", "方括号内为 95% 置信区间"),
    "note_stars": (
        "Significance levels: * p < 0.10, ** p < 0.05, *** p < 0.01",
        "显著性水平：* p < 0.10，** p < 0.05，*** p < 0.01",
    ),
    "note_estimator": ("Estimator: {0}", "估计方法：{0}"),
    "note_effects": ("Effects: {0}", "固定效应：{0}"),
    "note_weights": ("Weights: {0}", "空间权重：{0}"),
    "note_covariance": ("Covariance: {0}", "协方差：{0}"),
    "note_sample": ("Sample: {0}", "样本：{0}"),
    "note_size": ("{0} regions, {1} years", "{0} 个地区，{1} 年"),
    "note_outcome": ("Outcome: {0}", "被解释变量：{0}"),
    "note_by_column": ("{0} (column {1})", "{0}（第 {1} 列）"),
    "note_by_columns": ("{0} (columns {1})", "{0}（第 {1} 列）"),
    "note_panel": (
        "{0} regions × {1} years ({2}–{3}) = {4} observations",
        "{0} 个地区 × {1} 年（{2}–{3}）= {4} 个观测值",
    ),
    "note_spread": (
        "between: regional means; within: deviations from them",
        "组间指地区均值，组内指对地区均值的偏离",
    ),
    "note_correlation": (
        "Pearson correlations over all region-years",
        "全部地区—年份观测值的皮尔逊相关系数",
    ),
    "fe": ("fixed effects (within)", "固定效应（组内估计）"),
    "pooled": ("Pooled", "混合最小二乘"),
    "re": ("random effects", "随机效应"),
    "fd": ("first differences", "一阶差分"),
    "iv": ("two-stage least squares", "两阶段最小二乘"),
    "gmm": ("generalised method of moments", "广义矩估计"),
    "gs2sls": ("spatial two-stage least squares", "空间两阶段最小二乘"),
    "quantile": ("quantile regression by moments", "矩分位数回归"),
    "threshold": ("Threshold", "面板门槛"),
    "ols": ("OLS", "OLS"),
    "slx": ("SLX", "SLX"),
    "sar": ("SAR", "SAR"),
    "sem": ("SEM", "SEM"),
    "sdm": ("SDM", "SDM"),
    "sdem": ("SDEM", "SDEM"),
    "sarar": ("SARAR", "SARAR"),
    "gns": ("GNS", "GNS"),
    "dynamic_sar": ("Dynamic SAR", "动态 SAR"),
    "dynamic_sdm": ("Dynamic SDM", "动态 SDM"),
    "method_lsdv": ("dummy-variable maximum likelihood", "虚拟变量极大似然"),
    "method_lee_yu": ("maximum likelihood on transformed data (Lee and Yu 2010)", "变换数据极大似然（Lee 和 Yu 2010）"),
    "method_bias_corrected": ("bias-corrected maximum likelihood", "偏误修正极大似然"),
    "qml": ("quasi maximum likelihood", "拟极大似然"),
    "effects_none": ("none", "无"),
    "effects_pooled": ("none", "无"),
    "effects_units": ("region", "地区"),
    "effects_unit": ("region", "地区"),
    "effects_time": ("year", "年份"),
    "effects_twoways": ("region and year", "地区与年份"),
    "cov_expected": ("expected information", "期望信息矩阵"),
    "cov_observed": ("observed information", "观测信息矩阵"),
    "cov_robust": ("heteroskedasticity-robust", "异方差稳健"),
    "cov_unadjusted": ("homoskedastic", "同方差"),
    "cov_driscoll_kraay": ("Driscoll–Kraay", "Driscoll–Kraay"),
    "cov_conley": ("Conley (spatial)", "Conley（空间）"),
    "cov_windmeijer": ("two-step, Windmeijer-corrected", "两步法 Windmeijer 修正"),
    "difference_gmm": ("difference GMM", "差分 GMM"),
    "system_gmm": ("system GMM", "系统 GMM"),
    "lead": ("{0}, one year later", "{0}（提前一年）"),
    "treatment_to_mediator": ("Treatment to mediator", "核心变量 → 中介变量"),
    "mediator_to_outcome": ("Mediator to outcome", "中介变量 → 被解释变量"),
    "spatial": ("spatial", "空间模型"),
    "early": ("early", "前期"),
    "late": ("late", "后期"),
    "low": ("low", "低"),
    "high": ("high", "高"),
    "method_within_groups_everything": ("within, each group by itself", "组内估计，分组回归"),
    "method_within_groups_treatment": ("within, slopes by group", "组内估计，分组系数"),
    "method_within_interaction": ("within, with an interaction", "组内估计，含交互项"),
    "method_within_paths": ("within, path by path", "逐条路径的组内估计"),
    "method_within_family": ("within, one regression each", "逐个回归的组内估计"),
    "lag": ("{0}, {1} years earlier", "{0}（滞后 {1} 年）"),
    "logarithm": ("ln {0}", "{0}（对数）"),
    "in_group": ("{0}: {1}", "{0}：{1}"),
    "regime": ("{0}, where {1} {2} {3}", "{0}（{1} {2} {3}）"),
    "instrument": ("Shift-share of {0}", "{0}的份额移动工具变量"),
    "fixed_effects": ("FE", "固定效应"),
    "random_effects": ("RE", "随机效应"),
    "first_differences": ("FD", "一阶差分"),
    "instrumental_variables": ("2SLS", "2SLS"),
    "method_within": ("within (dummy variables)", "组内估计（虚拟变量）"),
    "method_pooled": ("pooled least squares", "混合最小二乘"),
    "method_feasible_gls": ("feasible GLS", "可行广义最小二乘"),
    "method_first_differences": ("first differences", "一阶差分"),
    "method_two_stage": ("two-stage least squares", "两阶段最小二乘"),
    "method_within_threshold": ("within, thresholds by least squares", "组内估计，最小二乘搜索门槛"),
    "method_random_effects_baltagi": (
        "maximum likelihood with random effects (Baltagi)",
        "随机效应极大似然（Baltagi）",
    ),
    "method_spatial_two_stage": ("spatial two-stage least squares", "空间两阶段最小二乘"),
    "method_difference_gmm": ("difference GMM, two-step", "差分 GMM（两步）"),
    "method_system_gmm": ("system GMM, two-step", "系统 GMM（两步）"),
    "method_moment_quantiles_jackknife": (
        "quantile regression by moments, split-panel jackknife",
        "矩分位数回归，分半面板刀切法",
    ),
    "cov_bootstrap_units": ("bootstrap of regions", "地区自助法"),
    "effects_random": ("random region effects", "地区随机效应"),
    "cov_clustered_units": ("clustered by region", "按地区聚类"),
    "cov_clustered_time": ("clustered by year", "按年份聚类"),
    "cov_clustered_units_time": ("clustered by region and by year", "按地区和年份双向聚类"),
    "cov_conley_km": ("Conley, {0} km", "Conley，{0} 公里"),
    "explorer_title": ("Ronghe: look through the results", "融合：结果浏览"),
    "explorer_source": (
        "Panel {0}, code {1}, data to {2}, seed {3}",
        "面板 {0}，代码 {1}，数据截至 {2} 年，随机种子 {3}",
    ),
    "explorer_map": ("Map", "地图"),
    "explorer_estimates": ("Estimates", "估计结果"),
    "explorer_tables": ("Tables", "表格"),
    "explorer_table": ("Table", "表"),
    "explorer_download": ("Download CSV", "下载 CSV"),
    "explorer_variable": ("Variable", "变量"),
    "explorer_year": ("Year", "年份"),
    "explorer_region": ("Region", "地区"),
    "explorer_group": ("Larger region", "区域"),
    "explorer_missing": ("missing", "缺失"),
    "explorer_all": ("all", "全部"),
    "explorer_specification": ("Specification", "模型设定"),
    "explorer_model": ("Model", "模型"),
    "explorer_outcome": ("Outcome", "被解释变量"),
    "explorer_treatment": ("Treatment", "核心解释变量"),
    "explorer_weights": ("Weights", "空间权重"),
    "explorer_term": ("Term", "变量"),
    "explorer_effect": ("Kind", "类型"),
    "explorer_estimate": ("Estimate", "估计值"),
    "explorer_error": ("Std. error", "标准误"),
    "explorer_pvalue": ("p", "p 值"),
    "explorer_interval": ("95% interval", "95% 区间"),
    "explorer_lower": ("Lower", "下限"),
    "explorer_upper": ("Upper", "上限"),
    "explorer_coefficient": ("coefficient", "系数"),
    "explorer_direct": ("direct effect", "直接效应"),
    "explorer_indirect": ("indirect effect", "间接效应"),
    "explorer_total": ("total effect", "总效应"),
    "explorer_estimates_caption": (
        "The treatment in every specification that fits the choice",
        "所选条件下各模型设定中核心解释变量的估计",
    ),
    "explorer_none": ("Nothing here yet", "暂无内容"),
}


class Labels:
    """How every variable and every fixed word is called in one language."""

    def __init__(self, labels: dict[str, dict[str, str]], language: str = "en") -> None:
        if language not in LANGUAGES:
            raise RongheError(f"language: '{language}' is not one of {', '.join(LANGUAGES)}")
        self.language = language
        self._labels = labels

    def term(self, key: str, *values: object) -> str:
        """Return a fixed word or sentence, its places filled with `values`."""
        text = TERMS[key][LANGUAGES.index(self.language)]
        return text.format(*values) if values else text

    def knows(self, name: str) -> bool:
        """Say whether `name` has an entry of its own in the labels."""
        return name in self._labels

    def variable(self, name: str) -> str:
        """Return the label of a variable, of its spatial or time lag, its square, or an interaction."""
        if name in self._labels:
            return self.text(self._labels[name])
        if name.startswith("W*"):
            return self.term("spatial_lag", self.variable(name[2:]))
        if name in ("rho", "lambda", "sigma2", "treatment_to_mediator", "mediator_to_outcome", *EFFECTS):
            return self.term(name)
        if name in ("const", "Intercept", "intercept", "constant"):
            return self.term("constant")
        if made := self._transformed(name):
            return made
        raise RongheError(
            f"labels: '{name}' is printed but has no label{nearest(name, self._labels)}; "
            f"add it to config/labels.yaml with its English and Chinese name"
        )

    def _transformed(self, name: str) -> str | None:
        """Return the label of a lag, logarithm, square, regime or product, as the models stage names its terms."""
        if match := re.fullmatch(r"L(\d*)\.(.+)", name):
            years = int(match[1] or 1)
            return self.term("lag" if years > 1 else "lagged", self.variable(match[2]), years)
        if match := re.fullmatch(r"F(\d*)\.(.+)", name):
            return self.term("lead", self.variable(match[2]))
        if match := re.fullmatch(r"log\((.+)\)", name):
            return self.term("logarithm", _inside(self.variable(match[1])))
        if match := re.fullmatch(r"(.+?)\[(.+?)(<=|>)([-\d.e]+)\]", name):
            sign = {"<=": "≤", ">": ">"}[match[3]]
            bound = significant(float(match[4]))
            return self.term("regime", self.variable(match[1]), _inside(self.variable(match[2])), sign, bound)
        if match := re.fullmatch(r"(.+?)\[(.+?)\]", name):
            return self.term("in_group", self.variable(match[1]), self.named("", match[2]))
        if name.endswith("^2"):
            return self.term("square", self.variable(name[:-2]))
        if name.startswith("shift_share."):
            return self.term("instrument", self.named("", name.partition(".")[2]))
        if ":" in name:
            first, second = name.split(":", 1)
            return self.term("interaction", self.variable(first), self.variable(second))
        return None

    def covariance(self, fit: object) -> str:
        """Return how the covariance of a fit was estimated."""
        kind = str(fit.get("cov_type") or "")
        if kind == "conley" and fit.get("cutoff_km"):
            return self.term("cov_conley_km", f"{fit.get('cutoff_km'):g}")
        return self.named("cov_", "_".join([kind, *(fit.get("cluster") or [])]))

    def text(self, value: str | dict[str, str] | None) -> str:
        """Return a text of the configuration in this language; a plain string serves every language."""
        if value is None:
            return ""
        if isinstance(value, dict):
            return str(value.get(self.language, value.get("en", "")))
        return str(value)

    def named(self, prefix: str, value: str) -> str:
        """Return the term `prefix` + `value` if there is one, else the label of `value`, else the value itself."""
        for key in (f"{prefix}{value}", value):
            if key in TERMS and "{" not in TERMS[key][0]:
                return self.term(key)
        return self.text(self._labels[value]) if value in self._labels else value

    def join(self, items: list[str]) -> str:
        """Join sentences into one paragraph with the language's full stop."""
        stop = "。" if self.language == "zh" else ". "
        end = "。" if self.language == "zh" else "."
        items = [item.rstrip(".。 ") for item in items if item]
        return stop.join(items) + end if items else ""


def _inside(label: str) -> str:
    """Return a label as it stands inside a phrase: without its capital, unless it is an abbreviation."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label
