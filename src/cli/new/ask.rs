//! The questions of `new`: one line each, with what it is where nothing is typed.

use super::super::output;
use crate::model::value::ValueError;
use crate::report::human::escape;

/// What is typed for nothing, where there is a usual answer.
const NOTHING: &str = "-";

/// What is said before the first question.
pub const HOW: &str = "Enter takes what is in brackets, `-` is for nothing. Nothing is written \
                       before the last answer: ^C leaves.\n";

/// Asks until the answer is good; nothing where somebody left.
pub fn ask(
    question: &str,
    usual: Option<&str>,
    check: &dyn Fn(&str) -> Result<(), ValueError>,
) -> Option<String> {
    let usual_is_shown = usual.filter(|usual| !usual.is_empty());
    let brackets = usual_is_shown.map(|usual| format!(" [{usual}]")).unwrap_or_default();
    loop {
        let typed = output::answer(&escape(&format!("{question}{brackets}: ")))?;
        let answer = match (typed.as_str(), usual) {
            ("", Some(usual)) => usual.to_owned(),
            (NOTHING, Some(_)) => String::new(),
            _ => typed,
        };
        let problem = match answer.is_empty() && usual.is_none() {
            true => Err(ValueError::new("it cannot be left empty")),
            false => check(&answer),
        };
        match problem {
            Ok(()) => return Some(answer),
            Err(error) => output::note(&format!("  {}\n", told(&error))),
        }
    }
}

/// What is wrong with a value and what to do about it, in one line.
pub fn told(error: &ValueError) -> String {
    let help = error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("{}{help}", error.message)
}
