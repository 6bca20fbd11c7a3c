//! A D-Bus connection used without waiting in vain: many calls at once, each with its time.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Duration;

use futures_core::Stream;
use zbus::message::Type;
use zbus::{Connection, DynamicType, Message, MessageStream};

use super::super::change::{Fault, FaultKind};
use super::{clock, fault};

/// How long it may take to connect.
const CONNECT_TIME: Duration = Duration::from_secs(25);

/// A connection to a bus.
#[derive(Debug)]
pub struct Bus {
    connection: Connection,
    asked: Asked,
}

/// Who waits for the answer to which message; nobody where nothing more can come.
type Asked = Arc<Mutex<Option<BTreeMap<NonZeroU32, Sender<Message>>>>>;

/// Is told what a connection brings beside answers.
pub trait Listen: Send {
    /// A signal came.
    fn signal(&mut self, message: &Message);
    /// Nothing more can come.
    fn end(&mut self);
}

/// An answer that is on its way.
#[derive(Debug)]
pub struct Answer {
    doing: String,
    message: Receiver<Message>,
    until: Duration,
    time: Duration,
}

impl Bus {
    /// Connects to the bus at an address; a thread reads it until the connection ends.
    pub fn connect(address: &str, mut listen: impl Listen + 'static) -> Result<Self, Fault> {
        let doing = format!("connect to the bus at {address}");
        let building = zbus::connection::Builder::address(address).build();
        let connection = finish(building, CONNECT_TIME);
        let connection = connection.ok_or_else(|| fault::timed_out(&doing, CONNECT_TIME))?;
        let connection = connection.map_err(|error| fault::missing(&doing, error.to_string()))?;
        let asked = Asked::new(Mutex::new(Some(BTreeMap::new())));
        let mut stream = MessageStream::from(&connection);
        let told = asked.clone();
        thread::spawn(move || {
            while let Some(Ok(message)) = next(&mut stream) {
                deliver(message, &told, &mut listen);
            }
            *lock(&told) = None;
            listen.end();
        });
        Ok(Self { connection, asked })
    }

    /// Sends a call; the answer can be waited for while others are sent.
    pub fn ask(&self, doing: impl Into<String>, call: &Message, time: Duration) -> Answer {
        let (sender, message) = mpsc::channel();
        // Before it is sent: an answer may come at once.
        if let Some(asked) = lock(&self.asked).as_mut() {
            asked.insert(call.primary_header().serial_num(), sender);
        }
        let until = clock::now().saturating_add(time);
        // What fails here is seen as the end of the connection or of the time.
        let _sent = finish(self.connection.send(call), time);
        Answer { doing: doing.into(), message, until, time }
    }

    /// The answer to a call.
    pub fn call(&self, doing: &str, call: &Message, time: Duration) -> Result<Message, Fault> {
        self.ask(doing, call, time).wait()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The thread that reads holds the connection too, so it does not end by itself.
        let _closed = finish(self.connection.clone().close(), CONNECT_TIME);
    }
}

impl Answer {
    /// Waits for it.
    pub fn wait(self) -> Result<Message, Fault> {
        let answer = match self.message.recv_timeout(clock::left(self.until)) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => return Err(fault::timed_out(self.doing, self.time)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(fault::missing(self.doing, "the bus is gone"));
            }
        };
        match answer.message_type() {
            Type::Error => Err(refused(self.doing, &answer)),
            _ => Ok(answer),
        }
    }
}

/// A call of a method.
pub fn message<B: serde::Serialize + DynamicType>(
    destination: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<Message, Fault> {
    let built = Message::method_call(path, method)
        .destination(destination)
        .interface(interface)
        .build(body);
    built.map_err(|error| Fault::other(format!("call {method}"), error))
}

/// What an error on the bus means.
fn refused(doing: String, answer: &Message) -> Fault {
    let header = answer.header();
    let name = header.error_name().map_or("", |name| name.as_str());
    let body = answer.body();
    let text: Result<String, _> = body.deserialize();
    let why = text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| name.to_owned());
    let kind = match name.rsplit('.').next().unwrap_or("") {
        "AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired" => FaultKind::Denied,
        "NoSuchUnit" | "ServiceUnknown" | "NameHasNoOwner" | "UnknownObject" | "NoSuchJob" => {
            FaultKind::Missing
        }
        "NoReply" | "Timeout" | "TimedOut" => FaultKind::TimedOut,
        _ => FaultKind::Other,
    };
    Fault { doing, why: why.trim_end_matches('.').to_owned(), kind }
}

fn deliver(message: Message, asked: &Asked, listen: &mut impl Listen) {
    match message.message_type() {
        Type::Signal => listen.signal(&message),
        Type::MethodReturn | Type::Error => {
            let serial = message.header().reply_serial();
            let asked = serial.and_then(|serial| lock(asked).as_mut()?.remove(&serial));
            if let Some(asked) = asked {
                let _nobody_waits = asked.send(message);
            }
        }
        Type::MethodCall => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next message; none after the last.
fn next(stream: &mut MessageStream) -> Option<zbus::Result<Message>> {
    let mut next = std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context));
    loop {
        if let Some(next) = finish(&mut next, Duration::MAX) {
            return next;
        }
    }
}

/// Wakes the thread that waits for a future.
struct Waker(Thread);

impl Wake for Waker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread; nothing where that takes longer.
fn finish<T>(future: impl Future<Output = T>, time: Duration) -> Option<T> {
    let until = clock::now().saturating_add(time);
    let waker = Arc::new(Waker(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return Some(done);
        }
        let left = clock::left(until);
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
