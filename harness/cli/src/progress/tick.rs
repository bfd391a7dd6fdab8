//! Of an event, what the progress needs. Snapshots stay where they are.

use patchbed_engine::plan::CellNames;
use patchbed_model::{AttemptId, CellId, Event, Outcome, Stage};

/// A small event.
#[derive(Clone, Debug)]
pub(super) enum Tick {
    /// A cell will be run.
    Planned(CellId, CellNames),
    /// An attempt began.
    Started(AttemptId),
    /// A stage of an attempt ended.
    Stage(AttemptId, Stage),
    /// An attempt ended: how, and after how many milliseconds.
    Finished(AttemptId, String, u64),
    /// A cell was judged.
    Judged,
    /// Something a person should know.
    Note(String),
}

impl Tick {
    /// The tick of an event, if there is one.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::CellPlanned(planned) => {
                let names = CellNames {
                    scenario: planned.scenario.clone(),
                    image: planned.image.clone(),
                    patches: planned.patches.clone(),
                    software: planned.software.clone(),
                };
                Some(Self::Planned(planned.id.clone(), names))
            }
            Event::AttemptStarted { attempt, .. } => Some(Self::Started(attempt.clone())),
            Event::StageFinished { attempt, stage, .. } => Some(Self::Stage(attempt.clone(), *stage)),
            Event::AttemptFinished { attempt, outcome, milliseconds, .. } => {
                Some(Self::Finished(attempt.clone(), said(outcome), *milliseconds))
            }
            Event::CellJudged { .. } => Some(Self::Judged),
            Event::Note { text, .. } => Some(Self::Note(text.clone())),
            Event::RunStarted { .. }
            | Event::Searched { .. }
            | Event::RunMerged { .. }
            | Event::CellMerged { .. }
            | Event::CellPrepared { .. }
            | Event::LayerMade { .. }
            | Event::OutagesSeen { .. }
            | Event::RunResumed { .. }
            | Event::RunFinished { .. } => None,
        }
    }
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Observed(_) => "observed".to_owned(),
        Outcome::Stopped(cause) => format!("stopped in {}: {}", cause.stage, cause.text),
    }
}
