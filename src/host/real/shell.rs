//! A shell in a container that runs a command each time it is told to.
//!
//! A call of Podman takes some 150 ms in front of the command and 60 behind it. Here it is made
//! once, and before it is needed: all that follows is a command of the shell. What runs there is of
//! the container, and may what Podman lets it; it ends with who asks.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::containers::Podman;
use super::interrupts::Interrupts;
use super::{clock, process};

/// What the shell does: it says its mark, and for each line that comes it runs the command and says
/// the mark again, with how it ended. `exec` finds programs alone, and none of the shell's own
/// commands.
const SCRIPT: &str = r#"echo "$0"; while read -r _; do (exec "$@") 2>&1 < /dev/null; echo "
$0 $?"; done"#;

/// How much is kept of what a command says.
const SAID_MAX: usize = 1 << 16;

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its exit code, as a shell tells it.
    pub code: i32,
    /// The end of what it said.
    pub said: Vec<u8>,
}

/// A shell that waits to be told to run its command.
#[derive(Debug)]
pub struct Shell {
    child: Option<Child>,
    input: Option<ChildStdin>,
    output: ChildStdout,
    mark: String,
    unread: Vec<u8>,
}

impl Shell {
    /// Opens one; none where the container has none, or it does not come in time.
    pub fn open(
        container: &str,
        words: &[String],
        until: Duration,
        stop: &Interrupts,
    ) -> Option<Self> {
        let mut command = Podman::command();
        command.args(["exec", "--interactive", container]);
        Self::by(command, words, until, stop)
    }

    /// Opens one by a program that runs what it is called with.
    fn by(
        mut command: Command,
        words: &[String],
        until: Duration,
        stop: &Interrupts,
    ) -> Option<Self> {
        let mark = mark()?;
        command.args(["sh", "-c", SCRIPT, &mark]).args(words);
        command.process_group(0).stderr(Stdio::null());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let input = child.stdin.take();
        let output = child.stdout.take()?;
        let mut shell = Self { child: Some(child), input, output, mark, unread: Vec::new() };
        let is_there = |line: &[u8], mark: &str| (line == mark.as_bytes()).then_some(());
        shell.wait(&is_there, until, stop).is_some().then_some(shell)
    }

    /// Runs the command; none where the shell is gone or the command does not end in time.
    pub fn run(&mut self, until: Duration, stop: &Interrupts) -> Option<Tried> {
        self.input.as_mut()?.write_all(b"\n").ok()?;
        let code = |line: &[u8], mark: &str| {
            let line = std::str::from_utf8(line).ok()?;
            line.strip_prefix(mark)?.strip_prefix(' ')?.parse().ok()
        };
        let (said, code) = self.wait(&code, until, stop)?;
        Some(Tried { code, said })
    }

    /// Reads up to a line that means something; the end of what stood in front of it, and what it
    /// means.
    fn wait<T>(
        &mut self,
        meaning: &dyn Fn(&[u8], &str) -> Option<T>,
        until: Duration,
        stop: &Interrupts,
    ) -> Option<(Vec<u8>, T)> {
        let mut said = Vec::new();
        while self.more(until, stop).ok()? {
            // What stands behind the last line end is the beginning of a line.
            let end = self.unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let lines: Vec<u8> = self.unread.drain(..end).collect();
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                if let Some(found) = meaning(line.trim_ascii_end(), &self.mark) {
                    return Some((said, found));
                }
                said.extend(line);
            }
            if self.unread.len() > SAID_MAX {
                said.append(&mut self.unread);
            }
            said.drain(..said.len().saturating_sub(SAID_MAX));
        }
        None
    }

    /// Reads what comes next; false where nothing comes any more, or nobody wants it.
    fn more(&mut self, until: Duration, stop: &Interrupts) -> io::Result<bool> {
        while !clock::left(until).is_zero() && !stop.came() {
            let output = PollFd::new(&self.output, PollFlags::IN);
            let mut polled = [output, PollFd::new(stop, PollFlags::IN)];
            match poll(&mut polled, Some(&clock::left_for_kernel(until))) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if polled.first().is_some_and(|output| !output.revents().is_empty()) {
                let mut buffer = [0; 8192];
                let length = self.output.read(&mut buffer)?;
                self.unread.extend(buffer.get(..length).unwrap_or_default());
                return Ok(length > 0);
            }
        }
        Ok(false)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The shell ends when there is nothing more to read, and Podman with it, for whom nobody
        // waits.
        drop(self.input.take());
        if let Some(child) = self.child.take() {
            drop(thread::Builder::new().spawn(move || process::see_off(child)));
        }
    }
}

/// A word that no command says by chance.
fn mark() -> Option<String> {
    let mut bytes = [0; 16];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).ok()?;
    (length == bytes.len()).then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a shell is started to be talked to")]

    use super::*;
    use crate::host::real::interrupts::Called;
    use std::time::Instant;

    fn soon() -> Duration {
        clock::now() + Duration::from_secs(20)
    }

    fn shell(words: &[&str]) -> (Shell, Interrupts, Called) {
        let (stop, held) = Interrupts::by_hand().unwrap();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        (Shell::by(Command::new("env"), &words, soon(), &stop).unwrap(), stop, held)
    }

    fn tried(words: &[&str]) -> Tried {
        let (mut shell, stop, _held) = shell(words);
        shell.run(soon(), &stop).unwrap()
    }

    #[test]
    fn a_command_is_run_as_often_as_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b");
        let script = "echo x >> \"$0\"; wc -l < \"$0\"; cat; exit $(grep -c . \"$0\")";
        let (mut shell, stop, _held) = shell(&["sh", "-c", script, path.to_str().unwrap()]);
        for time in 1..4 {
            let Tried { code, said } = shell.run(soon(), &stop).unwrap();
            let said = String::from_utf8(said).unwrap();
            assert_eq!((code, said.trim()), (time, time.to_string().as_str()));
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_command_is_a_program_with_words_as_they_are() {
        let Tried { code, said } = tried(&["printf", "%s|", "a  b", "$HOME", "", ";", "*"]);
        assert_eq!((code, said.trim_ascii_end()), (0, &b"a  b|$HOME||;|*|"[..]));
        for words in [&["exit", "0"][..], &["no such program"], &["cd", "/"]] {
            let Tried { code, said } = tried(words);
            assert!(code == 127 && !said.is_empty(), "{words:?}: {code}");
        }
        assert_eq!(tried(&["sh", "-c", "kill -9 $$"]).code, 128 + 9);
        let Tried { code, said } = tried(&["sh", "-c", "echo out; echo err >&2; exit 3"]);
        assert_eq!((code, said.trim_ascii_end()), (3, &b"out\nerr"[..]));
    }

    #[test]
    fn of_much_that_is_said_the_end_is_kept() {
        let Tried { code, said } = tried(&["seq", "400000"]);
        assert!(code == 0 && said.trim_ascii_end().ends_with(b"\n400000"));
        assert!(said.len() <= 2 * SAID_MAX);
        let Tried { code, said } = tried(&["head", "-c", "1000000", "/dev/zero"]);
        assert!(code == 0 && said.ends_with(b"\0\n") && said.len() <= 2 * SAID_MAX);
    }

    #[test]
    fn nobody_waits_for_a_shell_that_does_not_come_or_a_command_that_does_not_end() {
        let (stop, held) = Interrupts::by_hand().unwrap();
        for program in ["false", "no-such-program"] {
            assert!(Shell::by(Command::new(program), &[], soon(), &stop).is_none());
        }
        let begun = Instant::now();
        let (mut shell, stop_of_it, _held) = shell(&["sleep", "60"]);
        assert_eq!(shell.run(clock::now() + Duration::from_millis(50), &stop_of_it), None);
        drop(held);
        assert_eq!(shell.run(soon(), &stop), None);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_shell_ends_with_who_asks() {
        let (mut shell, stop, _held) = shell(&["true"]);
        assert_eq!(shell.run(soon(), &stop).map(|tried| tried.code), Some(0));
        let mut child = shell.child.take().unwrap();
        drop(shell);
        assert!(child.wait().unwrap().success());
    }
}
