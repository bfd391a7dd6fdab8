//! `man`: pages for `man`, made of the help texts.

use camino::Utf8Path;
use clap::Command;
use clap_mangen::Man;
use patchbed_model::Exit;
use patchbed_model::text::nearest;

use crate::arguments::{ManArguments, command};
use crate::context::Context;
use crate::failure::Failure;
use crate::reports::write_file;

pub(super) fn execute(context: &Context, arguments: &ManArguments) -> Result<Exit, Failure> {
    let mut whole = command().disable_help_subcommand(true);
    whole.build();
    if let Some(folder) = &arguments.out {
        let pages = write_all(&whole, folder)?;
        context.output.say(&format!("{} written to {folder}", patchbed_report::words::count(pages, "page")));
        return Ok(Exit::Ok);
    }
    let page = page(find(&whole, &arguments.words)?)?;
    context.output.document(&page);
    Ok(Exit::Ok)
}

/// The command of these words, such as `images list`.
fn find<'a>(whole: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(whole, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let failure = Failure::say(Exit::Usage, format!("there is no command `{word}`"));
            match nearest(word, command.get_subcommands().map(Command::get_name)) {
                Some(meant) => failure.help(format!("did you mean `{meant}`?")),
                None => failure.help("`patchbed --help` lists them"),
            }
        })
    })
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let source = format!("patchbed {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).manual("patchbed").render(&mut page)?;
    Ok(page)
}

/// Writes the page of a command and those of all below it. Gives back how many.
fn write_all(command: &Command, folder: &Utf8Path) -> Result<usize, Failure> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    write_file(&folder.join(format!("{name}.1")), &page(command)?)?;
    command.get_subcommands().try_fold(1, |pages, inner| Ok(pages + write_all(inner, folder)?))
}
