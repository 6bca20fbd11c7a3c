//! Fetching images before anything changes, several at the same time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use super::event::{Event, Failure, Step};
use crate::host::change::Host;

/// How many images are fetched at the same time.
const AT_ONCE: usize = 4;

/// The pauses before an image is tried once more, when the trouble can pass.
const PAUSES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// How often it is looked whether somebody wants all to stop.
const LOOK: Duration = Duration::from_millis(250);

/// What a thread that fetches tells.
enum Told {
    Event(Event),
    Failed(Failure),
}

/// Fetches images; the first one that cannot be had ends it.
pub fn pull(host: Host<'_>, images: &[String], tell: &dyn Fn(&Event)) -> Result<(), Failure> {
    let queue = Mutex::new(images.iter().collect::<VecDeque<_>>());
    let stop = AtomicBool::new(false);
    let (sender, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(images.len()) {
            let (sender, queue, stop) = (sender.clone(), &queue, &stop);
            scope.spawn(move || {
                while let Some(image) = next(queue).filter(|_| !stop.load(Ordering::Relaxed)) {
                    fetch(host, image, stop, &sender);
                }
            });
        }
        drop(sender);
        let mut result = Ok(());
        loop {
            match told.recv_timeout(LOOK) {
                Ok(Told::Event(event)) => tell(&event),
                Ok(Told::Failed(failure)) => result = result.and(Err(failure)),
                Err(mpsc::RecvTimeoutError::Disconnected) => return result,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if result.is_ok() && host.machine.interrupted() {
                result = Err(Failure::interrupted(Step::Pull));
            }
            stop.store(result.is_err(), Ordering::Relaxed);
        }
    })
}

fn next<'q>(queue: &Mutex<VecDeque<&'q String>>) -> Option<&'q String> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

fn fetch(host: Host<'_>, image: &str, stop: &AtomicBool, told: &mpsc::Sender<Told>) {
    // Nobody listens any more only when all is over.
    let tell = |event| drop(told.send(Told::Event(event)));
    tell(Event::Pulling { image: image.to_owned() });
    let mut pauses = PAUSES.iter();
    loop {
        let error = match host.containers.pull(image) {
            Ok(()) => return tell(Event::Pulled { image: image.to_owned() }),
            Err(error) => error,
        };
        let pause = pauses.next().filter(|_| error.is_passing && !stop.load(Ordering::Relaxed));
        let Some(pause) = pause else {
            let why = format!("the image {image} cannot be had: {}", error.why);
            return drop(told.send(Told::Failed(Failure::at(Step::Pull, why))));
        };
        let (image, why) = (image.to_owned(), error.why);
        tell(Event::PullAgain { image, why, pause: pause.as_secs() });
        std::thread::sleep(*pause);
    }
}
