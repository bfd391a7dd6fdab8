//! The report formats as a whole: goldens of what a person reads, and laws that hold for any text.

mod comparison;
mod goldens;
mod hostile;
mod html;
mod junit;
mod numbers;
mod pages;
