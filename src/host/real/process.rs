//! Runs a program to its end, or to the end of its time, and keeps what it said within limits.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::super::change::Fault;
use super::clock;
use super::fault;
use super::interrupts::Interrupts;

/// How long a program may take to end by itself once it is told to.
const GRACE: Duration = Duration::from_secs(3);

/// How much is kept of what a program says to people; the end tells the most.
const TALK_MAX: usize = 1 << 20;

/// What a program gets, and where it is stopped.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'l> {
    /// How long it may take.
    pub time: Duration,
    /// What it reads.
    pub input: &'l [u8],
    /// How much it may write to its output.
    pub output: Output,
    /// Ends it where one comes while it runs.
    pub interrupts: Option<&'l Interrupts>,
}

/// What becomes of the output of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It is data: more bytes than this are a fault.
    All(usize),
    /// It is talk: the end is kept.
    Last,
}

/// A program that came to its end by itself.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it wrote to its output.
    pub out: Vec<u8>,
    /// The end of what it wrote for people.
    pub err: Vec<u8>,
}

/// Runs a program with all that it starts in a group of its own, which no terminal signals.
pub fn run(doing: &str, command: &mut Command, limits: &Limits<'_>) -> Result<Ended, Fault> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if limits.input.is_empty() { Stdio::null() } else { Stdio::piped() });
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault::missing(doing, format!("there is no `{program}` here")),
        _ => fault::of(doing, &error),
    })?;
    let attended = Attended::new(&mut child, limits).map_err(|error| fault::of(doing, &error));
    let until = clock::now().saturating_add(limits.time);
    let ended = attended.and_then(|mut attended| match attended.attend(until, limits) {
        Ok(why) => Ok((why, attended)),
        Err(error) => Err(fault::of(doing, &error)),
    });
    match ended {
        Ok((Why::Ended, attended)) => {
            let status = child.wait().map_err(|error| fault::of(doing, &error))?;
            Ok(Ended { status, out: attended.out.kept, err: attended.err.kept })
        }
        Ok((why, _)) => {
            stop(&mut child);
            Err(match why {
                Why::Interrupted => Fault::other(doing, "somebody asked to stop"),
                Why::TooMuch => Fault::other(doing, format!("`{program}` says too much")),
                _ => fault::timed_out(doing, limits.time),
            })
        }
        Err(fault) => {
            stop(&mut child);
            Err(fault)
        }
    }
}

/// Why nobody attends to a program any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Ended,
    TimeUp,
    Interrupted,
    TooMuch,
}

/// A pipe from a program, with what came out of it.
struct Pipe {
    open: Option<Box<dyn Source>>,
    kept: Vec<u8>,
    output: Output,
}

trait Source: Read + AsFd {}
impl<T: Read + AsFd> Source for T {}

impl Pipe {
    fn new(pipe: Option<impl Source + 'static>, output: Output) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { open: pipe.map(|pipe| Box::new(pipe) as _), kept: Vec::new(), output })
    }

    /// Takes what is there; false where it is too much.
    fn take(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 8192];
        while let Some(pipe) = &mut self.open {
            match pipe.read(&mut buffer) {
                Ok(0) => self.open = None,
                Ok(length) => self.kept.extend(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            match self.output {
                Output::All(limit) if self.kept.len() > limit => return Ok(false),
                Output::Last if self.kept.len() > 2 * TALK_MAX => self.forget(),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Whole lines go: half of one would be read as another.
    fn forget(&mut self) {
        let surplus = self.kept.len().saturating_sub(TALK_MAX);
        let Some(rest) = self.kept.get(surplus..).filter(|_| surplus > 0) else { return };
        let line = rest.iter().position(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        self.kept.drain(..surplus + line);
    }
}

/// A program that runs, seen from its pipes.
struct Attended<'l> {
    process: OwnedFd,
    input: Option<ChildStdin>,
    unread: &'l [u8],
    out: Pipe,
    err: Pipe,
}

impl<'l> Attended<'l> {
    fn new(child: &mut Child, limits: &Limits<'l>) -> io::Result<Self> {
        let process = pidfd_open(pid(child)?, PidfdFlags::empty())?;
        let input = child.stdin.take();
        if let Some(input) = &input {
            rustix::io::ioctl_fionbio(input, true)?;
        }
        let out = Pipe::new(child.stdout.take(), limits.output)?;
        let err = Pipe::new(child.stderr.take(), Output::Last)?;
        Ok(Self { process, input, unread: limits.input, out, err })
    }

    /// Reads and writes until the program ends, or has to be ended.
    fn attend(&mut self, until: Duration, limits: &Limits<'_>) -> io::Result<Why> {
        // One that came before is known: what runs now is the way back.
        let interrupts = limits.interrupts.filter(|interrupts| !interrupts.came());
        loop {
            if clock::left(until).is_zero() {
                return Ok(Why::TimeUp);
            }
            let has_ended = self.wait(until, interrupts)?;
            self.give()?;
            if !self.out.take()? || !self.err.take()? {
                return Ok(Why::TooMuch);
            }
            if has_ended {
                self.err.forget();
                return Ok(Why::Ended);
            }
            if interrupts.is_some_and(Interrupts::came) {
                return Ok(Why::Interrupted);
            }
        }
    }

    /// Waits until something can be done; whether the program has ended.
    fn wait(&self, until: Duration, interrupts: Option<&Interrupts>) -> io::Result<bool> {
        let mut polled = vec![PollFd::new(&self.process, PollFlags::IN)];
        let pipes = [&self.out.open, &self.err.open].into_iter().flatten();
        polled.extend(pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        polled.extend(self.input.iter().map(|input| PollFd::new(input, PollFlags::OUT)));
        polled.extend(interrupts.map(|came| PollFd::new(came, PollFlags::IN)));
        match poll(&mut polled, Some(&clock::left_for_kernel(until))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(polled.first().is_some_and(|process| !process.revents().is_empty()))
    }

    /// Writes as much as it takes; a program that does not want it all may still do its work.
    fn give(&mut self) -> io::Result<()> {
        while let Some(input) = &mut self.input {
            match input.write(self.unread) {
                Ok(length) => self.unread = self.unread.get(length..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.input = None,
                Err(error) => return Err(error),
            }
            if self.unread.is_empty() {
                self.input = None;
            }
        }
        Ok(())
    }
}

fn pid(child: &Child) -> io::Result<Pid> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("it has no number"))
}

/// Waits for a program that ends by itself, and ends one that does not.
pub fn see_off(mut child: Child) {
    let Some(process) = pid(&child).ok().and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
    else {
        return;
    };
    match ends(&process) {
        true => drop(child.wait()),
        false => stop(&mut child),
    }
}

/// Waits for the end of a program for a while; whether it came.
fn ends(process: &OwnedFd) -> bool {
    let until = clock::now().saturating_add(GRACE);
    let mut polled = [PollFd::new(process, PollFlags::IN)];
    loop {
        if let Ok(ended) = poll(&mut polled, Some(&clock::left_for_kernel(until))) {
            return ended > 0;
        }
    }
}

/// Ends a program with all that it started: asked first, then made to.
fn stop(child: &mut Child) {
    let Ok(pid) = pid(child) else { return };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    for signal in [Signal::TERM, Signal::KILL] {
        // It is not waited for yet, so its number is no other's.
        let _gone_already = kill_process_group(pid, signal);
        ends(&process);
    }
    // One that the kernel itself holds up is left behind, and not waited for.
    let _status = child.try_wait();
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "programs are started to be waited for")]

    use super::super::super::change::FaultKind;
    use super::*;
    use std::path::Path;
    use std::time::Instant;

    const LIMITS: Limits<'_> = Limits {
        time: Duration::from_secs(20),
        input: &[],
        output: Output::All(1 << 20),
        interrupts: None,
    };

    fn shell(script: &str, limits: &Limits<'_>) -> Result<Ended, Fault> {
        run("try it", Command::new("sh").args(["-c", script]), limits)
    }

    #[test]
    fn what_is_said_is_kept_apart() {
        let ended = shell("echo out; echo err >&2; exit 3", &LIMITS).unwrap();
        assert_eq!((ended.out, ended.err), (b"out\n".to_vec(), b"err\n".to_vec()));
        assert_eq!(ended.status.code(), Some(3));
        let input = vec![b'x'; 1 << 20];
        let ended = shell("cat", &Limits { input: &input, ..LIMITS }).unwrap();
        assert!(ended.out == input);
        let ended = shell("exec true", &Limits { input: &input, ..LIMITS }).unwrap();
        assert!(ended.status.success(), "it need not read everything");
        let fault = run("try it", &mut Command::new("no-such-program"), &LIMITS).unwrap_err();
        assert_eq!(fault.to_string(), "cannot try it: there is no `no-such-program` here");
        assert_eq!(fault.kind, FaultKind::Missing);
    }

    #[test]
    fn what_is_too_much_is_refused_or_forgotten() {
        let fault = shell("yes", &LIMITS).unwrap_err();
        assert_eq!(fault.why, "`sh` says too much");
        let last = Limits { output: Output::Last, ..LIMITS };
        let ended = shell("seq 400000; seq 400000 >&2", &last).unwrap();
        assert!(ended.out.ends_with(b"\n400000\n") && ended.out.len() <= 2 * TALK_MAX);
        assert!(ended.err.ends_with(b"\n400000\n") && ended.err.len() <= TALK_MAX);
        let said = String::from_utf8(ended.err).unwrap();
        let first: usize = said.lines().next().unwrap().parse().unwrap();
        assert_eq!(first + said.lines().count() - 1, 400_000, "half a line is left");
    }

    #[test]
    fn a_program_ends_in_time_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; trap '' TERM; wait; wait", mark.display());
        let begun = Instant::now();
        let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
        let fault = shell(&script, &limits).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(10));
        let started = std::fs::read_to_string(&mark).unwrap();
        let is_gone = || {
            let stat =
                std::fs::read_to_string(Path::new("/proc").join(started.trim()).join("stat"));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        while !is_gone() {
            assert!(begun.elapsed() < Duration::from_secs(10), "what it started goes on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_goes_on_in_the_background_is_not_waited_for() {
        let begun = Instant::now();
        let ended = shell("sleep 15 & echo done", &LIMITS).unwrap();
        assert_eq!(ended.out, b"done\n");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
