//! The command line exactly as it was typed: *low* arguments. What they mean is decided in `options`.
//!
//! To add a flag: a field with a comment, which is its help. Its environment variable follows from its name.

mod complete;
mod engines;
mod low;
mod read;
mod run;
mod stored;

pub(crate) use complete::{answer, script};
pub(crate) use engines::{CiArguments, Engine, MergeArguments, NOWHERE};
pub(crate) use low::{Global, When, Word};
pub(crate) use read::{Parsed, Styled, command, parse};
pub(crate) use run::{
    Baseline, BisectArguments, CheckArguments, FailOn, Files, How, InitArguments, Keep, Means, NoiseArguments, Outputs,
    PlanArguments, Progress, RunArguments, SabotageArguments, Selection, Share, WhichShard,
};
pub(crate) use stored::{
    AcceptArguments, CleanArguments, CompareArguments, DoctorArguments, ImagesWord, ManArguments, RejectArguments,
    ReportArguments, ReviewArguments, SchemaOf, Shell, ShellArguments, ShowArguments, Waiting,
};
