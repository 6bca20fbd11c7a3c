//! Health commands, in the one form that every Podman reads alike.

use crate::capability::encode::{is_plain, json_words};
use crate::model::command::HealthCommand;

/// The value of `HealthCmd=`.
///
/// A list is taken as program and arguments only without the word `CMD` in front: up to 5.7, Podman
/// splits the text of such a list at its spaces. A list of one word is taken as a text for a shell.
pub fn value(command: &HealthCommand) -> String {
    let words = match command {
        HealthCommand::None => return "none".to_owned(),
        HealthCommand::Shell(text) => return shell(text),
        HealthCommand::Exec(words) => words,
    };
    let first = words.first().map_or("", String::as_str);
    let keywords = ["CMD", "CMD-SHELL", "NONE"];
    let is_keyword = keywords.iter().any(|word| word.eq_ignore_ascii_case(first));
    match words.as_slice() {
        // No JSON and no space: split at spaces, it is what it was.
        [word] if !is_keyword && is_plain(word) => format!("CMD {word}"),
        [_, _, ..] if !is_keyword => json_words(words.iter().map(String::as_str)),
        _ => shell(&shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()),
    }
}

fn shell(text: &str) -> String {
    json_words(["CMD-SHELL", text])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_every_podman_reads_them() {
        let exec =
            |words: &[&str]| HealthCommand::Exec(words.iter().map(|w| (*w).into()).collect());
        for (command, expected) in [
            (HealthCommand::Shell("a | b".into()), r#"["CMD-SHELL","a | b"]"#),
            (exec(&["wget", "-q", "http://x"]), r#"["wget","-q","http://x"]"#),
            (exec(&["/bin/check"]), "CMD /bin/check"),
            (exec(&["/bin/my check"]), r#"["CMD-SHELL","'/bin/my check'"]"#),
            (exec(&["cmd", "a b"]), r#"["CMD-SHELL","cmd 'a b'"]"#),
            (HealthCommand::None, "none"),
        ] {
            assert_eq!(value(&command), expected);
        }
    }
}
