"""Client of asktell: ask for a configuration, train, tell the validation loss back."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING

from asktell._async.client import AsyncClient
from asktell._async.study import AsyncStudy
from asktell._async.trial import AsyncTrial
from asktell._core.settings import ClientOptions
from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell._core.watch import Change
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.errors import (
    Aborted,
    AlreadyExists,
    AsktellError,
    Contention,
    DeadlineExceeded,
    EtagMismatch,
    FailedPrecondition,
    GridTooLarge,
    IllegalTransition,
    InternalError,
    InvalidArgument,
    LeaseLost,
    LimitExceeded,
    MissingObjective,
    NotFinite,
    NotFound,
    NoTrialAvailable,
    NotSupported,
    Overloaded,
    QueueEmpty,
    ResourceExhausted,
    ResultConflict,
    StudyComplete,
    StudyExists,
    StudyNotFound,
    StudyPaused,
    TestSplitObjective,
    TrialNotFound,
    Unauthenticated,
    Unavailable,
    UnknownMetric,
    ValueOutsideSpace,
)
from asktell.records import (
    Amendment,
    BestByModel,
    FinishReason,
    ImportedTrial,
    Measurement,
    MetricInput,
    MetricValue,
    Observation,
    Origin,
    Outcome,
    Prediction,
    StudyState,
    StudyWarning,
    Suggestion,
    Suggestions,
    SupersededResult,
    TrialCounts,
    TrialState,
)
from asktell.spaces import Bool, Categorical, Discrete, Domain, Float, Int, ParameterValue, Space
from asktell.spec import (
    Algorithm,
    Auto,
    Bayesian,
    Goal,
    Grid,
    LeasePolicy,
    Manual,
    Maximize,
    Metric,
    Minimize,
    Objective,
    Random,
    Sobol,
    Split,
    StoppingRules,
)
from asktell.study_spec import StudyChanges, StudyOptions, StudySpec

if _TYPE_CHECKING:
    from asktell.study_file import StudyFile, StudyFileError, load_study_file

__version__ = _version("asktell")

__all__ = [
    "Aborted",
    "Algorithm",
    "AlreadyExists",
    "Amendment",
    "AsktellError",
    "AsyncClient",
    "AsyncStudy",
    "AsyncTrial",
    "Auto",
    "Bayesian",
    "BestByModel",
    "Bool",
    "Categorical",
    "Change",
    "Client",
    "ClientOptions",
    "Contention",
    "DeadlineExceeded",
    "Discrete",
    "Domain",
    "EtagMismatch",
    "FailedPrecondition",
    "FinishReason",
    "Float",
    "Goal",
    "Grid",
    "GridTooLarge",
    "IllegalTransition",
    "ImportedTrial",
    "Int",
    "InternalError",
    "InvalidArgument",
    "LeaseLost",
    "LeasePolicy",
    "LimitExceeded",
    "Manual",
    "Maximize",
    "Measurement",
    "Metric",
    "MetricInput",
    "MetricValue",
    "Minimize",
    "MissingObjective",
    "NoTrialAvailable",
    "NotFinite",
    "NotFound",
    "NotSupported",
    "Objective",
    "Observation",
    "Origin",
    "Outcome",
    "Overloaded",
    "ParameterValue",
    "Prediction",
    "QueueEmpty",
    "Random",
    "ResourceExhausted",
    "ResultConflict",
    "Sobol",
    "Space",
    "Split",
    "StoppingRules",
    "Study",
    "StudyChanges",
    "StudyComplete",
    "StudyExists",
    "StudyFile",
    "StudyFileError",
    "StudyNotFound",
    "StudyOptions",
    "StudyPaused",
    "StudySpec",
    "StudyState",
    "StudyView",
    "StudyWarning",
    "Suggestion",
    "Suggestions",
    "SupersededResult",
    "TestSplitObjective",
    "Trial",
    "TrialCounts",
    "TrialNotFound",
    "TrialState",
    "TrialView",
    "Unauthenticated",
    "Unavailable",
    "UnknownMetric",
    "ValueOutsideSpace",
    "__version__",
    "load_study_file",
]


def __getattr__(name: str) -> object:
    """Study files bring PyYAML along: it is loaded by the programs that read one."""
    if name in {"StudyFile", "StudyFileError", "load_study_file"}:
        from asktell import study_file

        return getattr(study_file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
