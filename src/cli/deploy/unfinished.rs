//! What was begun with a stack and has not ended as it should: what came of it, and the ways out.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Site, resume};
use crate::apply::Scene;
use crate::apply::resume::{Rest, began, known};
use crate::host::change::{Fault, LockError};
use crate::state::{Action, Entry, GenerationName, Journal, Phase, Store};

/// What was begun with a stack and has not ended as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unfinished {
    /// How it stands.
    pub state: Standing,
    /// What was begun: `apply`, `rollback` or `remove`; none where its journal cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    /// The number of the generation that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// Who began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// When it began, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<u64>,
    /// The units that it brought up.
    brought_up: Vec<String>,
    /// The units that are on their way up now.
    under_way: Vec<String>,
    /// The units that failed.
    failed: Vec<String>,
    /// The units that it would still start, those that failed or are under way among them.
    left: Vec<String>,
    /// Whether `apply --resume` can go on with it.
    resumes: bool,
    /// All of that in words.
    pub text: String,
    /// The ways out, in words; none where it needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How something stands that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody works on it now, or holds it for a look at a failure.
    UnderWay,
    /// It was cut short, and nobody works on it.
    CutShort,
    /// It failed, and could not be put back.
    NotRestored,
    /// It failed, and was left as it is by the will of the stack or of who ran it.
    Left,
    /// It is done, but for tidying up, which the next command that changes something does.
    Untidy,
}

/// Those of some stacks, by their names.
pub fn all(site: &Site, stacks: &[String]) -> Result<BTreeMap<String, Unfinished>, Fault> {
    let mut all = BTreeMap::new();
    for stack in stacks {
        if let Some(unfinished) = Unfinished::of(site, stack)? {
            all.insert(stack.clone(), unfinished);
        }
    }
    Ok(all)
}

impl Unfinished {
    /// Whether somebody has to do something about it.
    pub fn is_ill(&self) -> bool {
        matches!(self.state, Standing::CutShort | Standing::NotRestored)
    }

    /// That of a stack, if there is any.
    fn of(site: &Site, stack: &str) -> Result<Option<Self>, Fault> {
        let host = site.real.host();
        let store = Store::of(host.files, &site.places, stack);
        let scene = Scene { host, places: &site.places, store: &store, stack, tell: &|_| {} };
        if store.journal()?.is_none() {
            return Ok(resume::left(&store)?.map(|last| Self::left(stack, &last)));
        }
        let lock = store.lock(Duration::ZERO);
        let is_held = matches!(lock, Err(LockError::Held));
        // Who had it may have come to an end meanwhile: what is read with the lock is so.
        let found = store.journal()?;
        drop(lock);
        let Some((phase, journal)) = found else { return Ok(None) };
        let state = match phase {
            _ if is_held => Standing::UnderWay,
            Phase::Begun => Standing::CutShort,
            Phase::Committed => Standing::Untidy,
            Phase::Failed => Standing::NotRestored,
        };
        Ok(Some(match journal {
            Some(journal) => Self::begun(site, &scene, state, &journal)?,
            None => Self::unreadable(stack, state),
        }))
    }

    fn begun(
        site: &Site,
        scene: &Scene<'_>,
        state: Standing,
        journal: &Journal,
    ) -> Result<Self, Fault> {
        let is_open = matches!(state, Standing::CutShort | Standing::UnderWay);
        let rest = if site.runs && is_open { known(scene, journal) } else { None };
        let what = began(journal.action, journal.to.as_ref(), &journal.user);
        let mut text = format!("{what} {}", word(state));
        if let Some(rest) = &rest {
            text = format!("{text}; {}", rest.how_far());
        }
        let last = scene.store.last()?.filter(|last| last.began == journal.began);
        let last = last.filter(|_| state == Standing::NotRestored);
        if let Some(why) = last.as_ref().and_then(|last| last.cause.as_ref()) {
            text = format!("{text}: {why}");
        }
        let resumes = state == Standing::CutShort
            && journal.action == Action::Apply
            && !journal.only_installs;
        let names = |of: fn(&Rest) -> Vec<String>| rest.as_ref().map(of).unwrap_or_default();
        Ok(Self {
            brought_up: names(|rest| rest.done.iter().cloned().collect()),
            under_way: names(|rest| rest.under_way.clone()),
            failed: match last {
                Some(last) => last.failed.into_iter().collect(),
                None => names(|rest| rest.failed.clone()),
            },
            left: names(Rest::left),
            resumes,
            text,
            help: help(state, scene.stack, resumes),
            ..Self::new(state, (journal.action, journal.to.as_ref()), &journal.user, journal.began)
        })
    }

    /// A failure that was left as it is.
    fn left(stack: &str, last: &Entry) -> Self {
        let state = Standing::Left;
        let what = began(last.action, last.to.as_ref(), &last.user);
        let why = last.cause.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Self {
            failed: last.failed.iter().cloned().collect(),
            text: format!("{what} {}{why}", word(state)),
            help: help(state, stack, false),
            ..Self::new(state, (last.action, last.to.as_ref()), &last.user, last.began)
        }
    }

    fn unreadable(stack: &str, state: Standing) -> Self {
        let text = format!("something {}, and what is known about it cannot be read", word(state));
        let unknown = Self::new(state, (Action::Apply, None), "", 0);
        let (action, user, began) = (None, None, None);
        Self { action, user, began, text, help: help(state, stack, false), ..unknown }
    }

    fn new(
        state: Standing,
        (action, to): (Action, Option<&GenerationName>),
        user: &str,
        began: u64,
    ) -> Self {
        Self {
            state,
            action: Some(action.word()),
            generation: to.map(|name| name.number),
            user: Some(user.to_owned()),
            began: Some(began),
            brought_up: Vec::new(),
            under_way: Vec::new(),
            failed: Vec::new(),
            left: Vec::new(),
            resumes: false,
            text: String::new(),
            help: None,
        }
    }
}

/// What is said of it behind who began it.
fn word(state: Standing) -> &'static str {
    match state {
        Standing::UnderWay => "is under way",
        Standing::CutShort => "was cut short",
        Standing::NotRestored => "failed and could not be put back",
        Standing::Left => "failed and was left as it is",
        Standing::Untidy => "is done but for tidying up, which the next command does",
    }
}

fn help(state: Standing, stack: &str, resumes: bool) -> Option<String> {
    match state {
        Standing::UnderWay | Standing::Untidy => None,
        _ if resumes => {
            Some(format!("`apply --resume` goes on with it, `recover --back {stack}` goes back"))
        }
        _ => Some(format!("`recover --back {stack}` goes back")),
    }
}
