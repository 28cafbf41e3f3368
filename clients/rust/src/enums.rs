//! The enums of the contract under the names that programs use.

use std::fmt;

use crate::v1;

macro_rules! names {
    ($(#[$about:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $wire:ident, $text:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$each])* $variant,)+
        }

        impl $name {
            /// The name that tables and study files show.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// `None` for values that are not set or newer than this client.
            #[allow(dead_code)]
            pub(crate) fn from_wire(code: i32) -> Option<Self> {
                match v1::$name::try_from(code) {
                    $(Ok(v1::$name::$wire) => Some(Self::$variant),)+
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            #[allow(dead_code)]
            pub(crate) fn to_wire(self) -> i32 {
                let wire = match self {
                    $(Self::$variant => v1::$name::$wire,)+
                };
                wire.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

names! {
    /// Where a study stands.
    StudyState {
        /// Hands out trials.
        Active = Active, "ACTIVE";
        /// Hands out no trials until it is resumed.
        Paused = Paused, "PAUSED";
        /// Hands out no more trials; results of running ones are still taken.
        Finished = Finished, "FINISHED";
        /// A state newer than this client.
        Unknown = Unspecified, "UNKNOWN";
    }
}

names! {
    /// Why a study is finished.
    FinishReason {
        /// A person or program said so.
        Requested = Requested, "REQUESTED";
        /// Its budget of trials is used up.
        MaxTrials = MaxTrials, "MAX_TRIALS";
        /// A trial reached the target value.
        Target = Target, "TARGET";
        /// The last trials did not better the best one.
        Patience = Patience, "PATIENCE";
        /// Its deadline has passed.
        Deadline = Deadline, "DEADLINE";
        /// Every configuration of the space, or point of the grid, has been tried.
        Exhausted = Exhausted, "EXHAUSTED";
    }
}

names! {
    /// Where a trial stands: `Queued` → `Running` → one of the others.
    TrialState {
        /// Waiting for a worker.
        Queued = Queued, "QUEUED";
        /// With a worker.
        Running = Running, "RUNNING";
        /// Ended with a result.
        Succeeded = Succeeded, "SUCCEEDED";
        /// Ended before its time, with what was known then.
        Stopped = Stopped, "STOPPED";
        /// Ended without a result.
        Failed = Failed, "FAILED";
        /// The configuration cannot be run at all.
        Infeasible = Infeasible, "INFEASIBLE";
        /// Called off.
        Cancelled = Cancelled, "CANCELLED";
        /// Given up: its workers died too often.
        Abandoned = Abandoned, "ABANDONED";
        /// A state newer than this client.
        Unknown = Unspecified, "UNKNOWN";
    }
}

impl TrialState {
    /// No worker can work on the trial any more.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Unknown)
    }
}

names! {
    /// Where a configuration came from.
    Origin {
        /// The space-filling start of Bayesian optimisation.
        Start = Start, "START";
        /// The model's acquisition function.
        Model = Model, "MODEL";
        /// Space-filling, because the model failed.
        Fallback = Fallback, "FALLBACK";
        /// A person enqueued it.
        Person = Person, "PERSON";
        /// It was imported with its result.
        Import = Import, "IMPORT";
        /// A sampler without a model: grid, random, Sobol.
        Sampler = Sampler, "SAMPLER";
        /// An origin newer than this client.
        Unknown = Unspecified, "UNKNOWN";
    }
}

/// How a trial ended, as it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a result.
    #[default]
    Succeeded,
    /// Early, with what was known then.
    Stopped,
    /// Without a result.
    Failed,
    /// The configuration cannot be run.
    Infeasible,
}

impl Outcome {
    pub(crate) fn to_wire(self) -> i32 {
        let wire = match self {
            Self::Succeeded => v1::TellOutcome::Succeeded,
            Self::Stopped => v1::TellOutcome::Stopped,
            Self::Failed => v1::TellOutcome::Failed,
            Self::Infeasible => v1::TellOutcome::Infeasible,
        };
        wire.into()
    }

    /// The state that the outcome leads to.
    pub fn state(self) -> TrialState {
        match self {
            Self::Succeeded => TrialState::Succeeded,
            Self::Stopped => TrialState::Stopped,
            Self::Failed => TrialState::Failed,
            Self::Infeasible => TrialState::Infeasible,
        }
    }
}

names! {
    /// Whether less or more of an objective is better.
    Goal {
        /// Less is better (loss, perplexity).
        Minimize = Minimize, "minimize";
        /// More is better (accuracy).
        Maximize = Maximize, "maximize";
        /// Not said; servers refuse it.
        Unknown = Unspecified, "unknown";
    }
}

names! {
    /// The part of the data on which a metric is measured.
    Split {
        /// Held-out data that guides the choice of hyperparameters.
        Validation = Validation, "validation";
        /// The training data.
        Train = Train, "train";
        /// Data for the final judgement: never optimised.
        Test = Test, "test";
    }
}

names! {
    /// Which differences of a number count as equal steps.
    Scale {
        /// Equal differences matter equally.
        Linear = Linear, "linear";
        /// Equal ratios matter equally. For learning rates and the like.
        Log = Log, "log";
        /// Resolves values near the maximum. For momentum and the like; float only.
        ReverseLog = ReverseLog, "reverse_log";
    }
}
