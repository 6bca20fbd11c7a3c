//! `apply --resume` and `recover --back`: the two ways out of a deployment that stopped half-way.

use super::super::{Exit, output};
use super::apply::{Asked, Consent, told};
use super::kept::move_to;
use super::wanted::Wanted;
use super::{Format, Site, held, prepare, refuse, show, teller};
use crate::apply::resume::{self, Rest};
use crate::apply::{Care, Manner, Scene, restore};
use crate::host::change::Fault;
use crate::plan::Drifted;
use crate::state::{Action, Entry, Phase, Store, Verdict};

/// Goes on with the deployment of a stack that was cut short.
pub fn one(asked: &Asked<'_>, site: &Site, wanted: &Wanted) -> Exit {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, &wanted.name);
    let tell = teller(site, asked.place.format, wanted.name.clone());
    let scene =
        Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell: &tell };
    held(&scene, asked.place, &mut |scene| {
        go_on(asked, site, scene, wanted).unwrap_or_else(|fault| refuse(&fault))
    })
}

fn go_on(
    asked: &Asked<'_>,
    site: &Site,
    scene: &Scene<'_>,
    wanted: &Wanted,
) -> Result<Exit, Fault> {
    let stack = scene.stack;
    let Some(journal) = resume::journal(scene)? else {
        output::out(&format!("{stack}: nothing was cut short\n"));
        return Ok(Exit::Done);
    };
    if journal.action != Action::Apply || journal.only_installs {
        let what = journal.action.word();
        output::error(&format!("the {what} of `{stack}` cannot be gone on with; `recover` first"));
        return Ok(Exit::Refused);
    }
    let prepared = prepare(site, scene, wanted, asked.is_part, Drifted::default())?;
    let is_same = journal.to.as_ref().is_some_and(|to| to.digest == prepared.manifest.mark());
    if !is_same || !prepared.secrets.rotated.is_subset(&journal.rotated) {
        output::error(&format!(
            "`{stack}` is another one than the deployment that was cut short; without \
             `--resume`, that is put back and this one brought up"
        ));
        return Ok(Exit::Stale);
    }
    let rest = Rest::of(scene, journal, &prepared.set, &prepared.manifest)?;
    let is_human = asked.place.format == Format::Human;
    match is_human {
        true => output::out(&format!("{stack}: {}\n", rest.text())),
        false => show::json_line(&rest.plan),
    }
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    if asked.consent == Consent::Ask && !output::agreed(&format!("Go on with {stack}?")) {
        output::error("nothing was changed; say `--yes` to go on without being asked");
        return Ok(Exit::Refused);
    }
    let care = if asked.no_wait { Care::NoWait } else { Care::Full };
    let manner = Manner { on_failure: asked.on_failure, ..care.into() };
    let new = (&prepared.set, &prepared.manifest);
    Ok(told(stack, &rest.go_on(scene, new, &prepared.secrets, manner), is_human))
}

/// Goes back to the generation before where a deployment failed and was left as it was, or could
/// not be put back.
pub fn back(site: &Site, scene: &Scene<'_>, is_human: bool) -> Result<Exit, Fault> {
    if let Some((Phase::Failed, _)) = scene.store.journal()? {
        return Ok(match restore::restore(scene, None) {
            Ok(()) => Exit::Done,
            Err(failure) => {
                output::note(&show::failure(&failure));
                Exit::NotRestored
            }
        });
    }
    let Some(last) = left(scene.store)? else { return Ok(Exit::Done) };
    let from = scene.store.in_use()?;
    let before = last.from.as_ref().map(|name| scene.store.read(name)).transpose()?;
    let action = if before.is_some() { Action::Rollback } else { Action::Remove };
    move_to(site, scene, action, from.as_ref(), before.as_ref(), is_human)
}

/// What failed last and was left as it is, where nothing was done since.
pub fn left(store: &Store<'_>) -> Result<Option<Entry>, Fault> {
    let is_left = |last: &Entry| last.verdict == Verdict::NotRestored && last.from != last.to;
    let Some(last) = store.last()?.filter(is_left) else { return Ok(None) };
    Ok((store.current()? == last.to).then_some(last))
}
