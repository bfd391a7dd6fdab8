//! Metrics: what every attempt measured, as numbers and as points.

use std::io::{self, Write};

use patchbed_model::{Better, Metric};

use super::room::Room;
use super::tags::{self, Table};
use crate::words;

/// How wide a plot is, in its own units, and how much of that is left free on both sides.
const WIDTH: f64 = 320.0;
const EDGE: f64 = 10.0;
/// How many attempts of an arm are shown.
const MOST: usize = 40;

pub(super) fn write(out: &mut dyn Write, id: &str, metrics: &[Metric], room: &mut Room) -> io::Result<()> {
    if metrics.is_empty() {
        return Ok(());
    }
    let heads = ["Metric", "Without the patch", "With the patch", "Margin", "All attempts"];
    let caption =
        "Metrics: each mark is an attempt, above without the patch, below with it; within the band it means nothing";
    Table { id, caption, heads: &heads }.begin(out)?;
    metrics.iter().try_for_each(|metric| row(out, metric, room))?;
    tags::end_table(out)
}

fn row(out: &mut dyn Write, metric: &Metric, room: &mut Room) -> io::Result<()> {
    let unit = metric.unit.as_deref().map(|unit| format!(" in {unit}")).unwrap_or_default();
    let better = match metric.better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
    };
    let Some(name) = room.line(&format!("{}{unit}, {better}", metric.key)) else { return Ok(()) };
    let (Some(control), Some(patched)) = (room.line(&list(&metric.control)), room.line(&list(&metric.patched))) else {
        return Ok(());
    };
    writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{control}</td><td>{patched}</td>")?;
    write!(out, "<td>{}</td><td>", words::number(metric.margin))?;
    plot(out, metric)?;
    writeln!(out, "</td></tr>")
}

fn list(numbers: &[f64]) -> String {
    let mut shown: Vec<String> = numbers.iter().take(MOST).map(|number| words::number(*number)).collect();
    if numbers.len() > MOST {
        shown.push(format!("{} more", numbers.len() - MOST));
    }
    shown.join(", ")
}

/// Both arms as points above each other; the text beside it says the same.
fn plot(out: &mut dyn Write, metric: &Metric) -> io::Result<()> {
    let Some(scale) = Scale::of(metric) else { return Ok(()) };
    write!(out, "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} 40\" aria-hidden=\"true\">")?;
    let (from, to) = (scale.place(scale.middle - metric.margin), scale.place(scale.middle + metric.margin));
    write!(out, "<rect class=\"watched\" x=\"{from:.1}\" y=\"0\" width=\"{:.1}\" height=\"40\"></rect>", to - from)?;
    for (numbers, class, y) in [(&metric.control, "without", 6), (&metric.patched, "with", 24)] {
        for number in numbers.iter().take(MOST) {
            let x = scale.place(*number) - 2.0;
            write!(out, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"4\" height=\"10\"></rect>")?;
        }
    }
    write!(out, "</svg>")
}

/// Where numbers stand in a plot.
struct Scale {
    middle: f64,
    least: f64,
    greatest: f64,
}

impl Scale {
    /// The scale on which all attempts and the margin have their place; `None` where there is nothing to be drawn.
    fn of(metric: &Metric) -> Option<Self> {
        let mut control = metric.control.clone();
        control.sort_by(f64::total_cmp);
        let middle = f64::midpoint(*control.get(control.len().checked_sub(1)? / 2)?, *control.get(control.len() / 2)?);
        let ends = [middle - metric.margin, middle + metric.margin];
        let all = || metric.control.iter().chain(&metric.patched).chain(&ends).copied();
        let (least, greatest) = (all().fold(middle, f64::min), all().fold(middle, f64::max));
        (greatest - least).is_normal().then_some(Self { middle, least, greatest })
    }

    fn place(&self, number: f64) -> f64 {
        EDGE + (number - self.least) / (self.greatest - self.least) * (WIDTH - 2.0 * EDGE)
    }
}
