//! The commands, one file each. Each takes the context and its arguments and gives back how the program ends.

mod bisect;
mod check;
mod ci;
mod clean;
mod compare;
mod completions;
mod contents;
mod doctor;
mod errands;
mod explain;
mod images;
mod init;
mod loading;
mod man;
mod merge;
mod noise;
mod plan;
mod report;
mod resume;
mod review;
mod run;
mod sabotage;
mod sandboxes;
mod schema;
mod share;
mod shell;
mod show;
mod terminal;

pub(crate) use explain::codes;

use patchbed_model::Exit;

use crate::arguments::Word;
use crate::context::Context;
use crate::failure::Failure;

/// Does what the command says.
pub(crate) fn execute(context: &Context, word: Word) -> Result<u8, Failure> {
    let exit = match word {
        Word::Init(arguments) => init::execute(context, &arguments),
        Word::Check(arguments) => check::execute(context, &arguments),
        Word::Plan(arguments) => plan::execute(context, &arguments),
        Word::Run(arguments) => run::execute(context, arguments),
        Word::Bisect(arguments) => bisect::execute(context, arguments),
        Word::Noise(arguments) => noise::execute(context, &arguments),
        Word::Sabotage(arguments) => sabotage::execute(context, &arguments),
        Word::Show(arguments) => show::execute(context, &arguments),
        Word::Shell(arguments) => return shell::execute(context, &arguments),
        Word::Review(arguments) => review::review(context, &arguments),
        Word::Accept(arguments) => review::accept(context, &arguments),
        Word::Reject(arguments) => review::reject(context, &arguments),
        Word::Report(arguments) => report::execute(context, &arguments),
        Word::Compare(arguments) => compare::execute(context, &arguments),
        Word::Merge(arguments) => merge::execute(context, &arguments),
        Word::Ci(arguments) => ci::execute(context, &arguments),
        Word::Images(arguments) => images::execute(context, arguments.word),
        Word::Doctor(arguments) => doctor::execute(context, &arguments),
        Word::Clean(arguments) => clean::execute(context, &arguments),
        Word::Explain(arguments) => explain::execute(context, arguments.code.as_deref()),
        Word::Schema(arguments) => schema::execute(context, arguments.of),
        Word::Completions(arguments) => completions::execute(context, arguments.shell),
        Word::Man(arguments) => man::execute(context, &arguments),
    };
    exit.map(Exit::code)
}
